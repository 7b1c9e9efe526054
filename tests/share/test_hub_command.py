"""`boardmaps hub` and `boardmaps release`, and the other commands while a board is shared."""

import json
import os
import subprocess
import sys

from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.share.conftest import Connect
from tests.waits import PATIENCE

_BOARDMAPS = [sys.executable, "-m", "boardmaps_host.cli"]


def run(*words: str, port: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own, sharing boards as users do."""
    environment = {**os.environ, "BOARDMAPS_SHARE": "1"} | ({"BOARDMAPS_PORT": port} if port else {})
    return subprocess.run(
        [*_BOARDMAPS, *words], capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment
    )


def test_commands_work_while_a_program_has_the_board(attach: Connect, unix: UnixBoard) -> None:
    board = attach()
    board.map("hits").clear()
    board.map("temps").clear()
    done = run("map", "update", "temps", "key", "0x6b", "0", "0", "0", "0", "0", "0", "0", "value", "1", "2", "3", "4",
               port=unix.port)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(board.map("temps")) == 1
    shown = run("hub", "--json", port=unix.port)
    (hub,) = json.loads(shown.stdout)
    assert hub["port"] == os.path.abspath(unix.port)
    (program,) = hub["programs"]
    assert program["pid"] == os.getpid()
    assert program["requests"] > 0
    assert hub["released"] is None
    table = run("hub")
    assert f"hub {hub['pid']}, since" in table.stdout
    assert str(os.getpid()) in table.stdout
    journal = [json.loads(line) for line in run("hub", "--journal", "--json", port=unix.port).stdout.splitlines()]
    assert [entry["operation"] for entry in journal][-1] == "update"
    assert "map update temps" in journal[-1]["program"]
    assert (journal[-1]["before"], journal[-1]["after"]) == (None, "01020304")
    said = run("hub", "--journal", port=unix.port).stdout.splitlines()[-1]
    assert said.endswith("update  temps  key 6b 00 00 00 00 00 00 00 [107]  nothing -> 01 02 03 04 [67305985]")


def test_hub_says_when_nothing_is_shared(unix: UnixBoard) -> None:
    assert run("hub").stdout == "no board is shared\n"
    assert run("hub", port=unix.port).stdout == f"nobody shares {os.path.abspath(unix.port)}\n"
    assert "--journal is of one port: name it with --port" in run("hub", "--journal").stderr


def test_release_gives_the_port_to_mpremote(attach: Connect, unix: UnixBoard) -> None:
    hits = attach().map("hits")
    hits.clear()
    mpremote = [sys.executable, "-m", "mpremote", "connect", unix.port]
    busy = subprocess.run([*mpremote, "resume", "eval", "1"], capture_output=True, text=True, check=False)
    assert busy.returncode
    done = run("release", unix.port, "--", *mpremote, "resume", "exec", "print(6*7)")
    assert (done.returncode, done.stdout.split()) == (0, ["42"]), done.stderr
    deploy(unix.port)  # mpremote has ended the program: start it again
    assert run("release", "/dev/there-is-none").stdout == "/dev/there-is-none: free already, nobody shares it\n"
    wrong = run("release", unix.port, "--", "no-such-command-here")
    assert wrong.returncode == 2
    assert "no-such-command-here cannot be run" in wrong.stderr
