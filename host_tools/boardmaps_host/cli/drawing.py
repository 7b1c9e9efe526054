"""click; and where a person is to see help, rich_click, which draws the same in colour.

Only there: with what it draws with help takes three times as long, and boxes are of no use in a pipe.
"""

import sys
from typing import TYPE_CHECKING

_HELP = {"-h", "--help", "help"}

if TYPE_CHECKING or (sys.stdout.isatty() and (len(sys.argv) < 2 or not _HELP.isdisjoint(sys.argv))):
    import rich_click as click

    click.rich_click.USE_MARKDOWN = False
    click.rich_click.SHOW_ARGUMENTS = False
    Group = click.RichGroup
else:
    import click

    Group = click.Group

__all__ = ["Group", "click"]
