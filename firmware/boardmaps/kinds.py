"""The table of map types: what there is to know of a type beside its code, for the board, the twin, the client and the command.

Runs unchanged on the board and on the computer. A new type is a row here, a module in maps/, one in the twin and one in the
client; docs/adding-a-map-type.md has the steps. Nowhere else is anything compared with a type's number, word or class; a test
looks for it. A type's numbers are the kernel's (include/uapi/linux/bpf.h), ours begin at 100.

The table is one constant tuple: frozen, it takes no heap.
"""

from .flags import const

HASH = const(1)
ARRAY = const(2)
PERCPU_HASH = const(5)
PERCPU_ARRAY = const(6)
LRU_HASH = const(9)
LPM_TRIE = const(11)
QUEUE = const(22)
STACK = const(23)
RINGBUF = const(27)
BLOOM_FILTER = const(30)
TIME_SERIES = const(100)

# A row's columns; a board's modules restate the numbers that they use, boardmaps_host.kinds has them as a named tuple:
#  0 number
#  1 word: bpftool's, and ours
#  2 class_name: on every side
#  3 home: the module of the class, boardmaps.maps.HOME on the board and boardmaps_host.twin.HOME on the computer
#  4 traits: bits, see below
#  5 key_least, 6 key_most: bytes of a key; a fixed number when both are equal, 0 for no keys
#  7 flags: the map_flags allowed beside BPF_F_RDONLY and BPF_F_WRONLY
#  8 most: max_entries in a board's pool
#  9 parameters: type parameters, their struct format and then the constructor's names for them; () for none
# 10 operations: bits, each a group of operations, see below

# Traits
_BOARD = const(1)  # the embedded profile has it; the cloud profile has all
_VALUES = const(2)  # it has values of value_size bytes; else value_size is 0
_PER_CPU = const(4)  # an entry is a row, a value for each CPU
_INDEXED = const(8)  # a key is an index: an int is taken, and an entry is its value alone, without the key before it
# How a slice's entries lie: in a row, if none of these is set
_CHAINS = const(16)  # bucket heads, links, then entries
_BYTES = const(32)  # a ring of max_entries bytes, a power of two
_NODES = const(64)  # links of the nodes of a trie, then entries
_BITS = const(128)  # the bits of a filter, as many as its hash functions need

# Operations, each bit a group of operations in refusals.py
_OPS_ENTRIES = const(1)
_OPS_TAKES = const(2)
_OPS_ATOMICS = const(4)
_OPS_ROWS = const(8)
_OPS_QUEUED = const(16)
_OPS_RECORDS = const(32)
_OPS_SAMPLES = const(64)
_OPS_PARTS = const(128)
_OPS_VIEWS = const(256)
_OPS_MEMBERS = const(512)

_HASHED = const(32767)  # entries that 16-bit links can tell apart; the top bit of a link says that a slot is free
_PREFIXES = const(16384)  # entries of a trie: its links have 15 bits, and n prefixes need up to 2n - 1 nodes
_SLOTTED = const(65535)  # entries that a cursor of 16 bits can tell apart
_OVERWRITE = const(1 << 19)  # abi.BPF_F_RB_OVERWRITE
_KEY_SIZE_MAX = const(512)  # bytes: the kernel's MAX_BPF_STACK bounds a hash key

# fmt: off
KINDS = (
    (HASH, "hash", "HashMap", "hash",
     _BOARD | _VALUES | _CHAINS, 1, _KEY_SIZE_MAX, 0, _HASHED, (), _OPS_ENTRIES | _OPS_TAKES | _OPS_ATOMICS | _OPS_PARTS),
    (ARRAY, "array", "ArrayMap", "array",
     _BOARD | _VALUES | _INDEXED, 4, 4, 0, _SLOTTED, (), _OPS_ENTRIES | _OPS_ATOMICS | _OPS_PARTS | _OPS_VIEWS),
    (PERCPU_HASH, "percpu_hash", "PerCpuHash", "percpu_hash",
     _BOARD | _VALUES | _PER_CPU | _CHAINS, 1, _KEY_SIZE_MAX, 0, _HASHED, (), _OPS_ENTRIES | _OPS_TAKES | _OPS_ATOMICS | _OPS_ROWS),
    (PERCPU_ARRAY, "percpu_array", "PerCpuArray", "percpu_array",
     _BOARD | _VALUES | _PER_CPU | _INDEXED, 4, 4, 0, _SLOTTED, (), _OPS_ENTRIES | _OPS_ATOMICS | _OPS_ROWS),
    (LRU_HASH, "lru_hash", "LruHashMap", "lru",
     _VALUES | _CHAINS, 1, _KEY_SIZE_MAX, 0, _HASHED, (), _OPS_ENTRIES | _OPS_TAKES | _OPS_ATOMICS | _OPS_PARTS),
    (LPM_TRIE, "lpm_trie", "LpmTrie", "lpm",
     _BOARD | _VALUES | _NODES, 5, 260, 0, _PREFIXES, (), _OPS_ENTRIES),
    (QUEUE, "queue", "Queue", "queue",
     _BOARD | _VALUES, 0, 0, 0, _SLOTTED, (), _OPS_QUEUED),
    (STACK, "stack", "Stack", "queue",
     _BOARD | _VALUES, 0, 0, 0, _SLOTTED, (), _OPS_QUEUED),
    (RINGBUF, "ringbuf", "RingBuf", "ringbuf",
     _BOARD | _BYTES, 0, 0, _OVERWRITE, 1 << 29, (), _OPS_RECORDS),
    (BLOOM_FILTER, "bloom_filter", "BloomFilter", "bloom",
     _BOARD | _VALUES | _BITS, 0, 0, 0, 1 << 29, ("B", "functions"), _OPS_MEMBERS),
    (TIME_SERIES, "time_series", "TimeSeries", "timeseries",
     _BOARD | _VALUES, 8, 8, 0, _SLOTTED, ("BI", "field", "field_offset"), _OPS_SAMPLES),
)
# fmt: on


def find(column, value):  # type: ignore[no-untyped-def]
    """Return the row with this value in a column, or None."""
    for row in KINDS:
        if row[column] == value:
            return row
    return None
