"""A locked line from the command line: the key comes from a file or the environment, and what is wrong with it is said."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_host.client.lock import stretched
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, PROGRAM, Command

KEY = "sixteen bytes are good"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board whose firmware asks for KEY."""
    folder = tmp_path_factory.mktemp("locked")
    program = folder / "program.py"
    text = PROGRAM.replace("while True", f"server = boardmaps.Server(key=b{KEY!r})\nwhile True")
    program.write_text(text.replace("boardmaps.poll()", "server.poll()"))
    with UnixBoard(port=folder / "port") as board:
        deploy(board.port, app=program)
        yield board


@pytest.fixture
def unlock(locked: UnixBoard, run: Command) -> Command:
    """unlock(*words) runs the command on the locked board."""
    return lambda *words, **more: run(*words, BOARDMAPS_PORT=locked.port, **more)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_key_comes_from_a_file(unlock: Command, tmp_path: Path, end: str) -> None:
    path = tmp_path / "key"
    path.write_bytes((KEY + end).encode())
    done = unlock("map", "update", "name", "hits", "key", "u32:1", "value", "u64:7", "--key-file", str(path))
    assert done.returncode == 0, done.stderr
    done = unlock("map", "lookup", "name", "hits", "key", "u32:1", "--json", "--key-file", str(path))
    assert json.loads(done.stdout)["value"][0] == "0x07"


@pytest.mark.parametrize(
    "words", [("map", "show"), ("pool",), ("console", "--for", "0.1"), ("map", "watch", "name", "hits", "--for", "0.1")]
)
def test_every_command_takes_it_from_the_environment(unlock: Command, words: tuple[str, ...]) -> None:
    done = unlock(*words, BOARDMAPS_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_counts_before_the_environment(unlock: Command, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    assert unlock("pool", "--key-file", str(path), BOARDMAPS_KEY="short").returncode == 0


def test_without_the_key(unlock: Command) -> None:
    done = unlock("pool")
    assert done.returncode == 1
    assert "line is locked. Give its key: connect(…, key=…), --key-file PATH or BOARDMAPS_KEY." in done.stderr
    assert unlock("pool", BOARDMAPS_KEY="").stderr == done.stderr


def test_with_another_key(unlock: Command) -> None:
    done = unlock("pool", BOARDMAPS_KEY="another of sixteen bytes")
    assert done.returncode == 1
    assert "the board has another key. Give the one that its server has." in done.stderr


def test_a_key_for_a_board_that_is_not_locked(on: Command) -> None:
    done = on("pool", BOARDMAPS_KEY=KEY)
    assert done.returncode == 1
    assert "the board's line is not locked, and you gave a key. Leave out the key" in done.stderr
    assert on("pool").returncode == 0


def test_a_key_and_a_board_at_its_repl(run: Command, tmp_path: Path) -> None:
    with UnixBoard(port=tmp_path / "port") as board:
        done = run("pool", "--port", board.port, BOARDMAPS_KEY=KEY)
    assert done.returncode == 1
    assert "Start it on the board: boardmaps.serve(key=…)." in done.stderr


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("x", "the key has 1 bytes: give at least 16, such as `boardmaps key` makes"),
        ("hex:0011", "the key has 2 bytes"),
        ("hex:0", "non-hexadecimal"),
        ("pass:short", "the pass phrase has 5 characters: give at least 12"),
    ],
)
def test_what_is_no_key(run: Command, tmp_path: Path, key: str, said: str) -> None:
    done = run("pool", "--port", "no port", BOARDMAPS_KEY=key)
    assert done.returncode == 2
    assert "BOARDMAPS_KEY has no key: " in done.stderr
    assert said in done.stderr
    path = tmp_path / "key"
    path.write_text(key)
    done = run("pool", "--port", "no port", "--key-file", str(path))
    assert done.returncode == 2
    assert f"the key file {path} has no key: " in done.stderr


def test_a_key_is_made(run: Command) -> None:
    made = [json.loads(run("key", "--json").stdout) for _ in range(2)]
    for one in made:
        key = one["computer"].removeprefix("hex:")
        assert one["board"] == f"KEY = bytes.fromhex('{key}')"
        assert len(bytes.fromhex(key)) == 16
    assert made[0] != made[1]
    done = run("key")
    assert "boardmaps.Server(key=KEY): KEY = bytes.fromhex('" in done.stdout
    assert "BOARDMAPS_KEY: hex:" in done.stdout


def _key_of(phrase: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [*BOARDMAPS, "key", *words]
    return subprocess.run(command, input=f"{phrase}\n", capture_output=True, text=True, timeout=900, check=False)


def test_a_key_is_made_of_a_pass_phrase() -> None:
    phrase = "correct horse battery staple"
    done = _key_of(phrase, "--json", "--id", "01020304")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made == {"board": f"KEY = bytes.fromhex('{stretched(phrase, bytes((1, 2, 3, 4))).hex()}')", "computer": None}
    for words, said in (("0102030", "an id is hexadecimal bytes"), ("01020304", "has 5 characters")):
        done = _key_of("short", "--id", words)
        assert done.returncode == 2
        assert said in done.stderr


def test_another_board_on_the_port(locked: UnixBoard, unlock: Command, tmp_path: Path) -> None:
    """The board that was met first is expected again; another one is accepted when that is asked for."""
    mine = {"BOARDMAPS_KEY": KEY, "XDG_CONFIG_HOME": str(tmp_path)}
    assert unlock("pool", **mine).returncode == 0
    (known,) = (tmp_path / "boardmaps").iterdir()
    known.write_text(f"01020304 {locked.port}\n")
    done = unlock("pool", **mine)
    assert done.returncode == 1
    assert "the one that was met there before had 01020304" in done.stderr
    assert unlock("pool", "--accept-board", **mine).returncode == 0
    assert unlock("pool", **mine).returncode == 0


def test_a_key_file_that_is_missing_or_empty(unlock: Command, tmp_path: Path) -> None:
    path = tmp_path / "key"
    done = unlock("pool", "--key-file", str(path))
    assert done.returncode == 2
    assert f"the key file {path} cannot be read: No such file or directory. Name a file with the key" in done.stderr
    path.write_text("\n")
    done = unlock("pool", "--key-file", str(path), "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"].startswith(f"the key file {path} is empty. Put the key into it")
