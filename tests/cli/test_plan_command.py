"""`boardmaps plan`: a file's maps to the byte, and what is wrong with one in a line."""

import json
import random
from pathlib import Path

import pytest

from boardmaps import MapDef
from boardmaps_host import connect
from boardmaps_host.kinds import KINDS
from boardmaps_host.planner import plan, read_definition
from tests.cli.conftest import Command

PLAN = """
[[map]]
name = "temps"
type = "hash"
key = 8
value = 4
entries = 64

[[map]]
name = "log"
type = "ringbuf"
entries = 4096
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "maps.toml"
    path.write_text(PLAN)
    return path


def test_the_bytes_of_each_map(run: Command, file: Path) -> None:
    done = run("plan", str(file), "--json")
    assert json.loads(done.stdout) == {
        "bytes_total": 65536,
        "bytes_used": 5312,
        "bytes_remaining": 60224,
        "maps": [
            {"name": "temps", "type": "hash", "offset": 0, "bytes": 1120},
            {"name": "log", "type": "ringbuf", "offset": 1120, "bytes": 4192},
        ],
    }
    lines = run("plan", str(file)).stdout.splitlines()
    assert lines[1].split() == ["temps", "hash", "0", "1120", "1.7%"]
    assert lines[-1] == "5312 of 65536 bytes used, 60224 remain"


def test_every_type_is_planned_as_the_function_plans_it(run: Command, tmp_path: Path) -> None:
    rng = random.Random(7)
    tables, definitions = [], []
    for kind in [kind for kind in KINDS if kind.on_boards] * 2:
        least, most = kind.key_least, kind.key_most
        key = least if least == most else rng.randrange(least, 40)
        value = rng.randrange(1, 70) if kind.has_values else 0
        entries = 1 << rng.randrange(7)
        sizes = {"key": key if least != most else 0, "value": value, "entries": entries}
        table = "".join(f"{word} = {n}\n" for word, n in sizes.items() if n)
        tables.append(f'[[map]]\ntype = "{kind.word}"\n' + table)
        definitions.append(MapDef(kind.number, key, value, entries, cpus=2))
    path = tmp_path / "maps.toml"
    path.write_text("\n".join(tables))
    told = json.loads(run("plan", str(path), "--cpus", "2", "--json").stdout)["maps"]
    assert [(m["offset"], m["bytes"]) for m in told] == [(p.offset, p.size) for p in plan(definitions)]


def test_what_does_not_fit(run: Command, file: Path) -> None:
    done = run("plan", str(file), "--pool", "2048")
    assert done.returncode == 1
    assert "'log' (map 2)" in done.stderr
    assert "3,264 are missing" in done.stderr


def test_what_map_show_prints_can_be_planned() -> None:
    with connect("unix") as board:
        board.create_map("HashMap", key_size=5, value_size=9, max_entries=33, name="h")
        board.create_map("Queue", value_size=3, max_entries=7, name="q")
        shown = board.maps()
    parts = [
        {"type": i.type_name, "name": i.name, "bytes_key": i.key_size, "bytes_value": i.value_size}
        | {"max_entries": i.max_entries, "id": i.id, "frozen": 0}
        for i in shown
    ]
    assert [(p.offset, p.size) for p in plan(map(read_definition, parts))] == [(i.offset, i.slice_bytes) for i in shown]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no [[map]]"),
        ("[[map]]\nname = ", "no plan can be read"),
        ('[[map]]\ntype = "tree"', "type is 'tree'"),
        ('[[map]]\ntype = "hash"\nkey = 4', "value, entries is missing"),
        ('[[map]]\ntype = "queue"\nvalue = 4\nentries = 4\ncolour = 1', "no 'colour'"),
        ('[[map]]\ntype = "lru_hash"\nkey = 4\nvalue = 4\nentries = 4', "no LruHashMap"),
        ('[[map]]\ntype = "ringbuf"\nentries = 100', "power of two"),
    ],
)
def test_what_is_no_plan(run: Command, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "maps.toml"
    path.write_text(text)
    done = run("plan", str(path))
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_not_there(run: Command, tmp_path: Path) -> None:
    done = run("plan", str(tmp_path / "none.toml"))
    assert done.returncode == 1
    assert "No such file" in done.stderr


def test_what_map_show_prints_is_planned_as_it_is(run: Command, on: Command, tmp_path: Path) -> None:
    """`entries` there are those in use, which a plan does not ask for."""
    for words in ("ring type ringbuf value 0 entries 128", "seen type hash key 4 value 4 entries 8"):
        on("map", "create", "name", *words.split())
    on("map", "update", "seen", "key", "u32:1", "value", "u32:1")
    shown = json.loads(on("map", "show", "--json").stdout)
    (tmp_path / "show.json").write_text(json.dumps(shown))
    planned = json.loads(run("plan", "--json", str(tmp_path / "show.json")).stdout)
    assert [m["bytes"] for m in planned["maps"]] == [m["bytes_memlock"] for m in shown]
