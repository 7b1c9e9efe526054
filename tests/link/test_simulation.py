"""Exactly once: the whole line under a clock of its own, with every fault that a serial line has."""

import random
import re
import subprocess
import sys
from collections import Counter
from typing import Literal

import pytest

from boardmaps.abi import EVENT_RECORD, OP_SUBSCRIBE
from boardmaps.line.events import Events
from boardmaps.line.frame import REPLY, encode
from boardmaps.line.session import ServerSession
from boardmaps_host.client.errors import OutcomeUnknown
from boardmaps_host.client.events import Record
from boardmaps_sim.faulty import Faults
from tests.link.fuzz import fuzz_host, fuzz_server, resynchronised
from tests.link.simulation import World, WrongOutcome, at_every_byte, faults_of, mixed, operation, run, script

CLEAN = Faults(latency=0.001)
BAD = Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3, latency=0.001, jitter=0.001)
WORSE = Faults(corrupt=1e-2, loss=1e-3, duplicate=1e-3, reorder=1e-3, latency=0.001)


@pytest.mark.parametrize("faults", [CLEAN, BAD, WORSE], ids=["clean", "bad", "worse"])
def test_many_operations_in_one_session(faults: Faults) -> None:
    world = World(1, faults)
    assert run(world, 5000) == Counter(done=5000)
    assert world.total == 5000
    assert (world.up.hit > 10) == (faults is not CLEAN)


@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_seeds(part: int) -> None:
    """Short sessions on lines that are each bad in a way of its own."""
    unknown = 0
    for seed in range(part * 1000, part * 1000 + 1000):
        unknown += run(World(seed, faults_of(seed)), 8)["unknown"]
    assert unknown <= 6  # no line is so bad that half a minute is not enough


def test_a_reset_at_every_byte() -> None:
    """Each operation happens once and is answered so, or its outcome is unknown; after the reset all goes on."""
    seen: Counter[str] = Counter()
    worlds = list(at_every_byte(3, "reset"))
    for world in worlds:
        outcomes = script(world)
        assert outcomes["unknown"] <= 4, world.replay()
        seen += outcomes
    assert len(worlds) > 300
    assert seen["unknown"] > 50
    assert seen["done"] > 3 * seen["unknown"]


@pytest.mark.parametrize("end", ["board", "host"])
def test_the_port_closed_at_every_byte(end: Literal["board", "host"]) -> None:
    """The board goes on: when the port is back, so does the session, and nothing is unknown."""
    worlds = list(at_every_byte(4, end))
    for world in worlds:
        assert script(world) == Counter(done=12), world.replay()
        assert world.total == 12
    assert len(worlds) > 300


@pytest.mark.parametrize("seed", range(300))
def test_resets_on_a_bad_line(seed: int) -> None:
    rng = random.Random(seed)
    run(World(seed, WORSE, reset_at=rng.randrange(1, 2000), close_at=(rng.randrange(1, 2000), 0)), 40)


def test_everything_at_once() -> None:
    """Errors, bursts, a half-open line, cuts, restarts, also inside long replies; soak/line.py does 100,000."""
    outcomes: Counter[str] = Counter()
    happened: Counter[str] = Counter()
    for seed in range(4):
        found, more = mixed(seed, 1500)
        outcomes.update(found)
        happened.update(more)
    assert outcomes["done"] > 20 * outcomes["unknown"]
    assert (
        min(happened[what] for what in ("bursts", "half-open", "cuts", "restarts", "restarts inside a long reply")) > 3
    )


class Twice(ServerSession):
    """A board with a mistake: a request that comes again is executed again."""

    def _execute(self, seq: int, payload: bytes) -> bytes:
        self.last = payload
        return bytes(super()._execute(seq, payload))

    def _out_of_turn(self, seq: int) -> bytes:
        if (self._next - seq) & 0xFFFF == 1:
            return bytes(encode(REPLY, self.session, seq, 0, self._handle(self.last, 64)))
        return bytes(ServerSession._out_of_turn(self, seq))


def test_a_planted_mistake_is_found_and_replayed_by_its_seed() -> None:
    def attempt(seed: int) -> str:
        try:
            run(World(seed, BAD, server=Twice), 50)
        except WrongOutcome as e:
            return f"{e}\n{' '.join(e.__notes__)}"
        return ""

    found = {seed: text for seed in range(40) if (text := attempt(seed))}
    assert found
    for seed, text in found.items():
        assert re.search("was executed [2-9] times", text)
        assert f"tests.link.simulation {seed} --latency 0.001" in text
        assert attempt(seed) == text


def test_the_line_that_replays_a_seed_runs_it_again() -> None:
    world = World(11, faults_of(11), reset_at=700, close_at=(90, 1200))
    outcomes = run(world, 40)
    command = [sys.executable, *f"{world.replay()} --operations 40".split()[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=True)
    assert done.stdout.strip() == world.report(outcomes)
    assert world.up.hit + world.down.hit > 0


def backwards(payload: bytes, limit: int) -> bytes:
    return (b"\0" + payload[::-1])[:limit]


def test_long_payloads_get_through_a_line_that_no_long_frame_survives() -> None:
    """With 2 % of the bytes damaged, a frame of 480 bytes arrives once in 20,000 tries; its pieces do."""
    world = World(5, Faults(corrupt=0.02, latency=0.001), handle=backwards)
    with world.link(timeout=9000) as link:
        payload = bytes(i & 0xFF for i in range(479))
        assert link.request(payload) == b"\0" + payload[::-1]


def test_one_lost_frame_costs_less_than_a_tenth_of_a_second() -> None:
    for chunk in range(2, 20):
        for direction in ("up", "down"):
            world = World(6, Faults(latency=0.001))
            with world.link() as link:
                for i in range(10):
                    link.request(operation(i))
                line = getattr(world, direction)
                line.faults = Faults(latency=0.001, script={line._chunks + chunk % 4: "lose"})
                start = world.now
                link.requests([operation(i) for i in range(100, 104)])
                assert world.now - start < 0.1
            assert world.total == 14


class Told:
    """A map with a subscription, which tells what `says` is set to, once."""

    subscribe_needs = (OP_SUBSCRIBE, 0)
    says: bytes | None = None

    def host_subscribe(self, *_: object) -> "Told":
        return self

    def next(self, _: int) -> tuple[int, bytes] | None:
        said, self.says = self.says, None
        return (EVENT_RECORD, said) if said else None


class Polling(World):
    """A board whose firmware polls ten times a second, on a line of which a direction, or both, loses all until `ends`."""

    PERIOD = 0.1

    def __init__(self, seed: int) -> None:
        self.polled = self.ends = 0.0
        self.unread = b""
        self.told = Told()
        self.events: Events | None = None
        super().__init__(seed, CLEAN, handle=self._subscribe)

    def _subscribe(self, payload: bytes, limit: int) -> bytes:
        if payload[0] == OP_SUBSCRIBE:
            self.events = Events(self.server)
            return bytes(self.events.handle(payload, lambda *_: self.told))
        return self._add(payload, limit)

    def _to_board(self, data: bytes) -> None:
        self.unread += data

    def _run(self, end: float, until_data: bool) -> bytes:
        while True:
            after = min(end, self.polled + self.PERIOD, self.ends if self.ends > self.now else end)
            data = super()._run(after, until_data)
            if self.now >= self.ends:
                self.up.faults = self.down.faults = CLEAN
            if self.now >= self.polled + self.PERIOD:
                self.polled = self.now
                unread, self.unread = self.unread, b""
                super()._to_board(unread)
                if self.events is not None and (events := self.events.poll(int(self.now * 1000))):
                    self.down.send(b"\0" + events, self.now)
            if data or self.now >= end:
                return data

    def lose(self, rng: random.Random) -> None:
        """Lose all that goes one way, or both, for some seconds from now."""
        self.ends = self.now + rng.uniform(0.2, 5)
        for line in rng.choice(((self.up,), (self.down,), (self.up, self.down))):
            line.faults = Faults(latency=0.001, loss=1)


def soon(took: list[float]) -> bool:
    """Whether all but one in a hundred came within a second."""
    assert max(took) > 0.2, "nothing was lost"
    return sorted(took)[int(len(took) * 0.99)] <= 1.0


@pytest.mark.parametrize("pause", [0, 6], ids=["busy", "idle"])
def test_an_answer_comes_soon_after_a_line_was_half_open(pause: float) -> None:
    took = []
    for seed in range(200):
        rng = random.Random(seed)
        world = Polling(seed)
        with world.link() as link:
            for i in range(12):
                link.request(i.to_bytes(4, "little"))
            world.sleep(pause)
            world.lose(rng)
            link.request(b"\0next")
            took.append(world.now - world.ends)
    assert soon(took)


@pytest.mark.parametrize("pause", [0, 6], ids=["busy", "idle"])
def test_an_event_comes_soon_after_a_line_was_half_open(pause: float) -> None:
    took = []
    for seed in range(200):
        rng = random.Random(seed)
        world = Polling(seed)
        with world.link() as link:
            number = link.request(bytes((OP_SUBSCRIBE, 0, 0, 0, 0)))[1]
            told = link.hub.subscribe(lambda n=number: n, lambda _, data: [Record(0, 0, data)], None)  # type: ignore[misc]
            link.pump(1)
            world.sleep(pause)
            world.lose(rng)
            world.told.says = b"told"
            while not link.hub.waiting() and world.now < world.ends + 60:
                link.pump(0.05)
            assert told.get(0) == Record(0, 0, b"told")
            took.append(world.now - world.ends)
    assert soon(took)


def test_in_step_within_one_frame_after_garbage() -> None:
    """Whatever a board has been sent, the second try of a request is understood; soak/line.py does 100,000."""
    assert [seed for seed in range(3000) if not resynchronised(seed)] == []


def test_broken_frames_are_never_taken_for_sound_ones() -> None:
    assert fuzz_host(random.Random(1), 30_000) == 0
    assert fuzz_server(random.Random(2), 10_000, ServerSession) == 0


def test_nothing_known_is_said_to_be_known() -> None:
    """A board that restarts with a change in flight: the host is told so, and not that nothing happened."""
    world = World(8, CLEAN)
    with world.link() as link:
        link.request(b"one!")
        world.up.send(b"", world.now)
        world._next_reset = world._heard + 8
        with pytest.raises(OutcomeUnknown, match="restarted"):
            link.request(b"two!")
        assert link.request(b"three")[5:] == b"e"


def test_a_slow_line_is_given_time() -> None:
    """At 1,200 baud a full frame takes four seconds: what was repeated too soon must not keep the line from ever ending."""
    world = World(1, Faults(baud=1200), handle=lambda payload, _limit: b"\0" + payload[:1])
    with world.link() as link:
        link.connection.timeout = 30
        for n in range(20):
            assert link.request(bytes((4, n)) * 240) == b"\0\4"
        early = link.resent
        for n in range(20):
            assert link.request(bytes((4, n)) * 240) == b"\0\4"
        assert link.resent == early, "by now the time that a frame takes is known"
