"""The client: connect to a board, drive its maps."""

from boardmaps_host.client.board import Board, connect
from boardmaps_host.client.errors import (
    FirmwareError,
    LinkError,
    LinkTimeout,
    NoAnswer,
    NotDeployed,
    OutcomeUnknown,
    PortBusy,
    PortMissing,
    VersionMismatch,
)
from boardmaps_host.client.info import MapInfo
from boardmaps_host.client.maps.base import RemoteMap
from boardmaps_host.client.maps.kinds import (
    RemotePerCpu,
    RemoteQueue,
    RemoteRingBuf,
    RemoteTimeSeries,
    RingState,
    Stats,
)
from boardmaps_host.client.pool import RemotePool

__all__ = [
    "Board",
    "FirmwareError",
    "LinkError",
    "LinkTimeout",
    "MapInfo",
    "NoAnswer",
    "NotDeployed",
    "OutcomeUnknown",
    "PortBusy",
    "PortMissing",
    "RemoteMap",
    "RemotePerCpu",
    "RemotePool",
    "RemoteQueue",
    "RemoteRingBuf",
    "RemoteTimeSeries",
    "RingState",
    "Stats",
    "VersionMismatch",
    "connect",
]
