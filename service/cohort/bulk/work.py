"""Where an import stands: the folder of its work, which an interrupted import leaves and the next one goes on from."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from service.cohort.bulk import store
from service.cohort.running.errors import RunError
from service.cohort.running.files import locked

#: raised when a change makes older work unusable
FORMAT: Final = 1
REPORT: Final = "import.json"
RESULTS: Final = ("patients.parquet", "lesions.parquet", REPORT)
_PLAN: Final = "plan.json"
#: what is told when an import is asked for that is not the one that was begun
_TOLD: Final = {
    "as_of": "as-of moment",
    "rulebook": "digest of the rulebook",
    "engine_version": "version of Indication",
    "format": "format of the work",
}


class Work:
    """The folder beside `out`, called like it with `.parts` behind."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.path = out.with_name(f"{out.name}.parts")
        self.gathered = self.path / "gathered"
        self.joined = self.path / "joined"
        self.mapped = self.path / "mapped"
        self.spill = self.path / "spill"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else imports into this folder meanwhile; taken away at the end when nothing is in it."""
        with locked(self.path, "another import works here"):
            try:
                yield
            finally:
                self._leave()

    def begun(self) -> dict[str, Any] | None:
        """What the import that was begun here is of; None when there is none. Raises RunError when something else is here."""
        try:
            found = json.loads((self.path / _PLAN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            others = sorted(path.name for path in self.path.iterdir()) if self.path.exists() else []
            if others and others != [f"{_PLAN}.tmp"]:
                raise RunError(f"{self.path}: holds {others[0]}, and no import; give another folder to --out") from None
            return None
        except (OSError, ValueError):
            raise RunError(f"{self.path / _PLAN}: cannot be read; start anew with --force") from None
        return found if isinstance(found, dict) else {}

    def begin(self, plan: Mapping[str, Any]) -> bool:
        """Goes on with the import that was begun, if it is the same; whether there was one. Raises RunError."""
        begun = self.begun()
        if begun is None:
            self._refuse_results()
            store.write_json(self.path / _PLAN, plan)
            return False
        if different := list(_differences(begun, plan)):
            raise RunError(
                f"{self.path}: an unfinished import stands here, of something else:",
                *(f"  {each}" for each in different[:10]),
                "give the same files, rules and --as-of to finish it, another --out, or --force to throw it away",
            )
        return True

    def forget(self) -> None:
        """Throws away what an import left or wrote here, and nothing else."""
        self.tidy()
        for name in RESULTS:
            (self.out / name).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Takes the work away; the plan last, so that nothing is left that nobody knows."""
        for folder in (
            self.gathered,
            self.joined,
            self.joined.with_name(f"{self.joined.name}.tmp"),
            self.mapped,
            self.spill,
        ):
            shutil.rmtree(folder, ignore_errors=True)
        for name in (_PLAN, f"{_PLAN}.tmp"):
            (self.path / name).unlink(missing_ok=True)

    def _leave(self) -> None:
        try:
            self.path.rmdir()
        except OSError:
            # There is work in it still, which is what it is for.
            return

    def _refuse_results(self) -> None:
        held = [name for name in RESULTS if (self.out / name).exists()]
        if held:
            raise RunError(
                f"{self.out}: holds {held[0]} already",
                "give another folder to --out, or --force to replace what it holds",
            )


def _differences(begun: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    for name, what in _TOLD.items():
        if begun.get(name) != plan[name]:
            yield f"{what}: then {begun.get(name)}, now {plan[name]}"
    then, now = begun.get("files") or {}, plan["files"]
    for name in sorted({*then, *now}):
        if name not in now:
            yield f"{name}: was there then, is not now"
        elif name not in then:
            yield f"{name}: is there now, was not then"
        elif then[name] != now[name]:
            yield f"{name}: has changed since"
