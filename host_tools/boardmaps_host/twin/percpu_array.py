"""PerCpuArray: an array with one value per index and CPU."""

from __future__ import annotations

import os

from boardmaps.definition import MapDef
from boardmaps.kinds import PERCPU_ARRAY

from .array import ArrayMap
from .keyed import KeyedMap
from .percpu import PerCpu


class PerCpuArray(PerCpu[int], ArrayMap):
    """An array with a value of value_size bytes for each CPU at each of `max_entries` indices, zero from the start.

    Here each thread counts as a CPU; `cpus` is this computer's number of them unless it is given.
    """

    def __init__(
        self,
        value_size: int,
        max_entries: int,
        map_flags: int = 0,
        name: str = "",
        schema: str = "",
        *,
        cpus: int | None = None,
    ) -> None:
        self.cpus = (os.cpu_count() or 1) if cpus is None else cpus
        KeyedMap.__init__(self, MapDef(PERCPU_ARRAY, 4, value_size, max_entries, map_flags, name, schema=schema))
