"""A locked line from the command line: the key comes from a file or the environment, and what is wrong with it is said."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import PROGRAM, Command

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
    assert unlock("pool", "--key-file", str(path), BOARDMAPS_KEY="another").returncode == 0


def test_without_the_key(unlock: Command) -> None:
    done = unlock("pool")
    assert done.returncode == 1
    assert "line is locked. Give its key: connect(…, key=…), --key-file PATH or BOARDMAPS_KEY." in done.stderr
    assert unlock("pool", BOARDMAPS_KEY="").stderr == done.stderr


def test_with_another_key(unlock: Command) -> None:
    done = unlock("pool", BOARDMAPS_KEY="another")
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


def test_a_key_file_that_is_missing_or_empty(unlock: Command, tmp_path: Path) -> None:
    path = tmp_path / "key"
    done = unlock("pool", "--key-file", str(path))
    assert done.returncode == 2
    assert f"the key file {path} cannot be read: No such file or directory. Name a file with the key" in done.stderr
    path.write_text("\n")
    done = unlock("pool", "--key-file", str(path), "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"].startswith(f"the key file {path} is empty. Put the key into it")
