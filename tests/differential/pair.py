"""Two sides, one sequence of operations, and the comparison of every answer and every error."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.differential.kernel_subject import KernelSubject
from tests.differential.model import Model
from tests.differential.rows import NOT_IN_BPF, OPS, VALUE_SIZES, Kind, Op, Row, Shape
from tests.differential.subjects import perform

STEPS = 50
Make = Callable[[Shape], Any]  # opens one side's map; it has close()


class Disagreement(AssertionError):
    """The two sides differ."""


def model_of(shape: Shape) -> Model:
    """Open a model as a side."""
    return shape.row.model(shape.max_entries, shape.zero, shape.map_flags)


class Pair:
    """A map on each side, made alike. `host`: ours is reached as the host reaches a board, so that rights count."""

    def __init__(self, shape: Shape, reference: Make, subject: Make) -> None:
        self.shape = shape
        self.agreed = True
        self.reference = reference(shape)
        try:
            self.subject = subject(shape)
        except BaseException:
            self.reference.close()
            raise

    def step(self, op: Op) -> None:
        """Do one operation on both sides. Raises Disagreement, or what broke a guarantee."""
        self.agreed = False
        arguments = self.shape.arguments(op)
        expected = perform(self.reference, op[0], arguments)
        got = perform(self.subject, op[0], arguments)
        if got != expected:
            raise Disagreement(f"{op!r} on {self.shape}: the reference answers {expected}, ours {got}")
        self.agreed = True

    def finish(self) -> None:
        """Compare all that is left in the map."""
        if self.shape.row.queued:
            for _ in range(self.shape.max_entries + 1):
                self.step(("pop",))
        else:
            self.step(("pages", 7))

    def close(self) -> None:
        self.reference.close()
        self.subject.close()


def operations(row: Row, reference: Make, host: bool) -> dict[str, float]:
    """Return the operations that both sides have, with how often each shall come."""
    ops = dict(row.ops)
    if reference is KernelSubject:
        for name in NOT_IN_BPF:
            ops.pop(name, None)
    if reference is KernelSubject and (row.queued or host):
        del ops["count"]  # bpf(2) has no such question: a queue has no walk to count by, a write-only map no permission
    if host:
        ops["freeze"] = 0.2
    return ops


def draw_shape(row: Row, rng: Random, cpus: int, host: bool) -> Shape:
    """Return sizes, and rights where they count."""
    return Shape(
        row,
        rng.choice(row.key_sizes),
        rng.choice(VALUE_SIZES),
        rng.choice(row.max_entries),
        rng.choice((0,) * 8 + (8, 16)) if host else 0,
        cpus,
    )


def draw_sequence(ops: dict[str, float], rng: Random, steps: int = STEPS) -> list[Op]:
    """Return so many operations."""
    names = rng.choices(list(ops), weights=list(ops.values()), k=steps)
    return [(name, *(kind.draw(rng) for kind in OPS[name].values())) for name in names]


def play(shape: Shape, sequence: Sequence[Op], reference: Make, subject: Make) -> None:
    """Run one sequence on fresh maps. Raises AssertionError."""
    pair = Pair(shape, reference, subject)
    try:
        for op in sequence:
            pair.step(op)
        pair.finish()
    finally:
        pair.close()


def shrink(shape: Shape, sequence: list[Op], reference: Make, subject: Make) -> tuple[list[Op], AssertionError]:
    """Return a sequence that fails and of which no operation can be left out, and its failure."""
    failure = _failure(shape, sequence, reference, subject)
    assert failure is not None, "a sequence failed once and not again: time or memory of an earlier one plays a part"
    size = len(sequence) // 2
    while size:
        at = 0
        while at < len(sequence):
            shorter = sequence[:at] + sequence[at + size :]
            fails = _failure(shape, shorter, reference, subject)
            if fails is None:
                at += size
            else:
                sequence, failure = shorter, fails
        size //= 2
    return sequence, failure


def _failure(shape: Shape, sequence: list[Op], reference: Make, subject: Make) -> AssertionError | None:
    try:
        play(shape, sequence, reference, subject)
    except AssertionError as e:
        return e
    return None


def run_sequences(
    row: Row, reference: Make, subject: Make, *, host: bool, cpus: int, seeds: range, replay: str = "--seed"
) -> None:
    """Run a random sequence of STEPS operations for each seed.

    Raises Disagreement with the shortest sequence found that fails, and `replay` with its seed.
    """
    ops = operations(row, reference, host)
    for seed in seeds:
        rng = Random(seed)
        shape = draw_shape(row, rng, cpus, host)
        sequence = draw_sequence(ops, rng)
        try:
            play(shape, sequence, reference, subject)
        except AssertionError:
            shortest, failure = shrink(shape, sequence, reference, subject)
            lines = "\n".join(f"  {op!r}" for op in shortest)
            raise Disagreement(f"{failure}\nshortest sequence found:\n{lines}\nreplay: {replay} {seed}") from failure


def machine(row: Row, reference: Make, subject: Make, *, host: bool, cpus: int) -> type[RuleBasedStateMachine]:
    """Return hypothesis' state machine over the same operations: fewer sequences, and its own way to shrink them."""

    def start(self: Any, **sizes: int) -> None:
        self.pair = Pair(Shape(row, cpus=cpus, **sizes), reference, subject)

    def teardown(self: Any) -> None:
        if hasattr(self, "pair"):
            try:
                if self.pair.agreed:  # else there is one failure already, and what is left says nothing
                    self.pair.finish()
            finally:
                self.pair.close()

    sizes: dict[str, Any] = {
        "key_size": st.sampled_from(row.key_sizes),
        "value_size": st.sampled_from(VALUE_SIZES),
        "max_entries": st.sampled_from(row.max_entries),
        "map_flags": st.sampled_from((0, 0, 0, 0, 8, 16) if host else (0,)),
    }
    parts: dict[str, Any] = {"start": initialize(**sizes)(start), "teardown": teardown}
    for name in operations(row, reference, host):
        strategies: dict[str, Any] = {what: _strategy(kind) for what, kind in OPS[name].items()}
        parts[name] = rule(**strategies)(_step(name))
    return type(f"{row.name}_machine", (RuleBasedStateMachine,), parts)


def _step(name: str) -> Callable[..., None]:
    def step(self: Any, **arguments: Any) -> None:
        self.pair.step((name, *(arguments[what] for what in OPS[name])))

    step.__name__ = name
    return step


def _strategy(kind: Kind) -> st.SearchStrategy[Any]:
    one = st.sampled_from(kind.options)
    return st.lists(one, max_size=kind.most) if kind.most else one
