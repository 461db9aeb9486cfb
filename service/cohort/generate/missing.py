"""What of the truth was written down at all: by item, by section, and by how well a patient's centre writes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from service.cohort.generate.design import Listing, Written
from service.cohort.generate.streams import RANGE, Bits, Streams, threshold
from service.cohort.generate.tables import Flags, Whole, ends_of
from service.cohort.generate.truth import Masks
from service.language.vocabulary import Item


def shared_out(shares: Mapping[str, float], bits: Bits) -> Whole:
    """For each draw the place of the kind that it falls to, by the shares of the kinds."""
    table = np.repeat(np.arange(len(shares)), np.diff(ends_of(list(shares.values())), prepend=0))
    found: Whole = table.take(bits)
    return found


@dataclass(frozen=True, slots=True)
class Missing:
    """How values get lost; `odds` multiplies the odds of each to be missing, 0: nothing is."""

    written: Written
    odds: float

    def centres(self, patients: int, streams: Streams) -> Whole:
        """The kind of centre of each patient."""
        shares = {name: centre.share for name, centre in self.written.centres.items()}
        return shared_out(shares, streams.bits(patients, "centre"))

    def there(self, item: Item, centres: Whole, streams: Streams) -> Flags:
        """Whether the item is written down, for each row's centre."""
        there = np.ones(len(centres), bool)
        if not self.odds:
            return there
        own = self.written.items.get(item.id)
        section = self.written.sections[item.section]
        if own is None:
            there &= ~self._lost(section.whole, centres, streams.bits(len(centres), "section", item.section))
        percent = section.each if own is None else own
        return there & ~self._lost(percent, centres, streams.bits(len(centres), "missing", item.id))

    def _lost(self, percent: float, centres: Whole, bits: Bits) -> Flags:
        lost: Flags = bits < np.array(self._thresholds(percent))[centres]
        return lost

    def _thresholds(self, percent: float) -> list[int]:
        if percent >= 100:
            return [RANGE] * len(self.written.centres)
        odds = percent / (100 - percent) * self.odds
        return [threshold(100 * odds * each.odds / (1 + odds * each.odds)) for each in self.written.centres.values()]

    # ---- lists ----

    def complete(self, item: Item, centres: Whole, streams: Streams) -> Flags:
        """Whether the list is said to be complete."""
        if not self.odds:
            return np.ones(len(centres), bool)
        return ~self._lost(100 - self._listing(item).complete, centres, streams.bits(len(centres), "complete", item.id))

    def told(self, item: Item, masks: Masks, complete: Flags, streams: Streams) -> tuple[Masks, Masks]:
        """The words written as present, and those written as absent. An incomplete list forgets some."""
        present, absent = masks.copy(), np.zeros(len(masks), np.uint64)
        if not self.odds:
            return present, absent
        listing = self._listing(item)
        forgotten, denied = threshold(listing.forgotten), threshold(listing.denied)
        for at, word in enumerate(item.choices):
            bit = np.uint64(1 << at)
            bits = streams.bits(len(masks), "told", item.id, word)
            has = (masks & bit) != 0
            present[has & ~complete & (bits < forgotten)] &= ~bit
            absent[~has & ~complete & (bits < denied)] |= bit
        return present, absent

    def _listing(self, item: Item) -> Listing:
        return self.written.lists[item.id]
