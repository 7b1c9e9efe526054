"""BPF-style maps for MicroPython boards: fixed memory on the board, the same maps on the computer.

`import boardmaps` picks the profile: embedded on MicroPython (one preallocated pool, no resize, no LRU), cloud on CPython
(heap, resize, LRU). Map types are loaded when they are first used, so a board pays only for those that it has.
`from boardmaps import *` needs MicroPython 1.27: older ones do not ask a module for its names, and leave out map types.
"""

import sys

if sys.implementation.name == "micropython":
    # The pool is one contiguous block: take it now, before anything else breaks the heap into pieces.
    from .pool import StaticPool, open_map, recovered

from . import flags, kinds
from .definition import MapDef
from .errors import (
    InvalidDefinition,
    InvalidFlags,
    InvalidKeySize,
    InvalidValue,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    MapError,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    StaleMap,
)
from .flags import BPF_ANY, BPF_EXIST, BPF_F_RB_OVERWRITE, BPF_F_RDONLY, BPF_F_WRONLY, BPF_NOEXIST

__version__ = flags.VERSION

# Where what is loaded at its first use comes from: map types by the table, the rest by (module, names).
if sys.implementation.name == "micropython":
    _MAPS = "boardmaps.maps."
    _OTHERS = (
        ("boardmaps.serving.server", "serve poll serve_async Server tick"),
        ("boardmaps.serving.threaded", "serve_thread"),
        ("boardmaps.serving.uart", "UartLine"),
        ("boardmaps.serving.tcp", "TcpLine"),
        ("boardmaps.keep.pins", "pin unpin pin_stats"),
        ("boardmaps.keep.shown", "pins pin_flags kept_read"),
        ("boardmaps.keep.box", "run run_async reset acknowledge ledger"),
        ("boardmaps.migrate", "migrate by_name"),
        ("boardmaps.line.writes", "check_writes by_schema"),
    )
else:
    _MAPS = "boardmaps_host.twin."
    _OTHERS = (
        ("boardmaps_host.twin.registries", "open_map recovered"),
        ("boardmaps_host.twin.commits", "tick"),
        ("boardmaps_host.twin.keep", "pin unpin pins pin_stats pin_flags kept_read acknowledge"),
        ("boardmaps.migrate", "migrate by_name"),
        ("boardmaps.line.writes", "check_writes by_schema"),
    )


def __getattr__(name):
    profile = 1 if sys.implementation.name == "micropython" else -1  # the trait in kinds.py
    if name == "__all__":  # import * asks for it, and MicroPython has no other way to ask
        found = [n for n in globals() if n[0] != "_" and n != "sys"]
        found += [row[2] for row in kinds.KINDS if row[4] & profile]
        return found + " ".join([names for _, names in _OTHERS]).split()
    module = None
    for row in kinds.KINDS:  # its columns: 2 the class, 3 the module, 4 the traits
        if row[2] == name and row[4] & profile:
            module = _MAPS + row[3]
    together = name
    for home, names in _OTHERS:
        if name in names.split():
            module, together = home, names
    if module is None:
        raise AttributeError("module 'boardmaps' has no %r on this profile" % name)
    if profile > 0:
        # saves heap: a name of the package's that nobody else needs
        from gc import collect

        collect()  # code stays for good: it should not lie scattered between garbage
    __import__(module)
    for one in together.split():  # all of them: a function that is called as its module would be taken for that
        globals()[one] = getattr(sys.modules[module], one)
    return globals()[name]
