"""What every simulated board is to the rest of the house: something that starts, has a port, and leaves no trace."""

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self


class SimulatedBoard(ABC):
    """A simulated board. Use it as a context manager, or call start() and stop().

    `port` is the path that mpremote and pyserial open (a link with a stable name), `maps_port` the one on which maps are
    served: the same, unless the board has a second UART for them.
    """

    name: str
    port: str
    maps_port: str
    flash: Path

    @abstractmethod
    def start(self) -> None:
        """Boot the board; return when its port can be opened. Raises BoardError with what is missing and how to get it."""

    @abstractmethod
    def stop(self) -> None:
        """End the board and remove its port; its flash image stays. Safe to call twice."""

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether the board is powered."""

    @abstractmethod
    def wait(self) -> int:
        """Block until the board ends by itself; return its exit status."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class BoardError(Exception):
    """A simulated board that cannot be had or cannot start; the text says what to do."""
