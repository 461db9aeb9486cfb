"""`flask rules test`: the cases as the committee's own tests, and what they exercise of the rules."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from service.cli.common import fail, known, language_option, loaded, rules_folder, rules_option
from service.cli.waiting import Progress, interruptible
from service.decision import Decider, Language
from service.language.errors import Mistake
from service.rulebook.model import Rulebook
from service.rulebook.source import rule_files
from service.run.adapter import EngineError
from service.workbench.cases import CaseFile, read_cases
from service.workbench.coverage import Coverage, Observer, why_not
from service.workbench.held import not_held, table_folders
from service.workbench.places import find_places
from service.workbench.tables.patients import TableError
from service.workbench.tables.read import read_tables
from service.workbench.trying import Outcome, try_cases

cases_option = click.option(
    "--cases",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the cases.  [default: fixtures/referrals]",
)


def cases_folder(folder: Path | None) -> Path:
    """The folder asked for, or that of the form's examples; relative to the current folder when it lies below it."""
    found = folder or Path(current_app.config["EXAMPLES"])
    return found.relative_to(Path.cwd()) if found.is_relative_to(Path.cwd()) else found


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over the cases."""

    rulebook: Rulebook
    rules: Path
    cases: Path
    outcomes: tuple[Outcome, ...]
    seconds: float
    coverage: Coverage | None
    #: what the tables beside the cases say otherwise; None when they were not asked
    not_held: list[str] | None

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.passed]


@click.command("test")
@click.argument("names", nargs=-1, metavar="[NAME]…")
@rules_option
@cases_option
@click.option("--coverage", "in_full", is_flag=True, help="List what the cases leave untouched, with file and line.")
@click.option(
    "--tables",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="With the coverage: folder of case tables whose patients count too, such as fixtures/thresholds.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything for a machine, as one JSON object.")
@language_option
@with_appcontext
def test(
    names: tuple[str, ...],
    directory: Path | None,
    folder: Path | None,
    in_full: bool,
    tables: Path | None,
    as_json: bool,
    language: Language,
) -> None:
    """Decide every case, or those named, under the rules, and compare each answer with what its file expects.

    Both engines decide. A referral that is refused as its case expects has passed. A difference is told with the line
    of the expectation and with what led to the answer. Then the tables beside the cases, unless cases are named: those
    of the limits (fixtures/thresholds) and the approved borderline cases (fixtures/borderline). Ends with 1 when a case
    fails or a table expects otherwise, and when a case file has a mistake: all mistakes are listed at once. At the end:
    what the cases exercise of the rules (docs/workbench/test.md).

    \b
    Examples:
      flask rules test
      flask rules test platelets-32 platelets-49 --lang en
      flask rules test --rules /srv/draft-rules
      flask rules test --coverage --tables fixtures/thresholds
      flask rules test --json | python -m json.tool
    """
    with interruptible("no result is shown, since some cases were not decided"):
        run = _run(names, directory, folder, language, covering=in_full or not names, tables=tables)
        if as_json:
            click.echo(json.dumps(_plain(run), ensure_ascii=False))
        else:
            click.echo("\n".join(_told(run, language, in_full=in_full)))
    if run.failed or run.not_held:
        raise click.exceptions.Exit(1)


def _run(
    names: tuple[str, ...],
    directory: Path | None,
    folder: Path | None,
    language: Language,
    *,
    covering: bool,
    tables: Path | None,
) -> _Run:
    start = perf_counter()
    where = cases_folder(folder)
    cases, mistakes = _read(where, names)
    rulebook = loaded(directory)
    rules = rules_folder(directory)
    progress = Progress("case", len(cases))
    try:
        decider = Decider(rulebook)
        outcomes = tuple(try_cases(decider, cases.values(), mistakes, language, lambda case: progress.step(case.name)))
    except (EngineError, ValueError) as error:
        fail(f"{rules}: no engine can be built from these rules: {error}")
    finally:
        progress.clear()
    decided = any(outcome.recommendation is not None for outcome in outcomes)
    coverage = _coverage(rulebook, rules, outcomes, tables) if covering and decided else None
    tables_say = not_held(rulebook, where) if table_folders(where) and not names else None
    return _Run(rulebook, rules, where, outcomes, perf_counter() - start, coverage, tables_say)


def _read(folder: Path, names: tuple[str, ...]) -> tuple[dict[str, CaseFile], list[Mistake]]:
    try:
        there = [path.stem for path in folder.glob("*.yaml")]
        for name in names:
            known(name, there, "case", f"ls {folder}")
        cases, mistakes = read_cases(folder, names)
    except NotADirectoryError as error:
        fail(f"{error}; name the folder of the cases with --cases")
    except OSError as error:
        fail(f"{error.filename}: cannot be read: {error.strerror}")
    if not cases:
        fail(f"{folder}: no case here; a case is a .yaml file as fixtures/README.md describes")
    return cases, mistakes


def _coverage(rulebook: Rulebook, rules: Path, outcomes: tuple[Outcome, ...], tables: Path | None) -> Coverage:
    observer = Observer(rulebook)
    progress = Progress("coverage", len(outcomes))
    for outcome in outcomes:
        progress.step(outcome.case.name)
        if outcome.recommendation is not None:
            observer.see(outcome.recommendation.case)
    progress.clear()
    if tables is not None:
        try:
            observer.see_tables(read_tables(rulebook, tables))
        except TableError as error:
            fail(f"{tables}: these tables cannot be used: {error}")
    return observer.coverage(find_places(rule_files(rules)))


# ---- in words --------------------------------------------------------------------------------------------------------


def _told(run: _Run, language: Language, *, in_full: bool) -> Iterator[str]:
    for outcome in run.failed:
        yield from _failure(outcome, run.cases, language)
        yield ""
    if run.not_held:
        yield "TABLES expect otherwise (what the rules say, not what the table says): correct the rule, or the table"
        yield from (f"  {line}" for line in run.not_held)
        yield ""
    if in_full and run.coverage is not None:
        yield from _untouched(run.coverage, run.rules)
    count, failed, info = len(run.outcomes), len(run.failed), run.rulebook.info
    yield (
        f"{count} case{'' if count == 1 else 's'}: {count - failed} passed, {failed} failed, in {run.seconds:.1f} s"
        f" ({info.name} {info.version}, {info.status}, {run.rulebook.digest[:12]})"
    )
    if run.not_held is not None:
        folders = ", ".join(map(str, table_folders(run.cases)))
        yield f"  tables of limits ({folders}): {f'{len(run.not_held)} to mend' if run.not_held else 'they say the same'}"
    if run.coverage is not None:
        yield from _summary(run.coverage)
        if not in_full:
            yield "  `flask rules test --coverage` lists what is missing"


def _failure(outcome: Outcome, folder: Path, language: Language) -> Iterator[str]:
    case = outcome.case
    file = f"{folder}/{case.name}.yaml"
    if outcome.verdict == "faulty":
        yield f"FAULTY {case.name}: the case file is to be mended; it was not decided"
        yield from (f"  {folder}/{mistake}" for mistake in outcome.mistakes)
        return
    if outcome.verdict == "broken":
        yield f"BROKEN {case.name}: no answer may be given: {outcome.fault}"
        yield f"  {file}: this is a fault of the service: report it with the rule ids"
        return
    yield f"FAILED {case.name}: {case.data['name'][language]}"
    yield f"  {case.data['why'].strip()}"
    for difference in outcome.differences:
        yield f"  {file}:{case.line(('expect', *difference.keys))}: {difference.text}"
        yield from (f"      {line}" for line in difference.because)


def _summary(coverage: Coverage) -> Iterator[str]:
    rules = [rule for rule in coverage.rules if rule.criteria]
    parts = []
    for word in ("yes", "no", "unknown"):
        able = [rule for rule in rules if word in rule.never or getattr(rule.counts, word)]
        parts.append(f"{word} {_share(sum(getattr(rule.counts, word) > 0 for rule in able), len(able))}")
    yield f"  rules that came out {', '.join(parts)}"
    criteria = [criterion for _, criterion in coverage.criteria()]
    openable = [criterion for criterion in criteria if not criterion.always_known]
    mattered = _share(sum(criterion.matters for criterion in criteria), len(criteria))
    left_open = _share(sum(criterion.leaves_open for criterion in openable), len(openable))
    yield f"  criteria shown to matter (masking MC/DC) {mattered}, to leave the answer open when unknown {left_open}"


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({100 * part / whole if whole else 100:.0f} %)"


def _untouched(coverage: Coverage, rules: Path) -> Iterator[str]:
    for word in ("yes", "no", "unknown"):
        found = [rule for rule in coverage.rules if word in rule.never]
        if found:
            yield f"Rules that were never {word}:"
            yield from (f"  {rules}/{rule.place}  {rule.id}" for rule in found)
            yield ""
    missing = [(of, criterion) for of, criterion in coverage.criteria() if not criterion.matters]
    if missing:
        yield "Criteria that were never shown to matter:"
        for of, criterion in missing:
            yield f"  {rules}/{criterion.place}  {of.id}  {criterion.text}  ({why_not(criterion)})"
        yield ""


# ---- for a machine ---------------------------------------------------------------------------------------------------


def _plain(run: _Run) -> dict[str, Any]:
    info = run.rulebook.info
    plain: dict[str, Any] = {
        "rulebook": {"name": info.name, "version": info.version, "status": info.status, "digest": run.rulebook.digest},
        "passed": len(run.outcomes) - len(run.failed),
        "failed": len(run.failed),
        "seconds": round(run.seconds, 3),
        "cases": [_plain_outcome(outcome, run.cases) for outcome in run.outcomes],
        "tables": run.not_held,
    }
    return {**plain, "coverage": _plain_coverage(run.coverage, run.rules)} if run.coverage is not None else plain


def _plain_outcome(outcome: Outcome, folder: Path) -> dict[str, Any]:
    case = outcome.case
    plain: dict[str, Any] = {
        "name": case.name,
        "file": f"{folder}/{case.name}.yaml",
        "verdict": outcome.verdict,
        "seconds": round(outcome.seconds, 4),
    }
    if outcome.differences:
        plain["differences"] = [
            {"line": case.line(("expect", *each.keys)), "text": each.text, "because": list(each.because)}
            for each in outcome.differences
        ]
    if outcome.mistakes:
        plain["mistakes"] = [{"line": each.line, "column": each.column, "text": str(each)} for each in outcome.mistakes]
    return {**plain, "fault": outcome.fault} if outcome.fault else plain


def _plain_coverage(coverage: Coverage, rules: Path) -> dict[str, Any]:
    return {
        "cases": coverage.cases,
        "lesions": coverage.lesions,
        "conditions": [
            {
                "id": of.id,
                "kind": of.kind,
                "file": f"{rules}/{of.place.file}",
                "line": of.place.line,
                "counts": of.counts._asdict(),
                "by_technique": {technique: counts._asdict() for technique, counts in of.by_technique.items()},
                "criteria": [
                    {
                        "text": criterion.text,
                        "line": criterion.place.line,
                        "counts": criterion.counts._asdict(),
                        "decisive": criterion.decisive._asdict(),
                        "matters": criterion.matters,
                        "leaves_open": criterion.leaves_open,
                    }
                    for criterion in of.criteria
                ],
            }
            for of in (*coverage.rules, *coverage.scores)
        ],
    }
