"""Stands behind outliving.py: a boot is reset at each of its steps in turn, and the next one looks at what there is.

A step is a block that was taken, a word that was written, a module that was loaded, or a length that was asked for. It prints how
many steps a boot has, and after how many of these resets the maps held what they had held; after all others they are empty.
"""

import builtins


class Reset(BaseException):
    pass


left = -1  # steps until the reset, which comes at 0
before = None  # the words, where the pool is that they tell of, and its bytes with what stands below them


def step():
    global left
    if "boardmaps.outlive" not in sys.modules:  # what is before that is another program's
        return
    if before and words == before[0]:
        there = uctypes.bytearray_at(*before[1])
        assert there[:16] != before[2][:16] or there == before[2], "the words tell of bytes that are not there any more"
    left -= 1
    if left == 0:
        raise Reset


def stepping(function):
    def call(*given):
        result = function(*given)
        step()
        return result

    return call


reading = False  # from when the words are read until they are written anew


def get_then():
    global reading
    reading = True
    step()
    return bytes(words)


def put_slowly(new):
    global reading
    for at in range(0, 12, 4):
        words[at : at + 4] = new[at : at + 4]
        step()
    reading = reading and not any(new)


def taken(*given):
    assert not reading or words[8:] != pack("<I", crc32(words[:8])), (
        "a block is taken while the words tell of the old pool"
    )
    return anew(*given)


anew = bytearray
builtins.bytearray = stepping(taken)
builtins.len = stepping(len)
builtins.__import__ = stepping(__import__)
Config.LASTING = get_then, put_slowly, Config.LASTING[2], Config.LASTING[3]

entries = {b"key%d" % i: b"val%d" % i for i in range(8)}
values = [b"entry%03d" % i for i in range(20)]


def life(b):
    h, a = b.HashMap(4, 4, 8, name="h"), b.ArrayMap(8, 20, name="a")
    assert (h.check(), a.check()) == (None, None)
    held = dict(h.items()), [a.lookup(i) for i in range(20)]
    assert held in ((entries, values), ({}, [bytes(8)] * 20)), held
    for key, value in entries.items():
        h.update(key, value)
    for i in range(20):
        a.update(i, values[i])
    return held[0] == entries


outcomes = []
through = False
life(boot())
while not through:
    at = Config.LASTING[2] + int.from_bytes(words[:4], "little") - 16, 16 + int.from_bytes(words[4:8], "little")
    before = bytes(words), at, bytes(uctypes.bytearray_at(*at))
    left = len(outcomes) + 1
    try:
        boot()
        through = True
    except Reset:
        pass
    left, before = -1, None
    outcomes.append(life(boot()))
print(len(outcomes), sum(outcomes))
