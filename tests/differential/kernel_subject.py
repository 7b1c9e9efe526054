"""The kernel's map as a side of a comparison: its errnos by our names, and what it refuses in other words of its own."""

import errno
from collections.abc import Sequence
from functools import cache
from typing import Any

from boardmaps.abi import BPF_ANY, BPF_NOEXIST
from tests.differential.deviations import DEVIATIONS
from tests.differential.kernel import BPF_F_NO_PREALLOC, ENOTSUPP, KernelMap, lpm_obeys_flags, possible_cpus
from tests.differential.model import Change, Refused
from tests.differential.rows import Shape
from tests.differential.subjects import Real, perform

# What we call the kernel's errnos. E2BIG is an index out of range to an array, a full map to all others.
_NAMES = {
    errno.ENOENT: "KeyNotFound",
    errno.EEXIST: "KeyExists",
    errno.E2BIG: "OutOfMemory",
    errno.ENOSPC: "OutOfMemory",  # what an LPM trie says
    errno.ENOMEM: "OutOfMemory",
    errno.EPERM: "NotPermitted",
    errno.EBUSY: "NotPermitted",  # what older kernels say to a second freeze
    errno.EINVAL: "InvalidFlags",
    errno.EOPNOTSUPP: "NotSupported",
    ENOTSUPP: "NotSupported",
}


_obeys_flags = cache(lpm_obeys_flags)


class KernelSubject(Real):
    """The kernel's map. Where we deviate, by a name in DEVIATIONS, it is asked for the same effect in its own words.

    A `bare` one is not: it gives the kernel's own answer, and errors by the errno's name.
    """

    def __init__(self, shape: Shape, bare: bool = False) -> None:
        self.shape = shape
        self.bare = bare
        self.cpus = possible_cpus()
        kind = shape.row.map_type
        flags = shape.map_flags | (BPF_F_NO_PREALLOC if shape.row.prefixes else 0)
        self.map = KernelMap(kind, shape.key_size, shape.value_size, shape.max_entries, flags)

    def close(self) -> None:
        self.map.close()

    def name(self, op: str, error: OSError) -> str:
        """Return what we call the kernel's refusal of an operation."""
        number = error.errno or 0
        if self.bare:
            return "ENOTSUPP" if number == ENOTSUPP else errno.errorcode[number]
        if number == errno.E2BIG and self.shape.row.ordered:
            return "KeyNotFound"
        if number == errno.EINVAL and self.shape.row.queued and f"queue {op}" in DEVIATIONS:
            return "NotSupported"
        return _NAMES.get(number, f"errno {number}")

    def _deviates(self, name: str, error: OSError | None, *numbers: int) -> bool:
        """Whether the kernel's refusal is one of the known differences between us, to be made up for here."""
        here = name in DEVIATIONS and self.shape.row.name in DEVIATIONS[name].rows
        return here and not self.bare and error is not None and error.errno in numbers

    def lookup(self, key: bytes) -> Any:
        return self._value(self.map.lookup(key))

    lookup_into = lookup

    def update(self, key: bytes, value: Any, flags: int) -> None:
        if self.shape.row.prefixes and flags in (1, 2) and not _obeys_flags():
            self._obey(key, flags)
        try:
            self.map.update(key, self._row(value), flags)
        except OSError as e:
            self._too_long(key, e)
            raise

    def _obey(self, key: bytes, flags: int) -> None:
        """Refuse what a trie of an older kernel does not."""
        self._too_long(key, OSError(errno.EINVAL, ""))
        present = self.shape.same(key) in map(self.shape.same, self.walk())
        if present == (flags == BPF_NOEXIST):
            raise Refused("KeyExists" if present else "KeyNotFound")

    def _too_long(self, key: bytes, error: OSError) -> None:
        """Tell a prefix that is longer than its data from unknown flags: to the kernel both are EINVAL."""
        long = self.shape.row.prefixes and int.from_bytes(key[:4], "little") > 8 * (len(key) - 4)
        if long and not self.bare and error.errno == errno.EINVAL:
            raise Refused("InvalidKeySize")

    def next_key(self, key: bytes) -> Any:
        """Return the kernel's answer; to a prefix that is not there, the one behind it, which the kernel does not say."""
        same = self.shape.same
        if not self.shape.row.prefixes or int.from_bytes(key[:4], "little") > 8 * (len(key) - 4) or self.bare:
            return super().next_key(key)
        walk = self.walk()
        if same(key) in map(same, walk):
            return self.map.next_key(key)
        own = self._post_order(key)
        return next((k for k in walk if self._post_order(k) > own), None)

    def _post_order(self, key: bytes) -> str:
        """Return what prefixes are sorted by in post-order."""
        length = int.from_bytes(key[:4], "little")
        return "".join(f"{byte:08b}" for byte in key[4:])[:length] + "2"

    def delete(self, key: bytes) -> None:
        try:
            self.map.delete(key)
        except OSError as e:
            self._too_long(key, e)
            if not self._deviates("array delete", e, errno.EINVAL):
                raise
            self.update(key, self.shape.zero, BPF_ANY)

    def take(self, key: bytes) -> Any:
        return self._value(self.map.lookup_and_delete(key))

    def keys(self) -> list[bytes]:
        return self._in_order(self.walk())

    def count(self) -> int:
        return len(self.walk())

    def pages(self, count: int, take: bool = False) -> list[tuple[bytes, Any]]:
        found: list[tuple[bytes, Any]] = []
        cursor = None
        while True:
            try:
                cursor, keys, values = self.map.batch_lookup(cursor, count, take=take)
            except OSError as e:
                if not self._deviates("hash page", e, errno.ENOSPC):
                    raise
                count *= 2
                continue
            found += zip(keys, map(self._value, values), strict=True)
            if cursor is None:
                return self._in_order(found)

    def drain(self, count: int) -> list[tuple[bytes, Any]]:
        return self.pages(count, take=True)

    def batch_update(self, keys: Sequence[bytes], values: Sequence[Any], flags: int) -> int:
        done, error = self.map.batch_update(keys, [self._row(value) for value in values], flags)
        if not keys and self._nothing_done(error, errno.EINVAL):
            if flags not in (0, 1, 2):  # the kernel looks at the rights first
                raise Refused("InvalidFlags")
            return 0
        if flags in (1, 2) and self._deviates("flags of a batch", error, errno.EINVAL):
            return self._each([("update", [key, value, flags]) for key, value in zip(keys, values, strict=True)])
        return self._done("batch_update", keys, done, error)

    def batch_delete(self, keys: Sequence[bytes]) -> int:
        done, error = self.map.batch_delete(keys)
        if not keys and self._nothing_done(error, ENOTSUPP):
            return 0
        if self._deviates("array batch_delete", error, ENOTSUPP):
            return self._each([("delete", [key]) for key in keys])
        return self._done("batch_delete", keys, done, error)

    def _nothing_done(self, error: OSError | None, number: int) -> bool:
        """Whether the kernel refused a batch of no entries, and we do not."""
        return self._deviates("empty batch", error, number, errno.EPERM) or self._deviates(
            "empty batch of a frozen trie", error, errno.EPERM
        )

    def _done(self, op: str, keys: Sequence[bytes], done: int, error: OSError | None) -> int:
        if error is not None:
            if done < len(keys):
                try:
                    self._too_long(keys[done], error)
                except Refused as e:
                    raise Refused(e.name, done) from None
            raise Refused(self.name(op, error), done)
        return done

    def _each(self, calls: list[tuple[str, list[Any]]]) -> int:
        for done, (op, arguments) in enumerate(calls):
            kind, name, _ = perform(self, op, arguments)
            if kind != "ok":
                raise Refused(name, done)
        return len(calls)

    def walk_changing(self, _count: int, changes: Sequence[Change]) -> list[str]:
        self.map.next_key(None)
        return self._answers(changes)

    def push(self, value: Any, flags: int) -> None:
        self.map.update(b"", value, flags)

    def pop(self) -> Any:
        return self.map.lookup_and_delete()

    def peek(self) -> Any:
        return self.map.lookup()

    def freeze(self) -> None:
        self.map.freeze()
