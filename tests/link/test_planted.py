"""Mistakes in a map's own code are replies, and end a subscription; they never end the firmware. What a kind lacks is refused."""

from collections.abc import Iterator
from struct import pack
from typing import Any

import pytest

import boardmaps
from boardmaps.errors import InvalidFlags, MapError, NotSupported
from boardmaps.refusals import GROUPS
from boardmaps_host import Board, connect
from boardmaps_host.kinds import KINDS, Kind
from boardmaps_host.twin.registries import Registry

OPERATIONS = sorted(set(" ".join(GROUPS).split()))
_SIZES = {"key_size": 8, "value_size": 8, "max_entries": 16}


@pytest.fixture
def board() -> Iterator[Board]:
    with Registry(), connect("twin", timeout=2) as connected:
        yield connected


def sizes(kind: Kind) -> dict[str, int]:
    return {name: 64 if kind.in_bytes else _SIZES[name] for name in kind.sizes}


def fail(*_: object, **__: object) -> Any:
    raise ZeroDivisionError("planted")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_a_mistake_in_a_constructor_is_a_reply(board: Board, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(getattr(boardmaps, kind.class_name), "__init__", fail)
        with pytest.raises(MapError, match="ZeroDivisionError: planted"):
            board.create_map(kind.class_name, **sizes(kind), name="m")
    assert board.maps() == []
    assert board.create_map(kind.class_name, **sizes(kind), name="m").info().name == "m"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_a_mistake_in_an_operation_is_a_reply(board: Board, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    m = board.create_map(kind.class_name, **sizes(kind), name="m")
    with monkeypatch.context() as planted:
        planted.setattr(getattr(boardmaps, kind.class_name), "clear", fail)
        with pytest.raises(MapError, match="operation 20: ZeroDivisionError: planted"):
            m.clear()
    m.clear()


@pytest.mark.parametrize("kind", [k for k in KINDS if k.has("keys")], ids=lambda kind: kind.word)
def test_a_mistake_in_an_event_source_ends_its_subscription(
    board: Board, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    m = board.create_map(kind.class_name, **sizes(kind), name="m")
    other = board.create_map("ArrayMap", value_size=4, max_entries=1, name="other")
    cls = getattr(boardmaps, kind.class_name)
    with monkeypatch.context() as planted:
        planted.setattr(cls, "host_subscribe", lambda *_: Source())
        with m.watch(bytes(m.definition.key_size), every=0) as broken, other.watch(0, every=0) as sound:
            with pytest.raises(MapError, match="subscription: ZeroDivisionError: planted"):
                broken.get(2)
            if cls is not boardmaps.ArrayMap:
                assert sound.get(2) is not None


class Source:
    """Tells nothing but its mistake."""

    next = staticmethod(fail)


def test_what_a_kind_lacks_is_refused_by_its_map_and_over_the_line(board: Board) -> None:
    """Found in the table: a new kind or operation is in it by itself."""
    checked = 0
    for kind in KINDS:
        remote = board.create_map(kind.class_name, **sizes(kind), name=kind.word)
        with Registry():
            own = getattr(boardmaps, kind.class_name)(*sizes(kind).values())
            for op in (op for op in OPERATIONS if not kind.has(op)):
                for m in (own, remote):
                    with pytest.raises(NotSupported):
                        called(m, op)
                    checked += 1
    assert checked > 200


def called(m: Any, op: str) -> None:
    """Call an operation with what its kind would take; a walk begins when it is asked for its first."""
    given: dict[str, tuple[object, ...]] = {
        "lookup_percpu": (bytes(8),),
        "update_percpu": (bytes(8), [bytes(8)]),
        "split": (bytes(8),),
        "join": ([bytes(8)],),
    }
    key: Any = bytes(8)
    arguments = given.get(op, ())
    tries: list[tuple[Any, ...]] = [arguments, (), (key,), ([b""],), ([b""], [b""]), (key, 1), (key, key)]
    tries += [(key, bytearray(8)), (key, 0, key), (key, key, key), (key, 1, bytearray(8)), (1, key)]
    for tried in tries:
        try:
            result = getattr(m, op)(*tried)
        except (TypeError, InvalidFlags):
            continue
        if hasattr(result, "__next__"):
            next(result)
        return
    raise AssertionError(f"{op} takes none of what was tried")


def test_every_operation_over_the_line_is_answered_for_every_kind(board: Board) -> None:
    """By number, with a request as short and as long as any: an error or a result, never an exception of the server."""
    for kind in KINDS:
        m = board.create_map(kind.class_name, **sizes(kind), name=kind.word)
        for op in (*range(2, 12), *range(15, 40)):
            for rest in (b"", bytes(7), bytes(40)):
                reply = board.link.request(pack("<BH", op, m.id) + rest, changes=False)
                assert b"Error: " not in reply, (kind.word, op, rest, reply)
