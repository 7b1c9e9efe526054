"""What --board may name, and what a marker may ask for."""

from typing import Any

import pytest

from boardmaps_host.testing.targets import Needs, TargetError, parse, size


@pytest.mark.parametrize(
    ("name", "port", "board"),
    [
        ("twin", None, None),
        ("unix", None, "unix"),
        ("pico_w", None, "pico_w"),
        ("/dev/ttyACM0", "/dev/ttyACM0", None),
        ("a0", "a0", None),
        ("COM3", "COM3", None),
        ("a0=pico_w", "a0", "pico_w"),
        ("socket://host:5000", "socket://host:5000", None),
    ],
)
def test_a_name(name: str, port: str | None, board: str | None) -> None:
    target = parse(name)
    assert (target.name, target.port) == (name, port)
    assert (target.definition.name if target.definition else None) == board


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("unx", "--board unx: there is no such board. Name twin, a simulated board"),
        ("", "there is no such board"),
        ("./mine.toml", "--board ./mine.toml: mine.toml: cannot be read"),
        ("a0=unx", "--board a0=unx: no board is called 'unx'"),
    ],
)
def test_a_name_that_is_none(name: str, why: str) -> None:
    with pytest.raises(TargetError, match=why):
        parse(name)


@pytest.mark.parametrize(("given", "value"), [(0, 0), (7, 7), ("7", 7), ("192K", 196608), ("2M", 2097152)])
def test_a_size(given: object, value: int) -> None:
    assert size(given) == value


@pytest.mark.parametrize(
    ("names", "needs", "why"),
    [
        ((), {"heap": "192 KB"}, "heap='192 KB' is no size: give bytes, or a text such as '192K'"),
        ((), {"heap": -1}, "heap=-1 is no size"),
        ((), {"heap": True}, "heap=True is no size"),
        ((), {"heaps": 1}, "a board has no 'heaps'; a test may need heap, pool, cpus, word and real"),
        ((), {"cpus": 0}, "cpus=0 is no whole number from 1 up"),
        ((), {"real": 1}, "real=1 is neither True nor False"),
        ((7,), {}, "7 is no name of a board; give texts, and needs as heap='192K'"),
    ],
)
def test_a_need_that_cannot_be_read(names: tuple[object, ...], needs: dict[str, Any], why: str) -> None:
    with pytest.raises(TargetError, match=why):
        Needs.of(names, needs)


@pytest.mark.parametrize(
    ("names", "needs", "name", "lacking"),
    [
        ((), {}, "unix", ""),
        ((), {"heap": "192K", "pool": "32K", "word": 64}, "unix", ""),
        ((), {"heap": "192K"}, "pyboard_v11", "the test needs heap 196,608, and pyboard_v11 has 102,400"),
        ((), {"cpus": 2}, "pico", ""),
        ((), {"cpus": 2}, "unix", "the test needs cpus 2, and unix has 1"),
        ((), {"word": 32}, "unix", "the test needs word 32, and unix has 64"),
        ((), {"heap": "2M", "cpus": 8}, "twin", ""),
        ((), {"word": 32}, "twin", "the test needs word 32, and twin has 64"),
        (("pico", "unix"), {}, "unix", ""),
        (("pico", "unix"), {}, "twin", "the test is for pico or unix, and not for twin"),
        (("pico_w",), {"cpus": 2}, "a0=pico_w", ""),
        ((), {"cpus": 1}, "a0", "nobody has said which board this is: --board a0=BOARD"),
        ((), {"real": True}, "a0", ""),
        ((), {"real": True}, "unix", "the test needs a real board, and unix is none"),
        ((), {"real": False}, "a0", "the test needs a simulated board, and a0 is none"),
    ],
)
def test_what_a_board_lacks(names: tuple[object, ...], needs: dict[str, Any], name: str, lacking: str) -> None:
    found = Needs.of(names, needs).lacking(parse(name))
    assert lacking in found
    assert bool(found) == bool(lacking)
