"""A board's PerCpuHash."""

from boardmaps_host.client.maps.percpu import RemotePerCpu


class RemotePerCpuHash(RemotePerCpu):
    """A PerCpuHash on a board."""
