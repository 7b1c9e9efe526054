"""The computer's side of boardmaps: the twin, the client, the command."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boardmaps_host.client import Board, connect
    from boardmaps_host.state import Snapshot, StateError

__all__ = ["Board", "Snapshot", "StateError", "connect"]


def __getattr__(name: str) -> Any:  # the client is imported when it is used: the cloud maps need none of it
    if name in __all__:
        # saves start-up time: the cloud maps need none of it
        from importlib import import_module

        return getattr(import_module("boardmaps_host.state" if name.startswith("S") else "boardmaps_host.client"), name)
    raise AttributeError(f"module 'boardmaps_host' has no attribute {name!r}")
