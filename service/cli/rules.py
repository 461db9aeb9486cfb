"""`flask rules`: check the rule files, read one rule, write the schemas that help an editor."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import yaml
from flask.cli import with_appcontext

from service.cli.common import complain, fail, known, loaded, rules_folder, rules_option
from service.cli.waiting import Progress, interruptible
from service.rulebook.lints import LINTS, Remark, lint
from service.rulebook.load import RulebookError, load_files, load_rulebook
from service.rulebook.model import MODE_KINDS, Rulebook
from service.rulebook.schema import editor_schemas, schemas
from service.rulebook.source import rule_files
from service.selftest import errors_of
from service.tell.catalogue import Catalogue

#: which files of the rules folder each kind of schema is for
_FILES: dict[str, str | list[str]] = {
    "vocabulary": "vocabulary/*.yaml",
    "score": "scores/*.yaml",
    "technique": "techniques/*.yaml",
    "topic": ["alerts/*.yaml", "safety/*.yaml"],
    **{kind: f"{kind}/*.yaml" for kind in MODE_KINDS},
}


@click.group()
def rules() -> None:
    """Check, read and edit the rules.

    \b
    Examples:
      flask rules check
      flask rules show bleeding.platelets-low
      flask rules schema --out .schemas
    """


@rules.command("check")
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--strict", is_flag=True, help="Take notices for faults.")
@click.option("--json", "as_json", is_flag=True, help="Everything for a machine, as one JSON object.")
@with_appcontext
def check(directory: Path | None, strict: bool, as_json: bool) -> None:
    """Check every rule file in DIRECTORY (default: the rules in use) and list everything that is wrong at once.

    A mistake says file, line, column, what is wrong, and the nearest right word. Rules without a mistake are then
    put to the test: both engines are built from them and decide a referral. Last come the slips that are well formed
    and say what nobody meant: a sentence with another figure than its condition, a wrong unit, a lost correction …
    (docs/workbench/lints.md). A fault must be mended; a notice is told, and is a fault only with --strict.

    Ends with 1 when the rules cannot serve or hold a fault.

    \b
    Examples:
      flask rules check
      flask rules check --strict ~/draft
      flask rules check --json | jq '.findings[] | select(.grade == "fault")'
      flask rules check /srv/new-rules && systemctl reload indication
    """
    folder = rules_folder(directory)
    progress = Progress("checking", of=2)
    with interruptible("nothing was changed"):
        progress.step("both engines are built and decide a referral")
        errors = errors_of(folder)
        progress.step("sentences, limits, corrections")
        found, book = ((), None) if errors else _linted(folder)
    progress.clear()
    faults = [each for each in found if strict or each.grade == "fault"]
    if as_json:
        _as_json(folder, book, errors, found)
        raise click.exceptions.Exit(1 if errors or faults else 0)
    if errors or book is None:
        fail(*errors, f"{folder}: {len(errors)} mistake{'s' if len(errors) > 1 else ''}; these rules cannot serve")
    if faults:
        fail(*_told(faults, folder), f"{folder}: {len(faults)} fault{'s' if len(faults) > 1 else ''}")
    counts = Catalogue(book).summary["counts"]
    click.echo(f"{folder}: good. {book.info.name} {book.info.version} ({book.info.status}), digest {book.digest[:12]}")
    click.echo(
        f"  {counts['rules']} rules over {counts['techniques']} techniques, {counts['modes']} modes, "
        f"{counts['items']} items, {counts['scores']} scores, {counts['sources']} sources"
    )
    if unverified := counts["unverified_rules"]:
        click.echo(f"  {unverified} of these rules rest on figures not checked against their source (verified: false)")
    if found:
        click.echo(f"  {len(found)} notices, to be looked at:")
        click.echo("\n".join(_told(found, folder)))


def _linted(folder: Path) -> tuple[tuple[Remark, ...], Rulebook]:
    files = rule_files(folder)
    book = load_files(files)
    return lint(book, files, datetime.now(ZoneInfo(book.info.timezone)).date()), book


_MENDS = {each.id: each.mend for each in LINTS}


def _told(found: Iterable[Remark], folder: Path) -> list[str]:
    """Each finding on one line with a path that an editor can open; then, once for each check, how to mend it."""
    told = list(found)
    names = dict.fromkeys(each.lint for each in told)
    return [f"{folder}/{each}" for each in told] + [f"  {name}: {_MENDS[name]}" for name in names]


def _as_json(folder: Path, book: Rulebook | None, errors: list[str], found: tuple[Remark, ...]) -> None:
    told = {
        "rules": str(folder),
        "version": book.info.version if book else None,
        "digest": book.digest if book else None,
        "mistakes": errors,
        "findings": [{**asdict(each), "mend": _MENDS[each.lint]} for each in found],
    }
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


@rules.command("show")
@click.argument("name", metavar="RULE")
@rules_option
@with_appcontext
def show(name: str, directory: Path | None) -> None:
    """Show one rule: where it stands, what it says in both languages, its condition, its evidence, whom it bears on.

    \b
    Example:
      flask rules show bleeding.platelets-low
    """
    book = loaded(directory)
    known(name, book.rules, "rule", "flask rules list")
    told = Catalogue(book).rule(name)
    click.echo("\n".join(_rule(told, rules_folder(directory))))


@rules.command("list")
@click.option("--technique", metavar="ID", help="Only rules that bear on this technique.")
@click.option("--topic", metavar="TOPIC", help="Only rules of this topic.")
@rules_option
@with_appcontext
def list_rules(technique: str | None, topic: str | None, directory: Path | None) -> None:
    """List the rules, one on each line: id, claim, and where it stands.

    \b
    Examples:
      flask rules list --topic bleeding
      flask rules list --technique vertebroplasty
    """
    book = loaded(directory)
    catalogue = Catalogue(book)
    if technique:
        known(technique, book.techniques, "technique", "flask rules list")
    if topic:
        known(topic, catalogue.topics, "topic", "flask rules list")
    listed = catalogue.rules(technique, topic)
    width = max((len(each["id"]) for each in listed), default=0)
    for each in listed:
        claim = " ".join(filter(None, (each.get("severity"), each["claim"], each.get("strength"))))
        rule = book.rules[each["id"]]
        click.echo(f"{each['id']:<{width}}  {claim:<24}  {rule.file}:{rule.line}")


@rules.command("schema")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to, made if need be.  [default: standard output]",
)
@rules_option
@with_appcontext
def schema(out: Path | None, directory: Path | None) -> None:
    """Write the JSON Schemas with which an editor completes and checks rule files while you type.

    One schema for each kind of file, with the words of the rulebook (techniques, traits, items, sources); write them
    again after adding such a word. With --out, the mapping from schemas to files is printed, ready for the settings of
    an editor that speaks to yaml-language-server (VS Code with the YAML extension, Neovim, Helix, Emacs): in VS Code
    it goes into .vscode/settings.json. In any such editor this first line of a rule file does the same for that file:

    \b
      # yaml-language-server: $schema=../../.schemas/technique.schema.json

    \b
    Example:
      flask rules schema --out .schemas
    """
    folder = rules_folder(directory)
    found = _schemas(folder)
    if out is None:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for kind, shape in sorted(found.items()):
            text = json.dumps(shape, indent=2, ensure_ascii=False, sort_keys=True)
            (out / f"{kind}.schema.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{out}: cannot be written: {error.strerror}")
    complain(f"{len(found)} schemas written to {out}; the mapping for your editor:")
    click.echo(json.dumps({"yaml.schemas": _mapping(found, out, folder)}, indent=2))


def _schemas(folder: Path) -> dict[str, Any]:
    try:
        return editor_schemas(_words(load_rulebook(folder)))
    except RulebookError as error:
        complain(
            f"{folder}: {len(error.mistakes)} mistakes (see `flask rules check`): the schemas will not know your words yet"
        )
        return schemas()


def _words(book: Rulebook) -> dict[str, list[str]]:
    return {
        "source": list(book.sources),
        "item": list(book.vocabulary.items),
        "techniques": list(book.techniques),
        "traits": list(book.traits),
        **{kind: [mode for of, mode in book.modes if of == kind] for kind in MODE_KINDS},
    }


def _mapping(found: dict[str, Any], out: Path, folder: Path) -> dict[str, Any]:
    def files(kind: str) -> Any:
        names = _FILES.get(kind, f"{kind}.yaml")
        return [f"{folder}/{name}" for name in names] if isinstance(names, list) else f"{folder}/{names}"

    return {
        f"./{out}/{kind}.schema.json" if not out.is_absolute() else f"{out}/{kind}.schema.json": files(kind)
        for kind in sorted(found)
    }


def _rule(told: dict[str, Any], folder: Path) -> list[str]:
    claim = " ".join(filter(None, (told.get("severity"), told["claim"], told.get("strength"))))
    lines = [f"{told['id']}  ({folder}/{told['file']}:{told['line']})", f"  {claim}: {_flow(told['target'])}"]
    for key in ("label", "because", "precaution", "action"):
        if key in told:
            lines += [f"  {key}:", f"    fr  {told[key]['fr']}", f"    en  {told[key]['en']}"]
    if "within" in told:
        lines.append(f"  within: {told['within']}")
    if "correctable" in told:
        lines += ["  correctable:", *_indented(told["correctable"])]
    lines += ["  when:", *_indented(told["when"])]
    evidence = told["evidence"]
    lines.append(
        f"  evidence: {evidence['certainty']}{'' if evidence['verified'] else ', not checked against its source (verified: false)'}"
    )
    for source in evidence["sources"]:
        where = f" {source['where']}" if source["where"] else ""
        lines.append(f"    {source['key']}: {source['citation']}{where}")
    return [*lines, f"  bears on: {', '.join(told['techniques']) or 'no technique'}"]


def _flow(data: Any) -> str:
    return yaml.safe_dump(data, default_flow_style=True, allow_unicode=True, width=1000).strip() if data else "nobody"


def _indented(data: Any) -> list[str]:
    if isinstance(data, str):
        return [f"    {data}"]
    text = yaml.safe_dump(_french_first(data), allow_unicode=True, sort_keys=False, width=1000)
    return [f"    {line}" for line in text.splitlines()]


def _french_first(data: Any) -> Any:
    if isinstance(data, list):
        return [_french_first(part) for part in data]
    if isinstance(data, dict):
        return {key: _french_first(data[key]) for key in sorted(data, key=lambda key: key != "fr")}
    return data
