"""`boardmaps sim` in the foreground, and `boardmaps deploy` on what it runs."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import BOARDMAPS, Command, environment
from tests.waits import PATIENCE

Sim = Callable[..., "tuple[subprocess.Popen[str], dict[str, Any]]"]


@pytest.fixture
def sim(runtime: Path) -> Iterator[Sim]:
    """sim(*words) starts `boardmaps sim --json`; gives (process, what it said when the board was up)."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = subprocess.Popen(
            [*BOARDMAPS, "sim", "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=PATIENCE)[1]
        return process, json.loads(line)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_how_to_connect_and_leaves_nothing(sim: Sim, runtime: Path, number: signal.Signals) -> None:
    process, up = sim()
    assert up == {
        "board": "unix",
        "port": str(runtime / "boardmaps" / "unix"),
        "maps_port": str(runtime / "boardmaps" / "unix"),
        "flash": str(runtime / "boardmaps" / "unix.flash"),
        "pid": process.pid,
    }
    assert Path(up["port"]).resolve().is_char_device()
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "", "")
    assert list((runtime / "boardmaps").iterdir()) == []


def test_its_words_are_commands_that_work(runtime: Path) -> None:
    with subprocess.Popen([*BOARDMAPS, "sim"], stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        lines = []
        while "Ctrl-C ends it." not in (line := process.stdout.readline()):
            assert line, "it ended before it said all"
            lines.append(line.strip())
        port = runtime / "boardmaps" / "unix"
        try:
            assert lines[0] == f"unix is running on {port}"
            assert f"its REPL   mpremote connect {port} repl" in lines
            assert f"deploy     boardmaps deploy --port {port}" in lines
            assert f"its maps   boardmaps map show --port {port}" in lines
        finally:
            process.send_signal(signal.SIGTERM)


def test_deploy_and_maps_by_the_boards_name(sim: Sim, run: Command) -> None:
    sim()
    first = json.loads(run("deploy", "--port", "unix", "--json").stdout)
    assert (first["form"], first["restarted"], first["unchanged"]) == ("mpy x64", True, [])
    assert (first["board"], first["config"]) == (
        "unix",
        "for unix, /lib/boardmaps_config.py has POOL_SIZE = 65536, GUARD = 'none', CPUS = 1",
    )
    again = run("deploy", "--port", "unix", "--no-reset", "--pool", "32768")
    assert again.returncode == 0
    assert " 1 files written (" in again.stdout
    assert (
        "config: for unix, /lib/boardmaps_config.py has POOL_SIZE = 32768, GUARD = 'none', CPUS = 1\n" in again.stdout
    )
    assert again.stdout.endswith("left at its REPL\n")
    assert again.stderr == ""
    assert (
        run(
            "map", "create", *["name", "kept", "type", "array", "value", "4", "entries", "2"], "--port", "unix"
        ).returncode
        == 0
    )
    assert json.loads(run("map", "show", "kept", "--port", "unix", "--json").stdout)["max_entries"] == 2


def test_a_flash_with_a_name_is_kept(sim: Sim, run: Command, runtime: Path) -> None:
    flash = str(runtime / "my.flash")
    process, up = sim("--flash", flash)
    assert up["flash"] == flash
    assert run("deploy", "--port", "unix").returncode == 0
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    sim("--flash", flash)
    assert json.loads(run("deploy", "--port", "unix", "--json").stdout)["written"] == []


def test_the_heap_is_the_boards(sim: Sim) -> None:
    """In words: a 64-bit interpreter gets twice the bytes, so that as many objects fit as on the 32-bit board."""
    _, pyboard = sim("--board", "pyboard_v11")
    _, smaller = sim("--heap", "80000")
    for up, heap in ((pyboard, 102_400), (smaller, 80_000)):
        command = [
            "mpremote",
            "connect",
            os.path.realpath(up["port"]),
            "exec",
            "import gc;print(gc.mem_free()+gc.mem_alloc())",
        ]
        done = subprocess.run(
            [BOARDMAPS[0], "-m", *command], capture_output=True, text=True, timeout=PATIENCE, check=True
        )
        assert 0.9 * 2 * heap < int(done.stdout) <= 2 * heap


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--board", "picco"), 1, "no board is called 'picco'"),
        (("--heap", "100"), 2, "100 is not in the range 65536<=x"),
        (("--board", "qemu", "--heap", "100000"), 1, "the heap of qemu is its firmware's"),
        (("--board", "unix", "--image", __file__), 1, "unix is simulated by unix, which takes no --image"),
    ],
)
def test_what_it_cannot_simulate(run: Command, words: tuple[str, ...], status: int, message: str) -> None:
    done = run("sim", *words)
    assert done.returncode == status
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_second_board_of_the_same_name_is_refused(sim: Sim, run: Command) -> None:
    process, _ = sim()
    done = run("sim")
    assert done.returncode == 1
    assert "a simulated board is running at" in done.stderr
    assert process.poll() is None
