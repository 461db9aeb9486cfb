"""Between the passes, in DuckDB: which shared resources each bucket needs, and which resources are not what they seem."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from service.cohort.bulk import duck, store
from service.cohort.bulk.gather import MOST_TOLD, done
from service.cohort.bulk.kinds import KINDS, PERSON
from service.fhir.bundle import ANY

#: the two tables about every bucket, and what was told of all lines
LOOKED_UP: Final = "looked_up.parquet"
AMISS: Final = "amiss.parquet"
JOINED: Final = "joined.json"
#: rows in one group of them: a bucket's rows are found by the bounds of the groups
_GROUP: Final = 2_048

#: why a resource is not this patient's, or not for certain
DELETED: Final = "deleted"
MOVED: Final = "moved"
DISPUTED: Final = "disputed"

_LOOKED_UP_SQL: Final = """
    SELECT wanted.bucket, shared.kind, shared.id, shared.updated, shared.text
    FROM (SELECT DISTINCT bucket, kind, id FROM read_parquet($referred)) AS wanted
    JOIN read_parquet($shared) AS shared USING (kind, id)
    ORDER BY bucket
"""
# An id of a kind is one resource of a server. If two patients claim it, the later version says whose it is now; when no
# version is the latest, it cannot be told.
_AMISS_SQL: Final = f"""
    WITH claims AS (SELECT DISTINCT * FROM read_parquet($claims)),
    claimed AS (
        SELECT kind, id, max(updated) AS last, bool_and(updated IS NOT NULL) AS dated
        FROM claims GROUP BY kind, id HAVING min(patient) <> max(patient)
    ),
    latest AS (
        SELECT kind, id, min(patient) AS owner, min(patient) = max(patient) AS clear
        FROM claims JOIN claimed USING (kind, id) WHERE dated AND updated = last GROUP BY kind, id
    ),
    gone AS (SELECT DISTINCT bucket, kind, id FROM read_parquet($deleted))
    SELECT DISTINCT bucket, patient, kind, id, CASE WHEN clear THEN '{MOVED}' ELSE '{DISPUTED}' END AS reason
    FROM claims JOIN claimed USING (kind, id) LEFT JOIN latest USING (kind, id)
    WHERE clear IS NOT TRUE OR patient <> owner
    UNION ALL
    SELECT DISTINCT claims.bucket, patient, kind, id, '{DELETED}' FROM claims JOIN gone USING (kind, id)
    UNION ALL
    SELECT bucket, id, kind, id, '{DELETED}' FROM gone WHERE kind = '{PERSON}'
    ORDER BY bucket
"""  # noqa: S608 - the words are our own


def join(gathered: Path, tasks: int, folder: Path, spill: Path) -> None:
    """Writes `folder`, whole or not at all."""
    unfinished = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    parts = [done(gathered, number) for number in range(tasks)]
    files = {
        name: [str(part / f"{name}.parquet") for part in parts] for name in ("claims", "referred", "shared", "deleted")
    }
    with duck.connected(spill) as connection:
        chosen: dict[str, Any] = {name: files[name] for name in ("referred", "shared")}
        duck.write(connection, _LOOKED_UP_SQL, chosen, unfinished / LOOKED_UP, _GROUP)
        chosen = {name: files[name] for name in ("claims", "deleted")}
        duck.write(connection, _AMISS_SQL, chosen, unfinished / AMISS, _GROUP)
    told = [json.loads((part / "gathered.json").read_text(encoding="utf-8")) for part in parts]
    store.write_json(unfinished / JOINED, together(told))
    unfinished.rename(folder)


def together(told: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What all tasks counted, the first broken lines by file and line, and the kinds of which something cannot be read."""
    counts: Counter[str] = Counter()
    incomplete: set[str] = set()
    files: dict[str, list[Mapping[str, Any]]] = {}
    for one in told:
        counts.update(one["counts"])
        incomplete |= set(one["incomplete"])
        for stretch in one["stretches"]:
            files.setdefault(stretch["file"], []).append(stretch)
    broken: list[dict[str, Any]] = []
    for name, stretches in sorted(files.items()):
        before = 0
        kinds: set[str] = set()
        for stretch in sorted(stretches, key=lambda each: int(each["start"])):
            broken += [{"file": name, "line": before + line, "why": why} for line, why in stretch["broken"]]
            before += stretch["lines"]
            kinds |= set(stretch["kinds"])
        if any(stretch["broken"] for stretch in stretches):
            # A file of an export holds one kind of resource: so was the broken line, if all the others are of one.
            incomplete |= kinds if len(kinds) == 1 and kinds != {"Bundle"} else {ANY}
    return {"counts": dict(counts), "incomplete": sorted(incomplete & {*KINDS, ANY}), "broken": broken[:MOST_TOLD]}
