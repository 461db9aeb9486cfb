"""An import from the first line to the two tables. What is finished is kept: an import that is interrupted goes on."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from service import ENGINE_VERSION
from service.cohort.bulk import bucket, duck, gather, store
from service.cohort.bulk.export import Export, look
from service.cohort.bulk.join import JOINED, join
from service.cohort.bulk.pool import Common, Piece, Pool
from service.cohort.bulk.report import report
from service.cohort.bulk.table import RECORDED_AT
from service.cohort.bulk.work import FORMAT, REPORT, Work
from service.cohort.running.errors import OutOfMemory, RunError, plainly
from service.query.columns import LESION, PATIENT, column
from service.rulebook.model import Rulebook

#: what is being done, how much of it is done, and of how much
Tell = Callable[[str, int, int], None]

#: below this many bytes of text, starting processes takes longer than the work
WORTH_PROCESSES: Final = 20_000_000
_ORDER: Final = {"patient": PATIENT, "lesion": f"{PATIENT}, {LESION}"}
_NO_ITEMS: Final = frozenset({PATIENT, LESION, RECORDED_AT})


def import_folder(
    source: Path,
    out: Path,
    rulebook: Rulebook,
    at: datetime | None,
    *,
    processes: int = 1,
    force: bool = False,
    tell: Tell = lambda _what, _done, _of: None,
) -> dict[str, Any]:
    """Writes `patients.parquet`, `lesions.parquet` and `import.json` to the folder `out`; what stands in the last one.

    `at` None: the moment of the import that was begun there, else now. Raises RunError.
    """
    export = look(source)
    work = Work(out)
    try:
        with work.locked(), plainly(str(out), ""):
            if force:
                work.forget()
            identity = _identity(export, rulebook, _moment(at, rulebook, work.begun()))
            work.begin(identity)
            with Pool(processes if export.text >= WORTH_PROCESSES else 1) as workers:
                counts, joined = _mapped(export, work, rulebook, identity, workers, tell)
            if look(source).fingerprint != export.fingerprint:
                raise RunError(
                    f"{source}: its files have changed meanwhile", "let the download end, then import with --force"
                )
            return _finished(work, identity, counts, joined, rulebook, tell)
    except OutOfMemory:
        raise RunError(
            f"a step needs more than the {duck.MEMORY} that the engine may take in each process, or the machine has none left",
            "give the same command again with fewer --processes: what is finished is kept",
        ) from None


def _moment(at: datetime | None, rulebook: Rulebook, begun: Mapping[str, Any] | None) -> datetime:
    """In the rulebook's own time zone, as the reading takes it."""
    zone = ZoneInfo(rulebook.info.timezone)
    if at is None and begun is not None:
        try:
            at = datetime.fromisoformat(str(begun.get("as_of")))
        except ValueError:
            at = None
    at = at if at is not None else datetime.now(UTC).replace(microsecond=0)
    return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)


def _identity(export: Export, rulebook: Rulebook, at: datetime) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "source": export.folder.name,
        "as_of": at.isoformat(),
        "rulebook": rulebook.digest,
        "rulebook_name": rulebook.info.name,
        "rulebook_version": rulebook.info.version,
        "engine_version": ENGINE_VERSION,
        "files": export.fingerprint,
        "other_files": list(export.others[:50]),
    }


def _mapped(
    export: Export, work: Work, rulebook: Rulebook, identity: Mapping[str, Any], workers: Pool, tell: Tell
) -> tuple[Counter[str], dict[str, Any]]:
    """Both passes, as far as they are not done; what was counted, and what the lines told of all patients."""
    tasks = export.tasks()
    gathering = gather.Gathering(export.folder, work.gathered, export.buckets)
    left = [task for task in tasks if not gather.done(work.gathered, task.number).exists()]
    _all(gather.gather, gathering, left, len(tasks), workers, "reading lines", tell)
    if not work.joined.exists():
        tell("comparing patients", 0, 1)
        join(work.gathered, len(tasks), work.joined, work.spill)
    joined: dict[str, Any] = json.loads((work.joined / JOINED).read_text(encoding="utf-8"))
    mapping = bucket.Mapping(
        gathered=work.gathered,
        joined=work.joined,
        folder=work.mapped,
        spill=work.spill,
        rulebook=rulebook,
        at=datetime.fromisoformat(identity["as_of"]),
        incomplete=tuple(joined["incomplete"]),
    )
    numbers = [number for number in range(export.buckets) if not bucket.done(work.mapped, number).exists()]
    _all(bucket.map_bucket, mapping, numbers, export.buckets, workers, "reading patients", tell)
    counts: Counter[str] = Counter(joined["counts"])
    for number in range(export.buckets):
        counts.update(json.loads((bucket.done(work.mapped, number) / bucket.COUNTS).read_text(encoding="utf-8")))
    return counts, joined


def _all(
    each: Callable[[Common, Piece], None],
    common: Common,
    left: list[Piece],
    of: int,
    workers: Pool,
    what: str,
    tell: Tell,
) -> None:
    done = of - len(left)
    tell(what, done, of)
    for _piece in workers.each(each, common, left):
        done += 1
        tell(what, done, of)


def _finished(
    work: Work,
    identity: Mapping[str, Any],
    counts: Counter[str],
    joined: Mapping[str, Any],
    rulebook: Rulebook,
    tell: Tell,
) -> dict[str, Any]:
    """The parts put together, sorted by patient, without the columns that nobody fills; the report last."""
    tell("writing", 0, 1)
    work.out.mkdir(parents=True, exist_ok=True)
    filled: set[str] = set()
    with duck.connected(work.spill) as connection:
        for scope in bucket.TABLES:
            files = {"files": [str(path) for path in sorted(work.mapped.glob(f"*/{scope}.parquet"))]}
            columns = duck.filled(connection, files, _NO_ITEMS)
            filled |= set(columns)
            chosen = ", ".join(f'"{name}"' for name in columns)
            query = f"SELECT {chosen} FROM read_parquet($files) ORDER BY {_ORDER[scope]}"  # noqa: S608 - names of our own columns
            final = work.out / f"{scope}s.parquet"
            duck.write(connection, query, files, final.with_name(f"{final.name}.tmp"))
            store.publish(final.with_name(f"{final.name}.tmp"), final)
    missing = [item.id for item in rulebook.vocabulary if column(item.id) not in filled]
    result = report(identity, counts, joined, missing)
    store.write_json(work.out / REPORT, result)
    work.tidy()
    return result
