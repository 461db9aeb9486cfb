"""`flask rules borderline`: the patients on either side of each threshold, to be approved with one keystroke each."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from textwrap import fill
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import with_appcontext

from service.cli.common import complain, fail, language_option, loaded, rules_folder, rules_option
from service.cli.keystrokes import keystrokes
from service.cli.waiting import Progress, interruptible
from service.decision import Language
from service.language.errors import nearest
from service.rulebook.model import Rulebook
from service.tell.catalogue import both
from service.workbench.borderline.approved import Approved, file_of, read_approved, write_approved
from service.workbench.borderline.case import Case
from service.workbench.borderline.review import Dialogue, Outdated, Question, Review, review
from service.workbench.borderline.told import Telling
from service.workbench.tables.patients import TableError

approved_option = click.option(
    "--approved",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the approved cases.  [default: fixtures/borderline]",
)

_WIDTH = 100
#: characters of a name that stands beside an approved case
_NAME = 100
_KEYS = "y approve   n reject   s skip   u undo   q quit"


def approved_folder(folder: Path | None) -> Path:
    """The folder asked for, or the one beside the committee's cases; relative to the current folder when below it."""
    found = folder or Path(current_app.config["EXAMPLES"]).parent / "borderline"
    return found.relative_to(Path.cwd()) if found.is_relative_to(Path.cwd()) else found


@click.command("borderline")
@click.argument("names", nargs=-1, metavar="[RULE|TOPIC]…")
@click.option("--all", "everything", is_flag=True, help="Show approved cases too, with who approved them and when.")
@click.option("--by", metavar="NAME", help="Who approves, as it is to stand in the file.  [default: asked for]")
@click.option("--json", "as_json", is_flag=True, help="Every case for a machine, as one JSON object; asks nothing.")
@rules_option
@approved_option
@language_option
@with_appcontext
def borderline(
    names: tuple[str, ...],
    everything: bool,
    by: str | None,
    as_json: bool,
    directory: Path | None,
    folder: Path | None,
    language: Language,
) -> None:
    """Show, for each criterion of a rule, the smallest patient on whom it decides, on either side of the threshold.

    At a terminal one keystroke answers each case: y approves it, n rejects it (the rule must be corrected: the end of
    the command says which), s skips it, u takes the last answer back, q ends; what was approved so far is kept. Approved
    cases become tests: they are written to fixtures/borderline, with your name and the day, and are not asked again
    unless a rule changes so that they no longer hold. Without a terminal the cases are printed and nothing is written.
    Ends with 1 when a case was rejected.

    \b
    Examples:
      flask rules borderline bleeding.platelets-low
      flask rules borderline bleeding anticoagulant --lang en
      flask rules borderline --rules /srv/draft-rules
      flask rules borderline --all > cases.txt
      flask rules borderline --json bleeding | python -m json.tool
    """
    with interruptible("what was approved is kept; what was not asked is not"):
        book = loaded(directory)
        where = approved_folder(folder)
        approved = _approved(where)
        reviews = _reviews(book, _chosen(names, book, approved), approved)
        shown = _Shown(book, rules_folder(directory), language)
        if as_json:
            click.echo(json.dumps(shown.plain(reviews), ensure_ascii=False))
        elif sys.stdin.isatty() and sys.stdout.isatty() and any(each.questions for _, each in reviews):
            _ask(shown, reviews, approved, where, by)
        else:
            click.echo("\n".join(shown.lines(reviews, everything=everything)))


def _approved(folder: Path) -> list[Approved]:
    try:
        return read_approved(folder)
    except TableError as error:
        fail(f"{folder}/{error}", f"{folder}: mend these approved cases, or take them out, and try again")
    except OSError as error:
        fail(f"{error.filename}: cannot be read: {error.strerror}")


def _chosen(names: Iterable[str], book: Rulebook, approved: Iterable[Approved]) -> list[str]:
    """The rules named, by id or by topic; all when none is, with those that are gone and had approved cases."""
    topics: dict[str, list[str]] = {}
    for rule in book.rules.values():
        topics.setdefault(rule.topic, []).append(rule.id)
    gone = sorted({each.rule for each in approved} - set(book.rules))
    everything = [*book.rules, *gone]
    chosen: list[str] = []
    for name in names:
        if name not in topics and name not in everything:
            near = nearest(name, [*topics, *everything])
            hint = f"did you mean «{near}»?" if near else "`flask rules list` lists them"
            fail(f"no rule or topic is called «{name}»; {hint}")
        chosen += topics.get(name, [name])
    return sorted(dict.fromkeys(chosen or everything))


def _reviews(book: Rulebook, rules: Sequence[str], approved: Sequence[Approved]) -> list[tuple[str, Review]]:
    progress = Progress("rule", len(rules))
    found = []
    for rule, each in zip(rules, review(book, rules, approved), strict=True):
        progress.step(rule)
        found.append((rule, each))
    progress.clear()
    return found


# ---- in words --------------------------------------------------------------------------------------------------------


class _Shown:
    """Shows reviews: as lines to read, or as plain data."""

    def __init__(self, book: Rulebook, folder: Path, language: Language) -> None:
        self.book = book
        self._folder = folder
        self._telling = Telling(book, language)
        self._language = language

    def place(self, name: str) -> str:
        rule = self.book.rules.get(name)
        return f"{self._folder}/{rule.file}:{rule.line}" if rule else "the rule is gone"

    def heading(self, name: str) -> list[str]:
        rule = self.book.rules.get(name)
        if rule is None:
            return [f"{name}  ({self.place(name)})"]
        told = (rule.because.in_(self._language), self._telling.follows(rule))
        return [f"{name}  ({self.place(name)})", *(line for text in told for line in _wrapped(text, "  "))]

    def question(self, question: Question) -> list[str]:
        """One case, with what was approved before and no longer holds."""
        lines = []
        if question.case is not None:
            lines += _wrapped(self._telling.case(question.case), "  · ")
        for old in question.outdated:
            said = (
                f"approved by {old.approved.by} on {old.approved.date} for «{old.approved.criterion}», no longer true:"
            )
            lines += _wrapped(said, "  ! ", "    ")
            lines += [line for text in old.contradictions[:3] for line in _wrapped(text, "      ")]
        if question.case is None:
            lines.append("  y takes these approved cases out; n keeps them, and the rule must be corrected")
        return lines

    def lines(self, reviews: Sequence[tuple[str, Review]], *, everything: bool) -> Iterator[str]:
        for name, each in reviews:
            if not each.questions and not (everything and (each.settled or each.undecisive)):
                continue
            yield from self.heading(name)
            for question in each.questions:
                yield from self.question(question)
            if everything:
                for settled in each.settled:
                    yield from _wrapped(self._telling.case(settled.case), "  · ")
                    yield f"    approved by {settled.approved.by} on {settled.approved.date}"
            for undecisive in each.undecisive:
                yield from _wrapped(self._telling.undecisive(undecisive.criterion), "  - ", "    ")
            yield ""
        yield self.summary(reviews)

    def summary(self, reviews: Sequence[tuple[str, Review]]) -> str:
        asked = sum(len(each.questions) for _, each in reviews)
        settled = sum(len(each.settled) for _, each in reviews)
        return f"{_count(len(reviews), 'rule')}, {_count(asked + settled, 'case')}: {settled} approved, {asked} to be asked"

    # ---- for a machine ----

    def plain(self, reviews: Sequence[tuple[str, Review]]) -> dict[str, Any]:
        info = self.book.info
        return {
            "rulebook": {"name": info.name, "version": info.version, "digest": self.book.digest},
            "rules": [self._plain_rule(name, each) for name, each in reviews],
        }

    def _plain_rule(self, name: str, each: Review) -> dict[str, Any]:
        rule = self.book.rules.get(name)
        where = (
            {"file": f"{self._folder}/{rule.file}", "line": rule.line, "because": both(rule.because)} if rule else {}
        )
        return {
            "id": name,
            **where,
            "cases": [
                *(self._plain_case(question.case, outdated=question.outdated) for question in each.questions),
                *(self._plain_case(settled.case, settled.approved) for settled in each.settled),
            ],
            "undecisive": [undecisive.criterion for undecisive in each.undecisive],
        }

    def _plain_case(
        self, case: Case | None, approved: Approved | None = None, outdated: Sequence[Outdated] = ()
    ) -> dict[str, Any]:
        plain: dict[str, Any] = {"status": "approved" if approved else "open" if case else "withdrawn"}
        if case:
            told = {language: Telling(self.book, language).case(case) for language in ("fr", "en")}
            plain |= {"told": told, "criterion": case.criterion, "turns_on": case.on, **case.written()}
        if approved:
            plain |= {"approved_by": approved.by, "date": approved.date}
        if outdated:
            plain["outdated"] = [
                {"criterion": old.approved.criterion, "contradictions": list(old.contradictions)} for old in outdated
            ]
        return plain


def _wrapped(text: str, indent: str, hanging: str | None = None) -> list[str]:
    return fill(text, _WIDTH, initial_indent=indent, subsequent_indent=hanging or " " * len(indent)).splitlines()


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# ---- the dialogue ----------------------------------------------------------------------------------------------------


def _ask(
    shown: _Shown, reviews: Sequence[tuple[str, Review]], approved: Sequence[Approved], folder: Path, by: str | None
) -> None:
    questions = tuple(question for _, each in reviews for question in each.questions)
    click.echo(shown.summary(reviews))
    name = (by or click.prompt("Your name, as it is to stand beside what you approve")).strip()
    if not name or len(name) > _NAME:
        fail(f"a name of at most {_NAME} characters is needed: what is approved is approved by somebody")
    dialogue, rule = Dialogue(questions), ""
    try:
        with keystrokes() as key:
            while (pressed := _asked(dialogue, shown, rule, key)) is not None:
                rule = dialogue.current.rule if dialogue.current else ""
                dialogue = _pressed(dialogue, pressed)
    finally:
        _keep(dialogue, shown, approved, folder, name)
    rejected = dialogue.answered("rejected")
    if rejected:
        _report(rejected, shown)
        raise click.exceptions.Exit(1)


def _asked(dialogue: Dialogue, shown: _Shown, rule: str, key: Callable[[], str]) -> str | None:
    """The key pressed at the current question; None at the end. `rule` is the one already on the screen."""
    if dialogue.ended:
        return None
    question = dialogue.current
    if question is None:
        click.echo("\nThat was the last case: u takes the last answer back, any other key ends. ", nl=False)
        return "u" if key() == "u" else None
    click.echo("")
    if question.rule != rule:
        click.echo("\n".join(shown.heading(question.rule)))
    click.echo("\n".join(shown.question(question)))
    click.echo(f"  [{len(dialogue.answers) + 1}/{len(dialogue.questions)}]  {_KEYS}  ", nl=False)
    return key() or "q"


def _pressed(before: Dialogue, key: str) -> Dialogue:
    after = before.press(key)
    if len(after.answers) > len(before.answers):
        click.echo(after.answers[-1])
    elif key == "q":
        click.echo("ended")
    elif key == "u":
        click.echo("taken back" if before.answers else "there is nothing to take back")
    else:
        click.echo(f"{key!r} means nothing here")
    return after


def _keep(dialogue: Dialogue, shown: _Shown, before: Sequence[Approved], folder: Path, name: str) -> None:
    """Writes what was approved, and only the files it touches."""
    agreed = dialogue.answered("approved")
    if not agreed:
        complain("nothing was approved: nothing is written")
        return
    topics = {rule.id: rule.topic for rule in shown.book.rules.values()}
    day = datetime.now(ZoneInfo(shown.book.info.timezone)).date().isoformat()
    after = dialogue.result(before, name, day)
    changed = [each for each in after if all(each is not old for old in before)]
    changed += [each for each in before if all(each is not new for new in after)]
    try:
        files = write_approved(folder, after, topics, {file_of(each, topics) for each in changed})
    except OSError as error:
        fail(f"{folder}: cannot be written: {error.strerror}; nothing of this was kept")
    where = ", ".join(map(str, files)) or str(folder)
    complain(f"{_count(len(agreed), 'case')} approved by {name}: {where}")


def _report(rejected: Sequence[Question], shown: _Shown) -> None:
    click.echo(f"\n{_count(len(rejected), 'case')} rejected: the rule must be corrected, then asked about again")
    for question in rejected:
        click.echo(f"{shown.place(question.rule)}  {question.rule}")
        click.echo("\n".join(shown.question(question)))
