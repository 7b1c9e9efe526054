"""What the board's own maps promise to firmware, beyond the contract that the line can test."""

from struct import unpack_from

from boardmaps.definition import MapDef, slice_size
from tests.board.conftest import Run


def test_the_embedded_profile_has_no_resize_and_no_lru(micropython: Run) -> None:
    micropython("""
        import boardmaps
        from boardmaps import ArrayMap, HashMap
        assert not hasattr(boardmaps, "LruHashMap")
        try:
            from boardmaps import LruHashMap
            assert False
        except AttributeError as e:
            assert "LruHashMap" in str(e) and "profile" in str(e)
        assert not hasattr(HashMap(1, 1, 1), "resize") and not hasattr(ArrayMap(1, 1), "resize")
    """)


def test_operations_with_the_callers_buffers_allocate_nothing(micropython: Run) -> None:
    micropython("""
        import micropython
        from boardmaps import ArrayMap, HashMap
        h = HashMap(8, 8, 64); a = ArrayMap(8, 64)
        key = bytearray(8); value = bytearray(8); out = bytearray(8); index = bytearray(4)
        def work():
            for i in range(1000):
                key[0] = i & 63
                index[0] = i & 63
                value[1] = i & 255
                h.update(key, value)
                if not h.lookup_into(key, out):
                    return False
                a.update(i & 63, value)
                a.update(index, value)
                if not a.lookup_into(index, out) or a.lookup_into(64, out):
                    return False
                a.delete(i & 63)
                h.delete(key)
                if h.lookup_into(key, out):
                    return False
            return True
        done = None  # a new global would make the dict of globals grow
        micropython.heap_lock()
        done = work()
        micropython.heap_unlock()
        assert done
    """)


def test_tries_and_filters_allocate_nothing_with_the_callers_buffers(micropython: Run) -> None:
    micropython("""
        import micropython
        from boardmaps import BloomFilter, LpmTrie
        t = LpmTrie(8, 4, 32); f = BloomFilter(8, 64)
        key = bytearray(8); value = bytearray(4); out = bytearray(4)
        def work():
            for i in range(500):
                key[0] = i % 33
                key[4] = key[5] = i * 7 & 255
                value[1] = i & 255
                t.update(key, value)
                if not t.lookup_into(key, out) or out != value:
                    return False
                f.push(key)
                if not f.peek(key):
                    return False
                if i % 3:
                    t.delete(key)
                if i % 50 == 49:
                    t.clear()
                    f.clear()
            return True
        done = None  # a new global would make the dict of globals grow
        micropython.heap_lock()
        done = work()
        micropython.heap_unlock()
        assert done
    """)


def test_a_stale_trie_or_filter_touches_nothing(micropython: Run) -> None:
    micropython("""
        from boardmaps import ArrayMap, BloomFilter, LpmTrie, StaleMap, StaticPool
        t = LpmTrie(8, 4, 8); f = BloomFilter(8, 64)
        StaticPool.reset()
        other = ArrayMap(8, 100)
        key, value = bytearray(8), bytearray(4)
        for call, args in ((t.lookup, (key,)), (t.lookup_into, (key, value)), (t.update, (key, value)), (t.update, (key, value, 9)),
                           (t.delete, (key,)), (t.next_key, ()), (t.next_key, (key,)), (t.clear, ()), (f.push, (key,)),
                           (f.push, (key, 1)), (f.peek, (key,)), (f.clear, ()), (t.freeze, ())):
            try:
                call(*args)
            except StaleMap:
                continue
            assert False, call
        assert bytes(other._view[96:]) == bytes(800)
    """)


def test_another_module_opens_a_map_by_its_name(micropython: Run) -> None:
    micropython("""
        import boardmaps
        from boardmaps import HashMap, InvalidDefinition, KeyNotFound, open_map
        temps = HashMap(8, 4, 4, name="temps")
        assert open_map("temps") is temps
        try:
            open_map("tmps")
            assert False
        except KeyNotFound as e:
            assert "tmps" in str(e)
        HashMap(8, 4, 4, name="temps")
        try:
            open_map("temps")
            assert False
        except InvalidDefinition as e:
            assert "[1, 2]" in str(e)
    """)


def test_keys_and_values_may_be_any_buffer_at_any_address(micropython: Run) -> None:
    micropython("""
        from boardmaps import HashMap
        m = HashMap(9, 7, 8)
        data = memoryview(bytearray(range(64)))
        for shift in range(8):
            m.update(data[shift:shift + 9], data[shift:shift + 7])
        for shift in range(8):
            assert m.lookup(bytes(data[shift:shift + 9])) == bytes(data[shift:shift + 7])
            out = memoryview(bytearray(16))[shift:shift + 7]
            assert m.lookup_into(data[shift:shift + 9], out) and out == data[shift:shift + 7]
    """)


def test_the_slice_is_what_spec_draws(micropython: Run) -> None:
    """Reads a map's bytes by the document alone, with code that shares nothing with the board's."""
    out = micropython("""
        from binascii import hexlify
        from boardmaps import HashMap
        from boardmaps.pool import _memory
        m = HashMap(key_size=5, value_size=6, max_entries=10, name="spec.test")
        for i in range(10):
            m.update(b"key%02d" % i, b"val%03d" % i)
        m.delete(b"key03"); m.delete(b"key07"); m.update(b"key99", b"val999")
        print(str(hexlify(_memory[:m.size]), "ascii"))
    """)
    image = bytes.fromhex(out.strip())
    words = unpack_from("<20I", image)
    assert image[:4] == b"BM\x02\x0c"
    assert words[1] == len(image) == slice_size(MapDef(1, 5, 6, 10))
    assert words[2:8] == (1, 0, 5, 6, 10, 9)
    mask, links, entries, value, stride, free, fresh = words[10:17]
    assert (mask, fresh, words[18]) == (15, 10, 10)
    assert image[80:96].rstrip(b"\0") == b"spec.test"
    found = {}
    for bucket in range(mask + 1):
        (slot,) = unpack_from("<H", image, 96 + 2 * bucket)
        while slot:
            at = entries + (slot - 1) * stride
            found[image[at : at + 5]] = image[at + value : at + value + 6]
            (slot,) = unpack_from("<H", image, links + 2 * (slot - 1))
            assert slot < 0x8000
    kept = [0, 1, 2, 4, 5, 6, 8, 9]
    assert found == {b"key%02d" % i: b"val%03d" % i for i in kept} | {b"key99": b"val999"}
    assert unpack_from("<H", image, links + 2 * (free - 1))[0] == 0x8000


def test_firmware_gets_the_same_answers_as_the_host(micropython: Run) -> None:
    micropython("""
        from boardmaps import ArrayMap, HashMap, MapError, NotSupported, PerCpuArray, StaleMap, StaticPool
        a = ArrayMap(4, 4); p = PerCpuArray.with_entries(4, 4, "p"); h = HashMap(1, 1, 8); other = HashMap(1, 1, 8)
        for m in (a, p):
            for take in (lambda: m.lookup_and_delete(0), lambda: m.batch_lookup_and_delete(None, 2)):
                try:
                    take()
                    assert False
                except NotSupported as e:
                    assert "Array has no such operation" in str(e) or "ArrayMap has no such operation" in str(e)
        assert p.name == "p" and (a.peak, p.peak, h.peak) == (4, 4, 0)
        for n in range(5):
            h.update(bytes((n,)), b"v"); other.update(bytes((n,)), b"v")
        h.delete(b"\\0")
        assert (len(h), h.peak) == (4, 5)
        cursor = h.batch_lookup(None, 2)[0]
        assert len(h.batch_lookup(cursor, 9)[1]) == 2
        for wrong in (cursor, 0, 1, -1, "1", 1 << 40):
            try:
                other.batch_lookup_and_delete(wrong, 2)
                assert False, wrong
            except MapError as e:
                assert "not a cursor that a batch call of this map gave" in str(e)
        assert len(other) == 5
        StaticPool.reset()
        uses = [lambda: a.lookup_and_delete(0), lambda: p.lookup_and_delete(0), lambda: h.peak]
        for use in uses + [lambda: h.batch_lookup(cursor, 1)]:
            try:
                use()
                assert False
            except StaleMap:
                pass
    """)
