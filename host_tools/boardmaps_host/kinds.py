"""The table of map types, boardmaps.kinds, with names for its columns."""

from typing import NamedTuple

from boardmaps import kinds
from boardmaps.refusals import GROUPS


class Kind(NamedTuple):
    """A map type; boardmaps/kinds.py says what the columns are."""

    number: int
    word: str
    class_name: str
    home: str
    traits: int
    key_least: int
    key_most: int
    flags: int
    most: int
    parameters: tuple[str, ...]
    operations: int

    @property
    def on_boards(self) -> bool:
        """Whether the embedded profile has the type; the cloud profile has all."""
        return bool(self.traits & 1)

    @property
    def has_values(self) -> bool:
        """Whether there are values of value_size bytes; else value_size is 0."""
        return bool(self.traits & 2)

    @property
    def per_cpu(self) -> bool:
        """Whether an entry has a value for each CPU."""
        return bool(self.traits & 4)

    @property
    def indexed(self) -> bool:
        """Whether a key is an index: then an int is taken too."""
        return bool(self.traits & 8)

    @property
    def hashed(self) -> bool:
        """Whether a slice has the heads of chains, which a seed spreads the keys over."""
        return bool(self.traits & 16)

    @property
    def prefixed(self) -> bool:
        """Whether a key is a prefix: its length in bits, and data."""
        return bool(self.traits & 64)

    @property
    def in_bytes(self) -> bool:
        """Whether max_entries is a number of bytes, a power of two."""
        return bool(self.traits & 32)

    @property
    def in_bits(self) -> bool:
        """Whether max_entries values share the bits of a filter."""
        return bool(self.traits & 128)

    @property
    def key_size(self) -> int | None:
        """The one size that the keys of the type have, or None when a definition says it."""
        return self.key_least if self.key_least == self.key_most else None

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes that the constructor takes, in its order."""
        key = ("key_size",) if self.key_size is None else ()
        return (*key, *(("value_size",) if self.has_values else ()), "max_entries")

    def has(self, operation: str) -> bool:
        """Return whether the maps of the type have an operation that not all maps have."""
        return any(self.operations >> bit & 1 and operation in group.split() for bit, group in enumerate(GROUPS))


KINDS = tuple(Kind(*row) for row in kinds.KINDS)


def by_number(number: int) -> Kind:
    """Return the type with this number. Raises KeyError."""
    for kind in KINDS:
        if kind.number == number:
            return kind
    raise KeyError(number)


def by_word(word: object) -> Kind | None:
    """Return the type that has this word, or None."""
    return next((kind for kind in KINDS if kind.word == word), None)


def by_class(name: str) -> Kind | None:
    """Return the type with this class, or None."""
    return next((kind for kind in KINDS if kind.class_name == name), None)
