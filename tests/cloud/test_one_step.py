"""What base.py builds on: between a check and the store behind it CPython has no place to change threads."""

import dis
from collections.abc import Callable

import pytest

from boardmaps_host.cloud import HashMap, LruHashMap

# Where CPython's loop looks whether another thread or a signal handler should run
SWITCHES = {"CALL", "CALL_KW", "CALL_FUNCTION_EX", "PRECALL", "RESUME", "JUMP_BACKWARD", "SEND", "YIELD_VALUE"}


def steps(function: Callable[..., object], check: str, use: str) -> list[list[str]]:
    """Return the operations between each `check` and the `use` behind it, or the last of several in a row."""
    names = [i.opname for i in dis.get_instructions(function)]
    found = []
    for at, name in enumerate(names):
        if name == check and use in names[at:]:
            end = at + names[at:].index(use)
            while use in names[end + 1 : end + 5]:
                end += 1 + names[end + 1 :].index(use)
            found.append(names[at:end])
    return found


@pytest.mark.parametrize(
    ("function", "check", "use"),
    [
        (HashMap.update, "CONTAINS_OP", "STORE_SUBSCR"),
        (LruHashMap.update, "CONTAINS_OP", "STORE_SUBSCR"),
        (LruHashMap.lookup, "CONTAINS_OP", "BINARY_SUBSCR"),
    ],
)
def test_no_switch_between_finding_a_key_and_using_its_entry(
    function: Callable[..., object], check: str, use: str
) -> None:
    (step,) = steps(function, check, use)
    assert not SWITCHES & set(step), step


@pytest.mark.parametrize("function", [HashMap._change, LruHashMap._change])
def test_no_switch_between_comparing_a_value_and_replacing_it(function: Callable[..., object]) -> None:
    step = steps(function, "IS_OP", "STORE_SUBSCR")[-1]
    assert not SWITCHES & set(step), step


def test_the_check_can_fail() -> None:
    def two_steps(data: dict[bytes, int], key: bytes) -> None:
        if key in data:
            data[key] = len(key)

    (step,) = steps(two_steps, "CONTAINS_OP", "STORE_SUBSCR")
    assert SWITCHES & set(step)
