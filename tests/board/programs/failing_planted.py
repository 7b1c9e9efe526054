"""Runs on a board, behind failing.py: what takes heap behind its change must be found."""

from boardmaps import Queue

q = Queue(4, 4)
q.push(b"1234")
begin = bytes(q._slice)


def again():
    """Bring the queue back to how it was."""
    q._slice[:] = begin
    return q


def careless(q):
    """Pop, and only then take the heap for the result."""
    out = bytearray(4)
    q.pop_into(out)
    return bytes(4)


check("queue", "careless", again, careless, lambda: bytes(q._slice))
finish()
