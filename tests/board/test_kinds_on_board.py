"""Queues, rings and series from the firmware's side: without heap, beside each other in the pool, after a reset."""

from struct import unpack_from

from boardmaps.definition import MapDef, slice_size
from tests.board.conftest import Run


def test_what_takes_the_callers_buffer_allocates_nothing(micropython: Run) -> None:
    micropython("""
        import micropython
        from boardmaps import BPF_EXIST, BPF_F_RB_OVERWRITE, Queue, RingBuf, Stack, TimeSeries
        q = Queue(16, 4); s = Stack(7, 4); r = RingBuf(256); o = RingBuf(64, BPF_F_RB_OVERWRITE); t = TimeSeries(4, 8)
        v16 = bytearray(16); v7 = bytearray(7); v4 = bytearray(4); out = bytearray(40); unaligned = memoryview(bytearray(20))[1:17]
        def work():
            for i in range(500):
                v16[0] = v7[0] = v4[0] = i & 255
                q.push(v16)
                q.push(unaligned, BPF_EXIST)
                if not (q.peek_into(v16) and q.pop_into(v16) and q.pop_into(unaligned)) or q.pop_into(v16):
                    return False
                s.push(v7)
                if not (s.peek_into(v7) and s.pop_into(v7)) or s.peek_into(v7):
                    return False
                if not (r.output(v16) and r.output(v7)) or r.read_into(out) != 16 or r.read_into(out) != 7:
                    return False
                if r.read_into(out) != -1 or not o.output(v16):
                    return False
                t.push(i, v4)
            return True
        done = None
        micropython.heap_lock()
        done = work()
        micropython.heap_unlock()
        assert done
        assert o.query().dropped == 498 and len(t) == 8
    """)


def test_reserved_records(micropython: Run) -> None:
    micropython("""
        from boardmaps import BPF_F_RB_OVERWRITE, InvalidValueSize, NotPermitted, RingBuf
        ring = RingBuf(128, name="r")
        first, second = ring.reserve(4), ring.reserve(5)
        assert ring.output(b"third")
        second.data[:] = b"22222"
        second.submit()
        assert ring.read() is None and len(ring) == 2, "the first one holds back the others"
        kept = first.data
        first.data[:2] = b"11"
        first.submit()
        kept[:] = b"late"
        for again in (first.submit, first.discard, second.submit):
            try:
                again()
                assert False
            except NotPermitted as e:
                assert "'r': record" in str(e)
        assert [ring.read(), ring.read(), ring.read()] == [(0, b"11\\0\\0"), (1, b"22222"), (2, b"third")]
        gone = ring.reserve(16)
        try:
            ring.clear()
            assert False
        except NotPermitted:
            pass
        gone.discard()
        assert ring.output(b"next") and ring.query().waiting == 24 + 16
        assert ring.read() == (4, b"next") and ring.query().waiting == 0
        with ring.reserve(5) as record:
            record.data[:] = b"given"
            record.submit()
        try:
            with ring.reserve(5):
                raise ValueError
        except ValueError:
            pass
        assert (ring.read()[1], ring.read(), len(ring)) == (b"given", None, 0), "what was not submitted is discarded"
        for bad in (-1, 1 << 32, 1.5):
            try:
                ring.reserve(bad)
                assert False
            except InvalidValueSize:
                pass
        assert ring.reserve((1 << 32) - 1) is None
        over = RingBuf(64, BPF_F_RB_OVERWRITE)
        held = over.reserve(8)
        assert over.output(bytes(8)) and over.output(bytes(8))
        assert not over.output(bytes(8)) and over.query().dropped == 1, "a reserved record is never overwritten"
        held.submit()
        assert over.output(bytes(8)) and over.query().dropped == 2
    """)


def test_a_record_may_go_on_at_the_rings_start(micropython: Run) -> None:
    micropython("""
        from boardmaps import RingBuf
        for reserve in (False, True):
            ring = RingBuf(64)
            for n in range(100):
                data = bytes((n + i) & 255 for i in range(n % 48))
                if reserve:
                    record = ring.reserve(len(data))
                    record.data[:] = data
                    record.submit()
                else:
                    assert ring.output(memoryview(b"x" + data)[1:])
                assert ring.read() == (n, data)
    """)


def test_the_buffer_for_a_record_may_be_too_short(micropython: Run) -> None:
    micropython("""
        from boardmaps import InvalidValueSize, RingBuf
        ring = RingBuf(64, name="r")
        ring.output(b"12345")
        try:
            ring.read_into(bytearray(4))
            assert False
        except InvalidValueSize as e:
            assert "'r'" in str(e)
        out = bytearray(9)
        assert ring.read_into(out) == 5 and out == b"12345\\0\\0\\0\\0"
    """)


def test_kept_functions_know_when_the_pool_was_reset(micropython: Run) -> None:
    micropython("""
        from boardmaps import Queue, RingBuf, Stack, StaleMap, StaticPool, TimeSeries
        q = Queue(1, 4); s = Stack(1, 4); r = RingBuf(64); t = TimeSeries(4, 4)
        for m in (q, s):
            m.push(b"1")
        r.output(b"1"); t.push(1, b"1234"); reserved = r.reserve(4)
        one, none = bytearray(1), bytearray(0)
        kept = [q.push, s.push, r.output]
        uses = [lambda f=f: f(b"2") for f in kept] + [lambda f=f: f(b"") for f in kept]
        uses += [lambda f=f, b=b: f(b) for f in (q.pop_into, q.peek_into, s.pop_into, r.read_into) for b in (one, none)]
        uses += [q.pop, q.peek, q.clear, lambda: q.push(b"2", 2), lambda: q.push(b"", 2), lambda: len(q), lambda: q.delete()]
        uses += [r.read, r.query, r.clear, lambda: r.reserve(1), reserved.submit, reserved.discard, lambda: len(r)]
        uses += [lambda: r.lookup()]
        uses += [lambda: t.push(1, b"1234"), t.newest, t.oldest, t.stats, t.clear, lambda: t.last(1), lambda: t.window(0, 9)]
        StaticPool.reset()
        new = Queue(60, 4)
        new.push(bytes(60))
        before = bytes(new._view)
        for i, use in enumerate(uses):
            try:
                use()
                assert False, i
            except StaleMap:
                pass
        assert bytes(new._view) == before
    """)


def test_the_slices_are_what_spec_draws(micropython: Run) -> None:
    """Reads the maps' bytes by the document alone."""
    out = micropython("""
        from binascii import hexlify
        from boardmaps import Queue, RingBuf, TimeSeries
        q = Queue(3, 4); r = RingBuf(64); t = TimeSeries(6, 3, field="h", field_offset=2)
        for n in range(6):
            q.push(b"q%02d" % n, 2)
            t.push(2**32 + n, b"time%02d" % n)
        q.pop()
        r.output(b"first"); r.read(); r.output(b"second"); held = r.reserve(3)
        for m in (q, r, t):
            print(str(hexlify(bytes(m._view)), "ascii"))
    """)
    queue, ring, series = map(bytes.fromhex, out.split())
    words = unpack_from("<24I", queue)
    assert words[1] == len(queue) == slice_size(MapDef(22, 0, 3, 4))
    assert (words[2], words[7], words[18]) == (22, 3, 4)
    at = [words[12] + (words[8] + i) % 4 * words[14] for i in range(words[7])]
    assert [queue[i : i + 3] for i in at] == [b"q03", b"q04", b"q05"]

    words = unpack_from("<24I", ring)
    assert words[1] == len(ring) == 96 + 64
    consumer, producer, dropped = words[8:11]
    assert (words[7], consumer, producer, dropped, words[15], words[16]) == (1, 16, 48, 0, 3, 0)
    start = words[12]
    assert unpack_from("<II6s", ring, start + consumer) == (6, 1, b"second")
    assert unpack_from("<II", ring, start + consumer + 16) == (3 | 1 << 29, 2)

    words = unpack_from("<24I", series)
    assert words[1] == len(series) == slice_size(MapDef(100, 8, 6, 3))
    assert (words[7], words[9], words[10], words[15]) == (3, ord("h"), 2, 3)
    at = [words[12] + (words[8] + i) % 3 * words[14] for i in range(3)]
    assert [unpack_from("<Q6s", series, i) for i in at] == [(2**32 + n, b"time%02d" % n) for n in (3, 4, 5)]
