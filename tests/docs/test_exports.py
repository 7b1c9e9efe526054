"""The commands of docs/exports.md, as they stand there, on a board."""

import re
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import Command
from tests.export.conftest import Running
from tests.export.conftest import _no_hub_is_left as _no_hub_is_left  # noqa: PLC0414 - fixtures, for this folder too
from tests.export.conftest import exported as exported  # noqa: PLC0414
from tests.export.conftest import firmware as firmware  # noqa: PLC0414
from tests.export.conftest import run as run  # noqa: PLC0414
from tests.export.conftest import start as start  # noqa: PLC0414
from tests.export.engines import free_port, program
from tests.export.test_mqtt import Ear, mosquitto
from tests.waits import eventually

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text("utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def lines(section: str) -> list[list[str]]:
    """Return the words of each command in a section, behind `boardmaps`."""
    found = [line.split() for block in _BLOCK.findall(SECTIONS[section]) for line in block.splitlines()]
    assert found
    assert {words[0] for words in found} == {"boardmaps"}
    return [words[1:] for words in found]


def test_files(firmware: UnixBoard, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in lines("Files"):
        here = [word.replace("$BOARDMAPS_PORT", firmware.port) for word in words]
        done = run(*here, BOARDMAPS_PORT=firmware.port)
        assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"rooms.csv", "rooms.jsonl", "rooms.db"}
    shown = [line.strip() for line in SECTIONS["Files"].splitlines() if line.startswith("    ")]
    rows = (tmp_path / "rooms.csv").read_text().splitlines()
    without_time = {row.partition(",")[2] for row in rows}
    assert rows[0] == shown[0]
    for row in shown[1:]:
        assert row.partition(",")[2] in without_time


def test_prometheus(
    firmware: UnixBoard, run: Command, start: Callable[..., Running], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    serving, dashboard = ([word.replace("$BOARDMAPS_PORT", firmware.port) for word in w] for w in lines("Prometheus"))
    export = start(*serving, "--listen", "127.0.0.1:0")  # the port of the page may be taken
    assert export.says("/metrics until Ctrl-C")
    done = run(*dashboard)
    assert (done.returncode, done.stdout) == (0, "boards.json: 14 panels; import it in Grafana\n"), done.stderr
    with urllib.request.urlopen(export.out[0].split()[1], timeout=60) as answer:
        told = set(re.findall(r"^(boardmaps_\w+)\{", answer.read().decode(), re.MULTILINE))
    assert set(re.findall(r"`(boardmaps_\w+)`", SECTIONS["Prometheus"])) == told
    (settings,) = re.findall(r"```yaml\n(.*?)```", SECTIONS["Prometheus"], re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(settings)
    promtool = program("promtool", "prometheus")
    checked = subprocess.run(
        [promtool, "check", "config", "prometheus.yml"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_mqtt(firmware: UnixBoard, start: Callable[..., Running], tmp_path: Path) -> None:
    ((*words, option, broker, every, seconds),) = lines("MQTT and Home Assistant")
    assert (option, broker, every, seconds) == ("--broker", "127.0.0.1", "--every", "0.5")
    topics = set(re.findall(r"^\| `(\S+)` \|", SECTIONS["MQTT and Home Assistant"], re.MULTILINE))
    port = free_port()
    with mosquitto(tmp_path, port):
        ear = Ear(port)
        here = [word.replace("$BOARDMAPS_PORT", firmware.port) for word in words]
        start(*here, option, f"{broker}:{port}", every, seconds)  # the port of the page may be taken
        awaited = set()
        for topic in topics:
            place = topic.replace("BOARD", "kitchen").replace("MAP/KEY/FIELD", "rooms/kitchen/temp")
            if topic.endswith("/set"):
                assert ear.has("boardmaps/kitchen/status", "online")
                ear.say(place, "5.1")
            else:
                awaited.add(place)
        assert eventually(lambda: awaited <= set(ear.last))
        assert ear.has("boardmaps/kitchen/rooms/kitchen/temp", "5.00")
        ear.close()
