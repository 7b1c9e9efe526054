"""Random changes and pins of several maps, with the power cut at random operations: SEED and CUTS are set before. For MicroPython.

Behind flash.py. After each cut every map holds what was pinned last, or what was being pinned; the flash is never begun anew.
"""

import random

random.seed(SEED)


def maps():
    return (
        HashMap(4, 24, 12, name="table"),
        ArrayMap(8, 40, name="array"),
        Queue(16, 9, name="queue"),
        RingBuf(512, name="ring"),
    )


def change(m):
    value = bytes([random.getrandbits(8) for _ in range(24)])
    if m.name == "table":
        key = value[:1] + bytes(3)
        if len(m) == 12:
            m.clear()
        m.update(key, value)
    elif m.name == "array":
        m.update(value[0] % 40, value[:8])
    elif m.name == "queue":
        m.push(value[:16], BPF_EXIST)
    else:
        m.output(value[: value[0] % 24]) or m.read()


held = maps()
safe = {m.name: bytes(m._view) for m in held}  # what a map may hold after a cut: as it begins, or as it was pinned
for m in held:
    boardmaps.pin(m)
    safe[m.name] = bytes(m._view)
pins = old = new = 0
cuts = 0
while cuts < CUTS:
    flash.operations, flash.cut, flash.torn = 0, random.randrange(40), random.choice((0, 1, 16, 100, 4000))
    trying = None
    while not flash.dead:
        m = random.choice(held)
        for _ in range(random.randrange(1, 4)):
            change(m)
        trying = m.name, bytes(m._view)
        try:
            pins += bool(boardmaps.pin(m))
            assert not flash.dead
            safe[m.name] = trying[1]
        except MapError:
            assert flash.dead
    cuts += 1
    StaticPool.reset()
    flash = Flash(memory=flash.memory)
    power_on(flash)
    held = maps()
    for m in held:
        found = bytes(m._view)
        assert m.check() is None
        if m.name == trying[0] and found == trying[1]:
            new += 1
        else:
            assert found == safe[m.name], (SEED, cuts, m.name)
            old += m.name == trying[0]
        safe[m.name] = found
print(cuts, pins, old, new)
