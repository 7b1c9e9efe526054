"""A board's PerCpuArray."""

from boardmaps_host.client.maps.array import RemoteArrayMap
from boardmaps_host.client.maps.percpu import RemotePerCpu


class RemotePerCpuArray(RemotePerCpu, RemoteArrayMap):
    """A PerCpuArray on a board: its keys are indices."""
