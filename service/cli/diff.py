"""`flask rules diff`: what changed from one version of the rules to another, and who gets another answer."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import click
from flask.cli import with_appcontext

from service.cli.cases import cases_folder, cases_option
from service.cli.common import fail, language_option, rules_folder, rules_option
from service.cli.waiting import Progress, interruptible
from service.decision import Language
from service.language.vocabulary import Text
from service.prove.prover import PATIENCE, Prover
from service.recommend.judge import Disagreement
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook, Status
from service.run.adapter import EngineError
from service.tell.words import STATUS, lower_first
from service.workbench.cohort import SEED, CohortError, cohort, fixtures, varied
from service.workbench.diff import GRADE_WORDS, GRADES, MIXED, Change, Diff, Grade, compare
from service.workbench.differences.patients import Patients
from service.workbench.differences.plain import plain, plain_impact
from service.workbench.flows import Group, picture
from service.workbench.impact import Impact, Moved, Pair, Subject, impact
from service.workbench.versions import NoSuchVersion, Version, version

#: referrals generated when an impact is asked for without a cohort
GENERATED = 300
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class _Side:
    """One version, loaded."""

    version: Version
    book: Rulebook


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for, beside the two versions."""

    language: Language
    impact: bool
    cases: Path
    cohort: Path | None
    generate: int
    seed: int
    examples: int
    patience: float


@click.command("diff")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B", required=False)
@click.option(
    "--impact", "with_impact", is_flag=True, help="Decide fixtures and more under both: who gets another answer."
)
@click.option(
    "--cohort",
    "cohort_path",
    type=click.Path(path_type=Path),
    help="Referrals to decide: a file with one in JSON on each line, or a folder. Implies --impact.",
)
@click.option(
    "--generate",
    type=click.IntRange(0, 100_000),
    help=f"Synthetic referrals to decide: fixtures with a few values changed. Implies --impact.  [default: {GENERATED} without --cohort]",
)
@click.option("--seed", type=int, default=SEED, show_default=True, help="Which synthetic referrals.")
@click.option(
    "--examples", type=click.IntRange(0, 100), default=3, show_default=True, help="Referrals shown of each group."
)
@click.option(
    "--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw who moves where, as SVG. Implies --impact."
)
@click.option(
    "--patients",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write the patients shown to, as JSON that the form opens; made if need be.",
)
@click.option(
    "--fail-on",
    type=click.Choice(GRADES[:1:-1]),
    help="End with 1 when a change is of this grade or worse.",
)
@click.option(
    "--patience", type=click.FloatRange(0.1, 600), default=PATIENCE, show_default=True, help="Seconds for one proof."
)
@click.option("--json", "as_json", is_flag=True, help="Everything for a machine, as one JSON object.")
@language_option
@rules_option
@cases_option
@with_appcontext
def diff_command(
    old: str,
    new: str | None,
    with_impact: bool,
    cohort_path: Path | None,
    generate: int | None,
    seed: int,
    examples: int,
    picture: Path | None,
    patients: Path | None,
    fail_on: Grade | None,
    patience: float,
    as_json: bool,
    language: Language,
    directory: Path | None,
    folder: Path | None,
) -> None:
    """Tell what changed in the rules from A to B (default: the rules in use), rule by rule, in words.

    A and B are each a folder, a published bundle, or a revision of git: `HEAD~1` means the rules folder as it was then,
    `v0.1.0:rules` the folder of that path.

    Each change is graded: wording and evidence change no answer; a tightening treats no patient more permissively and
    one at least less; a loosening the other way round; mixed is both, or not decided in time. Grades of conditions
    are proved over all patients, unknown values included; the patient shown is the proof. docs/workbench/diff.md says
    how the rest is ordered. Ends with 0 whatever the changes, unless --fail-on says otherwise.

    \b
    Examples:
      flask rules diff HEAD
      flask rules diff HEAD~1 rules --lang en
      flask rules diff v0.1.0:rules rules --impact --picture flows.svg
      flask rules diff rules /srv/draft-rules --cohort registry.ndjson --examples 10
      flask rules diff main:rules HEAD:rules --fail-on mixed --json > changes.json
    """
    rules = rules_folder(directory)
    wanted = _Wanted(
        language=language,
        impact=with_impact or bool(cohort_path or picture) or generate is not None,
        cases=cases_folder(folder),
        cohort=cohort_path,
        generate=generate if generate is not None else 0 if cohort_path else GENERATED,
        seed=seed,
        examples=examples,
        patience=patience,
    )
    with interruptible("no comparison is shown, and no file was written"):
        sides = _loaded(old, rules), _loaded(new or str(rules), rules)
        # Before the proofs: Z3 starts threads, and a process with threads is not forked.
        groups = _impacts(sides, wanted) if wanted.impact else []
        found = _compared(sides, wanted)
    books = sides[0].book, sides[1].book
    if picture:
        _written(picture, _drawn(groups, books, language))
    if patients:
        _write_patients(patients, found, groups, examples)
    if as_json:
        told = plain(found) | {"impact": {group.key: plain_impact(group.impact, examples) for group in groups}}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo("\n".join(_Report(sides, wanted).lines(found, groups)))
    if fail_on and GRADES.index(found.overall) >= GRADES.index(fail_on):
        raise click.exceptions.Exit(1)


# ---- from versions to changes ----


def _loaded(name: str, rules: Path) -> _Side:
    try:
        found = version(name, rules)
    except NoSuchVersion as error:
        fail(str(error))
    try:
        return _Side(found, load_files(found.files))
    except RulebookError as error:
        prefix = found.prefix or f"{name}: "
        fail(
            *(f"{prefix}{mistake}" for mistake in error.mistakes),
            f"{name}: these rules cannot be read; mend them and try again",
        )


def _compared(sides: tuple[_Side, _Side], wanted: _Wanted) -> Diff:
    old, new = sides
    shown = _Shown("comparing rules")
    found = compare(
        old.book,
        new.book,
        lambda book: Prover(book, patience=wanted.patience),
        old_files=old.version.files,
        new_files=new.version.files,
        progress=shown,
    )
    shown.clear()
    return found


def _impacts(sides: tuple[_Side, _Side], wanted: _Wanted) -> list[Group]:
    books = sides[0].book, sides[1].book
    zone = books[1].info.timezone
    try:
        bases = fixtures(wanted.cases, zone)
        asked = [("fixtures", Text("Fixtures", "Fixtures"), bases)]
        if wanted.cohort:
            asked.append(("cohort", Text("Cohorte", "Cohort"), cohort(wanted.cohort, zone)))
    except CohortError as error:
        fail(str(error))
    if wanted.generate:
        name = Text("Dossiers synthétiques (aucun patient)", "Synthetic referrals (no patients)")
        asked.append(("generated", name, varied(bases, books, wanted.generate, wanted.seed)))
    return [Group(name, _impact(name, books, subjects), key) for key, name, subjects in asked]


def _impact(name: Text, books: tuple[Rulebook, Rulebook], subjects: Sequence[Subject]) -> Impact:
    shown = _Shown(f"deciding under both, {lower_first(name.en)}")
    try:
        return impact(*books, subjects, progress=shown)
    except (Disagreement, EngineError) as error:
        fail(f"no impact is shown: an engine cannot decide with these rules: {error}; see `flask rules check`")
    finally:
        shown.clear()


class _Shown:
    """Progress whose length is known when it begins."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: Progress | None = None

    def __call__(self, done: int, of: int) -> None:
        if self._bar is None:
            self._bar = Progress(self._what, of)
        self._bar.step()

    def clear(self) -> None:
        if self._bar is not None:
            self._bar.clear()


# ---- files ----


def _drawn(groups: Sequence[Group], books: Sequence[Rulebook], language: Language) -> str:
    return picture(groups, books, language)


def _written(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")


def _write_patients(folder: Path, found: Diff, groups: Sequence[Group], examples: int) -> None:
    """The patients of the changes and the examples of the impact, each in a file that the form opens."""
    for number, change in enumerate(found.changes, start=1):
        name = f"{number:03}-{change.of or change.kind}".replace("/", "-")
        if change.witness is not None:
            _written(folder / f"{name}-{change.grade}.json", _json(change.witness))
        if change.other is not None:
            _written(folder / f"{name}-stricter.json", _json(change.other.referral))
    for group in groups:
        for moved in group.impact.examples(examples):
            _written(folder / f"example-{moved.subject.name}.json", _json(moved.subject.referral))


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


# ---- in words ----


class _Report:
    """The comparison in the terminal, the worst change first."""

    def __init__(self, sides: tuple[_Side, _Side], wanted: _Wanted) -> None:
        self._sides = sides
        self._wanted = wanted
        self._language = wanted.language
        books = sides[0].book, sides[1].book
        self._patients = Patients(books, wanted.language)
        self._labels = {name: of.label for book in books for name, of in book.techniques.items()}
        self._rules = {**books[0].rules, **books[1].rules}

    def _say(self, fr: str, en: str) -> str:
        return Text(fr, en).in_(self._language)

    def lines(self, found: Diff, groups: Sequence[Group]) -> Iterator[str]:
        for name, side in zip("AB", self._sides, strict=True):
            info = side.book.info
            yield f"{name}  {side.version.name}  {info.name} {info.version} ({info.status}), digest {side.book.digest[:12]}"
        yield ""
        yield self._summary(found)
        for grade in reversed(GRADES):
            for change in found.changes:
                if change.grade == grade:
                    yield from self._change(change)
        for group in groups:
            yield ""
            yield from self._group(group)

    def _summary(self, found: Diff) -> str:
        if not found.changes:
            return self._say("Aucun changement.", "No change.")
        counts = ", ".join(
            f"{count} × {GRADE_WORDS[grade].in_(self._language)}"
            for grade in reversed(GRADES)
            if (count := sum(change.grade == grade for change in found.changes))
        )
        worst = GRADE_WORDS[found.overall].in_(self._language)
        total = len(found.changes)
        return self._say(
            f"{total} changement{'s' if total > 1 else ''} ; dans l’ensemble : {worst} ({counts})",
            f"{total} change{'s' if total > 1 else ''}; taken together: {worst} ({counts})",
        )

    def _change(self, change: Change) -> Iterator[str]:
        side = self._sides[0 if change.gone else 1]
        prefix = side.version.prefix or f"{side.version.name}:"
        yield ""
        yield f"[{GRADE_WORDS[change.grade].in_(self._language)}]  {change.of or change.kind}  {prefix}{change.where}"
        yield from _wrapped(change.what.in_(self._language), "  ")
        if change.reason is not None:
            yield from _wrapped(f"({change.reason.in_(self._language)})", "  ")
        freer = change.grade == "loosening" or change.other is not None
        if change.witness is not None:
            who = self._say("patient traité de façon plus permissive", "patient treated more permissively")
            if not freer:
                who = self._say("patient traité de façon plus stricte", "patient treated more strictly")
            if change.grade == MIXED and not freer:
                who = self._say("patient traité autrement", "patient treated otherwise")
            yield from self._patient(who, change.witness)
        if change.other is not None:
            yield from self._patient(
                self._say("patient traité de façon plus stricte", "patient treated more strictly"),
                change.other.referral,
            )

    def _patient(self, who: str, referral: Any) -> Iterator[str]:
        yield from _wrapped(f"{who}{self._say(' : ', ': ')}{self._patients.told(referral)}", "    ")

    # ---- impact ----

    def _group(self, group: Group) -> Iterator[str]:
        of, name = group.impact, group.name.in_(self._language)
        changed = len(of.moved)
        yield self._say(
            f"== {name} : {changed} sur {of.subjects} {_share(changed, of.subjects, ',')} reçoivent une autre réponse ==",
            f"== {name}: {changed} of {of.subjects} {_share(changed, of.subjects, '.')} get another answer ==",
        )
        for count, fr, en in (
            (of.now_refused, "désormais refusés", "now refused"),
            (of.now_accepted, "refusés jusqu’ici, désormais acceptés", "refused so far, now accepted"),
        ):
            if count:
                yield f"  {count} {self._say(fr, en)}"
        firsts = {pair: count for pair, count in of.firsts.items() if pair[0] != pair[1]}
        if firsts:
            yield self._say(
                f"  Première option, {of.first_changed} lésion(s) sur {of.lesions} :",
                f"  First option, {of.first_changed} of {of.lesions} lesions:",
            )
            yield from self._flows(firsts, self._technique)
        if of.statuses:
            yield self._say("  Statut des options :", "  Status of the options:")
            yield from self._flows(of.statuses, self._status)
        for alerts, fr, en in (
            (of.raised, "alerte désormais levée", "alert now raised"),
            (of.lowered, "alerte qui n’est plus levée", "alert no longer raised"),
        ):
            for rule, count in sorted(alerts.items()):
                yield f"    {count:>5}  {self._say(fr, en)}{self._say(' : ', ': ')}{self._alert(rule)}"
        for moved in of.examples(self._wanted.examples):
            yield from self._example(moved)

    def _flows(self, flows: dict[Pair, int] | Any, name: Callable[[str | None], str]) -> Iterator[str]:
        for (before, after), count in sorted(flows.items(), key=lambda entry: (-entry[1], str(entry[0]))):
            yield f"    {count:>5}  {name(before)} → {name(after)}"

    def _example(self, moved: Moved) -> Iterator[str]:
        parts = [
            f"{lesion}{self._say(' : ', ': ')}{self._technique(before)} → {self._technique(after)}"
            for lesion, (before, after) in moved.firsts.items()
        ]
        by_move: dict[Pair, list[str]] = {}
        for (_, technique), pair in moved.statuses.items():
            by_move.setdefault(pair, []).append(lower_first(self._technique(technique)))
        parts += [
            f"{self._status(before)} → {self._status(after)} ({', '.join(dict.fromkeys(names))})"
            for (before, after), names in by_move.items()
        ]
        parts += [f"+ {self._alert(rule)}" for rule in moved.raised] + [
            f"− {self._alert(rule)}" for rule in moved.lowered
        ]
        if moved.refused[0] != moved.refused[1]:
            parts.append(self._say("refusé", "refused") if moved.refused[1] else self._say("accepté", "accepted"))
        told = self._say(" ; ", "; ").join(parts)
        head = f"{self._say('exemple', 'example')} {moved.subject.name}{self._say(' : ', ': ')}"
        yield from _wrapped(f"{head}{told}", "    ", "      ")

    def _technique(self, name: str | None) -> str:
        if name is None:
            return self._say("sans réponse", "no answer")
        return self._labels[name].in_(self._language) if name in self._labels else name

    def _status(self, status: str | None) -> str:
        known: Status | None = status  # type: ignore[assignment]  # a pair of statuses holds statuses
        return STATUS[known].in_(self._language) if known else self._say("sans option", "no such option")

    def _alert(self, rule: str) -> str:
        label = self._rules[rule].label
        return label.in_(self._language) if label else rule


def _share(part: int, whole: int, comma: str) -> str:
    return f"({100 * part / whole:.1f} %)".replace(".", comma) if whole else ""


def _wrapped(text: str, indent: str, hanging: str | None = None) -> list[str]:
    return fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=hanging or indent,
        break_on_hyphens=False,
        break_long_words=False,
    ).splitlines()
