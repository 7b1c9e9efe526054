"""What the walk over the public API does, on the computer and on a board: it runs unchanged on MicroPython.

A call is (class, method, arguments as text). Each gets a new map with some content; the outcome is the answer or the class of the
error, and whether the map's own words still told the same after an error. Only plain text goes in and comes out.
"""

# ruff: noqa: E501 - tables of text, which is run on purpose
VALUES = (
    "b'abcd'", "bytearray(b'abcd')", "memoryview(b'abcd')", "memoryview(bytearray(b'abcd'))", "array('I', [1])", "array('H', [1, 2])",
    "array('I', [1, 2, 3, 4])", "b''", "b'abc'", "b'abcde'", "'abcd'", "''", "[1, 2, 3, 4]", "(1, 2, 3, 4)", "None", "0", "1", "4", "-1",
    "1 << 32", "1 << 40", "-(1 << 40)", "True", "False", "1.0", "0.0", "1.5",
)  # fmt: skip
SETUP = {
    "ArrayMap": ("ArrayMap(4, 8)", "m.update(1, b'1234')"),
    "HashMap": ("HashMap(4, 4, 3)", "m.update(b'abcd', b'1234'); m.update(b'wxyz', b'5678')"),
    "LpmTrie": ("LpmTrie(8, 4, 3)", "m.update(b'\\x08\\0\\0\\0abcd', b'1234')"),
    "BloomFilter": ("BloomFilter(4, 8)", "m.push(b'1234')"),
    "PerCpuArray": ("PerCpuArray(4, 8)", "m.update(1, b'1234')"),
    "PerCpuHash": ("PerCpuHash(4, 4, 3)", "m.update(b'abcd', b'1234')"),
    "Queue": ("Queue(4, 3)", "m.push(b'1234'); m.push(b'5678')"),
    "Stack": ("Stack(4, 3)", "m.push(b'1234'); m.push(b'5678')"),
    "RingBuf": ("RingBuf(64)", "m.output(b'1234'); m.output(b'5678')"),
    "TimeSeries": ("TimeSeries(4, 4)", "m.push(1, b'1234')"),
}
# A right argument by the name of a parameter, so that one at a time can be wrong
RIGHT = {
    "key": ("b'abcd'", "1"), "value": ("b'wxyz'",), "out": ("bytearray(4)",), "flags": ("0",), "delta": ("1",), "offset": ("0",),
    "width": ("4",), "expected": ("b'1234'",), "new": ("b'wxyz'",), "data": ("b'ab'",), "operand": ("3",), "length": ("4",), "most": ("8",),
    "timestamp": ("2",), "n": ("1",), "start": ("0",), "end": ("9",), "cursor": ("None",), "count": ("1",), "keys": ("[b'abcd']",),
    "values": ("[b'wxyz']",), "index": ("1",), "force": ("False",), "row": ("b''",),
}  # fmt: skip


def state(m):  # type: ignore[no-untyped-def]
    """Return what a map holds, as text."""
    kind = type(m).__name__
    if hasattr(m, "query") and kind == "RingBuf":
        return repr(tuple(m.query())) + repr(len(m))
    if kind == "BloomFilter":
        return repr((m.peek(b"1234"), m.host_count()))
    if kind == "TimeSeries":
        return repr(m.last(9))
    if kind in ("Queue", "Stack"):
        return repr((m.peek(), len(m)))
    return repr([(k, m.lookup(k)) for k in sorted(m.keys())])


def told(answer):  # type: ignore[no-untyped-def]
    """Return an answer as text that is the same on every target."""
    if answer is None or isinstance(answer, (bool, int, float, bytes, tuple, list)):
        return repr(answer)
    return type(answer).__name__ if not isinstance(answer, memoryview) else repr(bytes(answer))


def outcome(names, kind, method, arguments):  # type: ignore[no-untyped-def]
    """Do one call on a new map; return what came of it."""
    make, fill = SETUP[kind]
    scope = dict(names)
    scope["m"] = m = eval(make, scope)
    exec(fill, scope)
    before = state(m)
    arguments = [eval(a, scope) for a in arguments]
    try:
        answer = getattr(m, method)(*arguments)
        said = told(answer[1:] if method[:6] == "batch_" and type(answer) is tuple else answer)  # a cursor is opaque
    except Exception as e:
        said = type(e).__name__
        if state(m) != before:
            said += " AND CHANGED"
    return said + " " + " ".join([repr(bytes(a)) for a in arguments if type(a) is bytearray])
