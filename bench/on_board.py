"""Runs the program of a benchmark on a board that has been started."""

from mpremote.transport_serial import SerialTransport

from boardmaps_sim.base import BoardError, SimulatedBoard

_PATIENCE = 1800  # seconds that a board may take on a busy machine


def said(board: SimulatedBoard, program: str, *, soft_reset: bool = False) -> str:
    """Run a program in the board's raw REPL, after a soft reset if asked; return what it prints. A traceback is a BoardError."""
    repl = SerialTransport(board.port, wait=0)
    try:
        repl.enter_raw_repl(soft_reset=soft_reset)
        output, error = repl.exec_raw(program, timeout=_PATIENCE)
    finally:
        repl.close()
    if error:
        raise BoardError(error.decode())
    return str(output.decode())
