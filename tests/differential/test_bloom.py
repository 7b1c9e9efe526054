"""BloomFilter beside the kernel's: no value that was pushed is missed, and as many strangers are found as is predicted.

Which strangers those are is each filter's own affair, so there is nothing to compare value by value.
"""

import errno
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from boardmaps import BPF_EXIST, BPF_NOEXIST, InvalidFlags, MapError, NotSupported
from boardmaps.definition import filter_bits
from boardmaps.kinds import BLOOM_FILTER
from boardmaps_host import twin
from tests.differential.kernel import ENOTSUPP, KernelMap, unavailable
from tests.require import require_or_skip

Filter = tuple[Callable[[bytes], None], Callable[[bytes], bool]]  # push, peek
_SIDES = pytest.mark.parametrize("side", ["kernel", "twin"])


@contextmanager
def _filter(side: str, value_size: int, max_entries: int, functions: int) -> Iterator[Filter]:
    if side == "twin":
        with twin.Registry():
            ours = twin.BloomFilter(value_size, max_entries, functions=functions)
            yield ours.push, ours.peek
        return
    reason = unavailable()
    require_or_skip(reason is None, reason or "")
    with KernelMap(BLOOM_FILTER, 0, value_size, max_entries, map_extra=functions) as m:
        yield lambda value: m.update(b"", value), m.peek


def _bits(max_entries: int, functions: int) -> int:
    """Return the kernel's number of bits, as kernel/bpf/bloom_filter.c has it."""
    return max(64, 1 << max(max_entries * functions // 5 * 7 - 1, 0).bit_length())


def _values(size: int, start: int, n: int) -> Iterator[bytes]:
    """Yield n different values: a product with an odd number is none twice, and not in a row."""
    for i in range(start, start + n):
        yield (i * 0x9E3779B97F4A7C15 & (1 << 8 * size) - 1).to_bytes(size, "little")


@_SIDES
def test_a_million_values(side: str) -> None:
    n, strangers = 10**6, 2 * 10**5
    with _filter(side, 8, n, 5) as (push, peek):
        for value in _values(8, 0, n):
            push(value)
        missed = sum(not peek(value) for value in _values(8, 0, n))
        found = sum(map(peek, _values(8, n, strangers)))
    assert missed == 0
    predicted = (1 - math.exp(-5 * n / _bits(n, 5))) ** 5 * strangers
    assert abs(found - predicted) < predicted / 10, f"{found} strangers found, {predicted:.0f} predicted"


# Each is filled until strangers are found often enough to count them: the error by chance is below 2 % at all of them.
@_SIDES
@pytest.mark.parametrize(
    ("functions", "max_entries", "pushed", "size"),
    [
        (1, 20_000, 10_000, 4),
        (2, 20_000, 20_000, 3),
        (3, 20_000, 20_000, 16),
        (10, 10_000, 50_000, 5),
        (15, 10_000, 30_000, 8),
    ],
)
def test_strangers_by_bits_and_functions(side: str, functions: int, max_entries: int, pushed: int, size: int) -> None:
    strangers = 100_000
    with _filter(side, size, max_entries, functions) as (push, peek):
        for value in _values(size, 0, pushed):
            push(value)
        assert all(map(peek, _values(size, 0, pushed)))
        found = sum(map(peek, _values(size, pushed, strangers)))
    predicted = (1 - math.exp(-functions * pushed / _bits(max_entries, functions))) ** functions * strangers
    assert abs(found - predicted) < predicted / 10, f"{found} strangers found, {predicted:.0f} predicted"


def test_the_bits_follow_the_kernels_rule() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        n, k = rng.randrange(1, 1 << rng.randrange(1, 26)), rng.randrange(1, 16)
        assert filter_bits(n, k) == _bits(n, k)


@pytest.mark.usefixtures("kernel")
def test_what_both_refuse() -> None:
    def refusal(call: Callable[[], object]) -> str | int | None:
        try:
            call()
        except OSError as e:
            return {errno.EINVAL: "InvalidFlags", errno.EOPNOTSUPP: "NotSupported", ENOTSUPP: "NotSupported"}.get(
                e.errno or 0, e.errno
            )
        except MapError as e:
            return type(e).__name__
        return None

    with KernelMap(BLOOM_FILTER, 0, 4, 8) as kernel, twin.Registry():
        ours = twin.BloomFilter(4, 8)
        for flags in (0, BPF_NOEXIST, BPF_EXIST, 3, 4, 1 << 31):
            expected = InvalidFlags.__name__ if flags else None
            assert refusal(partial(kernel.update, b"", b"1234", flags)) == expected
            assert refusal(partial(ours.push, b"1234", flags)) == expected
        for op in ("delete", "next_key", "lookup_and_delete", "batch_lookup"):
            assert refusal(getattr(kernel, op)) == refusal(getattr(ours, op)) == NotSupported.__name__
        for n in range(1000):  # never full
            kernel.update(b"", n.to_bytes(4, "little"))
            ours.push(n.to_bytes(4, "little"))
