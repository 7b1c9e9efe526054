"""What the walk over the public API does, on the computer and on a board: it runs unchanged on MicroPython.

A call is (class, method, places of its arguments in VALUES). Each gets a map with the same content; the outcome is the answer or
the class of the error, what is in the buffers that were given, and whether the map's bytes were touched although it was refused.
"""

from array import array

# Texts, as a test makes others on the computer alone. B is one buffer, the same wherever it stands in a call.
VALUES = (
    "b'abcd'", "bytearray(b'abcd')", "memoryview(b'abcd')", "memoryview(bytearray(b'abcd'))", "B", "array('I', [1])",
    "array('H', [1, 2])", "array('I', [1, 2, 3, 4])", "array('Q', [1])", "b'abcdefgh'", "bytearray(8)", "b'\\x08\\0\\0\\0abcd'",
    "b''", "b'abc'", "b'abcde'", "'abcd'", "''", "[1, 2, 3, 4]", "(1, 2, 3, 4)", "[b'abcd']", "[b'abcd', B]", "[B, 'abcd']",
    "[array('I', [1]), 1]",
    "[array('I', [1, 2, 3, 4])]", "[b'abcdefgh']", "[b'\\x08\\0\\0\\0abcd']", "{}", "None", "0", "1", "2", "3", "4", "8", "9", "-1",
    "1 << 32", "1 << 40", "-(1 << 40)", "1 << 100", "True", "False", "1.0", "0.0", "1.5",
)  # fmt: skip

# How a map of each class is made and filled. The values of a per-CPU map have 8 bytes, so that they are a row of one CPU's too.
SETUP = {
    "ArrayMap": lambda make: _with(make(4, 8), lambda m: m.update(1, b"1234")),
    "HashMap": lambda make: _with(make(4, 4, 3), lambda m: (m.update(b"abcd", b"1234"), m.update(b"wxyz", b"5678"))),
    "LpmTrie": lambda make: _with(make(8, 4, 3), lambda m: m.update(b"\x08\0\0\0abcd", b"1234")),
    "BloomFilter": lambda make: _with(make(4, 8), lambda m: m.push(b"1234")),
    "PerCpuArray": lambda make: _with(make(8, 8), lambda m: m.update(1, b"12345678")),
    "PerCpuHash": lambda make: _with(make(4, 8, 3), lambda m: m.update(b"abcd", b"12345678")),
    "Queue": lambda make: _with(make(4, 3), lambda m: (m.push(b"1234"), m.push(b"5678"))),
    "Stack": lambda make: _with(make(4, 3), lambda m: (m.push(b"1234"), m.push(b"5678"))),
    "RingBuf": lambda make: _with(make(64), lambda m: (m.output(b"1234"), m.output(b"5678"))),
    "TimeSeries": lambda make: _with(make(4, 4), lambda m: m.push(1, b"\x09\0\0\0")),
}


def _with(m, fill):  # type: ignore[no-untyped-def]
    fill(m)
    return m


def compiled(texts):  # type: ignore[no-untyped-def]
    """Return a function for each text, which makes the argument; it takes B."""
    return [eval("lambda B: " + text, {"array": array}) for text in texts]


def state(m):  # type: ignore[no-untyped-def]
    """Return what a map holds: a board's bytes, all of them, and on the computer what they would say."""
    if hasattr(m, "_slice"):
        return bytes(m._slice)
    kind = type(m).__name__
    if kind == "RingBuf":
        return m.query(), len(m)
    if kind == "BloomFilter":
        return m.peek(b"1234"), m.host_count()
    if kind == "TimeSeries":
        return m.last(9)
    if kind in ("Queue", "Stack"):
        return m.peek(), len(m)
    return list(m.items())


def told(answer):  # type: ignore[no-untyped-def]
    """Return an answer as text that is the same on every target."""
    if answer is None or isinstance(answer, (bool, int, float, bytes, tuple, list)):
        return repr(answer)
    return repr(bytes(answer)) if isinstance(answer, memoryview) else type(answer).__name__


def outcome(seen, called, method, arguments):  # type: ignore[no-untyped-def]
    """Do one call, of the map `called`, which is `seen` itself or stands for it; return what came of it."""
    before = state(seen)
    try:
        answer = getattr(called, method)(*arguments)
        said = told(answer[1:] if method[:6] == "batch_" and type(answer) is tuple else answer)  # a cursor is opaque
    except Exception as error:
        done = getattr(error, "done", 0)  # what a batch did before the entry that was refused stays
        said = type(error).__name__ + " " + str(done) if done else type(error).__name__
        if not done and state(seen) != before:
            said += " AND CHANGED"
    return said + " " + " ".join([repr(bytes(a)) for a in arguments if type(a) is bytearray])


def walk(kind, new, calls, makers, stands=None):  # type: ignore[no-untyped-def]
    """Give the outcomes of calls, of (method, arguments of each call, their places in VALUES one after the other)."""
    for method, n, places in calls:
        for i in range(0, len(places), n):
            buffer = bytearray(b"abcd")
            m = SETUP[kind](new)
            arguments = [makers[place](buffer) for place in places[i : i + n]]
            yield outcome(m, stands(m) if stands else m, method, arguments)
