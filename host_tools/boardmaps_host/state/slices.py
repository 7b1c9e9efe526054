"""One map's slice of a pool, read from its bytes alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack_into, unpack_from
from typing import Any

from boardmaps import slices as parts
from boardmaps.abi import BPF_F_WRONLY
from boardmaps.definition import HEADER_SIZE, MAGIC, MapDef, check_word, filter_bits
from boardmaps.kernels import plain_check
from boardmaps.maps.check import _definition as definition_of
from boardmaps.maps.check import examined
from boardmaps.maps.check import parameters as parameters_in
from boardmaps.schema import put, same_layout
from boardmaps_host.kinds import Kind, by_number

SIZE_AT, COUNT_AT, STATE_AT, MARK_AT, SCHEMA_AT, PEAK_AT, CHECK_AT = 4, 28, 68, 69, 70, 72, 76  # in the header
FROZEN = 1


@dataclass(frozen=True)
class Slice:
    """A slice whose header is sound. `wrong` says what is wrong with the rest of it, None when it is whole.

    `hidden`: its content was not given out, because the map is write-only for the computer; zeros stand for it.
    """

    data: bytes
    definition: MapDef
    wrong: str | None
    hidden: bool = False

    @property
    def kind(self) -> Kind:
        """The map's type."""
        return by_number(self.definition.map_type)

    @property
    def name(self) -> str:
        """The map's name, '' when it has none."""
        return self.definition.name

    @property
    def schema(self) -> str:
        """The schema's text, '' when it has none."""
        return self.definition.schema

    @property
    def frozen(self) -> bool:
        """Whether the computer may no longer write to the map."""
        return bool(self.data[STATE_AT] & FROZEN)

    @property
    def count(self) -> int:
        """How many entries are in use; of an array all."""
        count: int = unpack_from("<I", self.data, COUNT_AT)[0]
        return self.definition.max_entries if self.kind.indexed else count

    @property
    def peak(self) -> int:
        """The most entries that were in use at one time, a ring buffer's bytes; of an array all."""
        peak: int = unpack_from("<I", self.data, PEAK_AT)[0]
        return self.definition.max_entries if self.kind.indexed else peak

    @property
    def parameters(self) -> bytes:
        """The type parameters, as CREATE takes them; nothing where the type or this map has none."""
        found: bytes = parameters_in(self.data)
        return found

    def described_by(self, schema: str) -> "Slice":
        """Return the slice with a schema that has the same layout (descriptions, units or ranges differ); else this one."""
        if schema == self.schema or self.wrong or not same_layout(schema, self.schema):
            return self
        text = schema.encode()
        body = len(self.data) - _padded(self.schema.encode())
        view = bytearray(self.data[:body] + bytes(_padded(text)))
        put(view, text)
        pack_into("<I", view, CHECK_AT, check_word(view))
        found = read(bytes(view), self.hidden)
        assert not isinstance(found, str), found
        return found

    @property
    def what(self) -> str:
        """What is in the map: boardmaps.slices has the words."""
        word: str = parts.what(self.definition.map_type)
        return word

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of each entry, in the order of their slots; a per-CPU map's value is a row."""
        yield from parts.entries(self.data)

    def values(self) -> Iterator[bytes]:
        """Yield the values of a queue or a stack, the oldest first."""
        yield from parts.values(self.data)

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each record that waits in a ring, the oldest first."""
        yield from parts.records(self.data)

    def samples(self) -> Iterator[tuple[int, bytes]]:
        """Yield timestamp and value of each sample of a series, the oldest first."""
        yield from parts.samples(self.data)

    def contents(self) -> list[Any]:
        """Return what is in the map, as entries(), values(), records() or samples() give it; of a filter its bits."""
        if self.what == parts.OF_BITS:
            bits = filter_bits(self.definition.max_entries, self.definition.functions)
            return [self.data[HEADER_SIZE : HEADER_SIZE + bits // 8]]
        found: list[Any] = list(getattr(self, self.what)())
        return found

    def of_every_cpu(self, value: bytes) -> list[bytes]:
        """Return the values of all CPUs in a per-CPU map's value; of another map this one."""
        if not self.kind.per_cpu:
            return [value]
        size = self.definition.value_size
        return [value[at : at + size] for at in range(0, len(value), (size + 7) // 8 * 8)]


def _padded(text: bytes) -> int:
    return (len(text) + 7) // 8 * 8


def size_at(data: bytes, offset: int) -> int:
    """Return how many bytes the slice at `offset` says that it has, 0 when none begins there."""
    if data[offset : offset + 4] != MAGIC or len(data) < offset + HEADER_SIZE:
        return 0
    size: int = unpack_from("<I", data, offset + SIZE_AT)[0]
    return size if size >= HEADER_SIZE and not size % 8 else 0


def read(data: bytes, hidden: bool | None = None) -> Slice | str:
    """Return the slice that `data` is, whole or not behind its header; a text when its header is not sound.

    `hidden`: whether zeros stand for its content; by itself when it is write-only and all zeros.
    """
    d, wrong = definition_of(data)
    if d is None:
        return str(wrong)
    if hidden is None:
        hidden = bool(d.map_flags & BPF_F_WRONLY) and not any(data[HEADER_SIZE:])
    _, wrong = examined(data, plain_check)
    if hidden and wrong and not _header_is_wrong(data):
        wrong = None
    return Slice(bytes(data), d, wrong, hidden)


def _header_is_wrong(data: bytes) -> bool:
    """Whether the header of a slice without its content has a check that is not that of its bytes."""
    other = check_word(data) != unpack_from("<I", data, CHECK_AT)[0]
    return other and not unpack_from("<H", data, SCHEMA_AT)[0]  # a schema's text is hidden with the content
