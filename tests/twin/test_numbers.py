"""fetch_or, fetch_and, fetch_xor, exchange, add_into, update_part and view: the old number back, one step, nothing half done."""

import threading
from array import array

import pytest

from boardmaps import (
    ArrayMap,
    BloomFilter,
    HashMap,
    InvalidKeySize,
    InvalidValueSize,
    KeyNotFound,
    LpmTrie,
    LruHashMap,
    NotSupported,
    PerCpuArray,
    PerCpuHash,
    Queue,
    RingBuf,
    Stack,
    TimeSeries,
)

KEY = b"a\0\0\0"  # an index of an array too
Keyed = HashMap | LruHashMap | ArrayMap


@pytest.fixture(params=[HashMap, LruHashMap, ArrayMap])
def m(request: pytest.FixtureRequest) -> Keyed:
    made: Keyed = request.param(*((4, 8, 100) if request.param is not ArrayMap else (8, 100)))
    made.update(KEY, b"12345678")
    return made


def test_the_old_number_comes_back(m: Keyed) -> None:
    old = int.from_bytes(b"12345678", "little")
    assert m.fetch_or(KEY, 0xFF) == old
    assert m.fetch_and(KEY, ~0xF0) == old | 0xFF
    assert m.fetch_xor(KEY, 1) == (old | 0xFF) & ~0xF0
    assert m.exchange(KEY, -1) == old & ~0xFF | 0x0E
    assert m.exchange(KEY, 5 + (7 << 64)) == 2**64 - 1
    assert m.lookup(KEY) == (5).to_bytes(8, "little")


@pytest.mark.parametrize(("offset", "width"), [(0, 1), (7, 1), (1, 2), (3, 4), (0, 8), (6, None), (4, None)])
def test_a_field_alone_changes(m: Keyed, offset: int, width: int | None) -> None:
    m.update(KEY, b"\xff" * 8)
    size = width or 8 - offset
    assert m.exchange(KEY, 0, offset, width) == (1 << 8 * size) - 1
    assert m.fetch_or(KEY, 6, offset, width) == 0
    assert m.fetch_xor(KEY, 3, offset, width) == 6
    assert m.fetch_and(KEY, 4, offset, width) == 5
    out = bytearray(size)
    m.add_into(KEY, -5, out, offset)
    assert out == b"\xff" * size
    m.add_into(KEY, 3, memoryview(out), offset)
    assert out == (2).to_bytes(size, "little")
    assert m.lookup(KEY) == b"\xff" * offset + out + b"\xff" * (8 - offset - size)


def test_add_into_takes_any_buffer_of_the_right_bytes(m: Keyed) -> None:
    out = array("I", [0])
    m.add_into(KEY, 1, out, 4)  # type: ignore[arg-type]
    assert out.tobytes() == b"6678"


def test_into_gives_what_the_others_return(m: Keyed) -> None:
    out = bytearray(2)
    for op in ("fetch_or", "fetch_and", "fetch_xor", "exchange"):
        m.update(KEY, b"12345678")
        returned = getattr(m, op)(KEY, 0x0FF0, 3, 2)
        value = m.lookup(KEY)
        m.update(KEY, b"12345678")
        getattr(m, op + "_into")(KEY, 0x0FF0, out, 3)
        assert (m.lookup(KEY), int.from_bytes(out, "little")) == (value, returned)


def test_update_part(m: Keyed) -> None:
    m.update_part(KEY, 2, b"ab")
    m.update_part(KEY, 8, b"")
    m.update_part(KEY, 7, bytearray(b"z"))
    assert m.lookup(KEY) == b"12ab567z"
    for offset, data in ((7, b"ab"), (-1, b"a"), (9, b""), (0, bytes(9)), (1 << 64, b"a")):
        with pytest.raises(InvalidValueSize, match="update_part"):
            m.update_part(KEY, offset, data)
    with pytest.raises(TypeError):
        m.update_part(KEY, 0, 5)  # type: ignore[arg-type]
    assert m.lookup(KEY) == b"12ab567z"


def test_refusals_change_nothing(m: Keyed) -> None:
    missing, out = b"\xff" * 4, bytearray(4)
    for call in (
        lambda key: m.fetch_or(key, 1),
        lambda key: m.fetch_and(key, 1),
        lambda key: m.fetch_xor(key, 1),
        lambda key: m.exchange(key, 1),
        lambda key: m.add_into(key, 1, out),
        lambda key: m.update_part(key, 0, b"a"),
    ):
        with pytest.raises(KeyNotFound):
            call(missing)
        with pytest.raises(InvalidKeySize):
            call(b"abc")
    for offset, width in ((0, 3), (5, 4), (8, 1), (-1, 1), (5, None), (1 << 32, 1)):
        with pytest.raises(InvalidValueSize, match="fetch_or"):
            m.fetch_or(KEY, 1, offset, width)
    for size in (0, 3, 16):
        with pytest.raises(InvalidValueSize, match="add_into"):
            m.add_into(KEY, 1, bytearray(size))
    with pytest.raises(TypeError):
        m.add_into(KEY, 1, b"1234")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        m.exchange(KEY, 1.5)  # type: ignore[arg-type]
    assert m.lookup(KEY) == b"12345678"
    assert out == bytes(4)


@pytest.mark.parametrize("make", [lambda: HashMap(4, 8, 4), lambda: LruHashMap(4, 8, 4), lambda: ArrayMap(8, 100)])
def test_exchange_loses_and_doubles_nothing(make) -> None:  # type: ignore[no-untyped-def]
    """Every number that a thread puts in comes out once, at another thread or at the end."""
    m = make()
    m.update(KEY, bytes(8))
    taken: list[list[int]] = [[] for _ in range(8)]

    def work(number: int) -> None:
        for n in range(1000):
            taken[number].append(m.exchange(KEY, 1 + number * 1000 + n))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    out = [n for one in taken for n in one] + [int.from_bytes(m.lookup(KEY), "little")]
    assert sorted(out) == list(range(8001))


def test_a_view_is_the_entry_itself() -> None:
    m = ArrayMap(8, 3, name="a")
    view = m.view(1)
    assert (len(view), view.readonly) == (8, False)
    view[2:4] = b"ab"
    assert m.lookup(1) == b"\0\0ab\0\0\0\0"
    m.update(1, b"12345678")
    assert bytes(view) == b"12345678"
    assert bytes(m.view(b"\1\0\0\0")) == b"12345678"
    m.clear()
    assert view == bytes(8)
    view[0] = 7
    assert m.lookup(1) == b"\7" + bytes(7)
    assert m.lookup(0) == m.lookup(2) == bytes(8)
    for index in (3, -1, b"\3\0\0\0"):
        with pytest.raises(KeyNotFound, match="view 'a'"):
            m.view(index)
    m.resize(4)
    view[0] = 9
    assert m.lookup(1) == b"\7" + bytes(7), "a view from before resize() is none of the map's any more"


def test_other_types_refuse() -> None:
    key = bytes(8)
    plain = (Queue(8, 4), Stack(8, 4), RingBuf(64), TimeSeries(8, 4), LpmTrie(8, 8, 4), BloomFilter(8, 4))
    for m in (*plain, PerCpuArray(8, 4), PerCpuHash(8, 8, 4)):
        for op in ("fetch_or", "fetch_and", "fetch_xor_into", "exchange", "add_into", "update_part", "view"):
            with pytest.raises(NotSupported, match=f"{op} '': a {type(m).__name__} has no such operation"):
                getattr(m, op)(key, 1)
    for other in (HashMap(8, 8, 4), LruHashMap(8, 8, 4)):
        with pytest.raises(NotSupported, match="view"):
            other.view(0)  # type: ignore[attr-defined]
