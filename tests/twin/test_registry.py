"""Numbers, names, reset, and definitions that are too large."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from boardmaps import (
    ArrayMap,
    HashMap,
    InvalidDefinition,
    KeyNotFound,
    LruHashMap,
    NotPermitted,
    OutOfMemory,
    StaleMap,
    open_map,
    recovered,
)
from boardmaps_host import connect
from boardmaps_host.twin import Registry


def test_maps_are_found_by_number_and_by_name(registry: Registry) -> None:
    one, two = HashMap(4, 4, 4, name="one"), ArrayMap(4, 4, name="two")
    assert registry.ids() == [one.id, two.id]
    found: object = registry.by_id(two.id)
    assert found is two
    assert open_map("one") is one
    with pytest.raises(KeyNotFound, match="open_map 'three'"):
        open_map("three")
    again = HashMap(4, 4, 4, name="one")
    with pytest.raises(InvalidDefinition, match=rf"\[{one.id}, {again.id}\]"):
        open_map("one")


def test_every_use_of_a_map_from_before_the_reset_is_refused(registry: Registry) -> None:
    key, value = bytes(4), bytes(8)
    table, lru, array = HashMap(4, 8, 4, name="t"), LruHashMap(4, 8, 4, name="t"), ArrayMap(8, 4, name="t")
    for m in (table, lru, array):
        m.update(key, value)
    registry.reset()
    for m in (table, lru, array):
        uses: list[Callable[..., object]] = [
            lambda m=m: m.lookup(key),
            lambda m=m: m.lookup_into(key, bytearray(8)),
            lambda m=m: m.update(key, value),
        ]
        uses += [lambda m=m: m.delete(key), lambda m=m: m.next_key(), lambda m=m: list(m), lambda m=m: len(m), m.clear]
        uses += [lambda m=m: m.add(key, 1), lambda m=m: m.resize(9), lambda m=m: m.batch_lookup(None, 1), m.freeze]
        uses += [lambda m=m: m.batch_update([key], [value]), lambda m=m: m.batch_delete([key]), lambda m=m: key in m]
        for use in uses:
            with pytest.raises(StaleMap, match="'t'"):
                use()
        with pytest.raises(StaleMap):
            registry.by_id(m.id)
        assert not hasattr(m, "no_such_thing")
    assert HashMap(4, 4, 4).id > array.id
    assert isinstance(table, HashMap)


def test_the_texts_name_operation_map_and_number() -> None:
    temps = HashMap(8, 4, 1, name="temps")
    temps.update(b"kitchen\0", b"\x15\0\0\0")
    with pytest.raises(OutOfMemory, match=r"^update 'temps': map is full \(1 of 1 entries\)$"):
        temps.update(b"cellar\0\0", b"\x09\0\0\0")
    with pytest.raises(Exception, match=r"^lookup 'temps': key is 3 bytes, not 8$"):
        temps.lookup(b"abc")


def test_freeze_binds_the_host_and_not_this_side() -> None:
    m = HashMap(4, 4, 4, name="m")
    m.freeze()
    assert m.frozen
    m.update(bytes(4), bytes(4))
    with pytest.raises(NotPermitted, match="freeze 'm'"):
        m.freeze()


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: ArrayMap(1, (1 << 32) - 1), OutOfMemory),
        (lambda: ArrayMap((1 << 32) - 1, 1), OutOfMemory),
        (lambda: ArrayMap((1 << 32) - 1, (1 << 32) - 1), OutOfMemory),
        (lambda: HashMap(16, 64, (1 << 32) - 1), OutOfMemory),
        (lambda: LruHashMap(16, 64, 1 << 31), OutOfMemory),
        (lambda: ArrayMap(1, 1 << 32), InvalidDefinition),
        (lambda: HashMap(1 << 64, 1, 1), InvalidDefinition),
    ],
)
def test_definitions_that_are_too_large(registry: Registry, make, error) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match="create"):
        make()
    assert registry.ids() == []


def test_an_array_takes_memory_only_where_it_is_written() -> None:
    code = (
        "import boardmaps\n"
        "a = boardmaps.ArrayMap(8, 2**29 - 600)\n"
        "a.update(2**29 - 601, b'12345678')\n"
        "assert a.lookup(2**29 - 601) == b'12345678' and a.lookup(2**29 - 600) is None\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
    )
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert int(done.stdout) < 200_000  # KiB of 4 GiB; ru_maxrss counts this process too


def test_a_connection_makes_its_maps_in_the_registry_that_it_was_opened_in(registry: Registry) -> None:
    with connect("twin") as board:
        one = board.create_map(HashMap, key_size=4, value_size=4, max_entries=4, name="one")
        with Registry() as inner:
            two = board.create_map(HashMap, key_size=4, value_size=4, max_entries=4, name="two")
            two.update(bytes(4), bytes(4))
            assert inner.ids() == []
        assert registry.ids() == [one.id, two.id]
        assert len(two) == 1


def test_no_map_number_is_given_out_twice(registry: Registry) -> None:
    registry._numbers = count(65_535)
    last = HashMap(4, 4, 1, name="last")
    assert last.id == 65_535
    with connect("twin") as board:
        assert [m.name for m in board.maps()] == ["last"]
        for make in (
            lambda: HashMap(4, 4, 1, name="more"),
            lambda: board.create_map(HashMap, key_size=4, value_size=4, max_entries=4, name="more"),
        ):
            with pytest.raises(OutOfMemory, match="'more': all 65,535 map numbers"):
                make()
        assert [m.name for m in board.maps()] == ["last"]
    registry.reset()
    with pytest.raises(OutOfMemory):
        HashMap(4, 4, 1)


def test_a_python_without_the_global_lock_is_refused() -> None:
    code = "import sys\nsys._is_gil_enabled = lambda: False\nimport boardmaps\nboardmaps.HashMap"
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={"PYTHONPATH": path}
    )
    assert "ImportError: boardmaps: the maps on this computer need CPython's global lock" in done.stderr


def test_a_map_of_the_twin_is_whole() -> None:
    for m in (ArrayMap(4, 2), HashMap(4, 4, 2), LruHashMap(4, 4, 2)):
        assert m.check() is None


def test_a_file_stands_for_memory_that_outlives_a_reset(tmp_path: Path) -> None:
    file = tmp_path / "state.bin"
    with Registry(file=file) as own:
        assert (recovered(), own.recovered()) == ([], [])
        HashMap(4, 4, 4, name="h").update(b"key0", b"val0")
        ArrayMap(4, 4).update(0, b"1234")
        HashMap(4, 4, 4, name="other").update(b"key0", b"val0")
        HashMap(4, 4, 4, name="waits").update(b"key0", b"val0")
    assert recovered() is None, "the process's own has no file"
    with suppress(ZeroDivisionError), Registry(file=file):
        assert recovered() == [("h", "kept", ""), ("other", "kept", ""), ("waits", "kept", "")]
        h = HashMap(4, 4, 4, name="h")
        assert list(h.items()) == [(b"key0", b"val0")]
        assert len(HashMap(4, 8, 4, name="other")) == 0
        told = recovered()
        assert told is not None
        assert [state for _, state, _ in told] == ["opened", "discarded", "kept"]
        assert "begins empty" in told[1][2]
        h.update(b"key1", b"val1")
        raise ZeroDivisionError  # a crash
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with Registry(file=file):
        told = recovered()
        assert told is not None
        assert [state for _, state, _ in told].count("discarded") == 1
        assert HashMap(4, 4, 4, name="h").lookup(b"key1") == b"val1"
