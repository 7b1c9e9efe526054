"""`boardmaps doctor`: what it finds, from the port upwards, and what it says to do."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from boardmaps_host import connect, doctor
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import Command


def checks(said: str) -> dict[str, dict[str, Any]]:
    """Return the checks of a JSON document, by name."""
    return {one["name"]: one for one in json.loads(said)["checks"]}


def test_a_board_that_is_well(firmware: UnixBoard, on: Command) -> None:
    done = on("doctor", "--json")
    assert done.returncode == 0, done.stdout
    found = checks(done.stdout)
    assert list(found) == [
        *("port", "rights", "holder", "firmware", "versions", "kernels", "memory", "round trip", "maps", "crashes")
    ]
    assert {one["state"] for name, one in found.items() if name != "round trip"} == {"ok"}
    assert found["holder"]["text"] == "nobody else has it"
    assert found["firmware"]["text"].endswith("its program serves the maps")
    assert "the largest block has " in found["memory"]["text"]
    assert found["maps"]["text"] == "2 maps; without a schema: hits, temps"
    for line in on("doctor").stdout.splitlines():
        assert line.startswith(("ok     ", "note   ", "       "))


def test_who_has_the_port(firmware: UnixBoard, on: Command) -> None:
    with connect(firmware.port, share=False):
        done = on("doctor", "--json")
    assert done.returncode == 1
    found = checks(done.stdout)
    assert list(found) == ["port", "rights", "holder"]
    assert f"is in use by pid {os.getpid()} " in found["holder"]["text"]


def test_a_board_without_boardmaps(run: Command, tmp_path: Path) -> None:
    with UnixBoard(port=tmp_path / "port") as board:
        done = run("doctor", "--port", board.port, "--json")
    assert done.returncode == 1
    last = checks(done.stdout)["firmware"]
    assert last["state"] == "wrong"
    assert last["do"] == f"boardmaps deploy --port {board.port}"


def test_a_port_that_is_not_there(run: Command, tmp_path: Path) -> None:
    done = run("doctor", "--port", f"{tmp_path}/port")
    assert done.returncode == 1
    assert done.stdout.startswith(f"WRONG  port:       {tmp_path}/port: there is no such port; those with a board: ")
    done = run("doctor", "--port", "unix", XDG_RUNTIME_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "Start one: boardmaps sim --board unix" in done.stdout


def test_a_port_that_this_user_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = tmp_path / "port"
    port.write_text("")
    monkeypatch.setattr(os, "access", lambda *_: False)
    *_, last = doctor.examine(str(port), 1)
    assert (last.name, last.state) == ("rights", "wrong")
    assert last.do.startswith("sudo usermod -aG ")


def test_the_twin(run: Command) -> None:
    done = run("doctor", "--port", "twin", "--json")
    assert done.returncode == 0
    assert checks(done.stdout)["memory"]["state"] == "note"
