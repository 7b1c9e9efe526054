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
    PortGone,
    PortMissing,
    VersionMismatch,
)
from boardmaps_host.client.info import MapInfo
from boardmaps_host.client.maps.base import RemoteMap
from boardmaps_host.client.maps.bloom import RemoteBloomFilter
from boardmaps_host.client.maps.numbers import RemoteNumbers
from boardmaps_host.client.maps.percpu import RemotePerCpu
from boardmaps_host.client.maps.queue import RemoteQueue
from boardmaps_host.client.maps.ringbuf import RemoteRingBuf, RingState
from boardmaps_host.client.maps.timeseries import RemoteTimeSeries, Stats
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
    "PortGone",
    "PortMissing",
    "RemoteBloomFilter",
    "RemoteMap",
    "RemoteNumbers",
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
