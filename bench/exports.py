"""What exports cost: a scrape against reading the same values, and how soon a message tells of a change. `python -m bench.exports`.

It needs Debian's mosquitto: make engines-deps. With the word `pico` scrapes of the emulated Pico are measured too.
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.report import Row, publish
from boardmaps import ArrayMap
from boardmaps_host import Board, connect
from boardmaps_host.deploy import deploy
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.unix import UnixBoard
from tests.export.engines import engine, free_port, program

_ENTRIES, _FIELDS = 50, 10  # 500 values
_TURNS = 40  # the best of which counts
_PICO_TURNS = 8
_INTERVAL = 0.1  # seconds
_CHANGES = 60
_LATE = 20.0  # milliseconds behind the interval
_TOPIC = "boardmaps/b/few/0/f0"


@contextmanager
def export(*words: str) -> Iterator[str]:
    """Run an export beside this; give what it says first."""
    command = [sys.executable, "-m", "boardmaps_host.cli", "export", *words, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def best(call: Callable[[], object], turns: int) -> float:
    """Return the seconds of the fastest of several calls."""
    found = 1e9
    for _ in range(turns):
        begun = time.perf_counter()
        call()
        found = min(found, time.perf_counter() - begun)
    return found


def fill(board: Board, name: str, entries: int) -> None:
    """Make a map whose values are numbers."""
    fields = ", ".join(f"f{i}:u32" for i in range(_FIELDS))
    board.create_map(ArrayMap, name=name, value=fields, max_entries=entries)


def scrape(board: Board, port: str, what: str, turns: int) -> list[Row]:
    """Time a scrape, and reading the same values as records and as bytes, on the same shared port."""
    values = board.maps["values"]
    records = best(lambda: [dict(record) for record in values.values()], turns)
    plain = best(lambda: list(values.map.items()), turns)
    with export("prometheus", "-P", f"b={port}", "--map", "values", "--listen", "127.0.0.1:0") as said:
        url = json.loads(said)["url"]

        def once() -> bytes:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return bytes(answer.read())

        while once().count(b"boardmaps_value{") != _ENTRIES * _FIELDS:
            time.sleep(0.1)
        took = best(once, turns)
    against = f"read as records {records * 1e3:.1f} ms"
    return [
        Row.held(f"scrape of {_ENTRIES * _FIELDS} values, {what}", took * 1e3, "ms", against, took / records, "<= 2"),
        Row(f"read as records, {what}", records * 1e3, "ms", f"as bytes {plain * 1e3:.1f} ms", records / plain),
    ]


def telling(board: Board, port: str, folder: Path) -> list[Row]:
    """Time from a change on the board to the message that tells of it, at moments spread over the interval."""
    few = board.maps["few"]
    heard = threading.Event()
    wanted = [""]
    at = free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {at} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    rng = random.Random(14)

    def message(_client: object, _data: object, told: paho.MQTTMessage) -> None:
        if told.payload.decode() == wanted[0]:
            heard.set()

    late = []
    with engine([program("mosquitto", "mosquitto"), "-c", str(settings)], folder, at):
        ear = paho.Client(CallbackAPIVersion.VERSION2)
        ear.on_message = message
        ear.connect("127.0.0.1", at)
        ear.subscribe(_TOPIC, qos=1)
        ear.loop_start()
        with export(
            "mqtt", "-P", f"b={port}", "--map", "few", "--broker", f"127.0.0.1:{at}", "--every", str(_INTERVAL)
        ):
            for number in range(1, _CHANGES + 4):
                heard.clear()
                wanted[0] = str(number)
                few.change(0, {"f0": number})
                changed = time.perf_counter()
                assert heard.wait(60)
                if number > 3:  # those before found the export still starting
                    late.append((time.perf_counter() - changed) * 1e3)
                time.sleep(rng.random() * _INTERVAL)
        ear.disconnect()
        ear.loop_stop()
    late.sort()
    worst, middle = late[-1], late[len(late) // 2]
    against = f"interval {_INTERVAL * 1e3:.0f} ms, {len(late)} changes"
    behind = worst - _INTERVAL * 1e3
    return [
        Row.held("change to MQTT message, worst, behind the interval", behind, "ms", against, behind, f"<= {_LATE:g}"),
        Row("change to MQTT message, middle", middle, "ms", against, middle / (_INTERVAL * 1e3)),
    ]


def main() -> None:
    """Measure and publish."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with UnixBoard(port=folder / "port") as unix:
            deploy(unix.port, reset=False)
            with connect(unix.port, timeout=60) as board:
                fill(board, "values", _ENTRIES)
                fill(board, "few", 1)
                rows = scrape(board, unix.port, "unix", _TURNS) + telling(board, unix.port, folder)
        if "pico" in sys.argv[1:]:
            with PicoBoard(port=folder / "pico", built_in=True) as pico, connect(pico.port, timeout=60) as board:
                fill(board, "values", _ENTRIES)
                rows += scrape(board, pico.port, "emulated Pico", _PICO_TURNS)
    publish("exports", "Exports, through the boards' hubs", rows)


if __name__ == "__main__":
    main()
