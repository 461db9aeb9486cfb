"""The query reading on synthetic cohorts: against the loop over the run reading, against a bare scan of the same columns,
from ten thousand patients to a million or more, and whether it keeps to the memory it is told.

python -m bench.cohort [--rounds N] [--growth N …] [--ceilings SIZE …] [--write]      needs script/setup cohort
Ten million patients: --growth 10000 100000 1000000 10000000 (some hours, and 15 GB of disk).
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from service.cohort.as_referral import AsReferral, grouped
from service.cohort.generate import output
from service.cohort.generate.clock import Clock
from service.cohort.generate.cohort import Wanted, parts
from service.cohort.generate.reading import read_design
from service.cohort.running.memory import Memory, written
from service.cohort.running.record import from_json
from service.cohort.running.start import Wanted as Run
from service.cohort.running.start import recommend_cohort
from service.decision import Decider
from service.referral.complaints import ReferralError
from service.rulebook.load import load_rulebook
from service.rulebook.model import Rulebook

from bench.patients import AT, PROJECT, RULES
from bench.rounds import interleaved, ratio
from bench.tables import machine, number, put, table, times

#: patients in each round of the comparison, and those of them that the loop takes, since it takes each as long
_COMPARED, _LOOPED = 20_000, 200
_MEMORY = 4_000_000_000
_TABLES = ("patients", "lesions")
_begun = time.monotonic()


def progress(text: str) -> None:
    print(f"[{time.monotonic() - _begun:5.0f} s] {text}", file=sys.stderr, flush=True)


def generated(rulebook: Rulebook, patients: int, folder: Path) -> Path:
    """A cohort in `folder`, much of it missing as in a registry."""
    design = read_design(PROJECT / "fixtures" / "cohort" / "distributions.yaml", rulebook)
    clock = Clock.of(AT, rulebook.info.timezone)
    wanted = Wanted(patients, 1, clock.at, design.written.levels["registry"], 0.0)
    about = output.about(wanted, "registry", clock.at.isoformat(), design, rulebook)
    output.write(folder, parts(design, rulebook, wanted), about, output.readme(about), lambda done: None)
    return folder


# ---- against the loop and against the floor ----


class Compared:
    """Seconds for one patient, of each way, over the same cohort."""

    def __init__(self, rulebook: Rulebook, source: Path, scratch: Path) -> None:
        self._rulebook = rulebook
        self._source = source
        self._scratch = scratch
        self._threads = os.cpu_count() or 1
        self._decider = Decider(rulebook)
        self._referrals = list(_referrals(rulebook, source))
        self._columns = {name: pq.read_schema(source / f"{name}.parquet") for name in _TABLES}

    def query(self) -> float:
        """The parts of one run: settled, recommended, written. Compiling the rules is told apart, in `growth`."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as out:
            wanted = Run(str(self._source), Memory(_MEMORY, self._threads), Path(out) / "out", at=AT)
            record = recommend_cohort(wanted, self._rulebook, lambda line: None, lambda what: None, lambda record: None)
        return record.seconds / record.total("patients")

    def loop(self) -> float:
        """The service's own way, one referral after the other, on one core: decided twice, without a word of the answer."""
        start = time.perf_counter()
        for referral in self._referrals:
            self._decider.recommend(referral, AT)
        return (time.perf_counter() - start) / len(self._referrals)

    def scan(self) -> float:
        """DuckDB reads every column of both files and sums up what is in it."""
        start = time.perf_counter()
        with duckdb.connect(config={"threads": self._threads}) as connection:
            for name, schema in self._columns.items():
                sums = ", ".join(_summed(field.name, str(field.type)) for field in schema)
                connection.execute(f"SELECT {sums} FROM '{self._source}/{name}.parquet'").fetchall()  # noqa: S608  # sums of our own columns, and a path of our own
        return (time.perf_counter() - start) / pq.read_metadata(self._source / "patients.parquet").num_rows


def _referrals(rulebook: Rulebook, source: Path) -> Iterator[dict[str, Any]]:
    """The first patients as the API takes them; without those that it refuses."""
    patients = next(pq.ParquetFile(source / "patients.parquet").iter_batches(2 * _LOOPED)).to_pylist()
    wanted = {row["patient"] for row in patients}
    batch = next(pq.ParquetFile(source / "lesions.parquet").iter_batches(20 * _LOOPED)).to_pylist()
    of_patient = grouped([row for row in batch if row["patient"] in wanted])
    converter, decider = AsReferral(rulebook, AT), Decider(rulebook)
    found = 0
    for row in patients:
        referral = converter.referral(row, of_patient.get(row["patient"], []))
        try:
            decider.recommend(referral, AT)
        except ReferralError:
            continue
        yield referral
        found += 1
        if found == _LOOPED:
            return


def _summed(column: str, kind: str) -> str:
    """A figure for which every value must be read."""
    name = f'"{column}"'
    if kind.startswith(("string", "large_string")):
        return f"sum(strlen({name}))"
    if kind.startswith("list"):
        return f"sum(len({name}))"
    if kind.startswith(("date", "timestamp")):
        return f"sum(epoch({name}))"
    return f"sum({name}::DOUBLE)"


def compared(rulebook: Rulebook, source: Path, scratch: Path, rounds: int) -> str:
    ways = Compared(rulebook, source, scratch)
    measures = {"query": ways.query, "loop": ways.loop, "scan": ways.scan}
    found = interleaved(measures, rounds, progress=lambda done: progress(f"round {done} of {rounds}"))
    told = {
        "query": f"**`flask cohort recommend`**, {_apart(_COMPARED)} patients, all cores: facts settled, recommended, written",
        "loop": f"the run reading in a loop, {_LOOPED} of them, one core: decided twice, no words",
        "scan": "DuckDB sums up every column of the same files, all cores: the floor",
    }
    rows = [
        (
            told[name],
            number(1e6 * statistics.median(seconds)),
            f"{number(1e6 * min(seconds))}–{number(1e6 * max(seconds))}",
            number(1 / statistics.median(seconds)),
            times(ratio(seconds, found["scan"])),
        )
        for name, seconds in found.items()
    ]
    heads = ("", "µs for one patient", "lowest–highest round", "patients per second", "against the floor")
    faster = times(ratio(found["loop"], found["query"]))
    return f"{rounds} rounds in turn. The loop takes {faster} the time of the query.\n\n" + table(heads, rows)


# ---- growth and memory ----


@dataclass(frozen=True)
class Whole:
    """One command from its start to its end."""

    patients: int
    lesions: int
    parts: int
    #: by the clock, all in all and in the parts
    seconds: float
    in_parts: float
    #: bytes
    most: int


def whole(source: Path, out: Path, memory: str) -> Whole:
    """Runs the command in a process of its own."""
    flask = Path(sys.prefix) / "bin" / "flask"
    arguments = ["cohort", "recommend", source, "--out", out, "--memory", memory, "--as-of", AT.isoformat()]
    start = time.monotonic()
    process = subprocess.Popen(
        [str(each) for each in (flask, *arguments)],
        env={**os.environ, "FLASK_APP": str(PROJECT / "wsgi.py")},
        stdout=subprocess.DEVNULL,
    )
    most = 0
    while process.poll() is None:
        # Not what the system tells at the end: that counts what this process held when it began the other.
        most = max(most, _held(process.pid))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"flask cohort recommend {source} failed (above)")
    seconds = time.monotonic() - start
    record = from_json((out / "run.json").read_text(encoding="utf-8"))
    return Whole(
        record.total("patients"),
        record.total("lesions"),
        record.parts,
        seconds,
        record.seconds,
        most,
    )


def _held(process: int) -> int:
    """The most memory that a process has held so far, in bytes; 0 when it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def growth(rulebook: Rulebook, sizes: list[int], scratch: Path) -> str:
    """Cohorts of growing size, each once: what does not grow linearly would show."""
    rows = []
    for patients in sizes:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            source = generated(rulebook, patients, Path(folder) / "source")
            done = whole(source, Path(folder) / "out", written(_MEMORY))
            size = sum(path.stat().st_size for path in (Path(folder) / "out").rglob("*.parquet"))
        rows.append(
            (
                _apart(done.patients),
                _apart(done.lesions),
                done.parts,
                number(done.seconds),
                number(done.seconds - done.in_parts),
                number(done.patients / done.seconds),
                number(1e6 * done.in_parts / done.lesions),
                number(done.most / 1e6),
                number(size / 1e6),
            )
        )
        progress(f"{patients} patients in {done.seconds:.0f} s, {done.most / 1e6:.0f} MB")
    heads = (
        "patients",
        "lesions",
        "parts",
        "seconds, all in all",
        "of them before and after the parts",
        "patients per second",
        "µs for one lesion, in the parts",
        "most memory, MB",
        "result, MB",
    )
    return f"`--memory {written(_MEMORY)}`.\n\n" + table(heads, rows)


def ceilings(source: Path, memories: list[str], scratch: Path) -> str:
    """The same cohort within less and less memory."""
    rows = []
    for memory in memories:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            done = whole(source, Path(folder) / "out", memory)
        rows.append((memory, done.parts, number(done.most / 1e6), number(done.seconds)))
        progress(f"--memory {memory}: {done.most / 1e6:.0f} MB")
    heads = ("`--memory`", "parts", "most memory, MB", "seconds")
    return f"{_apart(done.patients)} patients.\n\n" + table(heads, rows)


def _apart(count: int) -> str:
    return f"{count:,}".replace(",", " ")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cohort", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--ceilings", nargs="*", default=["1GB", "2GB", "4GB", "8GB"])
    parser.add_argument("--ceiling-patients", type=int, default=100_000)
    parser.add_argument("--scratch", type=Path, help="where cohorts and results go meanwhile  [default: TMPDIR]")
    parser.add_argument("--write", action="store_true", help="put the tables in docs/speed.md")
    asked = parser.parse_args()
    rulebook = load_rulebook(RULES)
    found = {}
    with tempfile.TemporaryDirectory(dir=asked.scratch) as name:
        scratch = Path(name)
        if asked.rounds:
            source = generated(rulebook, _COMPARED, scratch / "compared")
            found["cohort-compared"] = compared(rulebook, source, scratch, asked.rounds)
        if asked.growth:
            found["cohort-growth"] = growth(rulebook, asked.growth, scratch)
        if asked.ceilings:
            source = generated(rulebook, asked.ceiling_patients, scratch / "ceilings")
            found["cohort-memory"] = ceilings(source, asked.ceilings, scratch)
    for part, text in found.items():
        content = f"{text}\n\n{machine()}"
        print(f"## {part}\n\n{content}\n")
        if asked.write:
            put(part, content)


if __name__ == "__main__":
    main()
