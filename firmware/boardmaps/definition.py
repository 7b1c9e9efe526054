"""What a map is before it exists: its definition, the rules for one, and the exact bytes that it takes in a pool.

Runs unchanged on the board and on the computer, so a plan made on the computer is what creation takes on the board.
"""

from binascii import crc32

from .errors import InvalidDefinition, InvalidFlags
from .flags import BPF_F_RDONLY, BPF_F_WRONLY, NAME_MAX, U32_MAX, const
from .kinds import find

# Columns and traits of kinds.py
_KIND_NUMBER = const(0)
_WORD = const(1)
_TRAITS = const(4)
_PARAMETERS = const(9)
_KEY_LEAST = const(5)
_KEY_MOST = const(6)
_FLAGS = const(7)
_MOST = const(8)
_VALUES = const(2)
_PER_CPU = const(4)
_INDEXED = const(8)
_CHAINS = const(16)
_BYTES = const(32)
_NODES = const(64)
_BITS = const(128)

# A Bloom filter's hash functions
_FUNCTIONS_USUAL = const(5)  # unless the definition says otherwise
_FUNCTIONS_MOST = const(15)
_FILTER_VALUE_MOST = const(1 << 22)  # bytes of a value: the kernel's KMALLOC_MAX_SIZE

HEADER_SIZE = 96  # bytes at the start of every map's slice; SPEC.md draws them
LAYOUT = 2  # of a slice: the version that this boardmaps makes and reads
MAGIC = b"BM\x02\x0c"  # with the layout and the header's size in eighths


class MapDef:
    """A map's definition: map_type, key_size, value_size, max_entries, map_flags, name (sizes in bytes).

    The first five are the kernel's `struct bpf_map_def`. `cpus` is how many values an entry of a per-CPU type has: the
    board's business, so no part of what is equal. `functions` is how many hash functions a Bloom filter has, 1 to 15; 0
    stands for 5 there, and is what every other type has. `schema` says what the bytes of keys and values mean (SPEC.md, section 6);
    '' is none. Raises InvalidDefinition or InvalidFlags when the parts do not make a map.
    """

    def __init__(
        self,
        map_type: int,
        key_size: int,
        value_size: int,
        max_entries: int,
        map_flags: int = 0,
        name: str = "",
        cpus: int = 1,
        functions: int = 0,
        schema: str = "",
    ) -> None:
        self.map_type = map_type
        self.key_size = key_size
        self.value_size = value_size
        self.max_entries = max_entries
        self.map_flags = map_flags
        self.name = name
        self.cpus = cpus
        self.functions = functions
        self.schema = schema
        self._check()

    def _check(self) -> None:
        row = find(_KIND_NUMBER, self.map_type)
        if row is None:
            raise InvalidDefinition("create %r: no map type has the number %r" % (self.name, self.map_type))
        what = "create %s %r: " % (row[_WORD], self.name)
        name = self.name
        if not isinstance(name, str) or len(name) > NAME_MAX:
            raise InvalidDefinition(what + "a name has at most %d bytes" % NAME_MAX)
        for c in name:
            if not ("a" <= c <= "z" or "A" <= c <= "Z" or "0" <= c <= "9" or c in "_."):
                raise InvalidDefinition(what + "a name has letters, digits, '_' and '.' only, not %r" % c)
        key = row[_KEY_LEAST]
        for part, size, fixed in (
            ("key_size", self.key_size, key if key == row[_KEY_MOST] else None),
            ("value_size", self.value_size, None if row[_TRAITS] & _VALUES else 0),
            ("max_entries", self.max_entries, None),
        ):
            if fixed is not None:
                if size != fixed:
                    raise InvalidDefinition(what + "%s of this type is %d, not %r" % (part, fixed, size))
            elif not isinstance(size, int) or size <= 0 or size > U32_MAX:
                raise InvalidDefinition(what + "%s is %r, not a number from 1 to 2**32 - 1" % (part, size))
        if self.key_size > row[_KEY_MOST]:
            raise InvalidDefinition(what + "key_size is %d, above the limit of %d" % (self.key_size, row[_KEY_MOST]))
        if self.key_size < key:
            raise InvalidDefinition(what + "key_size is %d, below the least of %d" % (self.key_size, key))
        if row[_TRAITS] & _BYTES and self.max_entries & (self.max_entries - 1):
            raise InvalidDefinition(what + "its bytes are a power of two, not %d" % self.max_entries)
        known = BPF_F_RDONLY | BPF_F_WRONLY | row[_FLAGS]
        most = _FUNCTIONS_MOST if row[_TRAITS] & _BITS else 0
        if self.functions == 0 and most:
            self.functions = _FUNCTIONS_USUAL
        if most and self.value_size > _FILTER_VALUE_MOST:
            text = "value_size is %d, above the limit of %d"
            raise InvalidDefinition(what + text % (self.value_size, _FILTER_VALUE_MOST))
        functions = self.functions
        if not isinstance(functions, int) or not (0 < functions <= most or functions == most == 0):
            wanted = "a number from 1 to %d" % most if most else "0: this type has no hash functions"
            raise InvalidDefinition(what + "functions is %r, not %s" % (functions, wanted))
        flags = self.map_flags
        if not isinstance(flags, int) or flags & ~known:
            raise InvalidFlags(what + "map_flags %r has unknown bits" % (flags,))
        if flags & BPF_F_RDONLY and flags & BPF_F_WRONLY:
            raise InvalidDefinition(what + "BPF_F_RDONLY and BPF_F_WRONLY exclude each other")
        if self.schema:
            from .schema import check  # saves heap: with the first typed map

            try:
                check(self.schema, self.key_size, self.value_size)
            except InvalidDefinition as wrong:
                raise InvalidDefinition(what + str(wrong))  # noqa: B904 - takes less heap so

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MapDef) and self._parts() == other._parts()

    def _parts(self) -> tuple[int, int, int, int, int, str, int, str]:
        return (
            self.map_type,
            self.key_size,
            self.value_size,
            self.max_entries,
            self.map_flags,
            self.name,
            self.functions,
            self.schema,
        )

    def __repr__(self) -> str:
        return "MapDef(%s, key_size=%d, value_size=%d, max_entries=%d, map_flags=%d, name=%r%s%s)" % (
            (find(_KIND_NUMBER, self.map_type)[_WORD],)
            + self._parts()[1:6]
            + (", functions=%d" % self.functions if self.functions else "",)
            + (", schema=%r" % self.schema if self.schema else "",)
        )


def _align(n: int, to: int) -> int:
    return (n + to - 1) // to * to


def buckets_for(max_entries: int) -> int:
    """Return the number of hash buckets: the smallest power of two that holds `max_entries`, so chains stay near one."""
    n = 1
    while n < max_entries:
        n *= 2
    return n


def filter_bits(max_entries: int, functions: int) -> int:
    """Return the bits of a Bloom filter: 7/5 of entries times functions, rounded up to a power of two, from 64 to 2**32.

    This is the kernel's rule; 7/5 stands for 1 / ln 2, with which half of the bits are set when the filter is full.
    """
    wanted = max_entries * functions // 5 * 7
    bits = 64
    while bits < wanted and bits < 1 << 32:
        bits *= 2
    return bits


def layout(d: MapDef) -> tuple[int, int, int, int]:
    """Return (links offset, entries offset, value offset in an entry, entry stride) of a map's slice, in bytes.

    Heads, if any, begin right behind the header. Keys and values start on 4-byte boundaries, so that the kernels may
    compare and copy words on cores that fault on unaligned ones.
    """
    traits = find(_KIND_NUMBER, d.map_type)[_TRAITS]
    if traits & (_BYTES | _BITS):
        return HEADER_SIZE, HEADER_SIZE, 0, 1
    value = 0 if traits & _INDEXED else _align(d.key_size, 4)
    stride = value + (_align(d.value_size, 8) * d.cpus if traits & _PER_CPU else _align(d.value_size, 4))
    links = entries = HEADER_SIZE
    if traits & _CHAINS:
        links += 2 * buckets_for(d.max_entries)
        entries = _align(links + 2 * d.max_entries, 8)
    elif traits & _NODES:  # three u16 for each of 2n - 1 nodes
        entries = _align(links + 6 * (2 * d.max_entries - 1), 8)
    return links, entries, value, stride


def slice_size(d: MapDef) -> int:
    """Return the bytes that the map takes in a pool: header, index, entries and the schema's text, a multiple of 8."""
    _, entries, _, stride = layout(d)
    if d.functions:  # a filter
        entries += filter_bits(d.max_entries, d.functions) // 8
        stride = 0
    return _align(entries + stride * d.max_entries, 8) + (_align(len(d.schema.encode()), 8) if d.schema else 0)


def check_word(view: memoryview | bytes | bytearray) -> int:
    """Return the CRC-32 of what never changes in a slice, which SPEC.md lists: what stands at 76 of a slice that is one.

    The header says a type that there is, and a size and a schema that lie in `view`. Takes heap.
    """
    row = find(_KIND_NUMBER, view[8])
    traits = row[_TRAITS]
    first, end = 44, 60
    if traits & (_CHAINS | _BITS):  # also seed, multiplier and mask; functions
        first = 32
        if traits & _BITS:
            end = 64
    elif row[_PARAMETERS]:  # a time series' field
        first = 36
    crc = crc32(view[first:end], crc32(view[:28]))
    crc = crc32(view[80:HEADER_SIZE], crc32(view[70:72], crc))
    return crc32(schema_of(view), crc)


def schema_of(view: memoryview | bytes | bytearray) -> memoryview | bytes | bytearray:
    """Return the part of a slice that is the text of its schema, nothing where it has none."""
    n = view[70] | view[71] << 8
    return view[len(view) - _align(n, 8) :][:n]


def check_entries(d: MapDef) -> None:
    """Raise InvalidDefinition for more entries than a pool's links and cursors can number, in however large a pool."""
    row = find(_KIND_NUMBER, d.map_type)
    if d.max_entries > row[_MOST]:
        text = "create %s %r: max_entries is %d; in a pool this type has at most %d"
        raise InvalidDefinition(text % (row[_WORD], d.name, d.max_entries, row[_MOST]))
