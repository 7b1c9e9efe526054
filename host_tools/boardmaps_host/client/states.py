"""The states of a connection, and the one table of what leads from one to another.

A connection has two parts that come and go apart from each other: the port, and the session that the board keeps for us. The
board ends a session without a word: after its `idle` seconds without a frame, when it restarts, when its program ends. So the
host can only ever know that a session *was* there when the last frame came.

    state        what is true                                           what may be sent

    UNCONNECTED  the port is open; there is no session: none was        nothing
                 begun, or the board has lost it, or a call gave up
    OPENING      a session was asked for; no answer yet                 HELLO; what finds out whether a REPL is there
    AT_REPL      a free REPL answered, and our server starts in it      HELLO
    OPEN         a session is there, and a frame of it came lately      anything
    DOUBTFUL     there was a session; whether it still is, is unknown:  HELLO alone. A request could reach a REPL,
                 nothing was heard for long, the port was away, or      which would take it for typing
                 what came last looks like a REPL's prompt
    GONE         the port was closed under us                           nothing; it is opened again, under its name
    CLOSED       the program has closed the connection                  nothing, for good

Requests that are in flight stay in flight in OPEN, DOUBTFUL and GONE: the board executes each once however often it is sent,
as long as it has the session. In the way to any other state they are forgotten, and whoever waits for one is told whether
it may have happened.

Connection.happened() takes the steps, and nothing else changes a state. A step that is not in the table is a mistake of this
package, never the board's: it raises ImpossibleStep.
"""

from collections.abc import Mapping
from enum import Enum, auto


class State(Enum):
    """Where a connection is; the table in this module's docstring says what each one means."""

    UNCONNECTED = auto()
    OPENING = auto()
    AT_REPL = auto()
    OPEN = auto()
    DOUBTFUL = auto()
    GONE = auto()
    CLOSED = auto()


class Step(Enum):
    """What happens to a connection."""

    BEGIN = auto()  # a call needs a session
    SERVER_STARTED = auto()  # our server runs in the REPL that was found
    ANSWERED = auto()  # HELLO was answered with the terms of a new session
    FAILED = auto()  # opening gave up
    SILENCE = auto()  # no frame came for long, or a prompt in its place: the session, or the program, may have ended
    CONTINUES = auto()  # a frame came from the session that we have, as the answer to HELLO
    LOST = auto()  # the board does not know the session, or a REPL answers in its place
    ENDED = auto()  # the program that served the maps has ended
    GAVE_UP = auto()  # a call got no answer; what it left in flight is forgotten
    CUT = auto()  # reading or writing found the port closed
    BACK = auto()  # the port is open again
    CLOSE = auto()  # the program closes the connection


class ImpossibleStep(RuntimeError):
    """A mistake of this package: something happened in a state in which it cannot happen."""


TABLE: Mapping[State, Mapping[Step, State]] = {
    State.UNCONNECTED: {
        Step.BEGIN: State.OPENING,
        Step.GAVE_UP: State.UNCONNECTED,  # before the call had a session
        Step.CLOSE: State.CLOSED,
    },
    State.OPENING: {
        Step.SERVER_STARTED: State.AT_REPL,
        Step.ANSWERED: State.OPEN,
        Step.FAILED: State.UNCONNECTED,
        Step.CUT: State.GONE,
    },
    State.AT_REPL: {
        Step.ANSWERED: State.OPEN,
        Step.FAILED: State.UNCONNECTED,
        Step.CUT: State.GONE,
    },
    State.OPEN: {
        Step.SILENCE: State.DOUBTFUL,
        Step.LOST: State.UNCONNECTED,
        Step.ENDED: State.UNCONNECTED,
        Step.GAVE_UP: State.UNCONNECTED,
        Step.CUT: State.GONE,
        Step.CLOSE: State.CLOSED,
    },
    State.DOUBTFUL: {
        Step.CONTINUES: State.OPEN,
        Step.LOST: State.UNCONNECTED,
        Step.ENDED: State.UNCONNECTED,
        Step.GAVE_UP: State.UNCONNECTED,
        Step.CUT: State.GONE,
        Step.CLOSE: State.CLOSED,
    },
    State.GONE: {
        Step.BACK: State.DOUBTFUL,
        Step.GAVE_UP: State.GONE,  # its requests are forgotten; the port may still come back
        Step.CUT: State.GONE,  # it went again while it was opened
        Step.CLOSE: State.CLOSED,
    },
    State.CLOSED: {},
}


def after(state: State, step: Step) -> State:
    """Return the state that `step` leads to. Raises ImpossibleStep when it cannot happen in `state`."""
    try:
        return TABLE[state][step]
    except KeyError:
        raise ImpossibleStep(f"{step.name} cannot happen in the state {state.name}") from None
