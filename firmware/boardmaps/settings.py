"""What boardmaps_config.py on the board says, and what the kernels are.

POOL_SIZE and CPUS are explained in pool.py and maps/percpu.py, GUARD in kernels/viper_base.py, LASTING in outlive.py. KEEP = False
begins with an empty pool after each reset. KERNELS is what moves the bytes of maps and frames: by itself the C kernels where the
firmware has them, else those in native modules, which are the same, else those that MicroPython compiled, else, on a port that has
no machine code, plain Python. "viper" and "plain" begin further down in that list. The bytes are the same.
`boardmaps deploy` sends the sort that the board will take: after a change of KERNELS it has to run again.

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


def _native():
    """Return the kernels in native modules, None where deploy has put none. Raises ImportError when they are not for this board."""
    name = "boardmaps.kernels.native"
    try:
        __import__(name)
    except ImportError as missing:
        if name not in str(missing):
            raise
        return None
    native = sys.modules[name]
    return native if native.start(GUARD) else None


def _built_in():
    try:
        # only a firmware with boardmaps built in has it
        import _boardmaps
    except ImportError as missing:
        if "_boardmaps" not in str(missing):
            raise
        return None
    return _boardmaps


_sorts = ("viper", "plain")
_wanted = setting("KERNELS", None)
if _wanted is not None:
    if _wanted not in _sorts:
        raise ValueError("boardmaps_config.KERNELS is %r: give 'viper' or 'plain', or nothing" % (_wanted,))
    _sorts = _sorts[_sorts.index(_wanted) :]

GUARD = setting("GUARD", "none")
if GUARD not in ("none", "irq", "irq+lock"):
    raise ValueError("boardmaps_config.GUARD is %r: give 'none', 'irq' or 'irq+lock'" % (GUARD,))
if GUARD != "none" and _wanted == "plain":
    raise ValueError(
        "boardmaps_config.GUARD is %r, but plain kernels hold no guard: their many steps let others in" % (GUARD,)
    )
built_in = _built_in()  # the C module of a firmware, or None
if built_in:
    built_in.guard(GUARD != "none")
# What has the kernels in C, None when there is no such thing or others are wanted: each kind is an attribute
in_c = None if _wanted else built_in or _native()
del _built_in, _native  # saves heap: they are not needed again


def kernels(kind):
    """Return a module with the functions of a kind (kernels/__init__.py lists them), from the first sort that has it."""
    global _sorts
    if in_c and hasattr(in_c, kind):
        return getattr(in_c, kind)
    for sort in _sorts:
        name = "boardmaps.kernels.%s_%s" % (sort, kind)
        try:
            __import__(name)
        except ImportError as missing:
            if name not in str(missing):
                raise
        except SyntaxError as refused:
            if "decorator" not in (str(refused) or "decorator"):  # small ports give no text
                raise
            _sorts = ("plain",)  # this MicroPython has no machine code: "invalid micropython decorator"
        else:
            return sys.modules[name]
    raise ImportError("no kernels of the kind %r: run boardmaps deploy again" % kind)


def let_go(names):
    """Let go of modules that were loaded when they were needed; who needs one again loads it. Return whether any went.

    `names` are those within the package. One stays that another loaded module imports at its top, or it would be there twice, and
    one that is just being loaded. Whether anybody has objects of theirs the caller knows. Takes some heap, where there is any, and
    collects. Not for native code, which MicroPython keeps for good.
    """
    # saves heap: a name that nothing else here needs
    import gc

    found = False
    try:
        for own in names.split():
            holders = ""
            if own == "maps.check":
                holders = "adoption migrate serving.transfer"
            elif own == "schema":
                holders = "fields line.writes serving.transfer"
            name = "boardmaps." + own
            held = [one for one in holders.split() if "boardmaps." + one in sys.modules]
            home, _, last = name.rpartition(".")
            # its package has it by name from when it is loaded whole
            if not held and name in sys.modules and hasattr(sys.modules[home], last):
                delattr(sys.modules[home], last)
                del sys.modules[name]
                found = True
    except MemoryError:
        pass
    if found:
        gc.collect()
    return found
