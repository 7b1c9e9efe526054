"""The board definitions that ship, and what the loader says of ones with a mistake."""

from pathlib import Path

import pytest

from boardmaps_host import boards
from boardmaps_host.boards import DefinitionError, all_boards, find, load, load_file

CHECKOUT = Path(__file__).resolve().parents[2]

GOOD = (CHECKOUT / "boards" / "pico.toml").read_text()


def test_every_promised_board_is_there() -> None:
    promised = {"pico", "pico_w", "pico2", "esp32", "esp32s3", "pyboard_v11", "unix", "qemu"}
    assert promised <= {board.name for board in all_boards()}
    chips = {board.mcu for board in all_boards()}
    assert any(chip.startswith("nRF52840") for chip in chips)
    assert any(chip.startswith("SAMD51") for chip in chips)
    assert any("Nucleo" in board.title for board in all_boards())


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_shipped_definition_leaves_the_program_heap(board: boards.BoardDefinition) -> None:
    assert board.heap_left >= 32 * 1024, "the pool would leave the program next to nothing"
    assert (board.guard == "irq+lock") == (board.mcu in ("RP2040", "RP2350")), "two cores without a GIL need the lock"
    assert board.is_hardware == (board.name not in ("unix", "qemu"))


def test_what_a_reset_of_stock_firmware_leaves() -> None:
    told = {board.name: board.over_resets for board in all_boards()}
    assert told["pico"] == told["pico_w"] == "kept"
    assert told["pico2"] == "kept, not tried on a board"
    assert {told[name] for name in ("esp32", "pyboard_v11", "unix", "qemu")} == {"not kept"}


def test_the_simulators_have_definitions_of_their_own() -> None:
    assert {load(name).simulator for name in ("unix", "pico", "qemu")} == set(boards.SIMULATORS)


def test_a_name_that_is_no_board() -> None:
    with pytest.raises(DefinitionError, match=r"no board is called 'picco'; there are .*pico.*\./my_board\.toml"):
        load("picco")


def test_a_users_file_is_found_by_its_path(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(GOOD.replace("pool = 65_536", "pool = 16_384"))
    board = find(str(mine))
    assert (board.name, board.pool) == ("mine", 16_384)
    assert find("pico") == load("pico")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('arch = "armv6m"', 'arch = "arm"', r"arch is 'arm'; allowed is one of x86, x64, .*armv6m.*rv64imc"),
        ("cores = 2", "cores = 0", "cores is 0; allowed is a whole number from 1 to 64"),
        ("cores = 2", "cores = true", "cores is True; allowed is a whole number"),
        ("word = 32", 'word = "32"', "word is '32'; allowed is one of 32, 64"),
        ("word = 32", "word = 32.0", r"word is 32\.0; allowed is one of 32, 64"),
        ("pool = 65_536", "pool = 65_540", "pool is 65540; allowed is a whole number from 1024 to 65536"),
        ("pool = 65_536", "pool = 4_100", "pool is 4100; allowed is a multiple of 8 bytes"),
        ("heap = 245_664", "heap = 65_536", "pool is 65536; allowed is less than heap, which is 65536"),
        ('guard = "irq+lock"', 'guard = "mutex"', r"guard is 'mutex'; allowed is one of none, irq, irq\+lock"),
        ('kind = "usb"', 'kind = "spi"', r"line\.kind is 'spi'; allowed is one of usb, uart"),
        ("receive = 511", "receive = -1", r"line\.receive is -1; allowed is a whole number from 1 to 1048576"),
        ('title = "Raspberry Pi Pico"', "", "title is missing; allowed is a text that is not empty"),
        ("[line]", "[lime]", r"line is missing; allowed is a table, \[line\]"),
        ('flash = "uf2"', 'flash = "uf3"', r"micropython\.flash is 'uf3'; allowed is one of uf2, esptool"),
        (
            'port = "rp2"',
            'port = "rp2"\nspeed = 9',
            r"micropython\.speed is not a key; allowed are .*\.steps",
        ),
        ("cores = 2", "cores = 2\nheep = 1", "heep is not a key; allowed are .*heap"),
        ("cores = 2", "cores = = 2", "is not TOML: .*line 3"),
    ],
)
def test_a_mistake_names_file_key_and_what_may_stand_there(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    broken = tmp_path / "broken.toml"
    broken.write_text(GOOD.replace(old, new))
    with pytest.raises(DefinitionError, match=message) as caught:
        load_file(broken)
    assert str(caught.value).startswith(f"{broken}: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be read: No such file or directory"):
        load_file(tmp_path / "none.toml")


def test_definitions_are_found_inside_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel carries boards/ as boardmaps_sim/boards, and then the checkout's folder does not count."""
    package = tmp_path / "boardmaps_sim"
    (package / "boards").mkdir(parents=True)
    (package / "boards" / "only.toml").write_text(GOOD)
    monkeypatch.setattr("boardmaps_host.boards.importlib.resources.files", lambda _name: package)
    assert [board.name for board in all_boards()] == ["only"]
