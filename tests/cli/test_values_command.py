"""bpftool's words for maps without keys, freeze, values for all CPUs, and the pool as a file."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, Command


def test_a_queue_gives_the_oldest_and_a_stack_the_newest(on: Command) -> None:
    for kind, add, take, first in (("queue", "enqueue", "dequeue", 1), ("stack", "push", "pop", 2)):
        assert on("map", "create", "name", kind, "type", kind, "value", "2", "entries", "2").returncode == 0
        for n in (1, 2):
            done = on("map", add, kind, "value", f"u16:{n}")
            assert (done.returncode, done.stdout) == (0, "")
        full = on("map", add, kind, "value", "u16:3")
        assert (full.returncode, full.stderr) == (1, f"boardmaps: update '{kind}': map is full (2 of 2 entries)\n")
        value = {"key": [], "value": [f"0x0{first}", "0x00"]}
        assert json.loads(on("map", "peek", kind, "--json").stdout) == value
        assert json.loads(on("map", take, kind, "--json").stdout) == value
        assert on("map", take, kind).stdout.splitlines()[1].split("  ") == [f"0{3 - first} 00", str(3 - first)]
        empty = on("map", take, kind)
        assert (empty.returncode, empty.stderr) == (1, f"boardmaps: {take} '{kind}': the map is empty\n")
        assert on("map", take, kind, "--json").stdout == "null\n"


def test_a_frozen_map_takes_no_more_from_the_computer(on: Command) -> None:
    assert on("map", "create", "name", "still", "type", "array", "value", "2", "entries", "1").returncode == 0
    assert on("map", "freeze", "still", "--json").stdout == "null\n"
    done = on("map", "update", "still", "key", "u32:0", "value", "u16:1")
    assert (done.returncode, done.stderr) == (1, "boardmaps: update 'still': the map is frozen\n")
    assert "is frozen" in on("map", "freeze", "still").stderr
    assert json.loads(on("map", "show", "still", "--json").stdout)["frozen"] == 1


def test_every_cpu_gets_the_value(on: Command) -> None:
    assert on("map", "create", "name", "each", "type", "percpu_array", "value", "4", "entries", "1").returncode == 0
    assert on("map", "update", "each", "key", "u32:0", "value", "u32:7").returncode == 0
    (entry,) = json.loads(on("map", "dump", "each", "--json").stdout)
    assert entry["values"] == [
        {"cpu": cpu, "value": ["0x07", "0x00", "0x00", "0x00"]} for cpu in range(len(entry["values"]))
    ]
    lines = on("map", "dump", "each").stdout.splitlines()
    assert lines[0].split() == ["key", "as", "cpu", "value", "as"]
    assert re.split("  +", lines[1])[-3:] == ["0", "07 00 00 00", "7"]


def test_the_pool_as_a_file(on: Command, firmware: UnixBoard, tmp_path: Path) -> None:
    done = on("pool", "--save", str(tmp_path / "pool.bin"))
    assert done.returncode == 0
    image = (tmp_path / "pool.bin").read_bytes()
    assert done.stdout.startswith(f"saved {len(image)} bytes of {firmware.port} to {tmp_path / 'pool.bin'}\n")
    with connect(firmware.port) as board:
        assert len(image) == board.pool.used()
        assert image == board.pool.read()
    assert json.loads(on("pool", "--json", "--save", str(tmp_path / "pool.bin")).stdout)["bytes_used"] == len(image)
    piped = subprocess.run(
        [*BOARDMAPS, "pool", "--save", "-", "--port", firmware.port], capture_output=True, timeout=900, check=False
    )
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, image, b"")
    assert "would both write to the output: name a file." in on("pool", "--save", "-", "--json").stderr


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("map push temps", 2, "the word 'value' is missing."),
        ("map pop", 2, "the map (id N, or name NAME) is missing."),
        ("map pop temps key", 2, "'key' is one word too many."),
        ("map push temps value u32:1", 1, "push is for a queue or a stack, and the map 'temps' is of type hash."),
        ("map pop hits", 1, "pop is for a queue or a stack, and the map 'hits' is of type array."),
        ("pool --save /no/such/folder/x", 1, "'/no/such/folder/x': No such file or directory"),
        ("pool --save /", 2, "is a directory"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(on: Command, words: str, status: int, message: str) -> None:
    done = on(*words.split())
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_filter_is_pushed_to_and_asked(on: Command) -> None:
    words = ("name", "seen", "type", "bloom_filter", "value", "4", "entries", "100", "functions", "7")
    made = json.loads(on("map", "create", *words, "--json").stdout)
    assert (made["type"], made["bytes_memlock"]) == ("bloom_filter", 96 + 128), "980 bits, rounded up"
    assert on("map", "push", "seen", "value", "u32:7").returncode == 0
    assert json.loads(on("map", "peek", "seen", "value", "u32:7", "--json").stdout) == {
        "key": [],
        "value": ["0x07", "0x00", "0x00", "0x00"],
    }
    stranger = on("map", "peek", "seen", "value", "u32:8")
    assert (stranger.returncode, stranger.stderr) == (1, "boardmaps: peek 'seen': the value was never pushed\n")
    assert on("map", "peek", "seen", "value", "u32:8", "--json").stdout == "null\n"
    assert "the word 'value' is missing." in on("map", "peek", "seen").stderr
    assert json.loads(on("map", "show", "seen", "--json").stdout)["entries"] == 1
    for command in ("dump seen", "lookup seen key 1", "watch seen", "pop seen"):
        said = on("map", *command.split()).stderr
        assert (
            "which is of type bloom_filter. Use: boardmaps map push MAP value DATA, boardmaps map peek MAP value DATA."
            in said
        )
    assert (
        "functions are for a bloom_filter"
        in on("map", "create", *["name", "n", "type", "array", "value", "1", "entries", "1", "functions", "2"]).stderr
    )
    for number, said in (("16", "functions is 16, not a number from 1 to 15"), ("x", "the number after 'functions'")):
        assert said in on("map", "create", "name", "no", *words[2:-1], number).stderr


def test_a_trie_finds_the_longest_prefix(on: Command) -> None:
    assert (
        on("map", "create", "name", "nets", "type", "lpm_trie", "key", "8", "value", "1", "entries", "9").returncode
        == 0
    )
    for key, value in (("hex 08 00 00 00 0a 00 00 00", "1"), ("hex 10 00 00 00 0a 01 00 00", "2")):
        assert on("map", "update", "nets", "key", *key.split(), "value", value).returncode == 0
    asked = ["hex", "20", "00", "00", "00", "0a", "01", "02", "03"]
    assert json.loads(on("map", "lookup", "nets", "key", *asked, "--json").stdout)["value"] == ["0x02"]
    assert [entry["value"] for entry in json.loads(on("map", "dump", "nets", "--json").stdout)] == [["0x01"], ["0x02"]]
    first = json.loads(on("map", "getnext", "nets", "--json").stdout)["next_key"]
    assert first == ["0x10", "0x00", "0x00", "0x00", "0x0a", "0x01", "0x00", "0x00"]
