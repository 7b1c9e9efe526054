"""What a map answers to an operation that its type does not have: NotSupported, never a missing attribute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from boardmaps.errors import NotSupported

_BY_KEY = ("lookup", "lookup_into", "update", "delete", "next_key", "lookup_and_delete", "keys", "items")
_BATCHES = ("batch_lookup", "batch_lookup_and_delete", "batch_update", "batch_delete")
_ATOMICS = ("add", "add_into", "compare_and_swap", "fetch_or", "fetch_and", "fetch_xor", "exchange")
_PARTS = ("update_part", "view", "lookup_percpu", "update_percpu", "split", "join", "resize")
_VALUES = ("push", "pop", "pop_into", "peek", "peek_into", "newest", "oldest", "last", "window", "stats")
_RECORDS = ("output", "reserve", "read", "read_into", "query")
OPERATIONS = _BY_KEY + _BATCHES + _ATOMICS + _PARTS + _VALUES + _RECORDS


class Refusals:
    """Base of all maps: every operation that any map type has, refused until a type says what it does."""

    name: str
    _instead: ClassVar[str] = ""  # the operations that the type has in their place

    def _none(self, op: str) -> NoReturn:
        instead = f"; use {self._instead}" if self._instead else ""
        raise NotSupported(f"{op} {self.name!r}: {type(self).__name__} has no such operation{instead}")


def _refusing(op: str) -> Callable[..., NoReturn]:
    def refuse(self: Refusals, *_: Any, **__: Any) -> NoReturn:
        self._none(op)

    refuse.__name__ = op
    refuse.__qualname__ = f"Refusals.{op}"
    refuse.__doc__ = "Raise NotSupported: maps of this type have no such operation."
    return refuse


for _op in OPERATIONS:
    setattr(Refusals, _op, _refusing(_op))
