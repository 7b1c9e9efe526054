"""A map whose definition changed between two versions of a firmware: a verdict, a function, never other bytes under new names."""

from collections.abc import Iterator

import pytest

from boardmaps import HashMap, InvalidDefinition, Queue, RingBuf, migrate
from boardmaps_host.state.snapshot import Snapshot
from boardmaps_host.twin import Registry
from tests.state.full import snapshot

OLD = snapshot()


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    for name in ("temps", "waiting", "log"):
        migrate(name, None)


def loaded() -> Registry:
    registry = Registry()
    registry.load(Snapshot([kept for kept in OLD.maps if kept.name in ("temps", "waiting", "log")]))
    return registry


def test_without_a_function_it_begins_empty_and_says_so() -> None:
    with loaded() as registry:
        temps = HashMap(8, 8, 8, 0, "temps")
        assert list(temps.items()) == []
        assert "it begins empty; boardmaps.migrate('temps', function)" in registry.verdicts["temps"]
        assert "value_size=4" in registry.verdicts["temps"]
        assert "value_size=8" in registry.verdicts["temps"]


def test_a_function_gets_the_old_map_and_the_new_one() -> None:
    def widen(old: object, new: HashMap) -> None:
        assert old.definition.value_size == 4  # type: ignore[attr-defined]
        assert old.schema == ""  # type: ignore[attr-defined]
        for key, value in old.entries():  # type: ignore[attr-defined]
            new.update(key, value + b"\x2a\0\0\0")  # a field that is new gets its default

    migrate("temps", widen)
    migrate("waiting", lambda old, new: [new.push(value + b"!") for value in old.values()])
    migrate("log", lambda old, new: [new.output(data) for _, data in old.records()])
    with loaded() as registry:
        temps = HashMap(8, 8, 8, 0, "temps")
        assert temps.lookup(b"kitchen\0") == b"kitc\x2a\0\0\0"
        assert len(temps) == 3
        waiting = Queue(4, 4, 0, "waiting")
        assert [waiting.pop(), waiting.pop(), waiting.pop()] == [b"two!", b"six!", None]
        log = RingBuf(256, 0, "log")
        assert [log.read()[1] for _ in range(4)] == [b"r", b"re", b"rec", b"reco"]  # type: ignore[index]
        assert all(verdict.endswith(": migrated") for verdict in registry.verdicts.values())


def test_a_function_that_fails_leaves_an_empty_map_and_its_reason() -> None:
    def fails(old: object, new: HashMap) -> None:
        new.update(b"half way", b"12345678")
        raise ValueError("no such field")

    migrate("temps", fails)
    with loaded() as registry:
        assert len(HashMap(8, 8, 8, 0, "temps")) == 0
        assert "its migration failed (ValueError: no such field), and it begins empty" in registry.verdicts["temps"]


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(InvalidDefinition, match="give a function"):
        migrate("temps", 3)  # type: ignore[arg-type]
