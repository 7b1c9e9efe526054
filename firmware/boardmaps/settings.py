"""What boardmaps_config.py on the board says, and the C part of boardmaps, where the firmware has it built in.

POOL_SIZE and CPUS are explained in pool.py and maps/percpu.py, GUARD in kernels/guard.py. KERNELS is what moves the bytes of
maps and frames: by itself the C kernels where the firmware has them, else those that MicroPython compiled; "viper" takes the
latter in any case. The bytes are the same.

`boardmaps deploy` writes it for the board. In the root of the files it goes before one that is frozen in, in /lib it does not.
This module is not called config, because a frozen boardmaps.config and boardmaps_config would be one name in C.
"""

import sys


def setting(name, default):
    """Return what boardmaps_config says under this name, or the default."""
    try:
        # the user's file, which need not be there
        import boardmaps_config
    except ImportError as missing:
        if "boardmaps_config" not in str(missing):
            raise
        return default
    return getattr(boardmaps_config, name, default)


def _built_in():
    try:
        # only a firmware with boardmaps built in has it
        import _boardmaps
    except ImportError as missing:
        if "_boardmaps" not in str(missing):
            raise
        return None
    return _boardmaps


built_in = _built_in()  # the C module, or None
in_c = built_in  # the same, unless the compiled kernels are wanted
if setting("KERNELS", None) == "viper":
    in_c = None
elif setting("KERNELS", None) is not None:
    raise ValueError("boardmaps_config.KERNELS is %r: give 'viper', or nothing" % (setting("KERNELS", None),))

GUARD = setting("GUARD", "none")
if GUARD not in ("none", "irq", "irq+lock"):
    raise ValueError("boardmaps_config.GUARD is %r: give 'none', 'irq' or 'irq+lock'" % (GUARD,))
if built_in:
    built_in.guard(GUARD != "none")


def kernels(kind):
    """Return the functions that drive the maps of a kind, as an object that has them: "hash", "array", "queue" or "ring"."""
    if in_c:
        return getattr(in_c, kind)
    name = "boardmaps.kernels.viper_" + kind
    __import__(name)
    return sys.modules[name]
