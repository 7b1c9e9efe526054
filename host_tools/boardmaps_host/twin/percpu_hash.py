"""PerCpuHash: a hash table with one value per key and CPU."""

from __future__ import annotations

import os
from typing import ClassVar

from boardmaps.kinds import PERCPU_HASH

from .base import Key
from .hash import HashMap
from .percpu import PerCpu


class PerCpuHash(PerCpu[bytes], HashMap):
    """A hash table with a value of value_size bytes for each CPU under each of `max_entries` keys.

    Here each thread counts as a CPU; `cpus` is this computer's number of them unless it is given.
    """

    _type: ClassVar[int] = PERCPU_HASH

    def __init__(
        self,
        key_size: int,
        value_size: int,
        max_entries: int,
        map_flags: int = 0,
        name: str = "",
        schema: str = "",
        *,
        cpus: int | None = None,
    ) -> None:
        self.cpus = (os.cpu_count() or 1) if cpus is None else cpus
        super().__init__(key_size, value_size, max_entries, map_flags, name, schema)

    def lookup_and_delete(self, key: Key) -> bytes | None:
        """Return the value of this CPU and remove the entry, of all CPUs, in one step; None on a miss."""
        return self._part(self._take("lookup_and_delete", key))

    def host_lookup_and_delete(self, key: Key, out: memoryview) -> bool:
        """Copy the row into `out` and remove the entry in one step; False on a miss."""
        return self._given(self._take("lookup_and_delete", key), out)
