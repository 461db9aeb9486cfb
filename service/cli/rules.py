"""`flask rules`: check the rule files, read one rule, write the schemas that help an editor."""

import json
from pathlib import Path
from typing import Any

import click
import yaml
from flask.cli import with_appcontext

from service.cli.common import complain, fail, known, loaded, rules_folder, rules_option
from service.rulebook.load import RulebookError, load_rulebook
from service.rulebook.model import MODE_KINDS, Rulebook
from service.rulebook.schema import editor_schemas, schemas
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
@with_appcontext
def check(directory: Path | None) -> None:
    """Check every rule file in DIRECTORY (default: the rules in use) and list every mistake at once.

    A mistake says file, line, column, what is wrong, and the nearest right word. Rules without a mistake are then
    put to the test: both engines are built from them and decide a referral. Ends with 1 when the rules cannot serve.

    \b
    Examples:
      flask rules check
      flask rules check /srv/new-rules && kill -HUP "$(cat gunicorn.pid)"
    """
    folder = rules_folder(directory)
    if errors := errors_of(folder):
        fail(*errors, f"{folder}: {len(errors)} mistake{'s' if len(errors) > 1 else ''}; these rules cannot serve")
    book = load_rulebook(folder)
    counts = Catalogue(book).summary["counts"]
    click.echo(f"{folder}: good. {book.info.name} {book.info.version} ({book.info.status}), digest {book.digest[:12]}")
    click.echo(
        f"  {counts['rules']} rules over {counts['techniques']} techniques, {counts['modes']} modes, "
        f"{counts['items']} items, {counts['scores']} scores, {counts['sources']} sources"
    )
    if unverified := counts["unverified_rules"]:
        click.echo(f"  {unverified} of these rules rest on figures not checked against their source (verified: false)")


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
