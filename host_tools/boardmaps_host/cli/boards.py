"""`boardmaps boards`: the boards that the tools know."""

from typing import TYPE_CHECKING

from . import options, output
from .drawing import click

if TYPE_CHECKING:
    from boardmaps_host.boards import BoardDefinition


_TCP = "serve(line=TcpLine(PORT), key=…) on the board, tcp://HOST:PORT here"
_NETWORKS = {
    "none": "none",
    "wifi": f"Wi-Fi: {_TCP}",
    "ethernet": f"Ethernet: {_TCP}",
    "host": f"the computer's own: {_TCP}",
}


@click.command("boards")
@click.argument("name", required=False)
@options.as_json
def command(name: str | None, as_json: bool) -> None:
    """List the boards and what remains of their heap beside the pool; with NAME (or a .toml file), all about one.

    JSON: a list (an object for one NAME) of the keys of boards/NAME.toml, with "name", "heap_left", "kernels" and "over_resets"
    added: on stock firmware, what moves the bytes of maps, and what becomes of them in a reset. Sizes are bytes.
    """
    # saves start-up time: needed by this command alone
    from dataclasses import asdict

    from boardmaps_host.boards import all_boards, find
    from boardmaps_host.deploy.native import kernels_of

    chosen = [find(name)] if name else all_boards()
    if as_json:
        more = [{"heap_left": b.heap_left, "kernels": kernels_of(b.arch), "over_resets": b.over_resets} for b in chosen]
        shown = [asdict(board) | added for board, added in zip(chosen, more, strict=True)]
        output.as_json(shown[0] if name else shown)
    elif name:
        _one(chosen[0], kernels_of(chosen[0].arch))
    else:
        output.table(
            (
                "name",
                "board",
                "chip",
                "arch",
                "cores#",
                "heap#",
                "pool#",
                "left#",
                "line",
                "network",
                "guard",
                "simulated by",
            ),
            (
                (
                    b.name,
                    b.title,
                    b.mcu,
                    b.arch,
                    b.cores,
                    b.heap,
                    b.pool,
                    b.heap_left,
                    b.line.kind,
                    b.network,
                    b.guard,
                    b.simulator,
                )
                for b in chosen
            ),
        )


def _one(board: "BoardDefinition", kernels: str) -> None:
    origin = board.micropython
    settings = "; ".join(f"{name} = {value!r}" for name, value in board.settings.items())
    for label, text in (
        ("board", f"{board.title} ({board.name})"),
        ("chip", f"{board.mcu}, {board.cores} core{'s' * (board.cores > 1)}, {board.word} bits, {board.arch}"),
        ("memory", f"{board.heap} bytes of heap, {board.pool} in the pool, {board.heap_left} left for the program"),
        ("line", f"{board.line.kind}, {board.line.receive} bytes may be on their way to the board"),
        ("network", _NETWORKS[board.network]),
        ("guard", f"{board.guard}, for maps that a hard interrupt or a second core uses too"),
        ("kernels", f"on stock firmware {kernels}"),
        (
            "resets",
            f"maps with a name are {board.over_resets} on stock firmware; with boardmaps built in (rp2, qemu) kept",
        ),
        ("config", f"{settings}: deploy --board {board.name} puts them into boardmaps_config.py on the board"),
        ("stubs", board.stubs),
        ("simulated", f"boardmaps sim --board {board.name} (by {board.simulator})"),
        ("MicroPython", f"port {origin.port}, board {origin.board}: {origin.source}"),
    ):
        output.say(f"{label + ':':<13}{text}")
    for number, step in enumerate(origin.steps, 1):
        output.say(f"{'flashing:' if number == 1 else '':<13}{number}. {step}")
