"""Pins of the twin: the same calls and the same bytes as a board's, in a folder."""

from pathlib import Path
from typing import Any

import pytest

import boardmaps
from boardmaps import ArrayMap, HashMap, InvalidDefinition, MapError, NotPermitted, NotSupported, RingBuf
from boardmaps.definition import MapDef
from boardmaps_host import connect
from boardmaps_host.client.crashes import acknowledge
from boardmaps_host.state.images import open_image
from boardmaps_host.twin import Registry


def test_a_pinned_map_begins_as_it_was(tmp_path: Path) -> None:
    with Registry(kept=tmp_path):
        table, ring = HashMap(4, 4, 8, name="table"), RingBuf(128, name="ring")
        table.update(b"key1", b"val1")
        ring.output(b"one")
        written = boardmaps.pin(table)
        assert written > 32 + 96
        assert boardmaps.pin(table) == 0
        assert boardmaps.pin(ring)
        table.update(b"key2", b"val2")
        assert [row[:2] for row in boardmaps.pins()] == [("ring", "same"), ("table", "changed")]
        assert boardmaps.pin_stats()[:2] == (2, 1)
    with Registry(kept=tmp_path):
        table, ring = HashMap(4, 4, 8, name="table"), RingBuf(128, name="ring")
        assert dict(table.items()) == {b"key1": b"val1"}
        assert ring.read() == (0, b"one")
        assert [row[1] for row in boardmaps.pins()] == ["changed", "same"]
        assert boardmaps.unpin("table")
        assert not boardmaps.unpin(table)
    image = open_image(tmp_path / "ring.pin")
    assert [found.slice.name for found in image.maps] == ["ring"]


def test_over_the_line_the_twin_pins_as_a_board_does(tmp_path: Path) -> None:
    with Registry(kept=tmp_path), connect("twin") as board:
        m = board.create_map(ArrayMap, value_size=4, max_entries=2, name="a")
        assert m.pin()[0] == 32 + 96 + 8
        m.update(0, b"more")
        assert board.unpinned() == ["a"]
        assert (board.kept("a.pin") or b"")[:4] == b"BPIN"
        m.pin(every=0)
        m.update(0, b"then")
        assert board.pins().pins[0].state == "same"
        assert m.unpin()
        with pytest.raises(NotSupported, match="no black box"):
            acknowledge(board)


@pytest.mark.parametrize("bit", range(0, 8 * (32 + 96 + 16), 5))
def test_a_flipped_bit_is_found(bit: int, tmp_path: Path) -> None:
    with Registry(kept=tmp_path):
        a = ArrayMap(4, 3, name="a")
        a.update(1, b"1234")
        boardmaps.pin(a)
    data = bytearray((tmp_path / "a.pin").read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    (tmp_path / "a.pin").write_bytes(data)
    with Registry(kept=tmp_path):
        a = ArrayMap(4, 3, name="a")
        assert a.lookup(1) == bytes(4)
        assert "not loaded" in boardmaps.pins()[0][1]
        assert boardmaps.pin(a)


def test_what_is_refused_leaves_all_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(NotPermitted, match=r"this registry keeps nothing; give it a folder: Registry\(kept=…\)"):
        boardmaps.pin(ArrayMap(4, 1, name="nowhere"))
    with Registry(kept=tmp_path):
        a = ArrayMap(4, 3, name="a")
        boardmaps.pin(a)
        with pytest.raises(InvalidDefinition, match="no name under which"):
            boardmaps.pin(ArrayMap(4, 1))
        with pytest.raises(MapError, match="every is -1"):
            boardmaps.pin(a, every=-1)
        again = ArrayMap(4, 3, name="a")
        with pytest.raises(InvalidDefinition, match="both have this name"):
            boardmaps.pin(again)
    with Registry(kept=tmp_path):
        other = ArrayMap(4, 4, name="a")
        with pytest.raises(InvalidDefinition, match="another definition or layout; unpin it first"):
            boardmaps.pin(other)
        assert other.definition == MapDef(2, 4, 4, 4, name="a")
    assert (tmp_path / "a.pin").exists()


def test_a_board_and_a_twin_read_each_others_pins(tmp_path: Path) -> None:
    from tests.board.test_pins import run  # here: it starts MicroPython

    with Registry(kept=tmp_path):
        maps: list[Any] = [HashMap(4, 4, 8, name="table"), ArrayMap(4, 3, name="array")]
        maps[0].update(b"key1", b"val1")
        maps[1].update(2, b"last")
        for m in maps:
            boardmaps.pin(m)
    pins = {name: (tmp_path / f"{name}.pin").read_bytes() for name in ("table", "array")}
    lines = run(
        f"PINS = {pins!r}\n"
        + """
import os
os.mkdir("/flash/kept")
for name, data in PINS.items():
    with open("/flash/kept/%s.pin" % name, "wb") as f:
        f.write(data)
table, array = HashMap(4, 4, 8, name="table"), ArrayMap(4, 3, name="array")
assert table.lookup(b"key1") == b"val1" and len(table) == 1 and array.lookup(2) == b"last", boardmaps.pins()
array.update(0, b"new!")
boardmaps.pin(array)
with open("/flash/kept/array.pin", "rb") as f:
    print(f.read())
"""
    )
    (tmp_path / "array.pin").write_bytes(eval(lines[-1]))
    with Registry(kept=tmp_path):
        array = ArrayMap(4, 3, name="array")
        assert [array.lookup(i) for i in range(3)] == [b"new!", bytes(4), b"last"]
