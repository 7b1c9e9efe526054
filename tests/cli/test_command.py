"""The command as a whole: help, version, targets, start-up time, and how it ends.

More than 300 lines: what holds for every subcommand, one test each.
"""

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest

from boardmaps.abi import VERSION
from boardmaps_host import cli
from boardmaps_host.cli import maps
from boardmaps_host.cli.later import Group
from boardmaps_host.cli.root import boardmaps
from boardmaps_host.client.errors import PortMissing
from boardmaps_host.client.transports import serial
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, Command, environment
from tests.waits import PATIENCE

LEAVES = [
    "map show",
    "map list",
    "map create",
    "map dump",
    "map lookup",
    "map update",
    "map delete",
    "map getnext",
    "pool",
    "boards",
    "deploy",
    "flash",
    "sim",
    "demo",
    "new",
    "check",
]


@pytest.mark.parametrize("command", ["", "map", *LEAVES])
def test_every_command_explains_itself(run: Command, command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert "--help" in done.stdout
    if "--json" in done.stdout and command not in ("", "map"):
        assert "JSON:" in done.stdout, "the shape of the JSON belongs into the help"


def test_no_command_shows_the_help(run: Command) -> None:
    for words in ((), ("map",)):
        done = run(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Usage:" in done.stderr


def test_help_as_a_word(run: Command) -> None:
    for words, same in (
        ("help", "--help"),
        ("map help", "map --help"),
        ("help map dump", "map dump --help"),
        ("map help dump", "map dump --help"),
    ):
        assert run(*words.split()).stdout == run(*same.split()).stdout != ""
    done = run("map", "help", "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'nothing'" in done.stderr


def test_version(run: Command) -> None:
    assert run("--version").stdout == f"boardmaps {VERSION}\n"


def test_help_imports_nothing_heavy() -> None:
    """Start-up time by its cause, not by the clock of a busy machine. Boxes and colours are for terminals."""
    heavy = ("serial", "mpremote", "mypy", "textual", "rich", "rich_click", "boardmaps_host.client", "boardmaps_sim")
    script = (
        "import sys\nfrom boardmaps_host.cli import main\n"
        "try:\n main(['--help'])\nexcept SystemExit:\n pass\n"
        f"print([n for n in {heavy} if n in sys.modules], file=sys.stderr)\n"
        "print(*sorted(n for n in sys.modules if n.startswith('boardmaps_host.cli.')), sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=900, check=True)
    heavy_ones, *modules = done.stderr.splitlines()
    assert heavy_ones == "[]"
    assert {name.rpartition(".")[2] for name in modules} == {"drawing", "later", "options", "output", "root", "run"}


def test_the_help_on_a_terminal_is_drawn() -> None:
    """In boxes; and it says the same."""
    ours, theirs = os.openpty()
    with subprocess.Popen([*BOARDMAPS, "map", "--help"], stdout=theirs, env=environment(TERM="xterm")) as process:
        os.close(theirs)
        text = b""
        with suppress(OSError):  # Linux's way to say that nobody writes any more
            while more := os.read(ours, 4096):
                text += more
        os.close(ours)
        assert process.wait(PATIENCE) == 0
    for word in ("╭─", "lookup", "Print the value of a key."):
        assert word in text.decode()


def commands(group: click.Group) -> Iterator[click.Command]:
    """Every command of a group, also of groups in it."""
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from commands(command)


def test_what_a_list_says_is_of_the_command_of_that_name() -> None:
    """The lists import no command: what they say is written beside the names."""
    for group in (boardmaps, maps.group):
        assert isinstance(group, Group)
        for name, (_, short) in group.places.items():
            command = group.commands[name]
            assert (command.name, command.hidden) == (name, short == "")
            assert command.hidden or (short[0].isupper() and short.endswith(".") and len(short) <= 60), (name, short)


def test_no_command_is_forgotten_in_the_lists() -> None:
    there = {id(command) for command in (boardmaps, *commands(boardmaps))}
    for module in pkgutil.iter_modules(cli.__path__, f"{cli.__name__}."):
        made = vars(importlib.import_module(module.name)) if not module.name.endswith("__main__") else {}
        forgotten = [name for name, one in made.items() if isinstance(one, click.Command) and id(one) not in there]
        assert forgotten == [], module.name


def test_without_a_port_it_says_how_to_name_one(run: Command) -> None:
    done = run("map", "show")
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert "BOARDMAPS_PORT" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--port unix map show", "--port goes behind the command: boardmaps map show --port unix\n"),
        ("--port=unix map show --pretty", "--port goes behind the command: boardmaps map show --pretty --port=unix\n"),
        ("-P a0 map dump rooms", "-P goes behind the command: boardmaps map dump rooms -P a0\n"),
        ("map -Pa0 show", "-P goes behind the command: boardmaps map show -Pa0\n"),
        ("map show -p unix", "or set BOARDMAPS_PORT. -p is --pretty; the port is -P. See: boardmaps map show --help\n"),
        (
            "doctor -p unix -P twin",
            "extra argument (unix). -p is --pretty; the port is -P. See: boardmaps doctor --help\n",
        ),
        ("map show -p unix -P twin", "no such map; it has: none. -p is --pretty; the port is -P.\n"),
        (
            "map show",
            "E.g. --port /dev/ttyACM0, or --port unix while `boardmaps sim` runs; or set BOARDMAPS_PORT. See: ",
        ),
        ("deploy main.py -P a0", "Did you mean --app main.py? See: boardmaps deploy --help\n"),
        ("pool --nothing", "No such option '--nothing'. See: boardmaps pool --help\n"),
    ],
)
def test_words_that_people_get_wrong_once(run: Command, words: str, says: str) -> None:
    done = run(*words.split())
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_simulated_boards_that_run_are_named(run: Command, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = run("map", "show", "-P", "/dev/ttyACM99")
    monkeypatch.setattr(serial, "known_ports", list)  # a board that is plugged in would be taken
    with UnixBoard(), UnixBoard("esp32s3"):
        for command in "map show", "deploy", "doctor":
            done = run(*command.split(), "-P", "/dev/ttyACM99")
            assert "esp32s3, unix. Is it plugged in" in done.stdout + done.stderr
        with pytest.raises(PortMissing, match=r"Simulated boards that run: esp32s3, unix\.$"):
            serial.port_path("auto")
        assert run("deploy", "-P", "esp32s3").returncode == 0
    assert run("map", "show", "-P", "/dev/ttyACM99").stderr == nothing.stderr
    with pytest.raises(PortMissing, match=r"Else name its port\.$"):
        serial.port_path("auto")


def test_a_simulated_board_that_is_started_for_a_command_alone_is_told(run: Command, runtime: Path) -> None:
    done = run("map", "show", "-P", "unix", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert done.stderr == (
        "boardmaps: no `boardmaps sim` runs unix: this is a new board, which is empty and ends with this command. "
        "For one that stays: boardmaps sim --board unix\n"
    )
    with UnixBoard() as board:
        deploy(board.port)
        assert "new board" not in run("map", "show", "-P", "unix").stderr


def test_commands_that_are_printed_can_be_pasted(run: Command, tmp_path: Path) -> None:
    folder = f"{tmp_path}/my project"
    said = run("new", folder).stdout.splitlines()
    assert said[1].startswith(f"  its tests   cd '{folder}' && pytest")
    assert said[2] == f"  on a board  boardmaps deploy --app '{folder}/firmware' --port PORT"


@pytest.mark.parametrize("command", [["map", "show"], ["pool"], ["deploy"]])
def test_a_port_that_is_not_there(run: Command, tmp_path: Path, command: list[str]) -> None:
    port = str(tmp_path / "ttyACM7")
    done = run(*command, "--port", port, "--json")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error.startswith(f"{port}: there is no such port. Ports with a board: ")
    assert done.stderr == f"boardmaps: {error}\n"


def test_the_twin_is_a_target(run: Command) -> None:
    assert json.loads(run("map", "show", "--port", "twin", "--json").stdout) == []
    words = "map create name big type lru_hash key 4 value 4 entries 10 --port twin --json"
    made = run(*words.split())
    assert json.loads(made.stdout)["type"] == "lru_hash"


def test_boards_lists_them_with_what_is_left_of_the_heap(run: Command) -> None:
    listed = json.loads(run("boards", "--json").stdout)
    pico = next(board for board in listed if board["name"] == "pico")
    assert pico["heap_left"] == pico["heap"] - pico["pool"]
    assert pico["over_resets"] == "kept"
    assert pico == json.loads(run("boards", "pico", "--json").stdout)
    table = run("boards").stdout.splitlines()
    row = next(line for line in table if line.startswith("pico "))
    assert str(pico["heap_left"]) in row
    assert len(table) == len(listed) + 1


def test_one_board_with_the_steps_to_flash_it(run: Command) -> None:
    text = run("boards", "esp32").stdout
    assert "esptool --port PORT" in text
    assert "micropython.org/download/ESP32_GENERIC" in text
    assert "maps with a name are not kept on stock firmware" in text
    assert (
        "POOL_SIZE = 32768; GUARD = 'none'; CPUS = 1: deploy --board esp32 puts them into boardmaps_config.py" in text
    )
    done = run("boards", "picco")
    assert done.returncode == 1
    assert done.stderr.startswith("boardmaps: no board is called 'picco'; there are ")


def test_an_unexpected_error_keeps_its_traceback() -> None:
    """A mistake of ours must not look like one of the user's."""
    script = (
        "import boardmaps_host.boards as b\n"
        "def broken(): raise ZeroDivisionError\n"
        "b.all_boards = broken\n"
        "from boardmaps_host.cli import main\nmain(['boards'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_ctrl_c_in_the_middle_of_a_deploy_says_how_the_board_is(tmp_path: Path) -> None:
    """Nothing half-written stays, and the board is at its REPL, as the message says."""
    with UnixBoard(port=tmp_path / "port") as board:
        command = [*BOARDMAPS, "deploy", "--port", board.port]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), restore_signals=True
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while b".mpy.new" not in board.flash.read_bytes() and time.monotonic() < deadline:
                time.sleep(0.01)  # the name of a file under way, in the littlefs image
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
        assert (process.returncode, out) == (130, b"")
        assert err.startswith(b"boardmaps: stopped: what the board had before is unchanged, and no program runs")
        look = [sys.executable, "-m", "mpremote", "connect", board.port, "resume", "exec"]
        look.append("import os; print(os.listdir('/'))")  # what was made for the new files has gone with them
        done = subprocess.run(look, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.stdout.strip() == "[]", done.stderr


def test_ctrl_c_while_a_board_is_asked_says_so(tmp_path: Path) -> None:
    """While the command waits for a board that never answers, as somebody would press it."""
    ours, theirs = os.openpty()
    command = [*BOARDMAPS, "deploy", "--port", os.ttyname(theirs)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), restore_signals=True
    )
    try:
        assert os.read(ours, 1)  # it has begun to talk to the board
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    assert (process.returncode, out) == (130, "")
    assert err == (
        "boardmaps: stopped: nothing was written. A program that ran on the board may have been interrupted: "
        "RESET starts it again.\n"
    )
