"""Boards at Debian's mosquitto: values, commands, discovery, and what restarts in between."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from boardmaps_host import connect
from boardmaps_host.client.errors import PortGone
from boardmaps_host.export.broker import Broker
from boardmaps_host.export.mqtt import Bridge
from boardmaps_host.export.poller import Fleet
from boardmaps_sim.unix import UnixBoard
from tests.export.conftest import Door, Running
from tests.export.engines import engine, free_port, program
from tests.waits import PATIENCE, eventually

Start = Callable[..., Running]
TEMP = "boardmaps/house/rooms/kitchen/temp"


@contextmanager
def mosquitto(folder: Path, port: int) -> Iterator[None]:
    """Run a broker that keeps nothing over its end."""
    settings = folder / f"mosquitto{port}.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    with engine([program("mosquitto", "mosquitto"), "-c", str(settings)], folder, port):
        yield


class Ear:
    """A client of the broker that hears everything: the last text of each topic, and all that was told of it."""

    def __init__(self, port: int) -> None:
        self.last: dict[str, str] = {}
        self.all: list[tuple[str, str]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._heard
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _heard(self, _client: Any, _data: Any, message: Any) -> None:
        self.last[message.topic] = message.payload.decode()
        self.all.append((message.topic, message.payload.decode()))

    def has(self, topic: str, text: str) -> bool:
        """Wait until a topic has a text."""
        return eventually(lambda: self.last.get(topic) == text)

    def say(self, topic: str, text: str, *, retain: bool = False) -> None:
        """Publish."""
        self.client.publish(topic, text, qos=1, retain=retain).wait_for_publish(PATIENCE)

    def said(self, text: str) -> bool:
        """Wait until the board's `said` has a text."""
        return eventually(
            lambda: any(t == "boardmaps/house/said" and text in json.loads(p)["said"] for t, p in self.all)
        )

    def told_again(self, topic: str, behind: int) -> bool:
        """Wait until a topic is told behind so many messages."""
        return eventually(lambda: any(one[0] == topic for one in self.all[behind:]))

    def close(self) -> None:
        """Go."""
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[int, Callable[[], Ear]]]:
    """A broker's port, and what makes an Ear at it."""
    port = free_port()
    with mosquitto(tmp_path, port), ExitStack() as ears:

        def ear() -> Ear:
            one = Ear(port)
            ears.callback(one.close)
            return one

        yield port, ear


def bridge(start: Start, board: UnixBoard, port: int, *words: str) -> Running:
    """Start the export."""
    return start(
        "export", "mqtt", "-P", f"house={board.port}", "--broker", f"127.0.0.1:{port}", "--every", "0.05", *words
    )


def test_values_commands_and_discovery(firmware: UnixBoard, start: Start, place: tuple[int, Callable[[], Ear]]) -> None:
    port, make = place
    ear = make()
    export = bridge(start, firmware, port)
    with connect(firmware.port, share=True) as board:
        rooms = board.maps.rooms
        rooms.change("kitchen", {"temp": 20, "mode": "off", "on": False})
        assert ear.has(TEMP, "20.00")
        assert ear.has("boardmaps/house/temps/newest/t", "20.02")
        assert ear.has("boardmaps/house/hits/0/cpu0.n", "0")
        assert ear.has("boardmaps/status", "online")
        assert ear.has("boardmaps/house/status", "online")
        assert json.loads(ear.last["boardmaps/house/health"])["up"] is True

        # commands, read back from the board
        for topic, text, told, value in (
            ("temp", "21.5", "21.50", 21.5),
            ("mode", "heat", "heat", "heat"),
            ("on", "true", "true", True),
            ("gains[1]", "0.25", "0.25", (0.0, 0.25)),
            ("note", "hi", "hi", "hi"),
        ):
            ear.say(f"boardmaps/house/rooms/kitchen/{topic}/set", text)
            assert ear.has(f"boardmaps/house/rooms/kitchen/{topic}", told)
            assert rooms["kitchen"][topic.partition("[")[0]] == value

        # what is not written as it came is said, and what the value is is told again
        ear.say(f"{TEMP}/set", "19.8")
        assert ear.said("19.8 is not on a step of 0.5; 20.00 is written")
        assert ear.has(TEMP, "20.00")
        for topic, text, why in (
            ("rooms/kitchen/temp", "36", "36 is not in the range 5.00..35.00 °C"),
            ("rooms/kitchen/mode", "boil", "'boil' is no name of it"),
            ("rooms/kitchen/runs", "7", "only the firmware writes it"),
            ("hits/0/cpu0.n", "7", "only the firmware writes it"),
            ("temps/newest/t", "7", "the computer may not write it"),
        ):
            before = len(ear.all)
            ear.say(f"boardmaps/house/{topic}/set", text)
            assert ear.said(why)
            assert ear.told_again(f"boardmaps/house/{topic}", before)
            assert export.says(why)
        assert rooms["kitchen"].temp == 20

        ear.say("boardmaps/house/rooms/attic/temp/set", "20")
        assert ear.said("the board has no such value")

        # the firmware's own change
        board.maps.said[0] = {"what": 1}
        assert ear.has(TEMP, "19.50")

        # an entry that comes and goes
        rooms["a/b"] = {"temp": 6}
        assert ear.has("boardmaps/house/rooms/a%2Fb/temp", "6.00")
        configs = [topic for topic in ear.last if "a_2fb" in topic and topic.endswith("/config")]
        assert len(configs) == 7
        del rooms["a/b"]
        assert ear.has("boardmaps/house/rooms/a%2Fb/temp", "")
        assert eventually(lambda: all(ear.last[topic] == "" for topic in configs))

    found = {
        json.loads(text)["name"]: (topic.split("/")[1], json.loads(text))
        for topic, text in ear.last.items()
        if topic.startswith("homeassistant/") and text
    }
    kinds = {name: component for name, (component, _) in found.items()}
    assert kinds["rooms kitchen temp"] == "number"
    assert kinds["rooms kitchen mode"] == "select"
    assert kinds["rooms kitchen on"] == "switch"
    assert kinds["rooms kitchen runs"] == kinds["rooms kitchen gains[0]"] == kinds["temps t"] == "sensor"
    temp = found["rooms kitchen temp"][1]
    assert (temp["min"], temp["max"], temp["step"]) == (5, 35, 0.5)
    assert (temp["unit_of_measurement"], temp["device_class"], temp["optimistic"]) == ("°C", "temperature", False)
    assert (temp["state_topic"], temp["command_topic"]) == (TEMP, f"{TEMP}/set")
    assert [one["topic"] for one in temp["availability"]] == ["boardmaps/status", "boardmaps/house/status"]
    assert found["rooms kitchen mode"][1]["options"] == ["off", "heat", "cool"]
    assert found["rooms kitchen runs"][1]["state_class"] == "total_increasing"
    assert "command_topic" not in found["rooms kitchen runs"][1]
    assert found["Free heap"][1]["value_template"] == "{{ value_json.heap_free }}"
    assert len({config["unique_id"] for _, config in found.values()}) == len(found)

    assert export.end() == 0
    assert ear.has("boardmaps/status", "offline")
    assert ear.has("boardmaps/house/status", "offline")
    assert "Traceback" not in "".join(export.err)


def test_what_restarts_changes_nothing_on_the_board(firmware: UnixBoard, start: Start, tmp_path: Path) -> None:
    port = free_port()
    with connect(firmware.port, share=True) as board:
        board.maps.rooms.change("kitchen", {"temp": 20})
        with mosquitto(tmp_path, port):
            ear = Ear(port)
            export = bridge(start, firmware, port)
            assert ear.has(TEMP, "20.00")
            # Home Assistant restarts: it is told what there is
            (config,) = [t for t in ear.last if t.startswith("homeassistant/number/") and "rooms-kitchen-temp" in t]
            before = ear.all.count((config, ear.last[config]))
            ear.say("homeassistant/status", "online")
            assert eventually(lambda: ear.all.count((config, ear.last[config])) > before)
            ear.close()
        assert export.says("is away")
        board.maps.rooms.change("kitchen", {"temp": 22})  # the board goes on meanwhile
        with mosquitto(tmp_path, port):
            ear = Ear(port)
            assert export.says("is there again")
            assert ear.has(TEMP, "22.00"), "what the broker has lost is told again"
            assert ear.has("boardmaps/status", "online")
            again = bridge(start, firmware, port, "--prefix", "second/one")
            assert ear.has("second/one/house/rooms/kitchen/temp", "22.00")
            ear.say("second/one/house/rooms/kitchen/temp/set", "31", retain=True)
            assert ear.has("second/one/house/rooms/kitchen/temp", "31.00"), "it is sent now, to one who listens"
            board.maps.rooms.change("kitchen", {"temp": 23})
            assert ear.has(TEMP, "23.00")
            assert again.end() == 0
            third = bridge(start, firmware, port, "--prefix", "second/one")
            assert third.says("a retained command is not carried out")
            assert board.maps.rooms["kitchen"].temp == 23
            # a kill is the will's affair
            third.end(signal.SIGKILL)
            assert ear.has("second/one/status", "offline")
            ear.close()
        assert board.maps.rooms["kitchen"].temp == 23


def test_a_broker_that_was_never_there_and_words_that_are_wrong(firmware: UnixBoard, start: Start, run: Any) -> None:
    export = bridge(start, firmware, free_port())
    assert export.says("is away: it cannot be reached; it is tried again")
    assert export.end() == 0
    for words, text in ((("--broker", "host:x"), "give HOST or HOST:PORT"), (("--prefix", "a/+"), "they have no +")):
        done = run("export", "mqtt", "-P", "a=/nowhere", *words)
        assert done.returncode == 2
        assert text in done.stderr


def test_a_board_that_goes_is_offline_and_a_command_to_it_is_lost(
    place: tuple[int, Callable[[], Ear]], twin: None
) -> None:
    port, make = place
    ear = make()
    door, ended = Door(), threading.Event()
    notes: list[str] = []

    def break_(_: object) -> None:
        door.open = False
        raise PortGone("door: somebody went")

    with Fleet({"house": door}, 0.05) as fleet:  # type: ignore[dict-item]
        told = takewhile(lambda _: not ended.is_set(), fleet.readings(PATIENCE))
        one = threading.Thread(target=Bridge(fleet, Broker("127.0.0.1", port), notes.append).run, args=(told,))
        one.start()
        try:
            assert ear.has("boardmaps/house/rooms/1/temp", "0")
            with suppress(PortGone):
                fleet.pollers["house"].do(break_).result(PATIENCE)
            assert ear.has("boardmaps/house/status", "offline")
            ear.say("boardmaps/house/rooms/1/temp/set", "5")
            assert ear.said("the board is down: door: ")
            door.open = True
            assert ear.has("boardmaps/house/status", "online")
            ear.say("boardmaps/house/rooms/1/temp/set", "7")
            assert ear.has("boardmaps/house/rooms/1/temp", "7")
            assert ("boardmaps/house/rooms/1/temp", "5") not in ear.all
        finally:
            ended.set()
            one.join(PATIENCE)
    assert ear.has("boardmaps/status", "offline")
    assert len(notes) == 1
