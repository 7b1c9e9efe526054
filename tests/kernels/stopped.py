"""The kernels in Python, plain and viper, stopped at every step of bytecode: python -m tests.kernels.stopped plain|viper.

The board's own modules run on CPython here, with a `micropython` that does nothing, and pointers over the memory of this process in
the place of viper's. A step is one bytecode, a store of a viper kernel too. In each the slice is as it was before the call or
as it is after it, or the mark is set; a call that changes anything sets it. Prints how many
functions of kernels/__init__.py were called, how many calls changed something, and the functions that were not called. A program of
its own, because tests import the twin.
"""

import builtins
import ctypes
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType, ModuleType, SimpleNamespace
from typing import Any

BOARDMAPS = str(Path(__file__).parents[2] / "firmware" / "boardmaps")
HEADER, MARK_AT = 96, 69
CONSUMER = 8  # a ring's word
records: list[Any] = []  # of the ring, reserved
OTHERS = ("rp2_cpu", "_of_field")  # the latter makes functions in C alone
STEPS = 150  # operations on each map


class Pointer:
    """What viper's ptr8, ptr16 and ptr32 do: words of memory without a sign."""

    word: type[Any] = ctypes.c_uint8

    def __init__(self, what: Any) -> None:
        self.at = place_of(what)
        self.size = ctypes.sizeof(self.word)

    def __int__(self) -> int:
        return self.at

    def __getitem__(self, i: int) -> int:
        return int(self.word.from_address(self.at + i * self.size).value)

    def __setitem__(self, i: int, number: int) -> None:
        self.word.from_address(self.at + i * self.size).value = number & (1 << 8 * self.size) - 1


class Pointer16(Pointer):
    """Halves of words."""

    word = ctypes.c_uint16


class Pointer32(Pointer):
    """Words."""

    word = ctypes.c_uint32


def place_of(what: Any) -> int:
    """Return the address of a buffer's bytes; a number is one."""
    if isinstance(what, Pointer | int):
        return int(what)
    if isinstance(what, memoryview) and what.readonly:
        what = bytes(what)
        heads.append(what)
    if isinstance(what, bytes):
        return ctypes.cast(ctypes.c_char_p(what), ctypes.c_void_p).value or 0
    return ctypes.addressof(ctypes.c_char.from_buffer(what)) if len(what) > 0 else 0


heads: list[Any] = []  # of objects, as viper_base.py looks at them: type, nothing, length
OF_BYTES, OF_BYTEARRAY, LENGTH_AT = 0x1110, 0x2220, 8


def identity(what: Any) -> int:
    """Return what MicroPython's id() does, as far as kernels ask: the address of a head, or an odd number for a small int."""
    if type(what) is int:
        return 1
    if type(what) not in (bytes, bytearray):
        return 2
    heads.append((ctypes.c_uint32 * 3)(OF_BYTES if type(what) is bytes else OF_BYTEARRAY, 0, len(what)))
    return ctypes.addressof(heads[-1])


def on_a_board(sort: str) -> None:
    """Make the board's modules run here, with this sort of kernels."""
    given = ModuleType("micropython")
    for name in ("viper", "native", "const"):
        setattr(given, name, lambda f: f)
    sys.modules["micropython"] = given
    sys.modules["boardmaps_config"] = SimpleNamespace(POOL_SIZE=8192, KERNELS=sort, CPUS=2, this_cpu=lambda: 1)  # type: ignore[assignment]
    from boardmaps.maps import buffers  # when what it needs is there

    buffers._has = lambda buffer, n: memoryview(buffer).nbytes >= n  # type: ignore[attr-defined] # CPython's struct raises another error
    builtins.ptr8, builtins.ptr16, builtins.ptr32 = Pointer, Pointer16, Pointer32  # type: ignore[attr-defined]
    if sort == "viper":
        import boardmaps.kernels.viper_base as base  # of this sort alone

        base._known = (OF_BYTES, OF_BYTEARRAY, LENGTH_AT)  # type: ignore[attr-defined]
        base.identity = identity  # type: ignore[attr-defined]


class Stopper:
    """Looks at a map's slice at every step of a call."""

    def __init__(self) -> None:
        self.called: set[CodeType] = set()
        self.changes = 0

    def call(self, m: Any, f: Callable[..., Any], *args: Any) -> Any:
        """Call f and return what it returns, None when it refuses; AssertionError for a moment without the mark."""
        self.view, self.ring = m._slice, m.definition.map_type == 27
        self.before = bytes(self.view)
        self.last, self.marked = self.before, False
        self.between: list[bytes] = []
        heads.clear()
        sys.settrace(self._enter)
        try:
            answer = f(*args)
        except Exception as error:
            if "boardmaps" not in type(error).__module__:
                raise
            answer = None
        finally:
            sys.settrace(None)
        after, told = bytes(self.view), (f.__name__, args)
        assert not after[MARK_AT], (told, "leaves the mark set")
        changed = self.before != after
        assert self.marked or not changed, (told, "changes the slice without the mark")
        for state in self.between:
            assert state == after or self._as_before(state), (
                told,
                "has a moment between before and after without the mark",
            )
        self.changes += changed
        return answer

    def _as_before(self, state: bytes) -> bool:
        """Return whether a ring's reader finds the same: discarded records were passed, or one is reserved and not yet there."""
        from boardmaps.kernels import plain_check  # when what it needs is there

        passed = state[: 4 * CONSUMER] + self.before[4 * CONSUMER :][:4] + state[4 * CONSUMER + 4 :]
        if not self.ring or passed == self.before:
            return bool(self.ring)
        at, end = struct.unpack_from("<II", state, 4 * CONSUMER)
        size, last = len(state) - HEADER, 0
        while at != end:
            last = struct.unpack_from("<I", state, HEADER + at % size)[0]
            at = (at + (last % (1 << 28) + 15 & ~7)) % (1 << 32)
        return bool(plain_check.records(state) == 0 and last >> 29)  # type: ignore[no-untyped-call]

    def _enter(self, frame: FrameType, _event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(BOARDMAPS):
            return None
        self.called.add(frame.f_code)
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, _frame: FrameType, _event: str, _: object) -> Any:
        if self.view[MARK_AT]:
            self.marked = True
        else:
            now = bytes(self.view)
            if now != self.last:
                self.last = now
                if now != self.before:
                    self.between.append(now)
        return self._step


def keyed(m: Any, kind: str, do: Any, rng: random.Random) -> None:
    """Do one operation on a hash table, an array or a per-CPU map."""
    indexed, rows = m._indexed, kind == "percpu"
    value, out = rng.randbytes(m._value_size), bytearray(m._value_size)
    key: Any = bytes(rng.randrange(2) for _ in range(m._key_size))
    if indexed:
        key = rng.choice((rng.randrange(4), bytes((rng.randrange(4), 0, 0, 0)), bytearray((1, 0, 0, 0))))
    calls: list[tuple[Any, ...]] = [
        *(
            (m.update, rng.choice((key, memoryview(key))) if type(key) is bytes else key, value, n)
            for n in (0, 0, 1, 2)
        ),
        (m.delete, key),
        (m.add, key, rng.getrandbits(62), rng.randrange(3), rng.choice((1, 2, 4, 8))),
        (m.add, key, rng.randrange(-5, 5)),
        (m.compare_and_swap, key, m.lookup(key) or value, value),
        (m.next_key, key),
        (list, m.items()),
        (m.lookup_into, key, out),
    ]
    if rows:
        calls.append((m.update_percpu, key, [value, rng.randbytes(m._value_size)]))
    else:
        calls += [(m.update_part, key, 1, rng.randbytes(2)), (m.fetch_xor_into, key, 7, bytearray(2), 1)]
        calls.append((m.exchange, key, 9, 0, 1))
    if not indexed:
        calls += [(m.lookup_and_delete, key), (m.lookup, key)]
    do(m, *rng.choice(calls))


def queued(m: Any, _kind: str, do: Any, rng: random.Random) -> None:
    """Do one operation on a queue or a stack."""
    value, out = rng.randbytes(m._value_size), bytearray(m._value_size)
    pushes = [(m.push, given, flags) for given in (value, memoryview(value)) for flags in (0, 2)]
    takes = [(take, room) for take in (m.pop_into, m.peek_into) for room in (out, memoryview(out))]
    do(m, *rng.choice([*pushes, *takes, (m.clear,)]))


def ring(m: Any, _kind: str, do: Any, rng: random.Random) -> None:
    """Do one operation on a ring."""
    data, room = rng.randbytes(rng.randrange(30)), bytearray(30)
    calls: list[tuple[Any, ...]] = [(m.output, data), (m.output, memoryview(data)), (m.host_next,)]
    calls += [(m.read_into, room), (m.read_into, memoryview(room)), (m.clear, rng.random() < 0.5)]
    if rng.random() < 0.2:
        records.append(do(m, m.reserve, rng.randrange(12)))
    record = records.pop() if records and rng.random() < 0.3 else None
    if record and record._ring is m:
        calls = [(record.submit,), (record.discard,)]
    do(m, *rng.choice(calls))


def series(m: Any, _kind: str, do: Any, rng: random.Random) -> None:
    """Do one operation on a time series."""
    do(m, *rng.choice([(m.push, rng.getrandbits(40), rng.randbytes(m._value_size))] * 5 + [(m.last, 2), (m.clear,)]))


def prefixes(m: Any, _kind: str, do: Any, rng: random.Random) -> None:
    """Do one operation on a trie."""
    key, value = bytes((rng.randrange(9), 0, 0, 0, rng.randrange(4) << 6)), rng.randbytes(m._value_size)
    calls: list[tuple[Any, ...]] = [(m.update, key, value, flags) for flags in (0, 0, 0, 1, 2)]
    calls += [(m.delete, key)] * 4 + [(m.lookup, key), (m.next_key, key), (list, m.items())]
    do(m, *(rng.choice(calls) if rng.random() < 0.98 else (m.clear,)))


def members(m: Any, _kind: str, do: Any, rng: random.Random) -> None:
    """Do one operation on a Bloom filter."""
    value = rng.randbytes(m._value_size)
    do(m, *rng.choice([(m.push, value)] * 6 + [(m.peek, value), (m.clear,)]))


def walk(stopper: Stopper, rng: random.Random) -> list[tuple[str, Any]]:
    """Do all that changes maps of every kind; return the maps by the kind of their kernels."""
    # when what they need is there
    from boardmaps.maps import array, bloom, lpm, percpu_array, percpu_hash, queue, ringbuf, timeseries
    from boardmaps.maps import hash as hashed

    maps: list[tuple[str, Any]] = []
    for kind, step, make in (
        ("hash", keyed, lambda: hashed.HashMap(4, 8, 5)),
        ("hash", keyed, lambda: hashed.HashMap(3, 5, 4)),
        ("array", keyed, lambda: array.ArrayMap(8, 3)),
        ("array", keyed, lambda: array.ArrayMap(7, 3)),
        ("percpu", keyed, lambda: percpu_hash.PerCpuHash(4, 8, 3)),
        ("percpu", keyed, lambda: percpu_array.PerCpuArray(4, 3)),
        ("queue", queued, lambda: queue.Queue(20, 3)),
        ("queue", queued, lambda: queue.Stack(3, 3)),
        ("ring", ring, lambda: ringbuf.RingBuf(64)),
        ("ring", ring, lambda: ringbuf.RingBuf(64, 1 << 19)),
        ("series", series, lambda: timeseries.TimeSeries(4, 3)),
        ("lpm", prefixes, lambda: lpm.LpmTrie(5, 3, 6)),
        ("bloom", members, lambda: bloom.BloomFilter(4, 6)),
    ):
        m: Any = make()
        maps.append((kind, m))
        for _ in range(STEPS):
            step(m, kind, stopper.call, rng)
    return maps


def reached(stopper: Stopper, sort: str, maps: list[tuple[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the functions of kernels/__init__.py that were called, and those that were not: of the kinds that change slices."""
    import boardmaps.kernels as interface  # when what it needs is there

    done: list[str] = []
    missed: list[str] = []
    for line in (interface.__doc__ or "").splitlines():
        place, _, rest = line.partition("  ")
        kind, _, of_map = place.partition(" ")
        name = rest.strip().partition("(")[0]
        if kind not in {kind for kind, _ in maps} or "(" not in rest or name.startswith("drive") or name in OTHERS:
            continue
        owners = [m for own, m in maps if own == kind] if of_map else [sys.modules[f"boardmaps.kernels.{sort}_{kind}"]]
        codes = {getattr(getattr(owner, name, None), "__code__", None) for owner in owners}
        (done if codes & stopper.called else missed).append(f"{kind} {name}")
    return done, missed


def main() -> None:
    """Run with a sort of kernels."""
    sort = sys.argv[1]
    on_a_board(sort)
    stopper = Stopper()
    maps = walk(stopper, random.Random(1))
    done, missed = reached(stopper, sort, maps)
    print(f"{len(done)} {stopper.changes} {', '.join(missed)}")


if __name__ == "__main__":
    main()
