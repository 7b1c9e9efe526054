"""A pool on the heap of stock firmware over a reset: what tells of it is true or void, and what it held is whole or discarded.

On the unix port, with 12 bytes in the place of a chip's registers; test_adoption.py runs there too. test_resets.py resets the Pico.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_host.deploy.files import Target, payload_for
from tests.board.on_unix import run_on_unix
from tests.require import require_board

PROGRAMS = Path(__file__).parent / "programs"
PROGRAM = (PROGRAMS / "outliving.py").read_text()
STEPS = (PROGRAMS / "outliving_steps.py").read_text()
UNIX = Target("micropython", "1.29.0", "linux", 2 << 10 | 3 << 8 | 6, kernels="plain")

OVERWRITTEN = "the memory of the pool was used by what ran before boardmaps was imported"
NO_COPY = "there was no heap to copy the old pool"
NO_LOOK = "there was no heap to look at what the old pool held"
NO_POOL = "there was no heap for the pool beside a copy of the old one"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the modules as a board has them: compiling takes heap of its own."""
    folder = tmp_path_factory.mktemp("firmware")
    for name, content in payload_for(UNIX).files.items():
        (folder / "boardmaps" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "boardmaps" / name).write_bytes(content)
    return folder


@pytest.fixture
def boots(firmware: Path) -> Run:
    """Return a function that runs a program in which boot() begins another boot."""
    require_board("unix")

    def run(code: str, pool: int = 4096, heap: str = "4M") -> str:
        failed, said = run_on_unix(
            ["-c", f"SEED, POOL, OVERWRITTEN = 0, {pool}, {OVERWRITTEN!r}\n{PROGRAM}\n{code}"], heap, firmware
        )
        assert not failed, said
        return said

    return run


def test_maps_outlive_resets_and_no_power_up(boots: Run) -> None:
    boots("""
b = boot()
assert b.recovered() == [], b.recovered()
b.HashMap(4, 4, 8, name="h").update(b"key0", b"val0")
b.ArrayMap(4, 4)
for _ in range(5):
    b = boot()
    assert b.recovered()[0] == ("h", "kept", ""), b.recovered()
    h = b.HashMap(4, 4, 8, name="h")
    assert (h.lookup(b"key0"), h.check(), h.offset) == (b"val0", None, 0)
    assert b.recovered()[0] == ("h", "opened", "")
words[:] = bytes(12)
assert boot().recovered() == []
""")


def test_a_reset_of_the_pool_ends_it(boots: Run) -> None:
    boots("""
b = boot()
b.ArrayMap(4, 4, name="a").update(0, b"1234")
b.StaticPool.reset()
assert words == checked(int.from_bytes(words[:4], "little"), 0)
b = boot()
assert b.recovered() == []
assert b.ArrayMap(4, 4, name="a").lookup(0) == bytes(4)
""")


def test_a_boot_that_keeps_nothing_leaves_nothing_for_the_next(boots: Run) -> None:
    """Else the maps of two boots ago would be served."""
    boots("""
b = boot()
b.ArrayMap(4, 4, name="a").update(0, b"1234")
Config.KEEP = False
b = boot()
assert b.recovered() is None
b.ArrayMap(4, 4, name="a").update(0, b"5678")
Config.KEEP = True
b = boot()
assert b.recovered() == []
assert b.ArrayMap(4, 4, name="a").lookup(0) == bytes(4)
""")


def test_after_too_many_crashes_nothing_is_adopted(boots: Run, tmp_path: Path) -> None:
    (tmp_path / "suspended").write_bytes(b"")
    boots(f"""
import os
Config.KEPT = {str(tmp_path)!r}
os.rename(Config.KEPT + "/suspended", Config.KEPT + "/later")
b = boot()
b.ArrayMap(4, 4, name="a").update(0, b"1234")
os.rename(Config.KEPT + "/later", Config.KEPT + "/suspended")
b = boot()
assert b.recovered() == []
assert b.ArrayMap(4, 4, name="a").lookup(0) == bytes(4)
""")


def test_memory_is_read_where_the_words_check_and_lie_within_it_alone(boots: Run) -> None:
    boots("""
read = []

class Watched:
    addressof = uctypes.addressof

    @staticmethod
    def bytearray_at(address, n):
        read.append((address, n))
        return uctypes.bytearray_at(address, n)

sys.modules["uctypes"] = Watched
first, length = Config.LASTING[2:]
within = uctypes.addressof(words) - first
for said in (
    bytes(12), b"\\xff" * 12, random.getrandbits(30).to_bytes(12, "little"), checked(within, 64)[:8] + bytes(4),
    checked(0, 64), checked(15, 64), checked(length - 63, 64), checked(length, 1), checked(0xFFFFFFF0, 64), checked(64, length),
    checked(within, 0), checked(within, 0xFFFFFFFF),
):
    words[:] = said
    assert boot().recovered() == [] and not read, (said, read)
words[:] = checked(within, 64)  # something lies there, and it is no pool
assert boot().recovered() == [("", "discarded", OVERWRITTEN)]
assert read == [(first + within - 16, 16)], read
Config.LASTING = (lambda: b"of the user's own"), put, first, length
assert boot().recovered() == []
""")


def test_a_pool_in_other_memory_is_not_kept(boots: Run) -> None:
    boots("""
Config.LASTING = get, put, uctypes.addressof(words) + AROUND, AROUND
b = boot()
assert b.recovered() is None
b.ArrayMap(4, 4, name="a").update(0, b"1234")
assert words == bytes(12)
""")


def test_what_ran_before_and_used_the_memory_is_noticed(boots: Run) -> None:
    boots("""
b = boot()
b.ArrayMap(4, 4, name="a").update(0, b"1234")
del b
ended()
some = []
while gc.mem_free() > 100000:
    some.append(bytearray(50000))
del some
b = boot()
assert b.recovered() == [("", "discarded", OVERWRITTEN)], b.recovered()
assert b.ArrayMap(4, 4, name="a").lookup(0) == bytes(4)
""")


def test_a_copy_that_would_lie_in_the_old_pool_is_none(boots: Run) -> None:
    """As where nothing below it is free: a block is zeroed when it is taken, and with it what was to be copied."""
    boots("""
import builtins

b = boot()
b.ArrayMap(4, 400, name="a").update(0, b"1234")
ended()
first = Config.LASTING[2] + int.from_bytes(words[:4], "little")
anew = bytearray

def taken(what):
    if isinstance(what, int):
        return anew(what)
    block = uctypes.bytearray_at(first + 1000, len(what))
    block[:] = bytes(len(what))
    return block

builtins.bytearray = taken
b = boot()
assert b.recovered() == [("", "discarded", "there was no heap to copy the old pool: 1696 bytes")], b.recovered()
assert b.ArrayMap(4, 400, name="a").lookup(0) == bytes(4)
""")


def test_a_pool_of_another_size_keeps_what_fits(boots: Run) -> None:
    boots("""
def held(b):
    return [b.ArrayMap(4, 400, name=n).lookup(0) for n in "abc"[: b.StaticPool.total_size() // 1696]]

Config.POOL_SIZE = 6144
b = boot()
for n in "abc":
    b.ArrayMap(4, 400, name=n).update(0, n.encode() * 4)
Config.POOL_SIZE = 8192
b = boot()
assert held(b) == [b"aaaa", b"bbbb", b"cccc"] and len(b.recovered()) == 3
Config.POOL_SIZE = 3584
b = boot()
gone = "the pool is smaller now: 3584 bytes of 5088 that were in use"
assert b.recovered() == [("", "discarded", gone), ("a", "kept", ""), ("b", "kept", "")], b.recovered()
assert held(b) == [b"aaaa", b"bbbb"]
""")


@pytest.mark.parametrize(
    ("before", "used", "outcomes"),
    [(65536, 200, {"kept"}), (65536, 65536, {"kept", NO_POOL}), (32768, 32768, {"kept", NO_POOL})],
    ids=["little", "all", "half"],
)
def test_where_there_is_no_heap_for_a_copy_the_pool_is_taken_without_it(
    boots: Run, before: int, used: int, outcomes: set[str]
) -> None:
    """What ran before boardmaps has more and more of the heap: a boot that fails would also have failed with nothing kept."""
    said = boots(
        f"BEFORE, USED = {before}, {used}"
        """
CODE = 20000  # bytes that the rest of a program needs

def first():
    words[:] = bytes(12)
    Config.POOL_SIZE = BEFORE
    b = boot()
    b.ArrayMap(4, 4, name="a").update(0, b"1234")
    if b.StaticPool.used() < USED:
        b.StaticPool.allocate(USED - b.StaticPool.used())

def second():
    Config.POOL_SIZE = POOL
    try:
        b = boot()
    except MemoryError:
        return
    (name, state, why), = b.recovered()
    assert (name, state) == ("a", "kept") or b.StaticPool.used() == 0 and not any(b.pool._view)
    return why.split(":")[0] or state

def without():
    words[:] = bytes(12)
    try:
        boot()
        return bytearray(CODE)
    except MemoryError:
        pass

how = size = 0
while how is not None:
    first()
    ended()
    held = [bytearray(500) for _ in range(size // 500)]
    how = second()
    assert how or not without(), size
    print(how)
    held = None
    size += 2000
""",
        pool=65536,
        heap="300K",
    )
    assert set(said.splitlines()) - {OVERWRITTEN, NO_COPY, NO_LOOK} == outcomes | {"None"}


def test_where_there_is_no_heap_to_look_at_the_old_pool_the_new_one_is_empty(boots: Run) -> None:
    boots("""
class Adoption:
    @staticmethod
    def Kept(memory, *_):
        assert b"1234" in memory
        bytearray(1 << 30)

boot().ArrayMap(4, 4, name="a").update(0, b"1234")
ended()
sys.modules["boardmaps.adoption"] = Adoption
b = __import__("boardmaps")
assert b.recovered() == [("", "discarded", "there was no heap to look at what the old pool held")]
assert not any(b.pool._view)
""")


def test_a_reset_at_any_step_of_a_boot_serves_no_wrong_value(boots: Run) -> None:
    """A reset behind each block that is taken, each word that is written and each module that is loaded."""
    said = boots(STEPS, heap="500K")
    steps, kept = map(int, said.split())
    assert steps > 50
    assert 0 < kept < steps
