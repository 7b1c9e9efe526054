"""Memory that ends anywhere inside a board's session, on CPython: before the n-th instruction that may need some."""

import dis
import linecache
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self

from boardmaps.line import session

LINE = str(Path(session.__file__).parent)
# Names of instructions before which memory may be needed: a call, an operator, a slice, a display.
ALLOCATING = ("CALL", "BINARY", "BUILD", "FORMAT", "LIST", "DICT", "STORE_SLICE")


class Memory:
    """Ends once, while `with` holds it, before the instruction number `point` of those that may need some. Counts them."""

    def __init__(self, point: int = 0) -> None:
        self.point = point
        self.count = 0

    def __enter__(self) -> Self:
        self.before = sys.gettrace()
        if not self.point or self.count < self.point:
            sys.settrace(self.trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def need(self) -> None:
        """Count one instruction that may need memory; raise MemoryError when it is the one."""
        self.count += 1
        if self.count == self.point:
            raise MemoryError("memory allocation failed")

    def trace(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if event == "opcode":
            if frame.f_lasti in allocating(frame.f_code):
                self.need()
            return self.trace
        if not allocating(frame.f_code):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self.trace


class Steps(Memory):
    """The same, coarser: before each line of a method that may need memory, once, since functions keep nothing."""

    def __init__(self, point: int = 0) -> None:
        super().__init__(point)
        self._seen: set[tuple[CodeType, int]] = set()

    def trace(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        where = frame.f_code, frame.f_lineno
        if event == "line":
            if where[1] in lines(frame.f_code) and where not in self._seen:
                self._seen.add(where)
                self.need()
            return self.trace
        return self.trace if lines(frame.f_code) else None


@cache
def lines(code: CodeType) -> frozenset[int | None]:
    """Return the lines of a method of the line where memory may be needed."""
    if not code.co_varnames or code.co_varnames[0] != "self":
        return frozenset()
    points = allocating(code)
    return frozenset(line for begin, end, line in code.co_lines() if not points.isdisjoint(range(begin, end)))


@cache
def allocating(code: CodeType) -> frozenset[int]:
    """Return where in a function of the line memory may be needed."""
    if not code.co_filename.startswith(LINE):
        return frozenset()
    lines = {at: line for begin, end, line in code.co_lines() for at in range(begin, end)}
    return frozenset(
        i.offset
        for i in dis.get_instructions(code)
        if i.opname.startswith(ALLOCATING)
        and "# allocates nothing" not in linecache.getline(code.co_filename, lines[i.offset] or 0)
    )
