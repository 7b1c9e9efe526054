"""Every command on every kind of map: a stable shape of JSON, messages that name commands, and looks that take nothing."""

import json
import re
from typing import Any

import pytest

from boardmaps_host import connect, kinds
from boardmaps_host.cli import output
from boardmaps_host.cli.root import boardmaps as root
from boardmaps_host.cli.run import run as run_here
from boardmaps_sim.unix import UnixBoard

KINDS = [kind.word for kind in kinds.KINDS if kind.on_boards]
KEYED = ("hash", "percpu_hash", "array", "percpu_array", "lpm_trie")
SIZES = dict.fromkeys(KINDS, "value 4 entries 6") | {"ringbuf": "entries 128"}
SIZES |= {name: "key 4 value 4 entries 4" for name in KINDS if "hash" in name}
SIZES |= {"lpm_trie": "key 8 value 4 entries 4", "bloom_filter": "value 4 entries 6 functions 3"}
# What a kind says otherwise than the others: a prefix of 32 bits for a key, a value to ask for.
WORDS = {"lpm_trie": ("key u32:1", "key 32 0 0 0 1 0 0 0"), "bloom_filter": ("peek M", "peek M value u32:7")}

BYTES = ["0x"]
ENTRY: Any = {"key": BYTES, "value": BYTES}
ROW: Any = {"key": BYTES, "values": [{"cpu": 0, "value": BYTES}]}
VALUE: Any = {"key": [], "value": BYTES}
INFO = {"id": 0, "type": "", "name": "", "flags": 0, "bytes_key": 0, "bytes_value": 0, "max_entries": 0, "bytes_memlock": 0,
        "frozen": 0, "entries": 0}  # fmt: skip
ERROR: Any = {"error": ""}
OF_KIND = {
    "dump": {
        **{kind: [ENTRY] for kind in ("hash", "array", "lpm_trie")},
        **{kind: [ROW] for kind in ("percpu_hash", "percpu_array")},
        **{kind: [VALUE] for kind in ("queue", "stack")},
        "ringbuf": [{"number": 0, "data": BYTES}],
        "time_series": [{"timestamp": 0, "value": BYTES, "field": 0}],
    },
    "lookup M key u32:1": {
        **dict.fromkeys(("hash", "array", "lpm_trie"), ENTRY),
        **dict.fromkeys(("percpu_hash", "percpu_array"), ROW),
    },
    "getnext": {kind: {"key": None, "next_key": BYTES} for kind in KEYED},
    "update M key u32:1 value u32:7": dict.fromkeys(KEYED),
    "peek M": dict.fromkeys(("queue", "stack", "bloom_filter"), VALUE),
    "pop": dict.fromkeys(("queue", "stack"), VALUE),
    "dequeue": dict.fromkeys(("queue", "stack"), VALUE),
    "push M value u32:7": dict.fromkeys(("queue", "stack", "bloom_filter")),
    "enqueue M value u32:7": dict.fromkeys(("queue", "stack")),
    "stats": {"time_series": {"count": 0, "min": 0, "max": 0, "sum": 0, "mean": 0, "span": 0, "field": ""}},
    "watch M --for 0.1": {
        **dict.fromkeys(("hash", "array", "lpm_trie"), ENTRY),
        "ringbuf": {"number": 0, "lost": 0, "data": BYTES},
        "time_series": {"number": 0, "lost": 0, "timestamp": 0, "value": BYTES},
    },
    "watch M key u32:1 --for 0.1": {
        **dict.fromkeys(("hash", "array", "lpm_trie"), ENTRY),
        **dict.fromkeys(("percpu_hash", "percpu_array"), ROW),
    },
    "delete M key u32:1": dict.fromkeys(KEYED),
    "show": dict.fromkeys(KINDS, INFO),
    "list": dict.fromkeys(KINDS, INFO),
    "freeze": dict.fromkeys(KINDS),
    "pin": {key: {"name": "", "bytes_written": 0, "seconds": 0} for key in KINDS},
    "unpin": {key: {"name": "", "was_pinned": 0} for key in KINDS},
}

Shape = Any


def shape(document: Any) -> Shape:
    """Return a document's keys and kinds of values: of a list those of its first one."""
    if isinstance(document, dict):
        return {name: shape(value) for name, value in document.items()}
    if isinstance(document, list):
        return [shape(part) for part in document[:1]]
    if isinstance(document, str):
        return "0x" if re.fullmatch("0x[0-9a-f]{2}", document) else ""
    return None if document is None else 0


def fill(port: str, kind: str, name: str) -> None:
    """Make the map and put something into it."""
    words = f"map create name {name} type {kind} {SIZES[kind]} --port {port}"
    assert run_here(words.split()) == 0
    with connect(port) as board:
        the_map: Any = board.map(name)
        if kind == "ringbuf":
            the_map.output(b"one")
        elif kind == "time_series":
            the_map.push(10, b"\7\0\0\0")
        elif kind == "bloom_filter":
            the_map.push(b"\7\0\0\0")
        elif kind == "lpm_trie":
            the_map.update(b"\x20\0\0\0\1\0\0\0", b"\7\0\0\0")
        elif kind in ("queue", "stack"):
            for _ in range(5):
                the_map.push(b"\7\0\0\0")
        elif kind.startswith("percpu"):
            the_map.update_percpu(b"\1\0\0\0", [b"\7\0\0\0"] * the_map.cpus)
        else:
            the_map.update(b"\1\0\0\0", b"\7\0\0\0")


def test_the_table_above_has_every_command() -> None:
    group: Any = root.commands["map"]
    assert {words.split()[0] for words in OF_KIND} == set(group.commands) - {"create", "help"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_on_every_kind(firmware: UnixBoard, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"k_{kind}"[:15]
    fill(firmware.port, kind, name)
    for words, shapes in OF_KIND.items():
        said = words.replace(*WORDS.get(kind, ("", "")))
        command = said.replace(" M", f" {name}") if " M" in said else f"{said} {name}"
        capsys.readouterr()
        status = run_here(["-j", "map", *command.split(), "--port", firmware.port])
        printed = capsys.readouterr()
        found = [json.loads(line) for line in printed.out.splitlines()]
        assert found, command
        if kind in shapes:
            assert status == 0, (command, printed.err)
            assert [shape(one) for one in found[:1]] == [shapes[kind]], command
        else:
            assert (status, shape(found[0])) == (1, ERROR), command
            text = found[0]["error"]
            assert f"is of type {kind}" in text, "it says why"
            assert "boardmaps map " in text or "is for a queue or a stack" in text, "and names a command that there is"
            assert not re.search(r"\w\(|\b(reserve|output|window|read_many|lookup_and_delete)\b", text), text
        plain = run_here(["map", *command.split(), "--port", firmware.port])
        text = capsys.readouterr().err
        assert plain == 0 or not re.search(r"\w\(|\b(reserve|output|window|read_many)\b", text), text


def test_a_filter_is_asked_for_a_value(firmware: UnixBoard, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        status = run_here(["map", *words, "--port", firmware.port])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    made = said(*["create", "name", "f15", "type", "bloom_filter", "value", "4", "entries", "100", "functions", "15"])
    assert made[0] == 0
    assert said("push", "f15", "value", "u32:1") == (0, "")
    assert said("peek", "f15", "value", "u32:1") == (0, "value        as\n01 00 00 00  1\n")
    assert said("peek", "f15", "value", "u32:2") == (1, "boardmaps: peek 'f15': the value was never pushed\n")
    assert said("peek", "f15", "value", "u32:2", "-j")[1].startswith("null\n")
    assert "the word 'value' is missing" in said("peek", "f15")[1]
    assert said(*["create", "name", "q15", "type", "queue", "value", "4", "entries", "4"])[0] == 0
    assert "'value' is one word too many" in said("peek", "q15", "value", "u32:1")[1]
    status, text = said("pop", "f15")
    assert (status, "Use: boardmaps map push MAP value DATA, boardmaps map peek MAP value DATA." in text) == (1, True)
    assert (
        "functions are for a bloom_filter"
        in said(*["create", "name", "h", "type", "hash", "key", "4", "value", "4", "entries", "4", "functions", "3"])[1]
    )


@pytest.mark.parametrize("kind", ["queue", "stack", "ringbuf", "time_series"])
def test_a_dump_takes_nothing(firmware: UnixBoard, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Twice the same, also when the ring of it has come round."""
    name = f"d_{kind}"
    fill(firmware.port, kind, name)
    with connect(firmware.port) as board:
        the_map: Any = board.map(name)
        for n in range(20):
            if kind == "ringbuf":
                the_map.read()
                assert the_map.output(bytes(range(n, n + 17)))
                assert the_map.output(b"%d" % n)
                the_map.read()
            elif kind == "time_series":
                the_map.push(n, n.to_bytes(4, "little"))
            else:
                the_map.push(n.to_bytes(4, "little"), 2)  # BPF_EXIST: the oldest goes
        count = len(the_map)
    dumps = []
    for _ in range(2):
        capsys.readouterr()
        assert run_here(["map", "dump", name, "-j", "--port", firmware.port]) == 0
        dumps.append(json.loads(capsys.readouterr().out))
    assert dumps[0] == dumps[1]
    assert len(dumps[0]) == count > 0
    values = [bytes(int(byte, 16) for byte in one["data" if kind == "ringbuf" else "value"]) for one in dumps[0]]
    with connect(firmware.port) as board:
        the_map = board.map(name)
        if kind == "ringbuf":
            assert [(one["number"], value) for one, value in zip(dumps[0], values, strict=True)] == the_map.read_many()
        elif kind == "time_series":
            assert values == [value for _, value in the_map.last(count)]
        else:
            taken = [the_map.pop() for _ in range(count)]
            assert values == (taken if kind == "queue" else taken[::-1])


def test_a_series_is_shown_by_its_field(firmware: UnixBoard, capsys: pytest.CaptureFixture[str]) -> None:
    """-50 and 10 of two bytes are that, where the series says that they have a sign."""
    port = firmware.port
    for name, field, lowest in (("signed", ["field", "i16"], -50), ("plain", [], 10)):
        words = ["map", "create", "name", name, "type", "time_series", "value", "2", "entries", "4", *field]
        assert run_here([*words, "--port", port]) == 0
        with connect(port) as board:
            series: Any = board.map(name)
            series.push(1, (-50).to_bytes(2, "little", signed=True))
            series.push(2, (10).to_bytes(2, "little"))
        capsys.readouterr()
        assert run_here(["map", "stats", name, "-j", "--port", port]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["min"], found["count"], found["field"]) == (lowest, 2, "h" if field else "H")
        assert run_here(["map", "dump", name, "--port", port]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == ["timestamp", "value", "field", found["field"]]
        assert lines[1].split() == ["1", "ce", "ff", "-50" if field else "65486"]
        assert run_here(["map", "stats", name, "last", "1", "-j", "--port", port]) == 0
        assert json.loads(capsys.readouterr().out)["min"] == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("create name f type hash key 4 value 4 entries 4 field i16", "a field is for a time_series"),
        ("create name f type time_series value 4 entries 4 field i17", "the field 'i17' is none of u8, u16"),
        ("create name f type time_series value 4 entries 4 field i16@", None),
        ("create name g type time_series value 4 entries 4 field i16@x", "the field's offset is 'x'"),
        ("create name g type time_series value 4 entries 4 field f64@1", "no field"),
        ("stats name g last", "the number after 'last' is missing"),
    ],
)
def test_a_field_that_is_none(
    firmware: UnixBoard, words: str, message: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run_here(["map", *words.split(), "--port", firmware.port])
    assert (status == 0) == (message is None)
    assert message is None or message in capsys.readouterr().err


@pytest.mark.parametrize("words", [["boards"], ["boards", "no such"], ["no such"], ["--help"]], ids=" ".join)
def test_a_command_leaves_nothing_behind_for_the_next(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A program may run the command, and a test runs many: JSON is printed by the one that was asked for it alone."""
    for flags in ([], ["--json"], [], ["--pretty"], []):
        run_here([*words, *flags])
        printed = capsys.readouterr()
        assert printed.out.startswith(("[", "{")) == bool(flags) or words == ["--help"], flags
        assert not output.wants_json()
