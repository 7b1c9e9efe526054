"""What base.py builds on: between a check and the store behind it CPython has no place to change threads."""

import dis
from collections.abc import Callable

import pytest

from boardmaps_host.twin import HashMap, LruHashMap

# Where CPython's loop looks whether another thread or a signal handler should run
SWITCHES = {"CALL", "CALL_KW", "CALL_FUNCTION_EX", "PRECALL", "RESUME", "JUMP_BACKWARD", "SEND", "YIELD_VALUE"}

Op = tuple[str, str | None]
FIND: Op = ("CONTAINS_OP", None)
COMPARE: Op = ("IS_OP", None)
LOAD: Op = ("BINARY_SUBSCR", None)
STORE: Op = ("STORE_SUBSCR", None)


def steps(function: Callable[..., object], first: Op, last: Op) -> list[list[str]]:
    """Return the operations of every stretch from `first` to the next `last`; each is a name and what it is about."""
    code = list(dis.get_instructions(function))

    def places(op: Op) -> list[int]:
        return [n for n, i in enumerate(code) if i.opname == op[0] and op[1] in (None, i.argval)]

    ends = places(last)
    return [[i.opname for i in code[at : min(e for e in ends if e > at)]] for at in places(first) if at < ends[-1]]


@pytest.mark.parametrize(
    ("function", "first", "last", "which"),
    [
        (HashMap.update, FIND, STORE, 0),
        (HashMap._change, COMPARE, STORE, -1),
        (LruHashMap.lookup, FIND, LOAD, 0),
        (LruHashMap.update, FIND, STORE, 0),
        (LruHashMap.update, ("LOAD_ATTR", "_watched"), ("STORE_ATTR", "_inserted"), 0),
        (LruHashMap._store, FIND, STORE, -1),
        (LruHashMap._pop, FIND, LOAD, 0),
        (LruHashMap._pop, LOAD, ("STORE_ATTR", "_removed"), 0),
    ],
)
def test_no_switch_on_the_way(function: Callable[..., object], first: Op, last: Op, which: int) -> None:
    step = steps(function, first, last)[which]
    assert not SWITCHES & set(step), step


def test_the_check_can_fail() -> None:
    def two_steps(data: dict[bytes, int], key: bytes) -> None:
        if key in data:
            data[key] = len(key)

    assert SWITCHES & set(steps(two_steps, FIND, STORE)[0])
