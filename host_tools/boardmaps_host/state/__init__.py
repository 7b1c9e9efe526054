"""A board's state as bytes: slices, images, snapshots, and what to do with them without a board.

slices.py reads one map's slice, images.py finds slices in files (a pool's bytes, a pin, a flash image), snapshot.py is the file of
a whole board's maps, diff.py compares two of them, transfer.py moves them between a board and the computer. The twin's side is
boardmaps_host.twin.slices; firmware/SPEC.md draws every byte.
"""

from .errors import StateError
from .slices import Slice
from .snapshot import Snapshot

__all__ = ["Slice", "Snapshot", "StateError"]
