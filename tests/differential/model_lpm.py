"""What an LpmTrie must do, said with texts of 0 and 1; nothing here comes from boardmaps."""

from typing import Any

from tests.differential.model import HashModel, Refused


class LpmModel(HashModel):
    """LpmTrie: a look-up tries every stored prefix. A prefix is a text of 0 and 1; `data` maps it to its key and value."""

    def text(self, key: bytes) -> str | None:
        """Return the key's prefix, None when it is longer than its data."""
        bits = "".join(f"{byte:08b}" for byte in key[4:])
        length = int.from_bytes(key[:4], "little")
        return bits[:length] if length <= len(bits) else None

    def lookup(self, key: bytes) -> Any:
        self.may(read=True)
        asked = self.text(key)
        texts: list[Any] = list(self.data)
        found = [] if asked is None else [text for text in texts if asked.startswith(text)]
        return self.data[max(found, key=len)][1] if found else None

    lookup_into = lookup

    def update(self, key: bytes, value: Any, flags: int) -> None:
        super().update(self.exact(key), (key, value), flags)

    def delete(self, key: bytes) -> None:
        super().delete(self.exact(key))

    def exact(self, key: bytes) -> Any:
        """Return the prefix to be written, which has no more bits than the data."""
        self.may(write=True)
        text = self.text(key)
        if text is None:
            raise Refused("InvalidKeySize")
        return text

    def take(self, _: Any) -> Any:
        self.may(read=True, write=True)
        raise Refused("NotSupported")

    def drain(self, _count: int) -> list[tuple[bytes, Any]]:
        self.take(None)
        return []

    def next_key(self, key: bytes) -> Any:
        walk = self.walk()
        text = self.text(key)
        behind = walk if text is None else [k for k in walk if str(self.text(k)) + "2" > text + "2"]
        return behind[0] if behind else None

    def walk(self) -> list[bytes]:
        """Return the keys in post-order: with a 2 behind its bits, a prefix comes behind all that go on with 0 or 1."""
        self.may(read=True)
        return [self.data[text][0] for text in sorted(self.data, key=lambda text: str(text) + "2")]

    def keys(self) -> list[bytes]:
        return sorted(self.walk())

    def pages(self, _count: int) -> list[tuple[bytes, Any]]:
        self.may(read=True)
        return sorted(self.data.values())
