"""Boards at an MQTT broker: a retained topic a value, commands that write, Home Assistant's discovery, birth and will.

A value is told when a reading of the board has it, never before: what somebody sends is written on the board, which is then read. A
command is carried out once, when it comes: one that the broker has retained, or that comes while the board is down, is not. So a
broker or a Home Assistant that restarts changes nothing on a board; it is told all values again.

    PREFIX/status                       online or offline: this program, whose will it is
    PREFIX/BOARD/status                 the same of a board
    PREFIX/BOARD/health                 how it is, in JSON
    PREFIX/BOARD/said                   what became of a command that was not carried out as it came
    PREFIX/BOARD/MAP/KEY/FIELD          a value
    PREFIX/BOARD/MAP/KEY/FIELD/set      writes it
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

try:
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion
except ImportError as missing:
    from boardmaps_host.export import ExportError

    raise ExportError("export mqtt needs paho-mqtt: pip install 'boardmaps[mqtt]'") from missing

from boardmaps.errors import MapError
from boardmaps_host.export import homeassistant
from boardmaps_host.export.broker import Broker
from boardmaps_host.export.commands import asked, write
from boardmaps_host.export.poller import Fleet
from boardmaps_host.export.reading import Entry, Health, Point, Reading, writable
from boardmaps_host.typed.values import pack_one

_HEALTH = 10.0  # seconds between two times that a board's health is told
_GOODBYE = 2.0  # seconds that the last words may take
_RETRY = 5  # seconds at most between two tries to reach the broker


@dataclass
class _Told:
    """A value that the broker has."""

    entry: Entry
    point: Point
    schema: str  # its map's
    config: str = ""  # the topic of its configuration, "" without discovery
    document: str = ""
    text: str | None = None  # None: it is to be told again


@dataclass(frozen=True)
class _Connected:
    """The broker is there."""


@dataclass(frozen=True)
class _Lost:
    """The broker is gone, or refuses."""

    why: str


@dataclass(frozen=True)
class _Done:
    """A command was carried out on a board, or could not be."""

    board: str
    topic: str
    error: BaseException | None


class Bridge:
    """Between a Fleet with an interval and a broker. run() is the one thread that does anything here."""

    def __init__(self, fleet: Fleet, broker: Broker, note: Callable[[str], None], *, rounds: bool = True) -> None:
        self._fleet = fleet
        self._broker = broker
        self._note = note
        self._rounds = rounds
        self._connected = False
        self._why = ""
        self._boards: dict[str, dict[str, _Told]] = {name: {} for name in fleet.pollers}
        self._health: dict[str, Health] = {}
        self._health_at: dict[str, float] = {}
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            client.tls_set()
        client.will_set(self._topic("status"), "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, _RETRY)
        client.on_connect = self._on_connect
        client.on_connect_fail = lambda *_: fleet.put(_Lost("it cannot be reached"))
        client.on_disconnect = lambda _client, _data, _flags, reason, _properties: fleet.put(_Lost(str(reason)))
        client.on_message = lambda _client, _data, message: fleet.put(message)

    def run(self, told: Iterable[Any], each: Callable[[Reading], None] = lambda _: None) -> None:
        """Take what the fleet's readings() gives until that ends; `each` is told every reading."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=15)
        self._client.loop_start()
        try:
            for one in told:
                if isinstance(one, Reading):
                    each(one)
                    self._take(one)
                elif isinstance(one, _Connected):
                    self._begin()
                elif isinstance(one, _Lost):
                    self._lost(one.why)
                elif isinstance(one, _Done):
                    self._done(one)
                else:
                    self._message(one.topic, one.payload, one.retain)
        finally:
            self._leave()

    # -- the broker

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._fleet.put(_Lost(str(reason)) if reason.is_failure else _Connected())

    def _begin(self) -> None:
        """The broker is there, perhaps anew: tell it all that there is."""
        self._connected = True
        if self._why:
            self._note(f"the broker {self._broker.host} is there again")
            self._why = ""
        self._client.subscribe(self._topic("+", "+", "+", "+", "set"), qos=1)
        if self._broker.discovery:
            self._client.subscribe(f"{self._broker.discovery}/status", qos=1)
        self._publish(self._topic("status"), "online")
        self._tell_all()

    def _tell_all(self) -> None:
        for board, values in self._boards.items():
            health = self._health.get(board)
            if health is None:
                continue
            self._tell_board(board, health)
            for topic, one in values.items():
                if one.config:
                    self._publish(one.config, one.document)
                self._tell(topic, one, again=True)

    def _lost(self, why: str) -> None:
        self._connected = False
        if why != self._why:
            self._note(f"the broker {self._broker.host}:{self._broker.port} is away: {why}; it is tried again")
        self._why = why

    def _leave(self) -> None:
        """Say that nobody is here any more, and go."""
        if self._connected:
            last = [self._publish(self._topic(board, "status"), "offline") for board in self._boards]
            last.append(self._publish(self._topic("status"), "offline"))
            end = time.monotonic() + _GOODBYE
            for one in last:
                if one is not None:
                    try:
                        one.wait_for_publish(max(0.01, end - time.monotonic()))
                    except (ValueError, RuntimeError):  # it is gone by now, and its will says it
                        break
        self._client.on_disconnect = None
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, topic: str, text: str, *, retain: bool = True) -> Any:
        """Publish; what cannot be told now is told when the broker is there again, by _tell_all()."""
        return self._client.publish(topic, text, qos=1, retain=retain) if self._connected else None

    # -- readings

    def _take(self, reading: Reading) -> None:
        board, health = reading.board, reading.health
        before = self._health.get(board)
        self._health[board] = health
        changed = before is None or (before.up, before.boot) != (health.up, health.boot)
        if changed or time.monotonic() - self._health_at.get(board, 0.0) >= _HEALTH:
            self._tell_board(board, health)
        if not health.up:
            return
        values = self._boards[board]
        infos = {info.name or f"#{info.id}": info for info in reading.maps}
        there = set()
        series = {entry.map for entry in reading.entries if entry.at is not None}
        for entry, point in reading.points():
            topic = self._topic(board, entry.map, "newest" if entry.at is not None else entry.key, point.name)
            there.add(topic)
            old = values.get(topic)
            if old is None or old.point.field is not point.field:
                info = infos[entry.map]
                command = f"{topic}/set" if writable(info, point.field) else None
                values[topic] = told = _Told(entry, point, info.schema)
                self._describe(board, topic, told, command)
                if old is not None and old.config and old.config != told.config:
                    self._publish(old.config, "")
            else:
                told = old
                told.entry, told.point = entry, point
        for topic, told in list(values.items()):
            if topic in there:
                self._tell(topic, told)
            elif told.entry.at is None or told.entry.map not in infos or told.entry.map in series:
                del values[topic]
                for gone in (told.config, topic):
                    if gone:
                        self._publish(gone, "")

    def _tell(self, topic: str, told: _Told, *, again: bool = False) -> None:
        text = told.point.text
        if again or text != told.text:
            told.text = text if self._publish(topic, text) is not None else None

    def _tell_board(self, board: str, health: Health) -> None:
        self._health_at[board] = time.monotonic()
        self._publish(self._topic(board, "status"), "online" if health.up else "offline")
        self._publish(self._topic(board, "health"), json.dumps(health.document()))
        if self._broker.discovery and health.up:
            of = homeassistant.device(board, health)
            for component, id_, config in homeassistant.of_board(
                board, self._topic(board, "health"), self._lives(board), of
            ):
                self._publish(f"{self._broker.discovery}/{component}/boardmaps-{id_}/config", json.dumps(config))

    # -- discovery

    def _describe(self, board: str, topic: str, told: _Told, command: str | None) -> None:
        if not self._broker.discovery:
            return
        of = homeassistant.device(board, self._health[board])
        component, config = homeassistant.of_value(
            board, told.entry, told.point, topic, command, self._lives(board), of
        )
        told.config = f"{self._broker.discovery}/{component}/{config['unique_id']}/config"
        told.document = json.dumps(config)
        self._publish(told.config, told.document)

    def _lives(self, board: str) -> list[str]:
        return [self._topic("status"), self._topic(board, "status")]

    def _topic(self, *parts: str) -> str:
        return self._broker.topic(*parts)

    # -- commands

    def _message(self, topic: str, payload: bytes, retained: bool) -> None:
        if topic == f"{self._broker.discovery}/status":
            if payload == b"online" and self._connected:
                self._tell_all()
            return
        place, text = topic.removesuffix("/set"), payload.decode("utf-8", "replace")
        for board, values in self._boards.items():
            if not place.startswith(f"{self._topic(board)}/"):
                continue
            if retained:
                self._say(board, place, text, "a retained command is not carried out: nobody sends it now")
            elif place in values:
                self._command(board, place, values[place], text)
            else:
                self._say(board, place, text, "the board has no such value")

    def _command(self, board: str, topic: str, told: _Told, text: str) -> None:
        entry, point = told.entry, told.point
        try:
            number, said = asked(point.field, text, rounds=self._rounds)
            data = pack_one(point.field, number)
        except MapError as refused:
            self._refused(board, topic, text, str(refused))
            return
        if said:
            self._say(board, topic, text, said)
        told.text = None  # told by the reading behind it, whatever it is
        done = self._fleet.pollers[board].do(lambda to: write(to, told.schema, entry, point, data))
        done.add_done_callback(lambda one: self._fleet.put(_Done(board, topic, one.exception())))

    def _done(self, done: _Done) -> None:
        if done.error is not None:
            self._refused(done.board, done.topic, "", str(done.error))

    def _refused(self, board: str, topic: str, text: str, why: str) -> None:
        """Say why, and what the value still is: whoever has sent this may show it already."""
        self._say(board, topic, text, why)
        told = self._boards[board].get(topic)
        if told is not None:
            self._tell(topic, told, again=True)

    def _say(self, board: str, topic: str, text: str, why: str) -> None:
        self._note(f"{topic}/set: {why}")
        self._publish(self._topic(board, "said"), json.dumps({"topic": topic, "sent": text, "said": why}), retain=False)
