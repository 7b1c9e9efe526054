"""`boardmaps map` and `boardmaps pool` on a board whose firmware runs meanwhile: words, tables, JSON, statuses."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, Command, environment

KITCHEN = ["0x6b", "0x69", "0x74", "0x63", "0x68", "0x65", "0x6e", "0x00"]
TWENTY_ONE = ["0x15", "0x00", "0x00", "0x00"]


@pytest.fixture(autouse=True)
def clean_maps(firmware: UnixBoard) -> Iterator[None]:
    """Every test finds the maps empty."""
    yield
    with connect(firmware.port) as board:
        temps, hits = board.map("temps"), board.map("hits")
        for key in list(temps.keys()):
            temps.delete(key)
        for index in range(4):
            hits.delete(index)


def test_show_prints_a_line_a_map(on: Command) -> None:
    done = on("map", "show")
    assert done.stdout.splitlines()[0].split() == [
        "id",
        "type",
        "name",
        "key",
        "value",
        "entries",
        "max",
        "bytes",
        "flags",
    ]
    hits, temps = (line.split() for line in done.stdout.splitlines()[1:3])
    assert hits[1:7] == ["array", "hits", "4", "8", "4", "4"]
    assert temps[1:7] == ["hash", "temps", "8", "4", "0", "2"]
    assert done.stderr == ""


def test_show_json_has_bpftools_keys(on: Command) -> None:
    found = json.loads(on("map", "show", "--json").stdout)
    assert [entry["name"] for entry in found][:2] == ["hits", "temps"]
    one = json.loads(on("map", "show", "id", str(found[1]["id"]), "--json").stdout)
    assert one == found[1]
    assert one == {
        "id": one["id"],
        "type": "hash",
        "name": "temps",
        "flags": 0,
        "bytes_key": 8,
        "bytes_value": 4,
        "max_entries": 2,
        "bytes_memlock": one["bytes_memlock"],
        "frozen": 0,
        "entries": 0,
    }
    assert one["bytes_memlock"] > 2 * (8 + 4)


def test_an_entry_from_update_to_delete(on: Command) -> None:
    assert on("map", "update", "name", "temps", "key", "str:kitchen", "value", "u32:21").stdout == ""
    entry = {"key": KITCHEN, "value": TWENTY_ONE}
    assert json.loads(on("map", "lookup", "name", "temps", "key", *KITCHEN, "--json").stdout) == entry
    assert json.loads(on("map", "dump", "temps", "--json").stdout) == [entry]
    plain = on("map", "dump", "temps").stdout.splitlines()
    assert plain[1].split("  ") == ["6b 69 74 63 68 65 6e 00", "'kitchen'", "15 00 00 00", "21"]
    assert json.loads(on("map", "delete", "temps", "key", "str:kitchen", "--json").stdout) is None
    assert json.loads(on("map", "dump", "temps", "--json").stdout) == []


def test_the_flags_of_update(on: Command) -> None:
    update = ("map", "update", "temps", "key", "u64:1", "value", "u32:1")
    missing = on(*update, "exist")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("boardmaps: update 'temps': BPF_EXIST")
    assert on(*update, "noexist").returncode == 0
    present = on(*update, "noexist", "--json")
    assert present.returncode == 1
    assert json.loads(present.stdout)["error"].startswith("update 'temps': BPF_NOEXIST")
    assert on(*update, "exist").returncode == on(*update, "any").returncode == 0


def test_a_full_map_says_so(on: Command) -> None:
    for key in ("u64:1", "u64:2"):
        assert on("map", "update", "temps", "key", key, "value", "u32:1").returncode == 0
    done = on("map", "update", "temps", "key", "u64:3", "value", "u32:1")
    assert (done.returncode, done.stderr) == (1, "boardmaps: update 'temps': map is full (2 of 2 entries)\n")


def test_lookup_of_a_missing_key_is_a_status_not_an_error(on: Command) -> None:
    lookup = ("map", "lookup", "temps", "key", "str:cellar")
    done = on(*lookup)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "boardmaps: lookup 'temps': no such key\n")
    done = on(*lookup, "--json")
    assert (done.returncode, done.stdout, done.stderr) == (1, "null\n", "")


def test_getnext_walks_the_keys(on: Command) -> None:
    first = json.loads(on("map", "getnext", "hits", "--json").stdout)
    assert first == {"key": None, "next_key": ["0x00"] * 4}
    assert on("map", "getnext", "hits", "key", "u32:2").stdout == "03 00 00 00\n"
    last = on("map", "getnext", "hits", "key", "3", "0", "0", "0")
    assert (last.returncode, last.stderr) == (1, "boardmaps: getnext 'hits': no key comes after that\n")
    last = on("map", "getnext", "hits", "key", "u32:3", "--json")
    assert (last.returncode, json.loads(last.stdout)) == (
        1,
        {"key": ["0x03", "0x00", "0x00", "0x00"], "next_key": None},
    )


def test_create_on_a_running_board_and_its_place_in_the_pool(on: Command) -> None:
    before = json.loads(on("pool", "--json").stdout)
    words = "map create name made type hash key 2 value 4 entries 8 --json"
    made = json.loads(on(*words.split()).stdout)
    assert (made["name"], made["bytes_key"], made["max_entries"]) == ("made", 2, 8)
    after = json.loads(on("pool", "--json").stdout)
    assert after["bytes_total"] == before["bytes_total"] == after["bytes_used"] + after["bytes_remaining"]
    assert after["allocations"] == before["allocations"] + 1
    assert after["bytes_used"] - before["bytes_used"] == made["bytes_memlock"]
    place = {"id": made["id"], "name": "made", "bytes": made["bytes_memlock"], "max_entries": 8}
    assert after["maps"][-1] == {**place, "peak": 0}
    for n in "123":
        on(*f"map update made key {n} 0 value {n} 0 0 0".split())
    on("map", "delete", "made", "key", "1", "0")
    assert json.loads(on("pool", "--json").stdout)["maps"][-1] == {**place, "peak": 3}
    plain = on("pool").stdout
    assert f"{after['bytes_used']} of {after['bytes_total']} bytes used" in plain
    assert next(line for line in plain.splitlines() if "made" in line).split()[-2:] == ["3", "8"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("type hash key 8 value 0 entries 4 name x", "create hash 'x': 'value' is 0"),
        ("type hash key 8 value 4 entries 30000 name x", "pool"),
        ("type hash key 8 value 4 entries 400000 name x", "pool"),
        ("type hash value 4 entries 4 name x", "'key' is missing"),
        ("type hash key 8 value 4 entries 4 flags 3333", "create hash: 'flags' 3333 has unknown bits"),
        ("type hash key 8 value 4 entries 4 name sixteen_letters_x", "at most 15"),
    ],
)
def test_a_map_that_cannot_be_created_changes_nothing(on: Command, words: str, message: str) -> None:
    before = on("pool", "--json").stdout
    done = on("map", "create", *words.split())
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert on("pool", "--json").stdout == before


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("lookup temps key u32:1", 1, "lookup 'temps': key is 4 bytes, not 8"),
        ("update temps key u64:1 value u8:1", 1, "value is 1 bytes, not 4"),
        ("lookup id 99 key 1", 1, "map 99: the board has no such map; it has: hits"),
        ("delete temps key str:attic", 1, "delete 'temps'"),
        ("lookup temps", 2, "the key (one word, or `key` and its DATA) is missing."),
        ("lookup", 2, "the map (id N, or name NAME) is missing."),
        ("update temps key u64:1", 2, "the word 'value' is missing."),
        ("update temps key u64:1 value u32:1 any more", 2, "'more' is one word too many."),
        ("create type heap", 2, "'heap' is no map type: hash, array"),
        ("create name x name y", 2, "'name' is there twice."),
        ("create size 4", 2, "'size' is none of name, type, key, value, entries, flags, field, functions."),
        ("create type hash entries many", 2, "the number after 'entries' is 'many', not a whole number."),
        ("dump temps now", 2, "'now' is one word too many."),
        ("rename temps", 2, "No such command 'rename'"),
        ("show --tabel", 2, "No such option '--tabel'"),
        ("show --timeout soon", 2, "'soon' is not a valid float"),
    ],
)
def test_errors_are_one_line_and_json_too(on: Command, words: str, status: int, message: str) -> None:
    done = on("map", *words.split())
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("boardmaps: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    done = on("map", *words.split(), "--json")
    assert done.returncode == status
    assert message in json.loads(done.stdout)["error"]


def test_a_reader_that_leaves_early_is_no_error(firmware: UnixBoard) -> None:
    """As `boardmaps map show | head -0`: quiet, and a status of its own."""
    command = [*BOARDMAPS, "map", "show"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(BOARDMAPS_PORT=firmware.port)
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        said = done.stderr.read()
    assert (done.returncode, said) == (141, b"")


def on_a_terminal(firmware: UnixBoard, columns: int) -> str:
    """Return what `map show` draws on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    environ = environment(BOARDMAPS_PORT=firmware.port, TERM="xterm-256color", COLUMNS=str(columns))
    try:
        subprocess.run([*BOARDMAPS, "map", "show"], stdout=theirs, check=True, timeout=900, env=environ)
        return os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_colour_and_lines_on_a_terminal_only(firmware: UnixBoard, on: Command) -> None:
    drawn = on_a_terminal(firmware, 100)
    assert "\x1b[" in drawn
    assert "───" in drawn
    assert "temps" in drawn
    plain = on("map", "show").stdout
    assert "\x1b[" not in plain
    assert "─" not in plain


def test_a_narrow_terminal_has_a_line_for_each_cell(firmware: UnixBoard) -> None:
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal(firmware, 40))
    lines = [line.split() for line in drawn.splitlines()]
    assert lines[:4] == [["id", "1"], ["type", "array"], ["name", "hits"], ["key", "4"]]
    assert ["bytes", "128"] in lines


def test_the_firmware_was_never_stopped(on: Command, firmware: UnixBoard) -> None:
    with connect(firmware.port) as board:
        boot = board.info["boot"]
    assert on("map", "show").returncode == 0
    with connect(firmware.port) as board:
        assert board.info["boot"] == boot
        assert {info.name for info in board.maps()} >= {"hits", "temps"}


def test_a_second_map_of_a_name_is_refused(on: Command) -> None:
    before = on("map", "show").stdout
    done = on("map", "create", "name", "temps", "type", "array", "value", "4", "entries", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the board has a map 'temps' already (id 2): choose another name." in done.stderr
    assert on("map", "show").stdout == before


def test_a_disk_that_is_full_is_one_sentence(firmware: UnixBoard) -> None:
    with open("/dev/full", "w") as full:
        command = [*BOARDMAPS, "map", "show"]
        env = environment(BOARDMAPS_PORT=firmware.port)
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=900, check=False, env=env
        )
    assert (done.returncode, done.stderr) == (1, "boardmaps: the output cannot be written: No space left on device.\n")


def test_that_no_program_runs_is_said(run: Command, tmp_path: Path) -> None:
    """A table of numbers that nobody changes any more is no answer without that; scripts read stdout alone."""
    with UnixBoard(port=tmp_path / "port") as board:
        deploy(board.port, reset=False)
        done = run("map", "show", "--json", BOARDMAPS_PORT=board.port)
        assert (done.returncode, json.loads(done.stdout)) == (0, [])
        assert done.stderr.startswith(
            f"boardmaps: {board.port}: no program runs: the board has none, or it ended with an"
        )
        assert "Start it: boardmaps deploy --app PATH, or reset the board." in done.stderr


def test_that_nothing_is_pinned_is_said(on: Command) -> None:
    done = on("pin", "show")
    assert done.stdout.startswith("no map is pinned; to pin one: boardmaps map pin NAME\nsince the boot: ")
