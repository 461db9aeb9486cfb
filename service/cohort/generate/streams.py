"""Random bits: for each chunk of patients and each thing that is drawn a stream of its own, fixed by the seed alone.

So an item that is added to the distributions changes no other, and the first thousand patients of a million are those of a
cohort of a thousand. Sixteen bits decide one draw: nothing is rarer than one in 65 536, and a draw is one look into a table.
"""

from hashlib import sha256
from typing import Final, TypeAlias

import numpy as np
from numpy.random import SFC64, SeedSequence
from numpy.typing import NDArray

Bits: TypeAlias = NDArray[np.uint16]

#: how many different numbers a draw has
RANGE: Final = 1 << 16
#: draws in one 64-bit number of the generator
_PER_WORD: Final = 4


class Streams:
    """The streams of one chunk."""

    def __init__(self, seed: int, chunk: int) -> None:
        self._seed = seed
        self._chunk = chunk

    def bits(self, number: int, *name: str | int) -> Bits:
        """The first `number` draws of the stream called so: whole numbers from 0 to 65535, each as likely."""
        key = sha256("\0".join(map(str, name)).encode()).digest()
        seeds = SeedSequence(self._seed, spawn_key=(self._chunk, int.from_bytes(key[:8], "little")))
        # The generator's raw stream, not Generator's methods: only the former is promised never to change.
        raw = SFC64(seeds).random_raw(-(-number // _PER_WORD))
        return raw.astype("<u8", copy=False).view("<u2")[:number].astype(np.uint16, copy=False)


def threshold(percent: float) -> int:
    """What a draw must be below to happen in so many percent."""
    return round(percent / 100 * RANGE)
