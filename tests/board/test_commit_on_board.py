"""What a commit does in a board's slices: the state while it is made, what is written back when it fails, handlers held off."""

import pytest

from tests.board.conftest import Run

# Behind it: commit(changes) makes them, look() returns what the maps hold.
BEGIN = """
    from struct import pack
    from boardmaps import ArrayMap, HashMap
    from boardmaps.line.commit import Commits
    from boardmaps.line.dispatch import Dispatcher
    from boardmaps import pool
    h = HashMap(4, 8, 4, name="h"); a = ArrayMap(8, 4, name="a")
    h.update(b"here", b"12345678")
    map_of = Dispatcher(pool).map_of
    commits = Commits()
    CHANGES = (
        pack("<BHIH", 5, h.id, 0, 4) + b"newc" + b"87654321", pack("<BH", 6, h.id) + b"here",
        pack("<BHIH", 32, a.id, 2, 4) + pack("<I", 1) + b"xy", pack("<BHIBq", 15, a.id, 0, 0, 5) + pack("<I", 2),
    )
    def commit(changes=CHANGES, to=None):
        return (to or commits).handle(b"\\x2c" + b"".join([pack("<H", len(c)) + c for c in changes]), map_of)
    def look():
        return sorted(h.items()), list(a.items()), h.check(), a.check()
    before = look()
    wrong = "a commit was under way, and did not end"
"""


def test_the_slices_say_that_a_commit_is_under_way(micropython: Run) -> None:
    micropython(
        BEGIN
        + """
    told = []
    add = a.add_into
    def watched(*arguments):
        told.append((h.check(), a.check(), h.frozen, h._slice[68], a._slice[68]))
        add(*arguments)
    a.add_into = watched
    a.freeze()
    try:
        commit()
        assert False
    except Exception as e:
        assert "frozen" in str(e), e
    a._slice[68] = 0
    assert look() == before and not told
    assert commit() == b"\\0\\1"
    assert told == [(wrong, wrong, False, 2, 2)], told
    assert h._slice[68] == a._slice[68] == 0 and h.check() is a.check() is None
    assert dict(h.items()) == {b"newc": b"87654321"}
    assert a.lookup(1) == b"\\0\\0xy\\0\\0\\0\\0" and a.lookup(2)[0] == 5
    """
    )


def test_what_was_made_before_a_failure_is_written_back(micropython: Run) -> None:
    micropython(
        BEGIN
        + """
    from boardmaps import KeyNotFound
    for error in (KeyNotFound, KeyboardInterrupt, MemoryError):
        def fails(*_):
            assert len(h) == 1 and h.lookup(b"newc") and a.lookup(1) != bytes(8)
            raise error
        a.add_into = fails
        try:
            commit()
            assert False
        except error:
            pass
        assert look() == before, look()
    full = [pack("<BHIH", 5, h.id, 0, 4) + b"new%d" % i + bytes(8) for i in range(3)]
    commit(full)
    assert len(h) == 4 and h.peak == 4
    """
    )


def test_handlers_are_held_off_for_the_whole(micropython: Run) -> None:
    micropython(
        BEGIN
        + """
    told = []
    def quiet():
        told.append(len(h) + h._slice[68])
        return 7
    def loud(state):
        told.append((state, h.lookup(b"here"), h._slice[68]))
    held = Commits(quiet, loud)
    commit(to=held)
    assert told == [1, (7, None, 0)], told
    try:
        commit(to=held)  # "here" is gone
    except Exception:
        pass
    assert len(told) == 2
    h.update(b"here", b"12345678")
    h.delete(b"newc")
    def fails(*_):
        raise MemoryError
    a.add_into = h.delete = fails  # what was made cannot be taken back either
    told.clear()
    try:
        commit(to=held)
        assert False
    except MemoryError:
        pass
    assert told == [1, (7, b"12345678", 2)], told
    """
    )


@pytest.mark.unix_port  # that of RISC-V has no line to serve
def test_a_tick_takes_no_heap_where_no_commit_waits(micropython: Run) -> None:
    micropython("""
        import micropython
        from boardmaps import tick
        tick()
        micropython.heap_lock()
        tick()
        tick()
        micropython.heap_unlock()
    """)
