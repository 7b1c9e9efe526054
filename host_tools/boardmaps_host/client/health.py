"""What a board says of its own heap and kernels."""

from dataclasses import dataclass

from boardmaps.abi import HEALTH_LARGEST, OP_HEALTH
from boardmaps_host.client.info import Asked, ask, reading


@dataclass(frozen=True)
class Heap:
    """A board's heap, in bytes; `kernels` says what moves the bytes of its maps: built-in, native, viper or plain.

    `largest` is the largest free block, None when it was not asked for.
    """

    free: int
    used: int
    kernels: str
    largest: int | None = None


def heap(link: Asked, *, largest: bool = False) -> Heap:
    """Ask a board for it. Raises NotSupported for a twin, and for a board with an older boardmaps.

    `largest`: the largest free block too. The board tries that by taking it, with some ten collections of its heap: for tens of
    milliseconds nothing else runs there, and a thread of its program may find no memory.
    """
    return parse_heap(ask(link, asking(largest=largest)) or b"")


def asking(*, largest: bool = False) -> bytes:
    """Return the request, for those who have it executed beside others."""
    return bytes((OP_HEALTH, HEALTH_LARGEST if largest else 0))


def parse_heap(data: bytes) -> Heap:
    """Return what a reply says. Raises LinkError for what is none."""
    with reading("health"):
        words = dict(word.split("=", 1) for word in data.decode().split(" "))
        block = int(words["largest"]) if "largest" in words else None
        return Heap(int(words["free"]), int(words["used"]), words["kernels"], block)
