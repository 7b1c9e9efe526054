"""Snapshots and restores of a board whose program runs on, by the command and by the client."""

import json
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import pytest

from boardmaps import NotPermitted, StaleMap
from boardmaps.abi import OP_RESTORE, RESTORE_BEGIN, RESTORE_DATA
from boardmaps_host import Snapshot, StateError, connect
from boardmaps_host.client.info import answer
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import Command
from tests.cli.conftest import run as run  # noqa: PLC0414 - a fixture, for this module too
from tests.firmware import running

# A board without room on its file system, whose server overrides rights, and whose program never rests: the maps "busy" and "small"
# change between the last byte that is read and the checksum behind that, however fast they are read. Its heap has no room for a
# copy of "busy".
PROGRAM = """
import boardmaps, gc, time
from boardmaps import ArrayMap, HashMap, BPF_F_RDONLY
from boardmaps.serving.transfer import Transfer
Transfer._stage = lambda self, total: None
handle = Transfer.handle
def restless(self, request, map_of):
    busy.add(1, 1)
    small.add(1, 1)
    return handle(self, request, map_of)
Transfer.handle = restless
busy = ArrayMap.with_entries(value_size=8, max_entries=7000, name="busy")
small = ArrayMap.with_entries(value_size=8, max_entries=200, name="small")
temps = HashMap(key_size=8, value_size=4, max_entries=8, name="temps")
fixed = ArrayMap(value_size=4, max_entries=4, map_flags=BPF_F_RDONLY, name="fixed")
fixed.update(1, b"firm")
boardmaps.Server._let_go = lambda self: False  # the module that is changed above stays
server = boardmaps.Server(allow_restore=True)
ballast = [bytearray(4096) for _ in range((gc.mem_free() - 90000) // 4096)]
n = 0
while True:
    n += 1
    busy.add(n % 1000, 1)
    try:
        temps.lookup(b"kitchen\\0")
    except boardmaps.StaleMap:
        busy.update(0, b"refused!")
    server.poll(1)
"""


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board that runs PROGRAM."""
    with running(tmp_path_factory.mktemp("restless"), PROGRAM) as board:
        yield board


def test_a_map_that_always_changes_is_named_and_not_restored(firmware: UnixBoard) -> None:
    with connect(firmware.port) as board:
        board.map("temps").update(b"kitchen\0", b"warm")
        taken = board.snapshot()
        assert taken.changed == ["busy"]
        again = Snapshot.from_bytes(taken.to_bytes())
        assert again.changed == ["busy"]
        with pytest.raises(StateError, match="'busy' of the snapshot changed while it was read"):
            board.restore(again)


def test_without_room_for_a_file_it_goes_map_by_map_and_rights_are_overridden_where_that_is_allowed(
    firmware: UnixBoard,
) -> None:
    with connect(firmware.port) as board:
        temps = board.map("temps")
        temps.update(b"kitchen\0", b"warm")
        taken = board.snapshot("temps", "fixed")
        temps.update(b"kitchen\0", b"cold")
        with pytest.raises(NotPermitted, match="'fixed': the map is read-only"):
            board.restore(taken)
        done = board.restore(taken, override=True)
        assert (done.maps, done.staged) == (["temps", "fixed"], False)
        assert temps.lookup(b"kitchen\0") == b"warm"
        assert board.snapshot("temps", "fixed") == taken


def test_half_of_a_map_is_refused_to_the_firmware_and_the_host(firmware: UnixBoard) -> None:
    with connect(firmware.port) as board:
        temps = board.map("temps")
        taken = board.snapshot("temps")
        data = taken["temps"].data
        begin = pack("<BBBHH", OP_RESTORE, RESTORE_BEGIN, 0, 1, temps.id) + data[:96]
        assert answer(board.link.request(begin)) == b"\0"
        answer(board.link.request(pack("<BBI", OP_RESTORE, RESTORE_DATA, 0) + data[:200]))
    with connect(firmware.port) as board:  # the host that comes after the one that went away
        temps = board.map("temps")
        with pytest.raises(StaleMap, match="a restore of the map did not end"):
            temps.lookup(b"kitchen\0")
        while board.map("busy").lookup(0) != b"refused!":
            board.listen(0.01)
        assert "temps" in [info.name for info in board.maps()]
        with pytest.raises(StateError, match="under way"):
            board.restore(board.snapshot("temps"))
        board.restore(taken)
        assert board.snapshot("temps") == taken


def test_the_commands(firmware: UnixBoard, run: Command, tmp_path: Path) -> None:
    def on(*words: str) -> tuple[int, str, str]:
        done = run(*words, BOARDMAPS_PORT=firmware.port)
        return done.returncode, done.stdout, done.stderr

    before, after = tmp_path / "before.bms", tmp_path / "after.bms"
    on("map", "update", "temps", "key", "str:kitchen", "value", "str:warm")
    status, said, noted = on("snapshot", str(before))
    assert (status, "saved 4 maps" in said, "'busy' changed while it was read" in noted) == (0, True, True)
    assert on("map", "update", "temps", "key", "str:kitchen", "value", "str:cold")[0] == 0
    assert on("map", "update", "temps", "key", "str:attic", "value", "str:warm")[0] == 0
    status, said, _ = on("snapshot", str(after), "temps", "--json")
    document = json.loads(said)
    assert (status, [one["name"] for one in document["maps"]], document["bytes"]) == (
        0,
        ["temps"],
        after.stat().st_size,
    )
    status, said, _ = on("diff", str(before), "--json")
    found = [one for one in json.loads(said) if one["map"] == "temps"]
    assert status == 1
    assert [(one["what"], bytes(int(b, 16) for b in one["key"])) for one in found] == [
        *(("changed", b"kitchen\0"), ("new", b"attic\0\0\0")),
    ]
    done = run("diff", str(before), str(after))
    assert (done.returncode, "busy" in done.stdout) == (1, True)
    assert run("diff", str(after), str(after)).returncode == 0
    status, said, noted = on("restore", str(before), "temps")
    assert (status, said) == (0, "restored 1 map map by map: temps\n"), noted
    assert on("map", "lookup", "temps", "key", "str:kitchen")[1].count("warm") == 1
    status, _, noted = on("restore", str(before))
    assert (status, noted.count("\n"), "nothing was changed" in noted) == (1, 1, True)
    for content, why in (
        (b"what is this", "is no snapshot"),
        (before.read_bytes()[:300], "cut short"),
        (before.read_bytes()[:4] + b"\7\0" + before.read_bytes()[6:], "version 7"),
    ):
        before.write_bytes(content)
        status, _, noted = on("restore", str(before))
        assert (status, noted.count("\n")) == (1, 1)
        assert why in noted
