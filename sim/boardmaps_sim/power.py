"""A power cut of a simulated board at one of its flash's operations, and what a torn operation leaves."""

import random
from dataclasses import dataclass
from typing import Literal

Torn = Literal["first", "last", "bits"]


@dataclass(frozen=True)
class PowerCut:
    """The power goes at one operation of the flash: the program of a page (256 bytes at most), the erase of 4 or of 64 KB.

    `at` is the operation's number, from 0, counted since the board's power came. Without `torn` it does not begin. Else half of
    it is done: "first" and "last" say which half of its bytes, and the others are as before; with "bits" each bit is as before or
    as it was to be, by chance, which is the same each time.
    """

    at: int
    torn: Torn | None = None

    def leaves(self, before: bytes, after: bytes) -> bytes:
        """Return what the operation leaves where there was `before`, and `after` was to be."""
        half = len(after) // 2
        if self.torn is None:
            return before
        if self.torn == "first":
            return after[:half] + before[half:]
        if self.torn == "last":
            return before[:half] + after[half:]
        chance = random.Random(self.at).randbytes(len(after))
        return bytes(new & bit | old & ~bit for old, new, bit in zip(before, after, chance, strict=True))
