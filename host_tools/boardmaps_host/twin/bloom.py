"""BloomFilter: a set that only grows, in a fixed number of bits; it may take a stranger for a member, never the reverse."""

from __future__ import annotations

import os
import struct
from hashlib import blake2b
from typing import Self

from boardmaps.abi import BPF_ANY
from boardmaps.definition import MapDef, filter_bits
from boardmaps.errors import InvalidFlags, NotSupported
from boardmaps.kinds import BLOOM_FILTER

from .array import zeroed
from .base import BytesLike, CloudMap


class BloomFilter(CloudMap):
    """A Bloom filter made for `max_entries` values of value_size bytes, with 1 to 15 hash functions (0 means 5).

    It has 7/5 of entries times functions bits, rounded up to a power of two (at least 64), as the kernel's. More values
    than max_entries can be pushed: peek() then finds more that were not. Raises InvalidDefinition, InvalidFlags, or
    OutOfMemory.

    A peek needs no turn: bits are only ever set, so all that it sees set stay so, and one that is not set was not when it
    looked.
    """

    _instead = "use push and peek"
    _words: tuple[int, int] | None = None  # seed and multiplier of a board's filter, when it was loaded from one

    def __init__(
        self,
        value_size: int,
        max_entries: int,
        map_flags: int = 0,
        name: str = "",
        schema: str = "",
        *,
        functions: int = 5,
    ) -> None:
        definition = MapDef(
            BLOOM_FILTER, 0, value_size, max_entries, map_flags, name, functions=functions, schema=schema
        )
        super().__init__(definition)

    def _set_up(self) -> None:
        d = self.definition
        self._bits = filter_bits(d.max_entries, d.functions)
        self._mask = self._bits - 1
        self._block = zeroed("create", self.name, self._bits // 8)
        self._hash = blake2b(key=os.urandom(16), digest_size=4 * d.functions)
        self._numbers = struct.Struct(f"<{d.functions}I").unpack
        self._added = 0  # pushes that have set a bit

    @property
    def size(self) -> int:
        """Bytes of the bits."""
        return self._bits // 8

    def push(self, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Add a value: from now on peek() says True to it. Raises InvalidValueSize, and InvalidFlags for any flag."""
        if type(value) is not bytes or len(value) != self._value_size:  # saves two calls for what is right already
            value = self._value("push", value)
        if flags is not BPF_ANY and self._whole("push", "flags", flags) != BPF_ANY:
            raise InvalidFlags(f"push {self.name!r}: flags {flags!r} are not BPF_ANY")
        self._alone(self._add, self._numbers_of(value))

    def _add(self, numbers: tuple[int, ...]) -> None:
        block, mask = self._block, self._mask
        new = 0
        for number in numbers:
            at = (number & mask) >> 3
            bit = 1 << (number & 7)
            if not block[at] & bit:
                block[at] |= bit
                new = 1
        self._added += new

    def peek(self, value: BytesLike) -> bool:
        """Return False when the value was surely never pushed, else True. Raises InvalidValueSize."""
        if type(value) is not bytes or len(value) != self._value_size:
            value = self._value("peek", value)
        block, mask = self._block, self._mask
        for number in self._numbers_of(value):  # noqa: SIM110 - all() over a generator takes half as long again
            if not block[(number & mask) >> 3] & 1 << (number & 7):
                return False
        return True

    def clear(self) -> None:
        """Forget every value."""
        self._alone(self._clear)

    def _clear(self) -> None:
        self._note(self._added)
        self._set(_block=zeroed("clear", self.name, self._bits // 8), _added=0)

    def __len__(self) -> int:
        """Raise NotSupported: a filter does not know how many different values it was given."""
        raise NotSupported(f"len {self.name!r}: a filter does not know how many different values it was given")

    def __bool__(self) -> bool:
        """Give True, whatever is in it: len() has no answer."""
        return True

    def host_count(self) -> int:
        """Return what there is instead of a length: the pushes that have set a bit."""
        return self._added

    def host_peek(self, value: BytesLike) -> bool:
        """Do peek(): to a queue the host's peek is a look-up."""
        return self.peek(value)

    def host_parameters(self) -> bytes:
        """Return the number of hash functions."""
        return bytes((self.definition.functions,))

    @classmethod
    def from_definition(cls, d: MapDef, parameters: bytes = b"") -> Self:
        """Make a filter; the parameter is the number of hash functions."""
        return cls(
            d.value_size, d.max_entries, d.map_flags, d.name, d.schema, functions=parameters[0] if parameters else 0
        )

    def _numbers_of(self, value: bytes) -> tuple[int, ...]:
        """Return a number for each function; its low bits say which bit the function chooses."""
        if self._words is not None:
            return self._as_a_board(value, *self._words)
        hashed = self._hash.copy()
        hashed.update(value)
        return self._numbers(hashed.digest())

    def _as_a_board(self, value: bytes, x: int, multiplier: int) -> tuple[int, ...]:
        """Return the numbers that a board has for a value, as SPEC.md tells it."""
        y = multiplier
        for at in range(0, len(value), 2):
            x = (x ^ int.from_bytes(value[at : at + 2], "little")) * multiplier & 0x3FFFFFFF
            x ^= x >> 15
            y = (y + x) * multiplier & 0x3FFFFFFF
            y ^= y >> 15
        numbers = []
        for _ in range(self.definition.functions):
            x = (x ^ y) * multiplier & 0x3FFFFFFF
            x ^= x >> 15
            numbers.append(x)
        return tuple(numbers)

    def _entry_bytes(self, definition: MapDef) -> int:
        del definition
        return 0  # _set_up takes the bits, and says when there is no memory for them
