"""`flask rules prove`: what holds of every patient, and for whom it does not."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from flask.cli import with_appcontext

from service.cli.common import complain, fail, known, language_option, loaded, rules_folder, rules_option
from service.cli.waiting import Progress, interruptible
from service.decision import Language
from service.prove.prover import PATIENCE
from service.prove.question import KINDS
from service.prove.questions import Finding, all_questions, prove
from service.rulebook.model import Rulebook
from service.workbench.witnesses import as_json, described, file_name

_WORDS = {
    "fault": "FAULT",
    "open": "NOT DECIDED IN TIME",
    "declared": "declared",
    "notice": "notice",
    "fine": "holds",
}


def memory_file() -> Path:
    """Where earlier answers are kept."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "indication" / "proofs.json"


@dataclass(frozen=True, slots=True)
class _Run:
    rulebook: Rulebook
    rules: Path
    findings: list[Finding]
    seconds: float
    language: Language


@click.command("prove")
@click.argument("names", nargs=-1, metavar="[NAME]…")
@rules_option
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=os.cpu_count() or 2, show_default="every core", help="Processes."
)
@click.option(
    "--patience",
    type=click.FloatRange(0.1, 600),
    default=PATIENCE,
    show_default=True,
    help="Seconds for one question; then it is said to be undecided.",
)
@click.option("--all", "everything", is_flag=True, help="List the questions that hold too, with the time of each.")
@click.option(
    "--save",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the counterexample patients, one JSON file each: the form imports it, add-case keeps it.",
)
@click.option("--no-memory", is_flag=True, help="Ask everything again, and remember nothing.")
@click.option("--json", "as_plain", is_flag=True, help="Everything for a machine, as one JSON object.")
@language_option
@with_appcontext
def prove_command(
    names: tuple[str, ...],
    directory: Path | None,
    jobs: int,
    patience: float,
    everything: bool,
    save: Path | None,
    no_memory: bool,
    as_plain: bool,
    language: Language,
) -> None:
    """Ask about every patient at once: can these rules contradict, starve or endanger?

    Not a sample: each claim is proved for all patients, known or unknown, or refuted with the simplest patient for whom
    it fails. Asked are the committee's invariants (rules/invariants.yaml), what the design promises, and of the rules
    whether each can hold, adds something, contradicts no other and leaves no gap between two limits. NAME narrows it to
    a kind of question (invariant, can-hold …) or to what concerns a rule, technique or invariant. What is meant is
    declared in the rule (overrides, tolerates, dormant) and then told with its reason. Ends with 1 when something is to
    be mended or was not decided in time. Answers are remembered: only what a change touches is asked again.

    \b
    Examples:
      flask rules prove
      flask rules prove invariant
      flask rules prove bleeding.platelets-low vertebroplasty --all
      flask rules prove --save counterexamples --lang en
    """
    rulebook = loaded(directory)
    questions = all_questions(rulebook)
    subjects = {subject for question in questions for subject in question.subjects}
    for name in names:
        known(name, [*KINDS, *sorted(subjects)], "question", "flask rules list")
    began = perf_counter()
    with interruptible("what was answered so far is remembered, and need not be asked again"):
        progress: Progress | None = None

        def step(done: int, of: int) -> None:
            nonlocal progress
            progress = progress or Progress("question", of)
            progress.at(done)

        memory = None if no_memory else memory_file()
        findings = prove(rulebook, only=names, jobs=jobs, patience=patience, memory=memory, progress=step)
        if progress is not None:
            progress.clear()
    run = _Run(rulebook, rules_folder(directory), findings, perf_counter() - began, language)
    if save is not None:
        _save(save, findings)
    if as_plain:
        click.echo(json.dumps(_plain(run), ensure_ascii=False))
    else:
        click.echo("\n".join(_told(run, everything=everything)))
    if any(finding.fails for finding in findings):
        raise click.exceptions.Exit(1)


def _save(folder: Path, findings: list[Finding]) -> None:
    shown = [finding for finding in findings if finding.witness is not None and finding.grade != "fine"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for finding in shown:
            (folder / file_name(finding)).write_text(as_json(finding), encoding="utf-8")
    except OSError as error:
        fail(f"{folder}: cannot be written: {error.strerror}")
    complain(f"{len(shown)} patients written to {folder}")


def _told(run: _Run, *, everything: bool) -> Iterator[str]:
    for kind, label in KINDS.items():
        findings = [finding for finding in run.findings if finding.kind == kind]
        if not findings:
            continue
        counts: Counter[str] = Counter(finding.grade for finding in findings)
        parts = [f"{counts[grade]} {word}" for grade, word in _WORDS.items() if counts[grade]]
        seconds = sum(finding.seconds for finding in findings if not finding.remembered)
        yield f"{label.in_(run.language)} ({kind}): {', '.join(parts)}; {seconds:.1f} s"
        for finding in findings:
            if everything or finding.grade != "fine":
                yield from _finding(run, finding)
    faults = sum(finding.fails for finding in run.findings)
    remembered = sum(finding.remembered for finding in run.findings)
    info = run.rulebook.info
    yield (
        f"{len(run.findings)} questions ({remembered} remembered), {faults} to be mended, in {run.seconds:.1f} s"
        f" ({info.name} {info.version}, {info.status}, {run.rulebook.digest[:12]})"
    )


def _finding(run: _Run, finding: Finding) -> Iterator[str]:
    # A question about a technique or about the design points to no line that is wrong.
    place = finding.where if finding.where.startswith("docs/") else f"{run.rules}/{finding.where}"
    yield f"  {_WORDS[finding.grade]} {place}: {' / '.join(finding.subjects)} [{finding.answer}, {finding.seconds:.2f} s]"
    yield f"    {finding.claim.in_(run.language)}"
    if finding.grade == "fine":
        return
    if finding.declared is not None:
        yield f"    → {finding.declared.in_(run.language)}"
        return
    yield f"    {finding.advice.in_(run.language)}"
    for line in described(run.rulebook, finding, run.language):
        yield f"      {line}"


def _plain(run: _Run) -> dict[str, Any]:
    info = run.rulebook.info
    return {
        "rulebook": {"name": info.name, "version": info.version, "digest": run.rulebook.digest},
        "seconds": round(run.seconds, 2),
        "failed": sum(finding.fails for finding in run.findings),
        "findings": [
            {
                "id": finding.id,
                "kind": finding.kind,
                "subjects": finding.subjects,
                "where": finding.where,
                "claim": {"fr": finding.claim.fr, "en": finding.claim.en},
                "answer": finding.answer,
                "grade": finding.grade,
                "seconds": finding.seconds,
                "remembered": finding.remembered,
                "witness": finding.witness,
                "at": finding.at,
                "declared": None
                if finding.declared is None
                else {"fr": finding.declared.fr, "en": finding.declared.en},
            }
            for finding in run.findings
        ],
    }
