"""The table of map types and operations: what a sequence is made of. A new type is one row of ROWS.

An operation's arguments are small numbers, so that a sequence prints, shrinks and replays well; a Shape turns them into
the keys and values of one particular map.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from boardmaps.kinds import ARRAY, HASH, LPM_TRIE, LRU_HASH, PERCPU_ARRAY, PERCPU_HASH, QUEUE, STACK
from tests.differential import model
from tests.differential.model_lpm import LpmModel

Op = tuple[Any, ...]  # a name of OPS, then its arguments


class Kind(NamedTuple):
    """Where an argument comes from: one of `options`, or up to `most` of them when that is not 0."""

    options: tuple[Any, ...]
    most: int = 0

    def draw(self, rng: Random) -> Any:
        if self.most:
            return [rng.choice(self.options) for _ in range(rng.randrange(self.most + 1))]
        return rng.choice(self.options)


_NUMBERS = tuple(range(32))
KEY = Kind(_NUMBERS)
VALUE = Kind(_NUMBERS + (3, 20) * 8)
FEW = Kind((3, 20))
DELTA = Kind((0, 1, 2, 255, 256, 1 << 31, (1 << 63) - 1, -1, -256, -(1 << 63)))
FLAGS = Kind((0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 64, 1 << 31))  # the last four are unknown
COUNT = Kind((1, 2, 3, 7, 64))
PACE = Kind((0, 0, 1, 2, 3, 7))  # the page of a walk; 0 steps by next_key
KEYS = Kind(_NUMBERS, most=6)
PAIRS = Kind(tuple((key, value) for key in _NUMBERS for value in (3, 20)), most=6)
CHANGES = Kind(tuple((what, key, 9) for key in _NUMBERS for what in ("update", "delete")), most=8)

# What each operation takes. The three sides (model.py, subjects.py) have a method for each.
OPS: dict[str, dict[str, Kind]] = {
    "lookup": {"key": KEY},
    "lookup_into": {"key": KEY},
    "update": {"key": KEY, "value": VALUE, "flags": FLAGS},
    "delete": {"key": KEY},
    "take": {"key": KEY},
    "next_key": {"key": KEY},
    "walk": {},
    "keys": {},
    "count": {},
    "pages": {"count": COUNT},
    "drain": {"count": COUNT},
    "batch_update": {"pairs": PAIRS, "flags": FLAGS},
    "batch_delete": {"keys": KEYS},
    "walk_changing": {"count": PACE, "changes": CHANGES},
    "push": {"value": VALUE, "flags": FLAGS},
    "pop": {},
    "peek": {},
    "add": {"key": KEY, "delta": DELTA},
    "swap": {"key": KEY, "expected": FEW, "value": FEW},
    "clear": {},
    "freeze": {},
}
NOT_IN_BPF = ("add", "swap", "clear")  # bpf(2) has no such calls: these are held against the models alone

# How often each comes in a random sequence
_KEYED: dict[str, float] = {
    "lookup": 6,
    "lookup_into": 2,
    "update": 16,
    "delete": 5,
    "take": 3,
    "next_key": 2,
    "walk": 1,
    "keys": 1,
    "count": 1,
    "pages": 1,
    "drain": 0.3,
    "batch_update": 1.5,
    "batch_delete": 1,
    "walk_changing": 1.5,
    "add": 1.5,
    "swap": 1.5,
    "clear": 0.2,
}
_PER_CPU = {name: weight for name, weight in _KEYED.items() if name not in ("lookup_into", "add", "swap")}
_PREFIXES = {name: weight for name, weight in _KEYED.items() if name not in ("add", "swap")}
_QUEUED: dict[str, float] = {"push": 14, "pop": 6, "peek": 5, "delete": 1, "next_key": 1, "count": 1, "clear": 0.2}


@dataclass(frozen=True)
class Row:
    """One map type: its number, its class, its model, its operations with their weights, and the sizes to try."""

    name: str
    map_type: int
    class_name: str
    model: type[model.Model]
    ops: dict[str, float]
    key_sizes: tuple[int, ...]
    max_entries: tuple[int, ...] = (1, 2, 3, 8, 20)
    keys: int | None = None  # how many different keys; None: half as many again as fit
    in_kernel: bool = True
    in_firmware: bool = True

    @property
    def ordered(self) -> bool:
        """Whether the order of a walk is part of the answer."""
        return self.map_type in (ARRAY, PERCPU_ARRAY)

    @property
    def prefixes(self) -> bool:
        """Whether keys are prefixes: next_key has an order of its own there, and pages have none."""
        return bool(self.map_type == LPM_TRIE)

    @property
    def per_cpu(self) -> bool:
        return self.map_type in (PERCPU_HASH, PERCPU_ARRAY)

    @property
    def keyed_freely(self) -> bool:
        """Whether a definition chooses the size of its keys."""
        return self.map_type in (HASH, PERCPU_HASH, LRU_HASH, LPM_TRIE)

    @property
    def queued(self) -> bool:
        return self.map_type in (QUEUE, STACK)


_HASH_KEYS = (1, 2, 3, 4, 5, 8, 16, 33)

ROWS = {
    row.name: row
    for row in (
        Row("array", ARRAY, "ArrayMap", model.ArrayModel, _KEYED, (4,)),
        Row("hash", HASH, "HashMap", model.HashModel, _KEYED, _HASH_KEYS),
        Row("percpu_array", PERCPU_ARRAY, "PerCpuArray", model.ArrayModel, _PER_CPU, (4,)),
        Row("percpu_hash", PERCPU_HASH, "PerCpuHash", model.HashModel, _PER_CPU, _HASH_KEYS),
        Row("queue", QUEUE, "Queue", model.QueueModel, _QUEUED, (0,)),
        Row("stack", STACK, "Stack", model.StackModel, _QUEUED, (0,)),
        Row("lpm_trie", LPM_TRIE, "LpmTrie", LpmModel, _PREFIXES, (5, 6, 8, 20)),
        # Which entry goes is the kernel's own affair (see "lru order" in deviations.py): the exact order is held
        # against the model, all that is independent of it against both.
        Row("lru_hash", LRU_HASH, "LruHashMap", model.LruModel, _KEYED, _HASH_KEYS, in_kernel=False, in_firmware=False),
        Row("lru_roomy", LRU_HASH, "LruHashMap", model.LruModel, _KEYED, (4,), (1024,), keys=12, in_firmware=False),
    )
}

VALUE_SIZES = (1, 2, 4, 6, 8, 13, 64)


@lru_cache(maxsize=4096)
def _pattern(n: int, size: int) -> bytes:
    return bytes((37 * n + 11 * j + 1) & 0xFF for j in range(size))


@lru_cache(maxsize=4096)
def _prefix(n: int, size: int) -> bytes:
    """Return key number n of a trie whose data has `size` bytes: of a few branches, at lengths that often meet.

    Some have the same prefix, and other bits behind it. The last one is longer than its data.
    """
    rng = Random(n)
    most = 8 * size
    length = (
        most + 1 if n == _NUMBERS[-1] else rng.choice((0, 1, 2, 3, 4, 7, 8, most - 1, most, rng.randrange(most + 1)))
    )
    data = bytearray(b"\xc0\xa8\x01\x80" * 4)[:size]
    for bit in rng.sample((0, 1, 2, 3, 4, 7, most - 1), rng.randrange(4)):
        data[bit // 8] ^= 0x80 >> bit % 8
    return length.to_bytes(4, "little") + bytes(data)


@dataclass(frozen=True)
class Shape:
    """One map to be made: the row and its sizes in bytes; `cpus` values make up an entry of a per-CPU type."""

    row: Row = field(repr=False)
    key_size: int
    value_size: int
    max_entries: int
    map_flags: int = 0
    cpus: int = 1

    @property
    def zero(self) -> Any:
        """The value that an array is full of at first."""
        return (bytes(self.value_size),) * self.cpus if self.row.per_cpu else bytes(self.value_size)

    def key(self, n: int) -> bytes:
        """Return key number n; an array has two indices past its end, and the largest one."""
        if self.row.ordered:
            n %= self.max_entries + 3
            return (n if n < self.max_entries + 2 else 0xFFFFFFFF).to_bytes(4, "little")
        if self.row.prefixes:
            return _prefix(n, self.key_size - 4)
        n %= self.row.keys or self.max_entries + self.max_entries // 2 + 2
        return n.to_bytes(self.key_size, "big" if n % 2 else "little") if self.key_size else b""

    def same(self, key: bytes) -> bytes:
        """Return what is equal for two keys that name the same entry: the key, a prefix without what is behind it."""
        if not self.row.prefixes:
            return key
        length = int.from_bytes(key[:4], "little")
        rest = max(8 * (self.key_size - 4) - length, 0)
        return key[:4] + (int.from_bytes(key[4:], "big") >> rest << rest).to_bytes(self.key_size - 4, "big")

    def value(self, n: int) -> Any:
        if self.row.per_cpu:
            return tuple(_pattern(n + 50 * cpu, self.value_size) for cpu in range(self.cpus))
        return _pattern(n, self.value_size)

    def arguments(self, op: Op) -> list[Any]:
        """Return the operation's arguments as the three sides take them."""
        real: list[Any] = []
        for name, argument in zip(OPS[op[0]], op[1:], strict=True):
            if name == "pairs":
                real += [[self.key(k) for k, _ in argument], [self.value(v) for _, v in argument]]
            else:
                real.append(_REAL[name](self, argument))
        return real


_REAL: dict[str, Callable[[Shape, Any], Any]] = {
    "key": Shape.key,
    "value": Shape.value,
    "expected": Shape.value,
    "delta": lambda _, delta: delta,
    "flags": lambda _, flags: flags,
    "count": lambda _, count: count,
    "keys": lambda shape, keys: [shape.key(key) for key in keys],
    "changes": lambda shape, changes: [(what, shape.key(key), shape.value(value)) for what, key, value in changes],
}
