"""The Linux kernel's own maps through bpf(2), with ctypes and nothing else.

    with KernelMap(HASH, key_size=8, value_size=4, max_entries=64) as m:
        m.update(b"kitchen\\0", b"\\x15\\0\\0\\0")

A miss is None, as in our maps; every other refusal is the kernel's OSError with its errno. The caller gives keys and
values of the right size: the kernel takes addresses, so a wrong size is refused here, by ValueError.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ENOTSUPP = 524  # the kernel's own number for "not supported"; no C library has a name for it
BPF_F_NO_PREALLOC = 1

_SYSCALL = {"x86_64": 321, "aarch64": 280}.get(platform.machine())

# enum bpf_cmd
_CREATE = 0
_LOOKUP = 1
_UPDATE = 2
_DELETE = 3
_NEXT_KEY = 4
_LOOKUP_AND_DELETE = 21
_FREEZE = 22
_LOOKUP_BATCH = 24
_LOOKUP_AND_DELETE_BATCH = 25
_UPDATE_BATCH = 26
_DELETE_BATCH = 27

_BTF_LOAD = 18

_LPM_TRIE = 11
_PER_CPU = (5, 6)  # types whose value, as bpf(2) sees it, is a row: every CPU's, each rounded up to 8 bytes

_ELEMENT = struct.Struct("=IxxxxQQQ")  # map_fd, key, value or next_key, flags
_BATCH = struct.Struct("=QQQQIIQQ")  # in_batch, out_batch, keys, values, count, map_fd, elem_flags, flags


_syscall = ctypes.CDLL(None, use_errno=True).syscall


def _bpf(command: int, attr: ctypes.Array[ctypes.c_char]) -> int:
    result = _syscall(_SYSCALL, command, attr, len(attr))
    if result < 0:
        raise _refusal()
    return int(result)


def _refusal() -> OSError:
    """Return what the last system call was refused with."""
    number = ctypes.get_errno()
    return OSError(number, "not supported (the kernel's ENOTSUPP)" if number == ENOTSUPP else os.strerror(number))


def possible_cpus() -> int:
    """Return how many values an entry of a per-CPU map has: one for each CPU that the machine could ever have."""
    ranges = Path("/sys/devices/system/cpu/possible").read_text().strip().split(",")
    return sum(int(last or first) - int(first) + 1 for first, _, last in (r.partition("-") for r in ranges))


def unavailable() -> str | None:
    """Return why this process cannot use the kernel's maps, or None when it can."""
    if platform.system() != "Linux":
        return f"bpf(2) is Linux's, and this is {platform.system()}"
    if _SYSCALL is None:
        return f"the number of bpf(2) on {platform.machine()} is not known to tests/differential/kernel.py"
    try:
        KernelMap(2, 4, 1, 1).close()
    except OSError as e:
        return f"bpf(2) answers {errno.errorcode.get(e.errno or 0, e.errno)}: run the tests as root to compare with the kernel"
    return None


def lpm_obeys_flags() -> bool:
    """Whether this kernel's LPM tries heed BPF_NOEXIST and BPF_EXIST; older ones than 6.18 may take all for BPF_ANY."""
    with KernelMap(_LPM_TRIE, 8, 1, 2, BPF_F_NO_PREALLOC) as m:
        try:
            m.update(bytes(8), b"v", 2)
        except OSError as e:
            return e.errno == errno.ENOENT
        return False


def load_types(blob: bytes) -> int:
    """Have the kernel take types in its format (BTF); return a descriptor, to be closed. Raises OSError with its own log in it."""
    data, log = ctypes.create_string_buffer(blob, len(blob)), ctypes.create_string_buffer(65536)
    attr = struct.pack("=QQIII", ctypes.addressof(data), ctypes.addressof(log), len(blob), len(log), 1)
    try:
        return _bpf(_BTF_LOAD, ctypes.create_string_buffer(attr, 32))
    except OSError as e:
        raise OSError(e.errno, f"{e.strerror}: {log.value.decode()}") from e


class KernelMap:
    """One map of the kernel's, closed with close() or at the end of a with block. Sizes in bytes, types as in abi.py.

    A value is what bpf(2) copies: for a per-CPU type, `row_size` bytes with the values of all CPUs. `map_extra` is a Bloom
    filter's number of hash functions.
    """

    def __init__(
        self,
        map_type: int,
        key_size: int,
        value_size: int,
        max_entries: int,
        map_flags: int = 0,
        name: str = "",
        map_extra: int = 0,
        btf: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        self.fd = -1
        parts = struct.pack("=7I", map_type, key_size, value_size, max_entries, map_flags, 0, 0)
        # btf: the descriptor of loaded types, the numbers of the key's and the value's. The other words are of no use here.
        rest = struct.pack("=4x3I4xQ", *btf, map_extra)
        attr = ctypes.create_string_buffer(parts + name.encode().ljust(16, b"\0") + rest, 72)
        self.fd = _bpf(_CREATE, attr)
        self.key_size = key_size
        self.row_size = (value_size + 7 & ~7) * possible_cpus() if map_type in _PER_CPU else value_size
        self.max_entries = max_entries
        # One set of buffers a map, so that a call costs little more than the system call itself.
        self._key = ctypes.create_string_buffer(max(key_size, 1))
        self._value = ctypes.create_string_buffer(self.row_size)
        self._next = ctypes.create_string_buffer(max(key_size, 1))
        key = ctypes.addressof(self._key) if key_size else 0
        self._attr = self._element(key, ctypes.addressof(self._value))
        self._attr_update = self._element(key, ctypes.addressof(self._value))
        self._flags = 0  # in _attr_update
        self._attr_next = self._element(key, ctypes.addressof(self._next))
        self._attr_first = self._element(0, ctypes.addressof(self._next))
        self._attr_key = self._element(key, 0)  # delete wants all behind the key to be zero

    def _element(self, key: int, value: int) -> ctypes.Array[ctypes.c_char]:
        return ctypes.create_string_buffer(_ELEMENT.pack(self.fd, key, value, 0), _ELEMENT.size)

    def _set_key(self, key: bytes) -> None:
        if len(key) != self.key_size:
            raise ValueError(f"key is {len(key)} bytes, not {self.key_size}")
        if key:
            self._key.raw = key

    def lookup(self, key: bytes = b"") -> bytes | None:
        """Return the value, or None on a miss. A queue's or stack's next value, which stays."""
        self._set_key(key)
        return self._value.raw if self._there(_LOOKUP, self._attr) else None

    def peek(self, value: bytes) -> bool:
        """Return whether a Bloom filter may have got the value."""
        if len(value) != self.row_size:
            raise ValueError(f"value is {len(value)} bytes, not {self.row_size}")
        self._value.raw = value
        return self._there(_LOOKUP, self._attr)

    def update(self, key: bytes, value: bytes, flags: int = 0) -> None:
        """Create or change an entry; push, with an empty key, to a queue or stack."""
        self._set_key(key)
        if len(value) != self.row_size:
            raise ValueError(f"value is {len(value)} bytes, not {self.row_size}")
        self._value.raw = value
        if flags != self._flags:
            struct.pack_into("=Q", self._attr_update, 24, flags)
            self._flags = flags
        if _syscall(_SYSCALL, _UPDATE, self._attr_update, _ELEMENT.size) < 0:
            raise _refusal()

    def delete(self, key: bytes = b"") -> None:
        """Remove a key."""
        self._set_key(key)
        _bpf(_DELETE, self._attr_key)

    def lookup_and_delete(self, key: bytes = b"") -> bytes | None:
        """Return the value and remove the key, or pop; None on a miss."""
        self._set_key(key)
        return self._value.raw if self._there(_LOOKUP_AND_DELETE, self._attr) else None

    def next_key(self, key: bytes | None = None) -> bytes | None:
        """Return the key behind this one; for None, or a key that is not there, the first; None at the end."""
        if key is None:
            return self._next.raw if self._there(_NEXT_KEY, self._attr_first) else None
        self._set_key(key)
        return self._next.raw if self._there(_NEXT_KEY, self._attr_next) else None

    def freeze(self) -> None:
        """Forbid writes through bpf(2), for good."""
        _bpf(_FREEZE, ctypes.create_string_buffer(struct.pack("=I", self.fd), 4))

    def batch_update(
        self, keys: Sequence[bytes], values: Sequence[bytes], flags: int = 0
    ) -> tuple[int, OSError | None]:
        """Return (how many were done, what stopped it or None)."""
        done, error, _, _, _ = self._batch(_UPDATE_BATCH, None, len(keys), b"".join(keys), b"".join(values), flags)
        return done, error

    def batch_delete(self, keys: Sequence[bytes]) -> tuple[int, OSError | None]:
        """Return (how many were done, what stopped it or None)."""
        done, error, _, _, _ = self._batch(_DELETE_BATCH, None, len(keys), b"".join(keys))
        return done, error

    def batch_lookup(
        self, cursor: bytes | None = None, count: int = 1, *, take: bool = False
    ) -> tuple[bytes | None, list[bytes], list[bytes]]:
        """Return (cursor for the next page or None at the end, keys, values), at most `count`; `take` removes them.

        Raises OSError ENOSPC, which has no counterpart in our maps, when a bucket has more entries than the page.
        """
        command = _LOOKUP_AND_DELETE_BATCH if take else _LOOKUP_BATCH
        done, error, after, keys, values = self._batch(command, cursor, count)
        if error is not None and error.errno != errno.ENOENT:
            raise error
        size, row = self.key_size, self.row_size
        return (
            after if error is None else None,
            [keys[i * size : (i + 1) * size] for i in range(done)],
            [values[i * row : (i + 1) * row] for i in range(done)],
        )

    def _batch(
        self, command: int, cursor: bytes | None, count: int, keys: bytes = b"", values: bytes = b"", flags: int = 0
    ) -> tuple[int, OSError | None, bytes, bytes, bytes]:
        """Return (entries done, error, cursor behind them, keys, values)."""
        cursor_size = max(self.key_size, 4)  # a hash wants a u32, the others a key
        into = ctypes.create_string_buffer(cursor or b"", cursor_size)
        after = ctypes.create_string_buffer(cursor_size)
        k = ctypes.create_string_buffer(keys, max(count * self.key_size, 1))
        v = ctypes.create_string_buffer(values, max(count * self.row_size, 1))
        start = 0 if cursor is None else ctypes.addressof(into)
        addresses = (start, ctypes.addressof(after), ctypes.addressof(k), ctypes.addressof(v))
        attr = ctypes.create_string_buffer(_BATCH.pack(*addresses, count, self.fd, flags, 0), _BATCH.size)
        error = None
        try:
            _bpf(command, attr)
        except OSError as e:
            error = e
        done = int.from_bytes(attr.raw[32:36], "little" if struct.pack("=H", 1)[0] else "big")
        # What is refused before it begins leaves the count as it was asked for.
        before = (errno.EINVAL, errno.EPERM, errno.EFAULT, ENOTSUPP)  # a trie's prefix that is too long is EINVAL later
        began = error is None or error.errno not in before or done < count
        return done if began else 0, error, after.raw, k.raw, v.raw

    def _there(self, command: int, attr: ctypes.Array[ctypes.c_char]) -> bool:
        if _syscall(_SYSCALL, command, attr, _ELEMENT.size) >= 0:
            return True
        refusal = _refusal()
        if refusal.errno == errno.ENOENT:
            return False
        raise refusal

    def close(self) -> None:
        """Let the kernel free the map. Safe to call twice."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
