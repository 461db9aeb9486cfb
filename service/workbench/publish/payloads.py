"""Which referrals that were accepted would be refused, or read otherwise: what an EHR that sends them must be told of."""

from collections.abc import Iterator

from service.language.vocabulary import Item
from service.rulebook.model import Rulebook


def refusals(old: Rulebook, new: Rulebook) -> list[str]:
    """Each way in which a referral that `old` accepts breaks under `new`, named by its item. Empty when none does."""
    found = []
    for name, item in sorted(old.vocabulary.items.items()):
        now = new.vocabulary.items.get(name)
        found += [f"{name} is gone"] if now is None else [f"{name}: {fault}" for fault in _of(item, now)]
    known = {entry.when for entry in old.impossible}
    found += [f"{entry.id}: is called impossible now" for entry in new.impossible if entry.when not in known]
    return found


def _of(old: Item, new: Item) -> Iterator[str]:
    if old.type != new.type:
        yield f"was a {old.type}, is a {new.type}"
        return
    if old.scope != new.scope:
        yield f"was of the {old.scope}, is of the {new.scope}"
    if lost := sorted(old.choices.keys() - new.choices.keys()):
        yield f"no longer takes {', '.join(lost)}"
    yield from _units(old, new)
    if old.type == "number" and (new.low > old.low or new.high < old.high) and old.unit == new.unit:
        yield f"was accepted from {old.low:g} to {old.high:g}, is from {new.low:g} to {new.high:g}"


def _units(old: Item, new: Item) -> Iterator[str]:
    if old.unit != new.unit:
        yield f"was in {old.unit or 'no unit'}, is in {new.unit or 'no unit'}"
        return
    if lost := sorted(old.units.keys() - new.units.keys()):
        yield f"no longer takes the unit {', '.join(lost)}"
    if other := sorted(unit for unit in old.units.keys() & new.units.keys() if old.units[unit] != new.units[unit]):
        yield f"converts {', '.join(other)} otherwise"
