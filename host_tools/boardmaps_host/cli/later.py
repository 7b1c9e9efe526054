"""Commands whose modules are imported when they are asked for: a command that is one of forty need not wait for the others."""

import importlib
from collections.abc import Iterator, MutableMapping
from typing import Any

from . import drawing
from .drawing import click

# A command's name → MODULE:NAME in this package, and what a list says of it: nothing of one that it leaves out.
Places = dict[str, tuple[str, str]]


class _Later(MutableMapping[str, click.Command]):
    """Commands by their names. While `listing` none is imported: each is but its name and what the list says."""

    def __init__(self, places: Places) -> None:
        self.listing = False
        self._places = places
        self._there: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if self.listing and name in self._places:
            short = self._places[name][1]
            return click.Command(name, short_help=short, hidden=not short)
        if name not in self._there:
            module, _, attribute = self._places[name][0].partition(":")
            self._there[name] = getattr(importlib.import_module(f".{module}", __package__), attribute)
        return self._there[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._there[name] = command

    def __delitem__(self, name: str) -> None:
        self._there.pop(name, None)
        self._places.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        yield from self._places.keys() | self._there.keys()

    def __len__(self) -> int:
        return len(self._places.keys() | self._there.keys())


class Group(drawing.Group):
    """A group with commands that are imported later. Those that its own module makes are added as ever."""

    def __init__(self, *args: Any, later: Places, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = later
        self.commands = self._later = _Later(later)  # not by the constructor: rich_click's has a look at each

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, and the list of the commands."""
        self._later.listing = True
        try:
            super().format_options(ctx, formatter)
        finally:
            self._later.listing = False
