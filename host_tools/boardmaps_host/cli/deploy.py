"""`boardmaps deploy`: put boardmaps on a board."""

from dataclasses import asdict

from . import options, output
from .drawing import click


@click.command("deploy")
@click.option(
    "--port",
    "-P",
    envvar="BOARDMAPS_PORT",
    show_envvar=True,
    required=True,
    metavar="TARGET",
    help="The board: a port, an mpremote shortcut (a0, u0), or a running `boardmaps sim` (unix, pico).",
)
@click.option(
    "--app",
    type=click.Path(),
    metavar="PATH",
    multiple=True,
    help="A program to put on the board too: a file, or a folder with all its files; may be given several times.",
)
@click.option(
    "--entry",
    metavar="FILE",
    help="Which of its files the board is to start; by default the only one, or main.py.",
)
@click.option("--as", "app_path", default=":main.py", show_default=True, metavar=":PATH", help="Where that one goes.")
@click.option(
    "--board",
    metavar="NAME",
    help="Its definition, one of `boardmaps boards` or a .toml file; by default the one for what the board says it is.",
)
@click.option(
    "--pool",
    type=click.IntRange(1, 1 << 31),
    metavar="BYTES",
    help="The size of the pool; the definition's by default.",
)
@click.option(
    "--reset/--no-reset",
    default=True,
    show_default=True,
    help="Soft-reset at the end, so that boot.py and main.py run with the new code; or leave the board at its REPL.",
)
@click.option(
    "--timeout",
    type=options.Real(0.01, options.SECONDS_MAX),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the board may take to answer, and to run its boot.py.",
)
@options.as_json
def command(
    port: str,
    app: tuple[str, ...],
    entry: str | None,
    app_path: str,
    board: str | None,
    pool: int | None,
    reset: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Put boardmaps into :/lib/boardmaps of a board: .mpy for its processor, only what changed, verified.

    The program that runs on the board is interrupted. New files take the old ones' places only when the board has
    hashed all of them, and in one step: a deploy that is cut off leaves the version that was there or the new one.

    The pool's size, the guard and the CPUs of the board's definition go to :/lib/boardmaps_config.py. One that you put there,
    or changed, is left alone; and what --board or --pool asked for stays until one of them is given again.

    JSON: {"port", "machine", "micropython", "form", "kernels", "version", "board", "config", "written", "unchanged",
    "removed", "bytes_written", "seconds", "restarted"}; written, unchanged and removed are lists of paths on the board.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.deploy import deploy

    with output.progress("asking the board what it has", quiet=as_json) as progress:
        report = deploy(
            port,
            app=app or None,
            entry=entry,
            app_path=app_path,
            board=board,
            pool=pool,
            reset=reset,
            timeout=timeout,
            progress=progress,
        )
    if as_json:
        output.as_json(asdict(report))
        return
    output.say(f"{report.machine}, MicroPython {report.micropython}, on {report.port}")
    output.say(
        f"boardmaps {report.version} as {report.form}: {len(report.written)} files written "
        f"({report.bytes_written} bytes), {len(report.unchanged)} unchanged, {len(report.removed)} removed, "
        f"all verified, in {report.seconds:.1f} s"
    )
    output.say(f"kernels: {report.kernels}")
    output.say(f"config: {report.config}")
    output.say("restarted: boot.py and main.py run" if report.restarted else "left at its REPL")
