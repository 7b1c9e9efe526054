"""From a board definition to the simulated board that stands in for it."""

from pathlib import Path
from typing import Any

from boardmaps_sim.base import BoardError, SimulatedBoard

from .boards import BoardDefinition


def simulated(
    definition: BoardDefinition, *, heap: int | None = None, flash: str | Path | None = None, image: str | None = None
) -> SimulatedBoard:
    """Return a board, not yet started, that has the definition's name, and its heap where the simulator lets us choose.

    `heap` overrides the definition's, in bytes of a 32-bit board; `flash` names an image file that is kept (none: a
    temporary one); `image` is a MicroPython for the emulated Pico. Raises BoardError for what the simulator has not.
    """
    given: dict[str, Any] = {}
    if flash is not None:
        given["flash"] = Path(flash)
    if image is not None and definition.simulator != "pico":
        raise BoardError(
            f"{definition.name} is simulated by {definition.simulator}, which takes no --image; pico does."
        )
    if heap is not None and definition.simulator != "unix":
        raise BoardError(
            f"the heap of {definition.simulator} is its firmware's; only boards simulated by unix take --heap."
        )
    if definition.simulator == "unix":
        from boardmaps_sim.unix import UnixBoard

        # The port counts `w` in 4-byte words and takes its own words for them: on 64 bits an object is twice as large,
        # and so is the heap, so that as many fit as on the board.
        return UnixBoard(definition.name, heap=f"{heap or definition.heap}w", **given)
    if definition.simulator == "pico":
        from boardmaps_sim.pico import PicoBoard

        if image is not None:
            given["image"] = Path(image)
        return PicoBoard(definition.name, **given)
    if flash is not None:
        raise BoardError(f"{definition.name} has no flash that could be kept: everything on it is in its firmware.")
    from boardmaps_sim.qemu import QemuBoard

    return QemuBoard(definition.name)
