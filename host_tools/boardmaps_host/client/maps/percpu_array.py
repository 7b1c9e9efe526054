"""A board's PerCpuArray."""

from boardmaps_host.client.maps.array import RemoteIndexed
from boardmaps_host.client.maps.percpu import RemotePerCpu


class RemotePerCpuArray(RemotePerCpu, RemoteIndexed):
    """A PerCpuArray on a board: its keys are indices."""
