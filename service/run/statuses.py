"""The last step of the chain: from what bears on an act to its status, by the engine.

Written apart from `rulebook.bearing.status_of`, as a rule table of its own: the two must agree before an answer leaves.
"""

from collections.abc import Iterable

from service.rulebook.bearing import Bearing
from service.rulebook.model import STATUSES, Status
from service.run.adapter import Branch, EngineError, Ruleset, Test

_YES, _UNKNOWN, _NO = 2.0, 1.0, 0.0
_NO_ALERT: Test = ("alert", "<", _YES)
_NOT_EXCLUDED: Test = ("excluding", "<", _YES)
_INDICATED: Test = ("indicated", ">", _NO)
_NOT_DEFERRED: Test = ("deferring", "<", _YES)
_NOT_ASKED: Test = ("asked", "==", _NO)
_REACHED: Branch = (_NO_ALERT, _NOT_EXCLUDED, _INDICATED, _NOT_DEFERRED, _NOT_ASKED)

TABLE: dict[Status, tuple[Branch, ...]] = {
    "preempted": ((("alert", "==", _YES),),),
    "excluded": ((_NO_ALERT, ("excluding", "==", _YES)),),
    "not_indicated": ((_NO_ALERT, _NOT_EXCLUDED, ("indicated", "==", _NO)),),
    "deferred": ((_NO_ALERT, _NOT_EXCLUDED, _INDICATED, ("deferring", "==", _YES)),),
    "undetermined": ((_NO_ALERT, _NOT_EXCLUDED, _INDICATED, _NOT_DEFERRED, ("asked", "==", _YES)),),
    "cautioned": ((*_REACHED, ("against", "==", _YES)),),
    "provisional": (
        (*_REACHED, ("against", "==", _UNKNOWN)),
        *((*_REACHED, ("against", "==", _NO), (kind, "==", _UNKNOWN)) for kind in ("alert", "excluding", "deferring")),
    ),
    "eligible": (
        (*_REACHED, ("alert", "==", _NO), ("excluding", "==", _NO), ("deferring", "==", _NO), ("against", "==", _NO)),
    ),
}


class Statuses:
    """Derives statuses with the engine. Built after fork, one per worker."""

    def __init__(self) -> None:
        self._ruleset = Ruleset(TABLE)

    def of(self, bearings: Iterable[Bearing]) -> dict[Bearing, Status]:
        """The status of each bearing. Raises EngineError unless the engine gives exactly one."""
        result: dict[Bearing, Status] = {}
        for bears in bearings:
            concluded = self._ruleset.conclude({name: float(value) for name, value in bears._asdict().items()})
            found = [status for status in STATUSES if status in concluded]
            if len(found) != 1:
                raise EngineError(f"{len(found)} statuses for one act")
            result[bears] = found[0]
        return result
