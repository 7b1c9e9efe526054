"""Each place where we differ from the kernel on purpose is still there: where both agree the table is out of date."""

from contextlib import closing
from typing import Any

import pytest

from boardmaps import InvalidFlags, MapError
from boardmaps.kinds import LPM_TRIE, LRU_HASH
from boardmaps_host import twin
from tests.differential import kernel_subject
from tests.differential.conftest import twin_map
from tests.differential.deviations import DEVIATIONS
from tests.differential.kernel import BPF_F_NO_PREALLOC, KernelMap, lpm_obeys_flags
from tests.differential.kernel_subject import KernelSubject
from tests.differential.rows import OPS, ROWS, Op, Shape
from tests.differential.subjects import perform

pytestmark = pytest.mark.usefixtures("kernel")

_SIXTY_FOUR = [(key, 20) for key in range(64)]

# What shows each deviation: operations, the last of which the kernel answers with this errno and we as said here.
SCENES: dict[str, tuple[list[Op], str, tuple[str, Any]]] = {
    "array delete": ([("update", 1, 5, 0), ("delete", 1)], "EINVAL", ("ok", None)),
    "array batch_delete": ([("batch_delete", [0, 1])], "ENOTSUPP", ("ok", 2)),
    "flags of a batch": ([("batch_update", [(0, 1), (1, 2)], 0), ("batch_update", [(1, 3)], 2)], "EINVAL", ("ok", 1)),
    "empty batch": ([("freeze",), ("batch_update", [], 0)], "EPERM", ("ok", 0)),
    "empty batch of a frozen trie": ([("freeze",), ("batch_delete", [])], "EPERM", ("ok", 0)),
    "hash page": ([("batch_update", _SIXTY_FOUR, 0), ("pages", 1)], "ENOSPC", ("ok", ...)),
    "queue delete": ([("push", 1, 0), ("delete", 0)], "EINVAL", ("refused", "NotSupported")),
    "queue next_key": ([("push", 1, 0), ("next_key", 0)], "EINVAL", ("refused", "NotSupported")),
}


def _play(side: Any, sequence: list[Op], arguments: list[list[Any]]) -> tuple[str, Any, int]:
    """Perform the operations, all but the last of which are allowed, and return what the last one answered."""
    *before, answer = (perform(side, op[0], args) for op, args in zip(sequence, arguments, strict=True))
    assert all(done[0] == "ok" for done in before)
    return answer


@pytest.mark.parametrize(("name", "row"), [(name, row) for name in SCENES for row in DEVIATIONS[name].rows])
def test_the_kernel_refuses_what_we_do(name: str, row: str) -> None:
    sequence, errno_name, (kind, answer) = SCENES[name]
    shape = Shape(ROWS[row], ROWS[row].key_sizes[-1], 8, 64)
    arguments = [shape.arguments(op) for op in sequence]
    for _ in range(100 if name == "hash page" else 1):  # each kernel map has its own seed: in many, keys share a bucket
        with closing(KernelSubject(shape, bare=True)) as kernel:
            kernels = _play(kernel, sequence, arguments)
        if kernels[0] == "refused":
            break
    assert kernels == ("refused", errno_name, 0), f"the kernel answers {kernels}: take {name!r} out of DEVIATIONS"
    with closing(twin_map(shape)) as ours:
        got = _play(ours, sequence, arguments)
        assert got[0] == kind
        assert answer is ... or got[1] == answer
        if name == "array delete":
            assert ours.lookup(shape.key(1)) == shape.zero


@pytest.mark.parametrize("row", DEVIATIONS["another map's cursor"].rows)
def test_another_maps_cursor(row: str) -> None:
    shape = Shape(ROWS[row], ROWS[row].key_sizes[-1], 8, 1024 if row == "lru_roomy" else 64)
    few = shape.row.ordered or shape.row.prefixes
    fill = shape.arguments(("batch_update", [(key, 20) for key in range(30 if few else 60)], 0))
    with (
        closing(KernelSubject(shape)) as k1,
        closing(KernelSubject(shape)) as k2,
        closing(twin_map(shape)) as o1,
        closing(twin_map(shape)) as o2,
    ):
        for side in (k1, k2, o1, o2):
            assert perform(side, "batch_update", fill)[0] == "ok"
        cursor, _, _ = k1.map.batch_lookup(None, 8 if few else 30)
        k2.map.batch_lookup(cursor, 64)  # else take "another map's cursor" out of DEVIATIONS
        cursor, _, _ = o1.map.batch_lookup(None, 8)
        with pytest.raises(MapError, match="not a cursor that a batch call of this map gave"):
            o2.map.batch_lookup(cursor, 64)


def test_lru_order() -> None:
    """Fill it, look up the older half, and insert as much again as half of it: what was looked up must stay."""
    keys = [n.to_bytes(4, "little") for n in range(1500)]
    with KernelMap(LRU_HASH, 4, 1, 1000) as kernel, twin.Registry():
        ours = twin.LruHashMap(4, 1, 1000)
        for each in (kernel, ours):
            for key in keys[:1000]:
                each.update(key, b"v")
            for key in keys[:500]:
                each.lookup(key)
            for key in keys[1000:]:
                each.update(key, b"v")
        assert set(ours.keys()) == set(keys[:500] + keys[1000:])
        there = {key for key in keys if kernel.lookup(key) is not None}
        assert there != set(ours.keys()), "the kernel evicts as we do: take 'lru order' out of DEVIATIONS"


def test_lpm_next_key() -> None:
    """Of three prefixes the one in the middle goes: what is behind it?"""
    keys = [bytes((8, 0, 0, 0, first)) for first in (1, 2, 3)]
    with KernelMap(LPM_TRIE, 5, 1, 4, BPF_F_NO_PREALLOC) as kernel, twin.Registry():
        ours = twin.LpmTrie(5, 1, 4)
        for each in (kernel, ours):
            for key in keys:
                each.update(key, b"v")
            each.delete(keys[1])
        assert kernel.next_key(keys[1]) == keys[0], "the kernel goes on: take 'lpm next_key' out of DEVIATIONS"
        assert ours.next_key(keys[1]) == keys[2]


def test_lpm_no_prealloc() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        KernelMap(LPM_TRIE, 8, 4, 4)
    with twin.Registry():
        assert twin.LpmTrie(8, 4, 4).definition.map_flags == 0
        with pytest.raises(InvalidFlags):
            twin.LpmTrie(8, 4, 4, BPF_F_NO_PREALLOC)


def test_the_flags_of_a_trie() -> None:
    """On a kernel that ignores them, KernelSubject refuses by itself: the answers are the same either way."""
    shape = Shape(ROWS["lpm_trie"], 5, 1, 4)
    for obeys in {lpm_obeys_flags(), False}:
        with closing(KernelSubject(shape)) as kernel, pytest.MonkeyPatch.context() as patched:
            patched.setattr(kernel_subject, "_obeys_flags", lambda obeys=obeys: obeys)
            key, other = bytes((3, 0, 0, 0, 0xFF)), bytes((3, 0, 0, 0, 0xF0))
            assert perform(kernel, "update", [key, b"v", 2]) == ("refused", "KeyNotFound", 0)
            assert perform(kernel, "update", [key, b"v", 1]) == ("ok", None, 0)
            assert perform(kernel, "update", [other, b"v", 1]) == ("refused", "KeyExists", 0)
            assert perform(kernel, "update", [other, b"v", 2]) == ("ok", None, 0)
            assert perform(kernel, "update", [b"\x09\0\0\0\0", b"v", 2]) == ("refused", "InvalidKeySize", 0)


def test_ring_size() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        KernelMap(27, 0, 0, 1024)
    KernelMap(27, 0, 0, 64 * 1024).close()  # so the kernel has rings, and it was the size
    with twin.Registry():
        assert twin.RingBuf(1024).definition.max_entries == 1024


def test_every_deviation_has_its_test() -> None:
    assert set(DEVIATIONS) == {
        *SCENES,
        "another map's cursor",
        "lpm next_key",
        "lpm NO_PREALLOC",
        "lru order",
        "ring size",
    }
    assert all(op[0] in OPS for sequence, _, _ in SCENES.values() for op in sequence)
