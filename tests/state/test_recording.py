"""A session recorded and done again: on the twin, with the first difference named; a file that is torn or damaged."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps import ArrayMap, HashMap, KeyNotFound, MapError, RingBuf, TimeSeries
from boardmaps_host import Board, StateError, connect
from boardmaps_host.client.replay import replay
from boardmaps_host.state.recording import Lost, MapMade, Operation, State, Told, Writer, read
from boardmaps_host.twin import Registry, open_map
from tests.cli.conftest import Command
from tests.cli.conftest import firmware as firmware  # noqa: PLC0414 - fixtures, for this module too
from tests.cli.conftest import run as run  # noqa: PLC0414


@pytest.fixture
def field() -> Iterator[Board]:
    """What stands for the board in the field: a twin with maps, driven over the line."""
    with Registry(), connect("twin") as board:
        board.create_map(HashMap, key_size=4, value_size=4, max_entries=4, name="temps").update(b"hall", b"cold")
        board.create_map(ArrayMap, value_size=8, max_entries=3, name="hits")
        board.create_map(RingBuf, size=256, name="log")
        board.create_map(TimeSeries, value_size=4, max_entries=8, name="series")
        yield board


def session(board: Board) -> None:
    temps, hits, log = board.map("temps"), board.map("hits"), board.map("log")
    temps.update(b"attic"[:4], b"warm")
    assert temps.lookup(b"hall") == b"cold"
    assert temps.lookup(b"none") is None
    hits.add(1, 5)
    assert hits.add(1, 5) == 10
    assert dict(temps.items()) == {b"hall": b"cold", b"atti": b"warm"}
    temps.delete(b"hall")
    log.output(b"a record")  # type: ignore[attr-defined]
    assert log.read()[1] == b"a record"  # type: ignore[attr-defined]
    board.map("series").push(7, b"\1\0\0\0")  # type: ignore[attr-defined]
    assert board.map("series").stats().max == 1  # type: ignore[attr-defined]
    with board.commit() as commit:
        commit.expect(hits, 2, bytes(4))
        temps.update(b"hall", b"damp")
        commit.add(hits, 1, 7)
        temps.delete(b"hall")
    with pytest.raises(KeyNotFound), board.commit():
        temps.delete(b"hall")
    with pytest.raises(MapError, match="holds something else"), board.commit() as commit:
        commit.expect(hits, 1, bytes(4))
    with pytest.raises(Exception, match="no such key"):
        temps.delete(b"hall")


def test_the_same_again_has_no_difference(field: Board, tmp_path: Path) -> None:
    with field.record(tmp_path / "session"):
        session(field)
    items = list(read(tmp_path / "session"))
    assert isinstance(items[0], State)
    assert {item.number for item in items if isinstance(item, MapMade)} == {1, 2, 3, 4}
    assert sum(isinstance(item, Operation) for item in items) >= 12
    with Registry(), connect("twin") as desk:
        done = desk.replay(tmp_path / "session")
        assert (done.difference, done.lost) == (None, 0)
        assert done.operations == sum(isinstance(item, Operation) for item in items)
        assert open_map("hits").lookup(1) == (17).to_bytes(8, "little")  # type: ignore[attr-defined]


def test_the_first_difference_is_named(field: Board, tmp_path: Path) -> None:
    with field.record(tmp_path / "session"):
        session(field)
    with Registry(), connect("twin") as desk:
        assert "the target has no map 'temps'" in str(desk.replay(tmp_path / "session", restore=False).difference)
    with Registry(), connect("twin") as desk:
        desk.create_map(HashMap, key_size=4, value_size=8, max_entries=4, name="temps")
        assert "value_size=8" in str(desk.replay(tmp_path / "session", restore=False).difference)
    with Registry(), connect("twin") as desk:
        items = list(read(tmp_path / "session"))
        assert isinstance(items[0], State)
        replay(items[:1], desk)
        desk.map("hits").add(1, 1)
        difference = str(desk.replay(tmp_path / "session", restore=False).difference)
        assert difference.startswith("item ")
        assert "add 'hits'" in difference
        assert "it had 05 00" in difference
        assert "the target has 06 00" in difference


def test_what_the_firmware_did_is_done_again(field: Board, tmp_path: Path) -> None:
    with field.record(tmp_path / "events"):
        temps, log, series = field.map("temps"), field.map("log"), field.map("series")
        told: list[object] = []
        following = [
            temps.watch(every=0, callback=told.append),
            log.records(told.append),  # type: ignore[attr-defined]
            series.records(told.append),  # type: ignore[attr-defined]
        ]
        field.listen(0.05)
        firmware_side = {name: open_map(name) for name in ("temps", "log", "series")}
        firmware_side["temps"].update(b"hall", b"warm")  # type: ignore[attr-defined]
        firmware_side["temps"].update(b"cell", b"damp")  # type: ignore[attr-defined]
        firmware_side["log"].output(b"opened")  # type: ignore[attr-defined]
        firmware_side["log"].output(bytes(200))  # type: ignore[attr-defined]
        firmware_side["series"].push(9, b"\2\0\0\0")  # type: ignore[attr-defined]
        field.listen(0.2)
        firmware_side["temps"].delete(b"hall")  # type: ignore[attr-defined]
        field.listen(0.2)
        for one in following:
            one.close()
    assert any(isinstance(item, Told) and item.what & 0x80 for item in read(tmp_path / "events")), "one goes on"
    with Registry(), connect("twin") as desk:
        done = desk.replay(tmp_path / "events")
        assert (done.difference, done.events >= 6) == (None, True)
        assert dict(open_map("temps").items()) == {b"cell": b"damp"}  # type: ignore[attr-defined]
        assert open_map("series").newest() == (9, b"\2\0\0\0")  # type: ignore[attr-defined]
        assert len(open_map("log")) == 0  # type: ignore[arg-type]


def test_a_gap_in_the_numbers_is_a_loss(field: Board, tmp_path: Path) -> None:
    with field.record(tmp_path / "events"):
        log = field.map("log")
        following = log.records(lambda _: None)  # type: ignore[attr-defined]
        ring = open_map("log")
        ring.output(b"first")  # type: ignore[attr-defined]
        field.listen(0.1)
        for _ in range(20):
            ring.output(bytes(40))  # type: ignore[attr-defined]
        field.listen(0.2)
        ring.output(b"last")  # type: ignore[attr-defined]
        field.listen(0.2)
        following.close()
    lost = [item.count for item in read(tmp_path / "events") if isinstance(item, Lost)]
    assert lost
    with Registry(), connect("twin") as desk:
        assert desk.replay(tmp_path / "events").lost == sum(lost)


def test_a_torn_end_is_dropped_and_the_file_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    writer = Writer(path)
    for n in range(200):
        writer.add(Operation(n, b"request %d" % n, b"reply"))
    writer.close()
    whole = path.read_bytes()
    everything = list(read(path))
    assert len(everything) == 200
    for cut in range(1, 60):
        path.write_bytes(whole[:-cut])
        assert list(read(path)) in (everything, everything[:-1], everything[:-2])
    writer = Writer(path)  # goes on behind the last whole record
    writer.add(Operation(200, b"more", b"reply"))
    writer.close()
    assert list(read(path))[-1] == Operation(200, b"more", b"reply")
    damaged = bytearray(whole)
    damaged[2000] ^= 1
    path.write_bytes(damaged)
    found = list(read(path))
    gap = next(item for item in found if isinstance(item, Lost))
    assert gap.number == 0
    assert gap.count > 0
    assert found[-1] == everything[-1], "it goes on at the next sync mark"
    for content, why in ((b"what is this file", "is no recording"), (whole[:4] + b"\7\0" + whole[6:], "version 7")):
        path.write_bytes(content)
        with pytest.raises(StateError, match=why):
            list(read(path))
        with pytest.raises(StateError, match=why):
            Writer(path)


def test_the_commands(firmware: object, run: Command, tmp_path: Path) -> None:
    path = tmp_path / "field"
    on = {"BOARDMAPS_PORT": firmware.port}  # type: ignore[attr-defined]
    done = run("record", str(path), "--for", "0.3", "--json", **on)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["maps"] == ["hits", "temps"]
    again = run("replay", str(path), "--json", "--port", "twin")
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads(again.stdout)["difference"] is None
    path.write_bytes(b"what is this")
    refused = run("replay", str(path), "--port", "twin")
    assert (refused.returncode, refused.stderr.count("\n"), "no recording" in refused.stderr) == (1, 1, True)
