"""When are two objects, or two call stacks, the same to whoever goes on with them: by all that they hold, times from now."""

from enum import Enum
from types import CodeType, FrameType
from typing import Any

# Attributes and variables that are times of the clock.
_TIMES = frozenset(
    (
        *("now", "end", "begun", "sent", "first", "heard", "read_at", "patience", "_patience", "_ask_at"),
        *("_nak_at", "_slowed", "_measured"),
    )
)
_LONG_AGO = -60.0  # seconds: what lies further back makes no difference
_PLAIN = frozenset((int, str, bytes, bool, type(None)))
_ENDS = frozenset(("Port", "Ends", "Scenario"))


def stack(frame: FrameType | None, now: float, base: str) -> object:
    """Return something that is equal for two call stacks, down to the file `base`, that go on alike: places and objects."""
    seen: dict[int, int] = {}
    found = []
    held = []  # as long as they are there, no other object has their ids
    while frame is not None and frame.f_code.co_filename != base:
        held.append(dict(frame.f_locals))
        found.append((frame.f_code.co_name, frame.f_lasti, _alike(held[-1], "", now, seen)))
        frame = frame.f_back
    return tuple(found)


def alike(thing: object, now: float) -> object:
    """Return something that is equal for two things that behave alike."""
    return _alike(thing, "", now, {})


def _alike(thing: Any, name: str, now: float, seen: dict[int, int]) -> object:  # noqa: PLR0911 - one branch a sort
    kind = type(thing)
    if kind in _PLAIN:
        return thing
    if kind is float:
        return round(max(_LONG_AGO, thing - now), 3) if name in _TIMES else round(thing, 3)
    if isinstance(thing, Enum):
        return thing.name
    if id(thing) in seen:
        return ("again", seen[id(thing)])
    seen[id(thing)] = len(seen)
    if kind is bytearray:
        return bytes(thing)
    if kind in (list, tuple):
        return (kind.__name__, *[_alike(one, "", now, seen) for one in thing])
    if kind is dict:
        return tuple([(_alike(k, "", now, seen), _alike(v, str(k), now, seen)) for k, v in thing.items()])
    if isinstance(thing, CodeType | type) or callable(thing):
        return getattr(thing, "__qualname__", kind.__name__)
    if kind.__name__ in _ENDS:
        return kind.__name__
    slots = getattr(kind, "__slots__", ())
    if slots and not isinstance(slots, str):
        return kind.__name__, *[_alike(getattr(thing, s), s, now, seen) for s in slots]
    if hasattr(thing, "__dict__"):
        return kind.__name__, _alike(vars(thing), "", now, seen)
    return kind.__name__
