"""`board.maps`: the maps of a board, listed, or by their names."""

from typing import TYPE_CHECKING, Protocol

from boardmaps.errors import KeyNotFound
from boardmaps_host.client.info import Asked, MapInfo, listing

if TYPE_CHECKING:
    from boardmaps_host.typed.records import TypedMap


class HasMaps(Protocol):
    """What has maps: a Board."""

    @property
    def link(self) -> Asked:
        """What has requests executed."""
        ...

    def map(self, which: str | int) -> object:
        """Return the map with this name or id."""
        ...


class Maps:
    """The maps of a board. Called, it returns what the board tells of them; attributes and items are typed maps by their names."""

    def __init__(self, board: HasMaps) -> None:
        self._board = board

    def __call__(self) -> list[MapInfo]:
        """Return what the board tells of all its maps, in the order of their creation."""
        return listing(self._board.link)

    def __getitem__(self, name: str | int) -> "TypedMap":
        """Return a typed map. Raises KeyNotFound, and InvalidDefinition for one that has no schema."""
        from boardmaps_host.typed.records import TypedMap  # saves start-up time: few commands need it

        return TypedMap(self._board.map(name))

    def __getattr__(self, name: str) -> "TypedMap":
        """Return a typed map; so that hasattr() works, no such map is an AttributeError here."""
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyNotFound as missing:
            raise AttributeError(str(missing)) from missing

    def __dir__(self) -> list[str]:
        return [info.name for info in self() if info.schema]
