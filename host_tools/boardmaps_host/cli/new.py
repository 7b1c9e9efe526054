"""`boardmaps new`: a project with firmware in several files, typed maps, and tests."""

import shlex

from . import options, output
from .drawing import click


@click.command("new")
@click.argument("name")
@options.as_json
def command(name: str, as_json: bool) -> None:
    """Make a project in the folder NAME: a thermostat with typed maps, and its tests for the computer and for boards.

    It works as it is, without a board, and is made to be changed. The folder is not to be there yet, or empty.

    JSON: {"folder", "files"}: the files' names, relative to the folder.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.project import ProjectError, new

    if not name.strip():
        raise click.UsageError("give the project a name: boardmaps new thermostat.")
    try:
        files = new(name)
    except ProjectError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        output.as_json({"folder": name, "files": files})
        return
    output.say(f"made {name}: {', '.join(files)}")
    folder = shlex.quote(name)
    output.say(f"  its tests   cd {folder} && pytest          (pip install 'boardmaps[test]')")
    output.say(f"  on a board  boardmaps deploy --app {shlex.quote(f'{name}/firmware')} --port PORT")
