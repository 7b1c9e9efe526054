"""The numbers that a board keeps in memory: flags, limits, the version. Those of the line are in abi.py, which has these too.

Update flags and map flags are the kernel's (include/uapi/linux/bpf.h).
"""

try:
    from micropython import const
except ImportError as missing:  # CPython has no such module, and needs none
    if "micropython" not in str(missing):
        raise

    def const(value: int) -> int:  # type: ignore[misc]
        """Give the value back: folding is MicroPython's compiler's business."""
        return value


# update() flags
BPF_ANY = const(0)
BPF_NOEXIST = const(1)
BPF_EXIST = const(2)

# map_flags: what the host may do, and the ring buffer's overwrite mode
BPF_F_RDONLY = const(8)
BPF_F_WRONLY = const(16)
BPF_F_RB_OVERWRITE = const(1 << 19)

# limits of a definition
NAME_MAX = const(15)  # bytes, as BPF_OBJ_NAME_LEN - 1
U32_MAX = 0xFFFFFFFF  # a big int on 32-bit boards: no const

VERSION = "0.2.0"

# of a map's record, behind its length: id, type, key_size, value_size, max_entries, map_flags, entries, offset, bytes;
# frozen; name; CPUs; peak
INFO_FORMAT = "<H8IB16sHI"
