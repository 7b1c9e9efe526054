"""What a map is before it exists: its definition, the rules for one, and the exact bytes that it takes in a pool.

Runs unchanged on the board and on the computer, so a plan made on the computer is what creation takes on the board.
"""

from .abi import (
    ARRAY,
    BLOOM_FILTER,
    BPF_F_RB_OVERWRITE,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    HASH,
    KEY_SIZE_MAX,
    LPM_TRIE,
    NAME_MAX,
    PERCPU_ARRAY,
    PERCPU_HASH,
    QUEUE,
    RINGBUF,
    STACK,
    TIME_SERIES,
    TYPE_NAMES,
    U32_MAX,
)
from .errors import InvalidDefinition, InvalidFlags

HEADER_SIZE = 96  # bytes at the start of every map's slice; SPEC.md draws them
# Types whose keys have one size: an index, nothing, or a timestamp
KEY_SIZES = {ARRAY: 4, PERCPU_ARRAY: 4, QUEUE: 0, STACK: 0, RINGBUF: 0, TIME_SERIES: 8, BLOOM_FILTER: 0}

# A trie's key is a prefix length and 1 to 256 bytes of data: the kernel's BPF_LPM_TRIE
LPM_KEY_SIZE_MIN = 5
LPM_KEY_SIZE_MAX = 260

# The most entries in a pool: a hash's links and a walk's cursors have 16 bits, a trie needs up to 2n - 1 nodes for n prefixes
ENTRIES_MAX = 65535
HASH_ENTRIES_MAX = 32767
LPM_ENTRIES_MAX = 16384

# A Bloom filter's hash functions
FUNCTIONS = 5  # unless the definition says otherwise
FUNCTIONS_MAX = 15


class MapDef:
    """A map's definition: map_type, key_size, value_size, max_entries, map_flags, name (sizes in bytes).

    The first five are the kernel's `struct bpf_map_def`. `cpus` is how many values an entry of a per-CPU type has: the
    board's business, so no part of what is equal. `functions` is how many hash functions a Bloom filter has, 1 to 15; 0
    stands for 5 there, and is what every other type has. Raises InvalidDefinition or InvalidFlags when the parts do not make a map.
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
    ) -> None:
        self.map_type = map_type
        self.key_size = key_size
        self.value_size = value_size
        self.max_entries = max_entries
        self.map_flags = map_flags
        self.name = name
        self.cpus = cpus
        self.functions = FUNCTIONS if map_type == BLOOM_FILTER and functions == 0 else functions
        self._check()

    def _check(self) -> None:
        type_name = TYPE_NAMES.get(self.map_type)
        if type_name is None:
            raise InvalidDefinition("create %r: no map type has the number %r" % (self.name, self.map_type))
        what = "create %s %r: " % (type_name, self.name)
        name = self.name
        if not isinstance(name, str) or len(name) > NAME_MAX:
            raise InvalidDefinition(what + "a name has at most %d bytes" % NAME_MAX)
        for c in name:
            if not ("a" <= c <= "z" or "A" <= c <= "Z" or "0" <= c <= "9" or c in "_."):
                raise InvalidDefinition(what + "a name has letters, digits, '_' and '.' only, not %r" % c)
        for part, size, fixed in (
            ("key_size", self.key_size, KEY_SIZES.get(self.map_type)),
            ("value_size", self.value_size, 0 if self.map_type == RINGBUF else None),
            ("max_entries", self.max_entries, None),
        ):
            if fixed is not None:
                if size != fixed:
                    raise InvalidDefinition(what + "%s of this type is %d, not %r" % (part, fixed, size))
            elif not isinstance(size, int) or size <= 0 or size > U32_MAX:
                raise InvalidDefinition(what + "%s is %r, not a number from 1 to 2**32 - 1" % (part, size))
        if self.key_size > KEY_SIZE_MAX:
            raise InvalidDefinition(what + "key_size is %d, above the limit of %d" % (self.key_size, KEY_SIZE_MAX))
        if self.map_type == LPM_TRIE and not LPM_KEY_SIZE_MIN <= self.key_size <= LPM_KEY_SIZE_MAX:
            text = "key_size is %d: a prefix length of 4 bytes, and 1 to 256 bytes of data, are %d to %d"
            raise InvalidDefinition(what + text % (self.key_size, LPM_KEY_SIZE_MIN, LPM_KEY_SIZE_MAX))
        functions = self.functions
        most = FUNCTIONS_MAX if self.map_type == BLOOM_FILTER else 0
        if not isinstance(functions, int) or not (0 < functions <= most or functions == most == 0):
            wanted = "a number from 1 to %d" % most if most else "0: this type has no hash functions"
            raise InvalidDefinition(what + "functions is %r, not %s" % (functions, wanted))
        known = BPF_F_RDONLY | BPF_F_WRONLY
        if self.map_type == RINGBUF:
            known |= BPF_F_RB_OVERWRITE
            if self.max_entries & (self.max_entries - 1):
                raise InvalidDefinition(what + "its bytes are a power of two, not %d" % self.max_entries)
        flags = self.map_flags
        if not isinstance(flags, int) or flags & ~known:
            raise InvalidFlags(what + "map_flags %r has unknown bits" % (flags,))
        if flags & BPF_F_RDONLY and flags & BPF_F_WRONLY:
            raise InvalidDefinition(what + "BPF_F_RDONLY and BPF_F_WRONLY exclude each other")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MapDef) and self._parts() == other._parts()

    def _parts(self) -> tuple[int, int, int, int, int, str, int]:
        return (
            self.map_type,
            self.key_size,
            self.value_size,
            self.max_entries,
            self.map_flags,
            self.name,
            self.functions,
        )

    def __repr__(self) -> str:
        return "MapDef(%s, key_size=%d, value_size=%d, max_entries=%d, map_flags=%d, name=%r%s)" % (
            (TYPE_NAMES[self.map_type],)
            + self._parts()[1:6]
            + (", functions=%d" % self.functions if self.functions else "",)
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
    room = _align(d.value_size, 4)
    if d.map_type in (PERCPU_HASH, PERCPU_ARRAY):
        room = _align(d.value_size, 8) * d.cpus
    if d.map_type in (HASH, PERCPU_HASH):
        links = HEADER_SIZE + 2 * buckets_for(d.max_entries)
        entries = _align(links + 2 * d.max_entries, 8)
        value = _align(d.key_size, 4)
        return links, entries, value, value + room
    if d.map_type == LPM_TRIE:  # three u16 for each of 2n - 1 nodes
        entries = _align(HEADER_SIZE + 6 * (2 * d.max_entries - 1), 8)
        value = _align(d.key_size, 4)
        return HEADER_SIZE, entries, value, value + room
    if d.map_type in (RINGBUF, BLOOM_FILTER):  # bytes
        return HEADER_SIZE, HEADER_SIZE, 0, 1
    value = 8 if d.map_type == TIME_SERIES else 0  # behind the timestamp
    return HEADER_SIZE, HEADER_SIZE, value, value + room


def slice_size(d: MapDef) -> int:
    """Return the bytes that the map takes in a pool: header, index and entries, a multiple of 8."""
    _, entries, _, stride = layout(d)
    if d.map_type == BLOOM_FILTER:
        return entries + filter_bits(d.max_entries, d.functions) // 8
    return _align(entries + stride * d.max_entries, 8)


def check_entries(d: MapDef) -> None:
    """Raise InvalidDefinition for more entries than a pool's links and cursors can number, in however large a pool."""
    most = ENTRIES_MAX
    if d.map_type in (HASH, PERCPU_HASH):
        most = HASH_ENTRIES_MAX
    elif d.map_type == LPM_TRIE:
        most = LPM_ENTRIES_MAX
    elif d.map_type in (RINGBUF, BLOOM_FILTER):  # bytes, and bits
        return
    if d.max_entries > most:
        text = "create %s %r: max_entries is %d; in a pool this type has at most %d"
        raise InvalidDefinition(text % (TYPE_NAMES[d.map_type], d.name, d.max_entries, most))
