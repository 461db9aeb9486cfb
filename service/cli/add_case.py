"""`flask rules add-case`: a referral saved in the form becomes a case, once a person has approved its answer."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask.cli import with_appcontext

from service.cli.cases import cases_folder, cases_option
from service.cli.common import complain, fail, language_option, loaded, rules_folder, rules_option
from service.cli.recommend import Unreadable, moment, read
from service.cli.waiting import interruptible
from service.decision import Decider, Language
from service.language.errors import Mistake, nearest
from service.language.vocabulary import Text
from service.recommend.judge import Disagreement
from service.referral.complaints import ReferralError
from service.rulebook.model import Rulebook
from service.rulebook.source import Document, read_text
from service.rulebook.source import read as read_yaml
from service.run.adapter import EngineError
from service.workbench.adding import (
    CannotBeWritten,
    case_data,
    case_text,
    expectation,
    refusal,
    told,
    told_refusal,
    write_case,
)
from service.workbench.cases import NAME, CaseFile, check_case, shape_of_case
from service.workbench.comparing import Difference, differences, refusal_differences

#: the longest text that is asked for
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class _Told:
    """What a person says of a case: on the command line, or else when asked."""

    name_fr: str | None
    name_en: str | None
    why: str | None
    sources: tuple[str, ...]
    approved_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Decided:
    """A referral with what is answered to it now, and what the case is to expect."""

    referral: Any
    at: datetime
    lines: tuple[str, ...]
    expect: dict[str, Any]
    differences: tuple[Difference, ...] = ()


@click.command("add-case")
@click.argument("name")
@click.option(
    "--from", "source", required=True, metavar="FILE", help="The referral, JSON or YAML; - is standard input."
)
@click.option(
    "--at",
    metavar="TIME",
    help="Moment of evaluation, as in 2026-11-23T09:00:00+01:00.  [default: the file's own `at`, else now]",
)
@click.option(
    "--expect",
    "expected",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="YAML file with the expectation, written by hand.  [default: the answer given now, if you approve it]",
)
@click.option("--approved-by", multiple=True, metavar="WHO", help="Initials or role of who approves; repeatable.")
@click.option("--name-fr", metavar="TEXT", help="The situation in a few words, in French.")
@click.option("--name-en", metavar="TEXT", help="The same in English.")
@click.option("--why", metavar="SENTENCE", help="Why the case exists.")
@click.option("--source", "sources", multiple=True, metavar="KEY", help="A key of sources.yaml; repeatable.")
@click.option("--yes", is_flag=True, help="Do not ask whether the answer is the right one.")
@rules_option
@cases_option
@language_option
@with_appcontext
def add_case(
    name: str,
    source: str,
    at: str | None,
    expected: Path | None,
    approved_by: tuple[str, ...],
    name_fr: str | None,
    name_en: str | None,
    why: str | None,
    sources: tuple[str, ...],
    yes: bool,
    directory: Path | None,
    folder: Path | None,
    language: Language,
) -> None:
    """Make a case NAME of a referral: decide it now, show the answer, ask whether it is the right one, write the file.

    The referral is what the form saves (Save as JSON), what the API takes, or a file as in fixtures/. What was approved
    becomes the expectation, with who approved it and when: an expectation that nobody approved is not a test, and is
    not written. Without a terminal nobody can be asked: then the expectation must come from a file (--expect), with
    --yes and everything else as options. No data of a real patient belongs in a case: change the dates, too.

    \b
    Examples:
      flask rules add-case l2-under-apixaban --from ~/Downloads/referral.json
      flask rules add-case l2-under-apixaban --from referral.json --at 2026-11-23T09:00:00+01:00 --lang en
      flask rules add-case l2-under-apixaban --from referral.json --expect expected.yaml
      flask rules test l2-under-apixaban
    """
    said = _Told(name_fr, name_en, why, sources, approved_by)
    with interruptible("nothing was written"):
        where = cases_folder(folder)
        _check_name(name, where)
        asking = _can_ask(source)
        if not asking:
            _complete(said, source, expected, yes=yes)
        rulebook = loaded(directory)
        _check_sources(said.sources, rulebook)
        decided = _decided(rulebook, rules_folder(directory), source, at, expected, language)
        click.echo("\n".join(decided.lines))
        _approve(decided, yes=yes, asking=asking)
        said = _asked(said, rulebook) if asking else said
        path = _written(name, where, rulebook, decided, said)
    click.echo(f"{path}: written; `flask rules test {name}` decides it")


def _check_name(name: str, folder: Path) -> None:
    if not NAME.match(name):
        fail(f"«{name}» cannot name a case: small letters, digits and hyphens, as in l2-under-apixaban")
    if not folder.is_dir():
        fail(f"{folder}: no such directory; name the folder of the cases with --cases")
    if (folder / f"{name}.yaml").exists():
        fail(f"{folder}/{name}.yaml: there is such a case; choose another name, or take that file away first")


def _can_ask(source: str) -> bool:
    """Whether somebody is there to approve: not when the referral itself comes by standard input."""
    return source != "-" and sys.stdin.isatty()


def _complete(said: _Told, source: str, expected: Path | None, *, yes: bool) -> None:
    """Without anybody to ask, all must have been said, and the expectation must have been written by hand."""
    why = "standard input holds the referral" if source == "-" else "this is no terminal"
    if expected is None:
        fail(
            f"{why}, so nobody can be asked whether the answer is right, and an expectation that nobody approved is "
            "not a test: start the command in a terminal with the referral in a file, or write the expectation "
            "by hand and give it with --expect FILE --yes"
        )
    given = {
        "--yes": yes or None,
        "--approved-by": said.approved_by or None,
        "--name-fr": said.name_fr,
        "--name-en": said.name_en,
        "--why": said.why,
    }
    missing = [option for option, value in given.items() if value is None]
    if missing:
        fail(f"{why}, so nobody can be asked: give {', '.join(missing)} too")


def _check_sources(sources: Iterable[str], rulebook: Rulebook) -> None:
    for key in sources:
        if problem := _no_source(key, rulebook):
            fail(problem)


def _no_source(key: str, rulebook: Rulebook) -> str | None:
    if key in rulebook.sources:
        return None
    near = nearest(key, rulebook.sources)
    return f"no source is called «{key}»; " + (f"did you mean «{near}»?" if near else "sources.yaml lists them")


# ---- the answer ------------------------------------------------------------------------------------------------------


def _decided(
    rulebook: Rulebook, rules: Path, source: str, at: str | None, expected: Path | None, language: Language
) -> _Decided:
    try:
        sheet = read(source)
    except Unreadable as error:
        fail(str(error))
    when = moment(at) if at else sheet.at or datetime.now(UTC).replace(microsecond=0)
    zone = ZoneInfo(rulebook.info.timezone)
    when = when.astimezone(zone) if when.tzinfo else when.replace(tzinfo=zone)
    info = rulebook.info
    head = f"{source}, decided at {when.isoformat()} by {info.name} {info.version} ({info.status}):"
    wanted = _expected(expected, rulebook, sheet.data) if expected else None
    try:
        decider = Decider(rulebook)
        answer = decider.decide(sheet.data, when, language)
    except ReferralError as error:
        lines = (head, *told_refusal(error, language))
        different = tuple(refusal_differences(error, wanted, language)) if wanted else ()
        return _Decided(sheet.data, when, lines, wanted or refusal(error), different)
    except (Disagreement, EngineError, ValueError) as error:
        fail(f"{rules}: no answer is given: {error}. This is a fault of the service: report it with the rule ids.")
    different = ()
    if wanted:
        different = tuple(refusal_differences(None, wanted, language)) or tuple(differences(answer, wanted))
    return _Decided(sheet.data, when, (head, *told(answer, language)), wanted or expectation(answer), different)


def _expected(path: Path, rulebook: Rulebook, referral: Any) -> dict[str, Any]:
    """The expectation in a file: what stands under `expect:` in a case, with or without that key."""
    document, mistakes = read_yaml(path, str(path))
    if not mistakes:
        mistakes = _mistakes_of(document, rulebook, referral)
    if mistakes:
        fail(*map(str, sorted(mistakes)), f"{path}: no expectation; fixtures/README.md says what stands under `expect`")
    wanted: dict[str, Any] = document.data.get("expect", document.data)
    return wanted


def _mistakes_of(document: Document, rulebook: Rulebook, referral: Any) -> list[Mistake]:
    """The mistakes in an expectation, with their places in its own file: those that the whole case would have in it."""
    wrapped = isinstance(document.data, dict) and "expect" in document.data
    expect = document.data["expect"] if wrapped else document.data
    places = document.places if wrapped else {("expect", *keys): place for keys, place in document.places.items()}
    # The rest of the case is not written yet: any well-formed head will do.
    head = {"name": {"fr": "…", "en": "…"}, "why": "….", "sources": [next(iter(rulebook.sources))]}
    data = {**head, "at": "2026-01-01T00:00:00Z", "referral": referral, "expect": expect}
    whole = replace(document, data=data, places=places)
    return [*shape_of_case(whole), *check_case(CaseFile("", data, whole), rulebook)]


# ---- the approval ----------------------------------------------------------------------------------------------------


def _approve(decided: _Decided, *, yes: bool, asking: bool) -> None:
    """Ends the command when the answer, or an expectation that is not met, is not approved."""
    if decided.differences:
        complain("", "The rules do not give what is expected:")
        for difference in decided.differences:
            complain(*(f"  {line}" for line in str(difference).splitlines()))
        if not asking:
            fail("nothing was written: mend the expectation or the rules, or approve the case in a terminal")
        question = "Write the case all the same? It fails until the rules give this answer"
    else:
        question = "Is this the answer that this patient must get?"
    click.echo()
    # Nobody is bound by `--yes` to a case that fails.
    if (not yes or decided.differences) and not click.confirm(question, default=False):
        fail("nothing was written")


def _asked(said: _Told, rulebook: Rulebook) -> _Told:
    """What the command line did not say."""

    def source(text: str) -> tuple[str, ...]:
        keys = tuple(filter(None, (part.strip() for part in text.split(","))))
        for key in keys:
            if problem := _no_source(key, rulebook):
                raise click.BadParameter(problem)
        return keys

    approved_by = said.approved_by or _ask("Approved by (initials or role; several with commas)", _several)
    name_fr = said.name_fr or _ask("The situation in a few words, in French", _text)
    name_en = said.name_en or _ask("The same in English", _text)
    why = said.why or _ask("Why the case exists, in one sentence", _sentence)
    sources = said.sources or _ask("Sources it rests on (keys of sources.yaml, with commas; none if empty)", source, "")
    return _Told(name_fr, name_en, why, sources, approved_by)


def _ask(question: str, understood: Callable[[str], Any], default: str | None = None) -> Any:
    return click.prompt(question, value_proc=understood, default=default, show_default=False)


def _text(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST:
        raise click.BadParameter(f"a text of 1 to {_LONGEST} characters is needed")
    return text.strip()


def _sentence(text: str) -> str:
    sentence = _text(text)
    return sentence if sentence[-1] in ".!?…" else f"{sentence}."


def _several(text: str) -> tuple[str, ...]:
    return tuple(_text(part) for part in text.split(","))


def _written(name: str, folder: Path, rulebook: Rulebook, decided: _Decided, said: _Told) -> Path:
    data = case_data(
        name=Text(_text(said.name_fr or ""), _text(said.name_en or "")),
        why=_sentence(said.why or ""),
        sources=list(said.sources),
        approved_by=[_text(who) for who in said.approved_by],
        approved_on=datetime.now(ZoneInfo(rulebook.info.timezone)).date(),
        at=decided.at,
        referral=decided.referral,
        expect=decided.expect,
    )
    path = folder / f"{name}.yaml"
    try:
        document, _ = read_text(case_text(data), path.name)
        if mistakes := [*shape_of_case(document), *check_case(CaseFile(name, data, document), rulebook)]:
            fail(*map(str, mistakes), f"{path}: nothing was written: the case would have these mistakes")
        return write_case(path, data)
    except CannotBeWritten as error:
        fail(f"{path}: nothing was written: {error}")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")
