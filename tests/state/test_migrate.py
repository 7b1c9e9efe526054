"""A map whose definition changed between two versions of a firmware: a verdict, a function, never other bytes under new names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps import HashMap, InvalidDefinition, Queue, RingBuf, by_name, migrate, pin, pins
from boardmaps_host.state.snapshot import Snapshot
from boardmaps_host.twin import Registry
from tests.state.full import snapshot

OLD = snapshot()


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    for name in ("temps", "waiting", "log", "settings"):
        migrate(name, None)


def loaded() -> Registry:
    registry = Registry()
    registry.load(Snapshot([kept for kept in OLD.maps if kept.name in ("temps", "waiting", "log", "settings")]))
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


def test_fields_go_by_their_names_and_new_ones_have_their_defaults() -> None:
    migrate("settings", by_name)
    with loaded() as registry:
        settings = HashMap(
            4, 9, 4, 0, "settings", "id:u32\nlimit:u16(=300), mode:u8{off,on,auto}, heat:i16/100 K, gain:i32(=-1)"
        )
        assert settings.lookup(b"\1\0\0\0") == b"\x2c\1" + b"\1" + b"\x34\x08" + b"\xff" * 4
        assert registry.verdicts["settings"].endswith(": migrated")
    for value in ("heat:i16/10 °C, _:4x", "mode:u8{on,off}, _:5x"):  # the same names, but other numbers
        with loaded():
            settings = HashMap(4, 6, 4, 0, "settings", f"id:u32\n{value}")
            assert settings.lookup(b"\1\0\0\0") == bytes(6)
    with loaded() as registry:
        HashMap(4, 6, 4, 0, "settings", "id:i32\nheat:i16/100, _:4x")
        assert "the keys have another schema" in registry.verdicts["settings"]


def test_a_schema_in_other_words_is_the_same_map(tmp_path: Path) -> None:
    def made(value: str) -> HashMap:
        return HashMap(4, 6, 4, 0, "settings", f"id:u32\n{value}")

    was = OLD["settings"].schema.split("\n")[1]
    told = was.replace("°C", "°C 'of the oven'")
    assert told != was
    with loaded() as registry:
        assert made(told).lookup(b"\1\0\0\0") == dict(OLD["settings"].entries())[b"\1\0\0\0"]
        assert registry.verdicts == {}
        assert registry.snapshot("settings")["settings"].schema == f"id:u32\n{told}"
    with Registry(kept=tmp_path):
        settings = made(was)
        settings.update(b"\1\0\0\0", b"123\1\0\0")
        pin(settings)
    with Registry(kept=tmp_path) as registry:
        settings = made(told)
        assert settings.lookup(b"\1\0\0\0") == b"123\1\0\0"
        assert pins()[0][1] == "changed"
        assert pin(settings)
        assert pins()[0][1] == "same"
        registry.load(OLD.only("settings"))  # fills the map that is here
        assert settings.lookup(b"\1\0\0\0") == dict(OLD["settings"].entries())[b"\1\0\0\0"]
