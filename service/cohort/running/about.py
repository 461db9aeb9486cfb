"""What a run is of, looked up: the files or tables of a source as they stand now, the rulebook, the moment."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pyarrow.parquet as pq

from service import ENGINE_VERSION
from service.cohort.running.place import Place
from service.cohort.running.record import Identity
from service.cohort.sources.kinds import Where
from service.rulebook.model import Rulebook

#: what a synthetic cohort says of itself in its files
_MARK: Final = b"synthetic"


def identity(source: str, where: Where, place: Place, rulebook: Rulebook, at: datetime, written_as: str) -> Identity:
    """The identity of a run, from what stands in the source at this moment."""
    info = rulebook.info
    return Identity(
        shown(source, where),
        _of_tables(place) if where.kind == "postgres" else dict(_of_files(source, where)),
        info.name,
        info.version,
        info.status,
        rulebook.digest,
        ENGINE_VERSION,
        place.computed_by(),
        at.isoformat(),
        written_as,
        is_synthetic(where),
    )


def shown(source: str, where: Where) -> str:
    """The source as it may be told and written down: of a database's URL only where it leads."""
    if where.kind != "postgres":
        return source
    url = urlsplit(source)
    return f"postgresql://{url.hostname or ''}{f':{url.port}' if url.port else ''}{url.path}"


def is_synthetic(where: Where) -> bool:
    """Whether the files themselves say that nobody in them is real."""
    for files in where.files.values():
        if files.parquet:
            marks: Mapping[bytes, bytes] = pq.read_metadata(files.paths[0]).metadata or {}
            return marks.get(_MARK) == b"true"
    return False


def _of_tables(place: Place) -> dict[str, str]:
    size = place.size()
    return {"patients": f"{size.patients} rows", "lesions": f"{size.lesions} rows"}


def _of_files(source: str, where: Where) -> dict[str, str]:
    """Each file, by its place in the source, with its size and the time of its last change."""
    root = Path(source)
    paths = [path for files in where.files.values() for path in files.paths] or [root]
    found = {}
    for path in sorted(paths):
        name = path.relative_to(root).as_posix() if root.is_dir() else path.name
        stat = path.stat()
        changed = datetime.fromtimestamp(stat.st_mtime_ns // 1000 / 1e6, UTC)
        found[name] = f"{stat.st_size} bytes, {changed.isoformat(timespec='microseconds')}"
    return found
