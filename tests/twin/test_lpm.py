"""LpmTrie: what the longest match is, the order of its walk, and what it refuses."""

import random

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_NOEXIST,
    InvalidDefinition,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    LpmTrie,
    NotSupported,
    OutOfMemory,
    StaleMap,
)
from boardmaps_host.twin import Registry


def net(text: str) -> bytes:
    """Return the key of an IPv4 network, as 10.0.0.0/8."""
    address, _, length = text.partition("/")
    return int(length or 32).to_bytes(4, "little") + bytes(map(int, address.split(".")))


def value(n: int) -> bytes:
    return n.to_bytes(4, "little")


@pytest.fixture
def routes() -> LpmTrie:
    m = LpmTrie(8, 4, 8, name="routes")
    for n, text in enumerate(("192.168.0.0/16", "192.168.0.0/24", "192.168.128.0/24", "10.0.0.0/8")):
        m.update(net(text), value(n))
    return m


def test_the_longest_prefix_that_matches(routes: LpmTrie) -> None:
    for text, found in (
        ("192.168.0.7", 1),
        ("192.168.128.200", 2),
        ("192.168.7.7", 0),
        ("10.255.0.1", 3),
        ("192.168.0.7/24", 1),
        ("192.168.0.7/23", 0),  # no longer than what is asked for
        ("192.168.0.0/16", 0),
    ):
        assert routes.lookup(net(text)) == value(found), text
    out = bytearray(4)
    assert routes.lookup_into(net("10.1.1.1"), out)
    assert out == value(3)
    for text in ("192.169.0.0", "11.0.0.0", "192.168.0.0/15", "0.0.0.0/0"):
        assert routes.lookup(net(text)) is None
        assert not routes.lookup_into(net(text), out)
    routes.update(net("1.2.3.4/0"), value(9))
    assert routes.lookup(net("172.16.0.1")) == value(9)


def test_an_update_replaces_the_bits_behind_the_prefix(routes: LpmTrie) -> None:
    routes.update(net("10.9.9.9/8"), value(5))
    assert len(routes) == 4
    assert dict(routes.items())[net("10.9.9.9/8")] == value(5)
    assert net("10.77.0.0/8") in routes
    assert net("10.77.0.0/7") not in routes


def test_flags(routes: LpmTrie) -> None:
    with pytest.raises(KeyExists):
        routes.update(net("10.1.1.1/8"), value(0), BPF_NOEXIST)
    with pytest.raises(KeyNotFound):
        routes.update(net("10.0.0.0/9"), value(0), BPF_EXIST)
    with pytest.raises(InvalidFlags):
        routes.update(net("10.0.0.0/8"), value(0), 3)
    with pytest.raises(InvalidKeySize, match="33 bits"):
        routes.update(net("10.0.0.0/33"), value(0), 3)
    with pytest.raises(InvalidValueSize):
        routes.update(net("10.0.0.0/33"), b"", 3)
    assert routes.lookup(net("10.0.0.0")) == value(3)


def test_a_full_map(routes: LpmTrie) -> None:
    for n in range(4):
        routes.update(net(f"1.{n}.0.0/16"), value(n))
    with pytest.raises(OutOfMemory, match=r"update 'routes': map is full \(8 of 8 entries\)"):
        routes.update(net("2.0.0.0/8"), value(0))
    with pytest.raises(KeyNotFound):
        routes.update(net("2.0.0.0/8"), value(0), BPF_EXIST)
    routes.update(net("10.0.0.0/8"), value(8))
    routes.delete(net("1.0.0.0/16"))
    routes.update(net("2.0.0.0/8"), value(0))
    assert (len(routes), routes.peak) == (8, 8)


def test_a_length_above_the_bits(routes: LpmTrie) -> None:
    for length in (33, 0xFFFFFFFF):
        key = length.to_bytes(4, "little") + bytes((10, 0, 0, 0))
        assert routes.lookup(key) is None
        assert key not in routes
        assert routes.next_key(key) == routes.next_key()
        for call in (lambda key=key: routes.delete(key), lambda key=key: routes.update(key, value(0))):
            with pytest.raises(InvalidKeySize):
                call()


def test_the_walk_is_post_order_and_goes_on_behind_a_deleted_key(routes: LpmTrie) -> None:
    order = ["10.0.0.0/8", "192.168.0.0/24", "192.168.128.0/24", "192.168.0.0/16"]
    met = []
    key = routes.next_key()
    while key is not None:
        met.append(key)
        key = routes.next_key(key)
    assert met == [net(text) for text in order]
    routes.delete(net("192.168.0.0/24"))
    assert routes.next_key(net("192.168.0.0/24")) == net("192.168.128.0/24")
    assert routes.next_key(net("0.0.0.0/0")) is None  # it would be the last
    routes.clear()
    assert routes.next_key() is None


def test_pages_meet_what_stays_exactly_once() -> None:
    rng = random.Random(5)
    m = LpmTrie(6, 1, 60)
    staying = {rng.randrange(17).to_bytes(4, "little") + rng.randbytes(2) for _ in range(30)}
    for key in staying:
        m.update(key, b"s")
    staying = set(m.keys())
    met: list[bytes] = []
    cursor = None
    while True:
        cursor, keys, values = m.batch_lookup(cursor, 4)
        assert len(keys) == len(values) <= 4
        met += keys
        for key in list(m.keys()):
            if key not in staying:
                m.delete(key)
        for _ in range(20):
            key = rng.randrange(17).to_bytes(4, "little") + rng.randbytes(2)
            if key not in m:
                m.update(key, b"c")
        if cursor is None:
            break
    assert [met.count(key) for key in staying] == [1] * len(staying)


def test_batches(routes: LpmTrie) -> None:
    keys = [net("1.0.0.0/8"), net("2.0.0.0/8")]
    assert routes.batch_update(keys, [value(1), value(2)]) == 2
    with pytest.raises(KeyExists) as caught:
        routes.batch_update([net("3.0.0.0/8"), *keys], [value(0)] * 3, BPF_NOEXIST)
    assert caught.value.done == 1
    assert routes.batch_delete(keys) == 2
    with pytest.raises(KeyNotFound) as gone:
        routes.batch_delete([net("3.0.0.0/8"), *keys])
    assert gone.value.done == 1
    with pytest.raises(InvalidKeySize) as too_long:
        routes.batch_delete([net("192.168.0.0/16"), net("1.1.1.1/40")])
    assert too_long.value.done == 1
    assert len(routes) == 3
    with pytest.raises(InvalidFlags):
        routes.batch_update([], [], 64)


def test_what_the_kernel_lacks_is_refused(routes: LpmTrie) -> None:
    for refused in (
        lambda: routes.lookup_and_delete(net("10.0.0.0/8")),  # type: ignore[attr-defined]
        lambda: routes.batch_lookup_and_delete(None, 3),  # type: ignore[attr-defined]
        lambda: routes.add(net("10.0.0.0/8"), 1),  # type: ignore[attr-defined]
    ):
        with pytest.raises(NotSupported, match="'routes': a LpmTrie has no such operation"):
            refused()
    assert len(routes) == 4


def test_definitions() -> None:
    for key_size in (4, 261, 0):
        with pytest.raises(InvalidDefinition, match="key_size"):
            LpmTrie(key_size, 4, 8)
    wide = LpmTrie(260, 1, 2)
    wide.update((2048).to_bytes(4, "little") + bytes(range(256)), b"a")
    wide.update((2047).to_bytes(4, "little") + bytes(range(256)), b"b")
    assert wide.lookup((2048).to_bytes(4, "little") + bytes(range(256))) == b"a"
    assert wide.lookup((2048).to_bytes(4, "little") + bytes(range(255)) + b"\xfe") == b"b"
    assert [len(k) for k in wide] == [260, 260]
    one = LpmTrie(5, 1, 4)
    one.update(bytes(5), b"0")
    assert one.lookup(b"\x08\0\0\0\xff") == b"0"


def test_resize_drops_the_most_recent(routes: LpmTrie) -> None:
    routes.resize(2)
    assert sorted(routes) == sorted([net("192.168.0.0/16"), net("192.168.0.0/24")])
    routes.resize(3)
    routes.update(net("10.0.0.0/8"), value(1))
    with pytest.raises(OutOfMemory):
        routes.update(net("11.0.0.0/8"), value(1))


def test_after_a_reset(registry: Registry) -> None:
    m = LpmTrie(8, 4, 8, name="m")
    registry.reset()
    for use in (
        lambda: m.lookup(net("1.1.1.1")),
        lambda: m.update(net("1.1.1.1"), value(1)),
        lambda: len(m),
        m.next_key,
    ):
        with pytest.raises(StaleMap, match="'m'"):
            use()
