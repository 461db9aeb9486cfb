"""A second patient who differs from the first in one item only."""

from service.prove.patients import Patients, Unknown, unknown
from service.prove.world import World


class _Alike(Patients):
    """The same unknowns as another patient's, but for one item."""

    def __init__(self, patients: Patients, differing: str) -> None:
        super().__init__(patients.vocabulary, patients.others)
        self._first = patients
        self._differing = differing
        self.now = patients.now

    def of(self, item_id: str, lesion: int) -> Unknown:
        if item_id != self._differing:
            return self._first.of(item_id, lesion)
        item = self.vocabulary[item_id]
        key = (lesion if item.scope == "lesion" else None, item_id)
        if key not in self._made:
            place = "" if key[0] is None else f"lesion{lesion}."
            self._made[key] = unknown(item, f"twin.{place}")
        return self._made[key]


def twin(world: World, differing: str) -> World:
    """The world of that second patient. The first one's own assumptions hold of both, and must be added once."""
    return World(world.rulebook, patients=_Alike(world.patients, differing))
