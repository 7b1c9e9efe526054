"""LpmTrie: the longest prefix is found, the exact one is written, a walk is in post-order, and exactly max_entries fit."""

import random
from collections.abc import Callable

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_NOEXIST,
    InvalidDefinition,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    LpmTrie,
    MapError,
    NotPermitted,
    NotSupported,
    OutOfMemory,
)
from boardmaps_host import Board
from boardmaps_host.client import RemoteMap


def net(text: str) -> bytes:
    """Return the key of an IPv4 network."""
    address, _, length = text.partition("/")
    return int(length or 32).to_bytes(4, "little") + bytes(map(int, address.split(".")))


def value(n: int) -> bytes:
    return n.to_bytes(4, "big")


@pytest.fixture
def routes(board: Board) -> RemoteMap:
    m = board.create_map(LpmTrie, key_size=8, value_size=4, max_entries=8, name="routes")
    for text, n in (("10.0.0.0/8", 1), ("10.1.0.0/16", 2), ("10.1.2.0/24", 3), ("192.168.0.0/16", 4)):
        m.update(net(text), value(n))
    return m


def test_the_longest_prefix_that_matches_is_found(routes: RemoteMap) -> None:
    found = {
        address: routes.lookup(net(address))
        for address in ("10.9.9.9", "10.1.9.9", "10.1.2.9", "192.168.7.7", "11.0.0.1")
    }
    assert list(found.values()) == [value(1), value(2), value(3), value(4), None]
    assert routes.lookup(net("10.1.2.0/23")) == value(2), "no longer than what is asked for"
    assert routes.lookup(net("10.1.2.0/7")) is None
    out = bytearray(4)
    assert routes.lookup_into(net("10.1.2.3"), out)
    assert out == value(3)
    assert not routes.lookup_into(net("11.1.2.3"), out)
    assert net("10.3.3.3") in routes
    assert net("11.3.3.3") not in routes
    routes.update(net("0.0.0.0/0"), value(9))
    assert routes.lookup(net("11.1.2.3")) == value(9)
    assert routes.lookup(net("10.1.2.3")) == value(3)


def test_writing_takes_the_exact_prefix(routes: RemoteMap) -> None:
    with pytest.raises(KeyNotFound):
        routes.delete(net("10.1.2.0/25"))
    with pytest.raises(KeyNotFound):
        routes.update(net("10.0.0.0/9"), value(0), BPF_EXIST)
    with pytest.raises(KeyExists):
        routes.update(net("10.77.77.77/8"), value(0), BPF_NOEXIST)
    routes.update(net("10.77.77.77/8"), value(7), BPF_EXIST)
    assert len(routes) == 4
    assert routes.lookup(net("10.9.9.9")) == value(7)
    assert net("10.77.77.77/8") in dict(routes.items()), "the bits behind the prefix are replaced"
    routes.delete(net("10.0.0.0/8"))
    assert routes.lookup(net("10.9.9.9")) is None
    assert routes.lookup(net("10.1.9.9")) == value(2)


def test_a_walk_goes_in_post_order(routes: RemoteMap) -> None:
    walk, key = [], routes.next_key()
    while key is not None:
        walk.append(key)
        key = routes.next_key(key)
    assert walk == [net("10.1.2.0/24"), net("10.1.0.0/16"), net("10.0.0.0/8"), net("192.168.0.0/16")]
    assert routes.next_key(net("10.1.0.0/17")) == walk[1]
    assert routes.next_key(net("11.0.0.0/8")) == walk[3]
    assert routes.next_key(net("255.0.0.0/8")) is None
    routes.delete(walk[1])
    assert routes.next_key(walk[1]) == walk[2], "it goes on behind a key that is gone"
    assert set(routes.keys()) == {walk[0], walk[2], walk[3]}


def test_exactly_max_entries_fit(routes: RemoteMap) -> None:
    for n in range(4):
        routes.update(net(f"{n + 1}.0.0.0/16"), value(n))
    for flags in (0, BPF_NOEXIST):
        with pytest.raises(OutOfMemory, match=r"update 'routes': map is full \(8 of 8 entries\)"):
            routes.update(net("9.0.0.0/8"), value(0), flags)
    routes.update(net("10.0.0.0/8"), value(8))
    routes.delete(net("1.0.0.0/16"))
    routes.update(net("9.0.0.0/8"), value(0))
    assert (len(routes), routes.peak) == (8, 8)
    routes.clear()
    assert (len(routes), routes.peak, list(routes.items())) == (0, 8, [])
    assert routes.next_key() is None
    for n in range(8):
        routes.update(net(f"{n}.0.0.0/8"), value(n))
    assert len(routes) == 8


def test_a_length_above_the_bits(routes: RemoteMap) -> None:
    for length in (33, 0xFFFF, 0x10000, 0x80000000, 0xFFFFFFFF):
        key = length.to_bytes(4, "little") + bytes((10, 0, 0, 0))
        assert routes.lookup(key) is None
        assert routes.next_key(key) == routes.next_key()
        for flags in (0, BPF_EXIST, BPF_NOEXIST, 77):
            with pytest.raises(InvalidKeySize, match=f"a prefix of {length} bits, and the data has 32"):
                routes.update(key, value(0), flags)
        with pytest.raises(InvalidKeySize):
            routes.delete(key)
    assert len(routes) == 4


def test_refusals(routes: RemoteMap) -> None:
    before = dict(routes.items())
    for key in (b"", net("10.0.0.0")[:7], net("10.0.0.0") + b"x"):
        for call in (lambda key=key: routes.update(key, b""), lambda key=key: routes.delete(key)):  # type: ignore[misc]
            with pytest.raises(InvalidKeySize):
                call()
        with pytest.raises(InvalidKeySize):
            routes.lookup(key)
    with pytest.raises(InvalidValueSize):
        routes.update(net("1.0.0.0/8"), b"abc", 77)
    with pytest.raises(InvalidFlags):
        routes.update(net("1.0.0.0/8"), value(1), 77)
    key = net("10.0.0.0/8")
    for op, arguments in (
        ("lookup_and_delete", (key,)),
        ("add", (key, 1)),
        ("fetch_or", (key, 1)),
        ("update_part", (key, 0, b"1")),
        ("push", (key,)),
        ("output", (key,)),
        ("view", (0,)),
    ):
        with pytest.raises(NotSupported, match=op):
            getattr(routes, op)(*arguments)
    with pytest.raises(NotSupported, match="batch_lookup_and_delete"):
        routes.batch_lookup_and_delete(None, 3)
    routes.freeze()
    with pytest.raises(NotPermitted, match="frozen"):
        routes.update(net("10.0.0.0/8"), value(0))
    assert dict(routes.items()) == before


def test_batches(routes: RemoteMap) -> None:
    keys = [net(f"{n}.0.0.0/8") for n in (1, 2, 3)]
    assert routes.batch_update(keys, [value(0)] * 3) == 3
    with pytest.raises(MapError) as caught:
        routes.batch_update([net("4.0.0.0/8"), keys[0]], [value(0)] * 2, BPF_NOEXIST)
    assert (type(caught.value), caught.value.done) == (KeyExists, 1)
    met: list[bytes] = []
    cursor = None
    while True:
        cursor, page, _ = routes.batch_lookup(cursor, 3)
        met += page
        if cursor is None:
            break
    assert len(met) == len(set(met)) == 8
    assert routes.batch_delete(keys) == 3
    assert len(routes) == 5


@pytest.mark.parametrize("flags", [BPF_F_RDONLY, BPF_F_WRONLY])
def test_rights(board: Board, flags: int) -> None:
    m = board.create_map(LpmTrie, key_size=8, value_size=4, max_entries=2, map_flags=flags)
    write, read = (lambda: m.update(net("1.0.0.0/8"), value(1))), (lambda: m.lookup(net("1.0.0.0/8")))
    refused, allowed = (write, read) if flags == BPF_F_RDONLY else (read, write)
    allowed()
    with pytest.raises(NotPermitted):
        refused()


@pytest.mark.parametrize(
    "parts",
    [
        {"key_size": 4, "value_size": 4, "max_entries": 4},
        {"key_size": 261, "value_size": 4, "max_entries": 4},
        {"key_size": 8, "value_size": 0, "max_entries": 4},
        {"key_size": 8, "value_size": 4, "max_entries": 0},
    ],
)
def test_what_makes_no_trie(board: Board, parts: dict[str, int]) -> None:
    with pytest.raises(InvalidDefinition):
        board.create_map(LpmTrie, **parts)


@pytest.mark.parametrize(("data_size", "n"), [(1, 6), (2, 17), (4, 30), (256, 5)])
def test_against_a_dict_of_prefixes(board: Board, steps: Callable[[int], int], data_size: int, n: int) -> None:
    rng = random.Random(n)
    m = board.create_map(LpmTrie, key_size=4 + data_size, value_size=2, max_entries=n, name="m")
    model: dict[str, tuple[bytes, bytes]] = {}
    most = 8 * data_size
    for _ in range(steps(250)):
        length = rng.choice((0, 1, 2, 7, 8, most, rng.randrange(most + 1)))
        data = bytearray(b"\xa5" * data_size)
        for bit in rng.sample(range(most), rng.randrange(3)):
            data[bit // 8] ^= 0x80 >> bit % 8
        key = length.to_bytes(4, "little") + bytes(data)
        text = "".join(f"{byte:08b}" for byte in data)[:length]
        what = rng.randrange(6)
        if what < 3 and (text in model or len(model) < n):
            number = rng.randbytes(2)
            m.update(key, number)
            model[text] = key, number
        elif what == 3 and text in model:
            m.delete(key)
            del model[text]
        elif what == 4:
            behind = sorted(t + "2" for t in model if t + "2" > text + "2")
            assert m.next_key(key) == (model[behind[0][:-1]][0] if behind else None)
        else:
            found = [t for t in model if text.startswith(t)]
            assert m.lookup(key) == (model[max(found, key=len)][1] if found else None)
    assert dict(m.items()) == dict(model.values())
    assert len(m) == len(model)
