"""The client: connect to a board, drive its maps."""

from boardmaps_host.client.board import Board, connect
from boardmaps_host.client.errors import (
    LinkError,
    LinkTimeout,
    NoAnswer,
    NotDeployed,
    OutcomeUnknown,
    PortBusy,
    PortMissing,
    VersionMismatch,
)
from boardmaps_host.client.maps import MapInfo, RemoteMap, RemotePool

__all__ = [
    "Board",
    "LinkError",
    "LinkTimeout",
    "MapInfo",
    "NoAnswer",
    "NotDeployed",
    "OutcomeUnknown",
    "PortBusy",
    "PortMissing",
    "RemoteMap",
    "RemotePool",
    "VersionMismatch",
    "connect",
]
