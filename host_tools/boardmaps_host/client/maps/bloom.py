"""A board's BloomFilter."""

from struct import pack

from boardmaps.abi import BPF_ANY, OP_PEEK, OP_PUSH
from boardmaps.errors import NotSupported
from boardmaps_host.client.maps.base import Buffer, RemoteMap


class RemoteBloomFilter(RemoteMap):
    """A BloomFilter on a board: values are added, and asked for; info().count is how many pushes have set a bit."""

    def push(self, value: Buffer, flags: int = BPF_ANY) -> None:
        """Add a value: from now on peek() says True to it. Raises InvalidValueSize, and InvalidFlags for any flag."""
        v = self._sized("push", value)
        self._flags("push", flags)
        self._ask(OP_PUSH, pack("<I", flags) + v, changes=True)

    def peek(self, value: Buffer) -> bool:
        """Return False when the value was surely never pushed, else True. Raises InvalidValueSize."""
        return self._ask(OP_PEEK, self._sized("peek", value)) == b"\1"

    def __len__(self) -> int:
        """Raise NotSupported: a filter does not know how many different values it was given."""
        raise NotSupported(f"len {self.name!r}: a filter does not know how many different values it was given")

    def __bool__(self) -> bool:
        """Give True, whatever is in it: len() has no answer."""
        return True
