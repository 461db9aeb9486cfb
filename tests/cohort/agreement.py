"""query = run on a whole generated cohort, from its raw tables: every patient, lesion and option; zero differences.

`python -m tests.cohort.agreement 100000 --engines duckdb postgres pyspark` does it at length; the tests do it on as many
patients as a test may take. Each engine settles the raw rows and recommends; the run reading decides the same rows as
referrals, one by one, on all cores.
"""

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from functools import cache
from itertools import groupby
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from service.cohort.as_referral import AsReferral, grouped
from service.cohort.engines import Engine
from service.cohort.generate.cohort import Wanted, parts
from service.cohort.generate.reading import read_design
from service.cohort.settle.settle import settle
from service.query.reading import recommend
from service.referral.complaints import ReferralError
from tests import warehouses
from tests.query.facts_of import Lesions, Options, answered, case_of, expected, lesions_answered
from tests.strategies import ROOT, Sent, rulebook

AT = datetime(2026, 11, 24, 18, 0, tzinfo=ZoneInfo("Europe/Paris"))
_PER_TASK = 200

#: patient -> a digest of everything that a reading says of the patient
Said = dict[str, bytes]


def cohort(folder: Path, patients: int, *, faults: float = 0.01, seed: int = 6) -> tuple[Path, Path]:
    """A generated cohort, much of it missing and some of it unusable, as its two Parquet files."""
    design = read_design(ROOT / "fixtures" / "cohort" / "distributions.yaml", rulebook())
    made = list(parts(design, rulebook(), Wanted(patients, seed, AT, 1.0, faults)))
    paths = folder / "patients.parquet", folder / "lesions.parquet"
    for path, name in zip(paths, ("patients", "lesions"), strict=True):
        pq.write_table(pa.concat_tables([getattr(part, name) for part in made]), path)
    return paths


def run_says(patients: Path, lesions: Path, processes: int) -> Said:
    """What the run reading says of each patient whom it does not refuse."""
    rows = pq.read_table(patients).to_pylist()
    of_patient = grouped(pq.read_table(lesions).to_pylist())
    tasks = [
        [(row, of_patient.get(row["patient"], [])) for row in rows[at : at + _PER_TASK]]
        for at in range(0, len(rows), _PER_TASK)
    ]
    if processes == 1:
        return {name: digest for task in tasks for name, digest in _decided(task).items()}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return {name: digest for found in pool.map(_decided, tasks) for name, digest in found.items()}


@cache
def _converter() -> AsReferral:
    return AsReferral(rulebook(), AT)


def _decided(task: Sequence[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]) -> Said:
    said: Said = {}
    for row, lesions in task:
        name = str(row["patient"])
        try:
            case = case_of(Sent(AT, _converter().referral(row, lesions)))
        except ReferralError:
            continue
        said |= digests(*expected({name: case}, rulebook()))
    return said


def query_says(engine: Engine, patients: Path, lesions: Path, scratch: Path) -> Said:
    """What the query reading says of each patient whom settling does not refuse, on one engine."""
    raw = [warehouses.fill(engine, path.stem, pq.read_table(path), scratch) for path in (patients, lesions)]
    settled = settle(raw[0], raw[1], rulebook(), AT, engine.dialect, engine.keep)
    of_patients = engine.keep("settled_patients", settled.patients)
    of_lesions = engine.keep("settled_lesions", settled.lesions)
    outcome = recommend(rulebook(), AT, of_patients, of_lesions, engine.keep)
    options = engine.keep("answer", outcome.recommendations)
    results = engine.keep("answer_lesions", outcome.lesions)
    said: Said = {}
    # A part of the patients at a time: as Python's objects their rows are large.
    names = sorted(row["patient"] for row in engine.read(results.select("patient").distinct()).to_pylist())
    for at in range(0, len(names), 2_000):
        low, high = names[at], names[min(at + 2_000, len(names)) - 1]
        some, of_them = (each.filter(each["patient"].between(low, high)) for each in (options, results))
        said |= digests(answered(engine.read(some).to_pylist()), lesions_answered(engine.read(of_them).to_pylist()))
    return said


def digests(options: Options, lesions: Lesions) -> Said:
    """Everything said of each patient, in one order, as a digest."""
    lines = [(name, lesion, technique, *_plain(told)) for (name, lesion, technique), told in options.items()]
    lines += [(name, lesion, "", *_plain(told)) for (name, lesion), told in lesions.items()]
    return {
        name: hashlib.sha256(repr([line[1:] for line in of_one]).encode()).digest()
        for name, of_one in groupby(sorted(lines, key=itemgetter(0, 1, 2)), key=itemgetter(0))
    }


def _plain(told: Mapping[str, Any]) -> Iterable[str]:
    for name in sorted(told):
        value = told[name]
        yield f"{name}={sorted(value) if isinstance(value, set) else value}"


def differing(run: Said, query: Said) -> list[str]:
    """The patients of whom not the same is said, or of whom only one reading says anything."""
    return sorted(name for name in run.keys() | query.keys() if run.get(name) != query.get(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patients", type=int)
    parser.add_argument("--engines", nargs="+", choices=("duckdb", "postgres", "pyspark"), default=["duckdb"])
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agreement-")))
        paths = cohort(scratch, arguments.patients)
        started = time.monotonic()
        run = run_says(*paths, arguments.processes)
        _say(f"run reading: {len(run)} patients in {time.monotonic() - started:.0f} s")
        for name in arguments.engines:
            engine = _engine(name, scratch, stack)
            started = time.monotonic()
            query = query_says(engine, *paths, scratch)
            found = differing(run, query)
            _say(
                f"{name}: {len(query)} patients in {time.monotonic() - started:.0f} s, {len(found)} differ {found[:5]}"
            )
            engine.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _engine(name: str, scratch: Path, stack: ExitStack) -> Engine:
    if name == "postgres":
        from service.cohort.engines import postgres

        server = stack.enter_context(warehouses.postgres_server())
        return postgres.connect(stack.enter_context(server.database()))
    if name == "pyspark":
        from service.cohort.engines.spark import SparkEngine

        folder = scratch / "spark"
        folder.mkdir()
        return SparkEngine(stack.enter_context(warehouses.spark_session(folder)))
    from service.cohort.engines import duckdb

    return duckdb.connect(memory=6_000_000_000, threads=2, scratch=scratch / "duckdb")


if __name__ == "__main__":
    main()
