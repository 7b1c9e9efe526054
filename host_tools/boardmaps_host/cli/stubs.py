"""`boardmaps stubs`: a board's typed maps for an editor."""

from pathlib import Path

from . import options, output
from .drawing import click


@click.command("stubs")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="NAME.pyi")
@options.target
def command(file: Path, target: options.Target, as_json: bool) -> None:
    """Write what an editor and a type checker need to know of a board's typed maps: the module NAME, as NAME.pyi and NAME.py.

    With `from NAME import connect` an editor then completes `board.maps.rooms["kitchen"].temp`, and a checker finds fields that are
    not there. Maps without a name or a schema are left out.

    JSON: {"stub", "module", "maps": [names]}.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.typed import stubs

    if file.suffix not in ("", ".pyi", ".py") or not file.stem.isidentifier():
        raise click.UsageError(f"{file}: it is no name of a module. Give one such as thermostat.pyi.")
    with target.connect() as board:
        infos = board.maps()
    try:
        names = stubs.write(file, infos)
    except OSError as error:
        raise click.ClickException(f"{error.strerror or error}.") from error
    stub, module = str(file.with_suffix(".pyi")), str(file.with_suffix(".py"))
    if as_json:
        output.as_json({"stub": stub, "module": module, "maps": names})
    else:
        output.say(f"{stub} and {module}: {', '.join(names) or 'no typed maps'}")
