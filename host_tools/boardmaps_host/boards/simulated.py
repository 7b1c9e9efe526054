"""From a board definition to the simulated board that stands in for it."""

from pathlib import Path

from boardmaps_sim.base import BoardError, SimulatedBoard

from . import BoardDefinition


def simulated(
    definition: BoardDefinition,
    *,
    heap: int | None = None,
    flash: str | Path | None = None,
    image: str | None = None,
    port: Path | None = None,
) -> SimulatedBoard:
    """Return a board, not yet started, that has the definition's name, and its heap where the simulator lets us choose.

    `heap` overrides the definition's, in bytes of a 32-bit board; `flash` names an image file that is kept (none: a
    temporary one); `image` is another MicroPython for pico or qemu; `port` is the link that clients open, by default the
    one of the board's name. Raises BoardError for what the simulator has not.
    """
    if definition.simulator == "unix":
        if image is not None:
            raise BoardError(f"{definition.name} is simulated by unix, which takes no --image; pico and qemu do.")
        # saves start-up time: each simulator is loaded when it is used
        from boardmaps_sim.unix import UnixBoard

        # The port counts `w` in 4-byte words and takes its own words for them: on 64 bits an object is twice as large,
        # and so is the heap, so that as many fit as on the board.
        return UnixBoard(definition.name, heap=f"{heap or definition.heap}w", flash=_path(flash), port=port)
    if heap is not None:
        raise BoardError(f"the heap of {definition.name} is its firmware's; boards simulated by unix take --heap.")
    if definition.simulator == "pico":
        # saves start-up time: each simulator is loaded when it is used
        from boardmaps_sim.pico import PicoBoard

        return PicoBoard(definition.name, image=_path(image), flash=_path(flash), port=port)
    # saves start-up time: each simulator is loaded when it is used
    from boardmaps_sim.qemu import QemuBoard

    return QemuBoard(definition.name, image=_path(image), flash=_path(flash), port=port)


def _path(name: str | Path | None) -> Path | None:
    return None if name is None else Path(name)
