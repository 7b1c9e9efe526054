"""A hard timer interrupt and the main program of a board on the same maps: the program, and what it must find."""

from dataclasses import dataclass

from mpremote.transport_serial import SerialTransport

from boardmaps_sim.process_board import ProcessBoard

# One round of either side is so many operations on the maps.
OPERATIONS = 13

# Main program and handler do the same to the same maps. Every value is one byte over and over: a torn one shows. Counters and
# sums tell whether anything was lost or done twice; each side inserts and deletes a key of its own in the other's chains.
_PROGRAM = """
import sys
class config: GUARD = {guard!r}; KERNELS = {kernels!r}
sys.modules["boardmaps_config"] = config
from boardmaps import ArrayMap, HashMap, Queue, RingBuf, Stack
a = ArrayMap(8, 4)
h = HashMap(8, 16, 8)
q = Queue(16, 4)
s = Stack(16, 4)
r = RingBuf(256)
shared = b"shared.."
h.update(shared, bytes(16))
h.update(b"counting", bytes(16))
update, delete, lookup_into, add, count = h.update, h.delete, h.lookup_into, a.add, h.add
queue, unqueue, stack, unstack, output, read_into = q.push, q.pop_into, s.push, s.pop_into, r.output, r.read_into
patterns = [bytes((n,)) * 16 for n in range(8)]

def work(side):
    # side: key, value read, [rounds, torn or missed, exceptions, sum put in, sum taken out]
    key, out, told = side
    try:
        told[0] += 1
        n = told[0] & 7
        value = patterns[n]
        add(0, 1)
        count(b"counting", 1, 0, 4)
        update(shared, value)
        if not lookup_into(shared, out) or out != patterns[out[0]]:
            told[1] += 1
        key[1] = n & 1
        update(key, value)
        if not lookup_into(key, out) or out != value:
            told[1] += 1
        delete(key)
        queue(value)
        stack(value)
        if not output(value):
            told[1] += 1
        told[3] = told[3] + 3 * n & 0xFFFFFF
        took = 0
        if not unqueue(out) or out != patterns[out[0]]:
            told[1] += 1
        took += out[0]
        if not unstack(out) or out != patterns[out[0]]:
            told[1] += 1
        took += out[0]
        if read_into(out) != 16 or out != patterns[out[0]]:
            told[1] += 1
        told[4] = told[4] + took + out[0] & 0xFFFFFF
    except Exception:
        told[2] += 1

main = bytearray(b"main...."), bytearray(16), [0] * 5
handler = bytearray(b"handler."), bytearray(16), [0] * 5
mine, his = main[2], handler[2]
def fired(timer=None):
    work(handler)
{start}
while mine[0] + his[0] < {rounds}:
    work(main)
{stop}
print(mine[0], his[0], a.add(0, 0), h.add(b"counting", 0, 0, 4), mine[1] + his[1], mine[2] + his[2])
print((mine[3] + his[3] - mine[4] - his[4]) & 0xFFFFFF, len(h), len(q), len(s), *r.query()[:1], r.query()[4])
"""


_NATIVE = """
from boardmaps import settings
from boardmaps.kernels import native
assert settings.in_c is native and not settings.built_in"""


@dataclass(frozen=True)
class Outcome:
    """What a run found: rounds of the main program and of the handler, and what was wrong, in words ("" when nothing)."""

    main: int
    handler: int
    wrong: str


def hammer(
    board: ProcessBoard,
    guard: str,
    operations: int,
    start: str,
    stop: str,
    kernels: str | None = None,
    before: str = "",
) -> Outcome:
    """Run the program on a running board for so many operations; `start` and `stop` are the board's lines for its timer.

    `kernels` is "viper" for those that MicroPython compiles. `before` is what the program begins with.
    """
    rounds = operations // OPERATIONS
    repl = SerialTransport(board.port, wait=0)
    try:
        repl.enter_raw_repl(soft_reset=False)
        program = _PROGRAM.format(guard=guard, kernels=kernels, rounds=rounds, start=start, stop=stop)
        output, error = repl.exec_raw(before + program, timeout=3600)
    finally:
        repl.close()
    if error:
        return Outcome(0, 0, error.decode())
    main, handler, added, counted, torn, raised, *rest = (int(word) for word in output.split())
    wrong = {
        "additions to the array lost": main + handler - added,
        "additions to the hash lost": main + handler - counted,
        "values torn or missed": torn,
        "exceptions": raised,
    }
    names = ("sum of values taken", "keys", "left in the queue", "left in the stack", "left in the ring", "dropped")
    wrong.update((name, value - right) for name, value, right in zip(names, rest, (0, 2, 0, 0, 0, 0), strict=True))
    return Outcome(main, handler, ", ".join(f"{name}: {value}" for name, value in wrong.items() if value))


def on_qemu(board: ProcessBoard, guard: str, operations: int, kernels: str | None = None, before: str = "") -> Outcome:
    """Interrupt the Cortex-M3 every so many ticks: a prime, so that each time it is somewhere else."""
    start = "import _hard_timer\n_hard_timer.start(60_013, fired)"
    return hammer(board, guard, operations, start, "_hard_timer.stop()", kernels, before)


def on_pico(board: ProcessBoard, guard: str, operations: int, frequency: int = 401, native: bool = False) -> Outcome:
    """Interrupt the emulated Pico so many times a second. Its time repeats exactly: only another number gives another run.

    `native` is for stock firmware: the run fails if its kernels are no native modules.
    """
    start = f"import machine\ntimer = machine.Timer(freq={frequency}, hard=True, callback=fired)"
    if native:
        start = f"{_NATIVE}\n{start}"
    return hammer(board, guard, operations, start, "timer.deinit()")
