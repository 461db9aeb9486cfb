"""The folder that a run writes: parts under their final name only when they are whole, and `run.json` beside them."""

import shutil
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

from service.cohort.engines.duckdb import connect
from service.cohort.running.errors import RunError
from service.cohort.running.files import locked, publish, unfinished, write_whole
from service.cohort.running.output import gather
from service.cohort.running.place import Form, Place, done
from service.cohort.running.record import Record, from_json, to_json

#: the tables that stay in parts, and those that are put together at the end
IN_PARTS: Final = ("recommendations", "lesions")
TOGETHER: Final = ("refused", "problems")
#: bytes; refused patients and problems are short tables
_LITTLE: Final = 200_000_000
_RECORD: Final = "run.json"
_WORK: Final = ".work"


class Folder:
    """Where the result of one run stands."""

    def __init__(self, path: Path, form: Form = "parquet") -> None:
        self.path = path
        self.work = path / _WORK
        self._form: Form = form

    def record(self, *, force: bool) -> Record | None:
        """See `Output`. None in a new or empty folder."""
        file = self.path / _RECORD
        try:
            return from_json(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            others = sorted(each.name for each in self.path.iterdir()) if self.path.exists() else []
            others = [name for name in others if name not in (_WORK, f"{_RECORD}.tmp")]
            if others:
                raise RunError(
                    f"{self.path}: holds {others[0]}{' and more' if len(others) > 1 else ''}, and no run of this command",
                    "give a new or an empty folder to --out",
                ) from None
            return None
        except NotADirectoryError:
            raise RunError(f"{self.path}: is a file; give a folder to --out") from None
        except ValueError as error:
            if force:
                return None
            raise RunError(f"{file}: {error}", "give a new folder to --out, or start anew here with --force") from None

    def locked(self) -> AbstractContextManager[None]:
        """Nobody else runs into this folder meanwhile."""
        return locked(self.path, "another run is writing here")

    def clear(self) -> None:
        """Takes away what a run wrote here, and nothing else; the record first, so that no part is taken for done."""
        (self.path / _RECORD).unlink(missing_ok=True)
        for name in (*IN_PARTS, _WORK):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in TOGETHER:
            for suffix in ("parquet", "csv"):
                (self.path / f"{name}.{suffix}").unlink(missing_ok=True)

    def begin(self, record: Record) -> None:
        """See `Output`. Takes away what an interrupted run left half-written."""
        for part in record.done:
            for name in (*IN_PARTS, *TOGETHER):
                if not self._part(name, part.number).exists():
                    raise RunError(
                        f"{self._part(name, part.number)}: is gone, and the run that was begun had finished it",
                        "start anew with --force",
                    )
        self._write(record)
        folders = [*(self.path / name for name in IN_PARTS), *(self.work / name for name in TOGETHER)]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.path, *folders):
            for left in folder.glob("*.tmp"):
                left.unlink()

    def save(self, place: Place, record: Record, number: int, started: float) -> Record:
        """See `Output`."""
        finals = {name: self._part(name, number) for name in (*TOGETHER, *IN_PARTS)}
        rows = {}
        try:
            for name, final in finals.items():
                rows[name] = place.write(name, unfinished(final), "parquet" if name in TOGETHER else self._form)
        except BaseException:
            # What is half-written is of no use, and may take the room that is missing.
            for final in finals.values():
                unfinished(final).unlink(missing_ok=True)
            raise
        for final in finals.values():
            publish(final)
        record = record.with_part(done(number, place.counts(), rows, started))
        self._write(record)
        return record

    def finish(self, record: Record) -> Record:
        """See `Output`."""
        engine = connect(memory=_LITTLE, threads=1, scratch=self.work)
        for name in TOGETHER:
            final = self.path / f"{name}.{self._form}"
            parts = [self._part(name, number) for number in range(1, record.parts + 1)]
            gather(engine.connection, name, parts, unfinished(final), self._form)
            publish(final)
        engine.close()
        record = replace(record, complete=True)
        self._write(record)
        shutil.rmtree(self.work, ignore_errors=True)
        return record

    def _part(self, name: str, number: int) -> Path:
        """The final place of one table of a part."""
        if name in TOGETHER:
            return self.work / name / f"part-{number:05}.parquet"
        return self.path / name / f"part-{number:05}.{self._form}"

    def _write(self, record: Record) -> None:
        """Replaces `run.json` in one step."""
        write_whole(self.path / _RECORD, to_json(record))
