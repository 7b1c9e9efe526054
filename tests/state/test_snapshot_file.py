"""The file of a snapshot: what SPEC.md draws, and that no single changed bit of it, and no cut, goes unseen."""

from pathlib import Path

import pytest

from boardmaps import ArrayMap, HashMap, OutOfMemory
from boardmaps_host import Snapshot, StateError
from boardmaps_host.state.diff import diff
from boardmaps_host.twin import Registry, open_map
from tests.state.full import snapshot


def small() -> Snapshot:
    with Registry() as registry:
        ArrayMap(4, 2, 0, "two").update(1, b"here")
        HashMap(4, 4, 2, 0, "keys").update(b"some", b"data")
        return registry.snapshot()


def test_every_bit_and_every_cut_is_seen() -> None:
    data = small().to_bytes()
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StateError):
            Snapshot.from_bytes(bytes(changed))
    for end in range(len(data)):
        with pytest.raises(StateError, match=r"no snapshot|cut short|has no slice"):
            Snapshot.from_bytes(data[:end])
    with pytest.raises(StateError, match="1 bytes too many"):
        Snapshot.from_bytes(data + b"\0")


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    taken = small()
    taken.save(tmp_path / "a.bms")
    assert Snapshot.load(tmp_path / "a.bms") == taken
    assert [path.name for path in tmp_path.iterdir()] == ["a.bms"]
    with pytest.raises(StateError, match="has no map 'three'; it has: two, keys"):
        taken.only("three")


def test_the_program_finds_what_was_loaded() -> None:
    with Registry() as registry:
        registry.load(snapshot())
        temps = HashMap(8, 4, 8, 0, "temps")  # as the firmware makes it
        assert temps.lookup(b"kitchen\0") == b"kitc"
        assert open_map("waiting").pop() == b"two"  # type: ignore[attr-defined]
        assert HashMap(8, 4, 8, 0, "temps").lookup(b"kitchen\0") is None, "the second of that name is a new one"
        assert registry.verdicts == {}


def test_what_the_twin_cannot_give_a_board_is_left_out_by_name() -> None:
    with Registry() as registry:
        HashMap(4, 4, 40_000, 0, "large")
        ArrayMap(4, 4, 0, "good")
        taken = registry.snapshot()
        assert [one.name for one in taken] == ["good"]
        assert "at most 32767" in taken.left_out["large"]
        with pytest.raises(Exception, match="at most 32767"):
            registry.snapshot("large")


def test_a_map_that_is_here_is_filled_or_refused_as_a_whole() -> None:
    taken = small()
    with Registry() as registry:
        keys = HashMap(4, 4, 2, 0, "keys")
        two = ArrayMap(8, 2, 0, "two")
        with pytest.raises(StateError, match=r"'two' is .* here"):
            registry.load(taken)
        assert len(keys) == 0
        registry.load(taken.only("keys"))
        assert keys.lookup(b"some") == b"data"
        keys.update(b"more", b"data")
        with pytest.raises(OutOfMemory):
            keys.update(b"most", b"data")
        assert two.lookup(1) == bytes(8)


def test_diff_names_maps_keys_and_values() -> None:
    before = snapshot()
    with Registry() as registry:
        registry.load(before)
        assert list(diff(before, registry.snapshot())) == []
        open_map("temps").delete(b"attic\0\0\0")  # type: ignore[attr-defined]
        open_map("log").output(b"the newest")  # type: ignore[attr-defined]
        open_map("series").push(600, b"\6\0")  # type: ignore[attr-defined]
        open_map("numbers").freeze()
        ArrayMap(1, 1, 0, "extra")
        found = [(one.map, one.what, one.key) for one in diff(before, registry.snapshot())]
    assert found == [
        ("temps", "gone", b"attic\0\0\0"),
        ("numbers", "changed", None),
        ("log", "new", "number 5"),
        ("series", "gone", "at 200"),
        ("series", "new", "at 600"),
        ("extra", "new", None),
    ]
