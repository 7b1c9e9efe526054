"""The pool read whole: its bytes are those that firmware/SPEC.md draws, whatever the frames that they came in."""

from struct import unpack_from

import pytest

from boardmaps import ArrayMap, HashMap, NotSupported
from boardmaps.abi import BPF_F_WRONLY
from boardmaps.definition import MAGIC, check_word
from boardmaps.kinds import ARRAY, HASH
from boardmaps_host import Board


def test_the_image_holds_every_map_as_it_is_drawn(board: Board) -> None:
    if board.info["profile"] == "cloud":
        with pytest.raises(NotSupported, match="no pool"):
            board.pool.read()
        return
    assert board.pool.read() == b""
    numbers = board.create_map(ArrayMap, value_size=8, max_entries=400, name="numbers")
    temps = board.create_map(HashMap, key_size=4, value_size=4, max_entries=8, name="temps")
    numbers.update(399, b"the last")
    temps.update(b"desk", b"warm")
    reports: list[tuple[int, int]] = []
    image = board.pool.read(lambda done, total: reports.append((done, total)))
    assert reports[-1] == (len(image), board.pool.used())
    assert len(image) > 3000, "it takes several frames"
    for info, kind in ((numbers.info(), ARRAY), (temps.info(), HASH)):
        magic, size, map_type, _, key_size, value_size, max_entries = unpack_from("<4s6I", image, info.offset)
        assert (magic, size, map_type) == (MAGIC, info.slice_bytes, kind)
        assert (key_size, value_size, max_entries) == (info.key_size, info.value_size, info.max_entries)
        assert image[info.offset + 80 : info.offset + 96] == info.name.encode().ljust(16, b"\0")
        part = image[info.offset : info.offset + info.slice_bytes]
        assert unpack_from("<I", part, 76)[0] == check_word(part)
    assert image[temps.info().offset - 8 : temps.info().offset] == b"the last"
    assert b"deskwarm" in image[temps.info().offset :]


def test_what_the_host_may_not_read_is_not_in_the_image(board: Board) -> None:
    if board.info["profile"] == "cloud":
        return  # it has no image at all: the test above
    before = board.create_map(ArrayMap, value_size=8, max_entries=70, name="before")
    secret = board.create_map(ArrayMap, value_size=8, max_entries=70, map_flags=BPF_F_WRONLY, name="secret")
    after = board.create_map(ArrayMap, value_size=8, max_entries=70, name="after")
    for m in (before, secret, after):
        for i in range(70):
            m.update(i, b"%-8d" % i)
    image = board.pool.read()
    whole = [b"%-8d" % i for i in range(70)]
    for info, shown in ((before.info(), whole), (secret.info(), [bytes(8)] * 70), (after.info(), whole)):
        assert image[info.offset + 80 : info.offset + 96].rstrip(b"\0") == info.name.encode()
        assert image[info.offset + 96 : info.offset + info.slice_bytes] == b"".join(shown)
