"""With the heap locked, as in a hard interrupt, a refusal raises the class that it always raises."""

from tests.board.conftest import Run


def test_a_batch_that_stops_with_a_locked_heap_says_how_far_it_came(micropython: Run) -> None:
    micropython("""
        import micropython
        from boardmaps import HashMap, KeyNotFound, PerCpuHash

        def stopped(m, keys):
            m.batch_delete(keys[:0])
            micropython.heap_lock()
            try:
                m.batch_delete(keys)
                done = None
            except KeyNotFound as error:
                done = error.done
            micropython.heap_unlock()
            return done

        for m in (HashMap(4, 4, 4), PerCpuHash(4, 4, 4)):
            for key in (b"aaaa", b"bbbb", b"cccc"):
                m.update(key, b"1234")
            keys = [b"aaaa", b"bbbb", b"none", b"cccc"]
            assert (stopped(m, keys), len(m)) == (2, 1)
            assert (stopped(m, keys), len(m)) == (0, 1), "not what the one before said"
    """)


def test_refusals_with_a_locked_heap(micropython: Run) -> None:
    micropython("""
        import micropython
        from boardmaps import ArrayMap, HashMap, Queue, RingBuf, StaticPool
        h = HashMap(4, 4, 1)
        h.update(b"abcd", b"1234")
        a, q, r = ArrayMap(4, 2), Queue(4, 1), RingBuf(64)
        q.push(b"1234")
        h.freeze()
        record = r.new_record(8)
        k, v, bad = b"wxyz", b"1234", b"abc"

        def refused(call):
            micropython.heap_lock()
            try:
                call()
                found = None
            except Exception as error:
                found = error
            micropython.heap_unlock()
            return type(found).__name__

        for name, call in (
            ("OutOfMemory", lambda: h.update(k, v)), ("KeyExists", lambda: h.update(b"abcd", v, 1)),
            ("KeyNotFound", lambda: h.update(k, v, 2)), ("KeyNotFound", lambda: h.delete(k)),
            ("InvalidKeySize", lambda: h.lookup(bad)), ("InvalidValueSize", lambda: h.update(k, bad)),
            ("InvalidFlags", lambda: h.update(k, v, 9)), ("KeyNotFound", lambda: a.update(9, v)),
            ("KeyNotFound", lambda: a.add(9, 1)), ("KeyNotFound", lambda: h.add(k, 1)),
            ("KeyNotFound", lambda: h.compare_and_swap(k, v, v)), ("InvalidValueSize", lambda: h.update_part(k, 9, v)),
            ("OutOfMemory", lambda: q.push(v)), ("NotPermitted", h.freeze), ("NotSupported", lambda: q.delete(v)),
            ("TypeError", lambda: h.lookup_into(k, q)), ("NotPermitted", record.submit),
            ("NoneType", lambda: r.reserve_into(4, record)), ("NoneType", record.submit),
        ):
            assert refused(call) == name, (name, refused(call))
        StaticPool.reset()
        assert refused(lambda: a.update(0, v)) == "StaleMap"
    """)
