"""What mpremote must be able to do on every emulated chip: inherit it, and give the module a `board` fixture."""

import json
from pathlib import Path

from boardmaps_sim.base import SimulatedBoard
from tests.sim.chip_console import ChipConsole
from tests.sim.conftest import Mpremote
from tests.waits import eventually


class MpremoteSuite:
    """mpremote's own commands, as a user types them."""

    def test_plain_exec_twice(self, mpremote: Mpremote) -> None:
        for _ in range(2):
            assert mpremote("exec", "print(1)") == "1\n"

    def test_files(self, mpremote: Mpremote, tmp_path: Path) -> None:
        content = bytes(range(256)) * 20
        (tmp_path / "data.bin").write_bytes(content)
        mpremote("fs", "mkdir", ":logs")
        mpremote("fs", "cp", "data.bin", ":logs/data.bin")
        assert [line.split() for line in mpremote("fs", "ls", ":logs").splitlines()[1:]] == [["5120", "data.bin"]]
        mpremote("fs", "cp", ":logs/data.bin", "back.bin")
        assert (tmp_path / "back.bin").read_bytes() == content
        (tmp_path / "note.txt").write_text("first\nsecond\n")
        mpremote("fs", "cp", "note.txt", ":")
        assert mpremote("fs", "cat", ":note.txt") == "first\nsecond\n"
        mpremote("fs", "rm", "-r", ":logs")
        assert "logs" not in mpremote("fs", "ls")

    def test_mip_installs_a_local_package(self, mpremote: Mpremote, tmp_path: Path) -> None:
        (tmp_path / "tiny.py").write_text("ANSWER = 42\n")
        (tmp_path / "package.json").write_text(json.dumps({"urls": [["tiny.py", "tiny.py"]], "version": "1"}))
        mpremote("mip", "install", "--no-mpy", "./package.json")
        assert mpremote("exec", "import tiny; print(tiny.__file__, tiny.ANSWER)") == "/lib/tiny.py 42\n"

    def test_soft_reset_forgets_and_resume_keeps(self, mpremote: Mpremote) -> None:
        mpremote("exec", "kept = 1")
        assert mpremote("resume", "exec", "print(kept)") == "1\n"
        mpremote("soft-reset")
        assert mpremote("resume", "exec", "print('kept' in globals())") == "False\n"

    def test_reset_starts_main_and_its_loop_can_be_interrupted(
        self, board: SimulatedBoard, mpremote: Mpremote, tmp_path: Path
    ) -> None:
        (tmp_path / "main.py").write_text("import time\nwhile True:\n    print('ticking')\n    time.sleep_ms(20)\n")
        mpremote("fs", "cp", "main.py", ":")
        mpremote("reset")
        with ChipConsole(board.port) as console:
            console.expect(b"ticking\r\nticking\r\n")
        assert mpremote("exec", "print('mine again')") == "mine again\n"

    def test_files_survive_stop_and_start(self, board: SimulatedBoard, mpremote: Mpremote) -> None:
        mpremote("exec", "with open('kept', 'w') as f: f.write('this')")
        board.stop()
        board.start()
        assert mpremote("fs", "cat", ":kept") == "this"

    def test_a_program_that_prints_to_nobody_goes_on(
        self, board: SimulatedBoard, mpremote: Mpremote, tmp_path: Path
    ) -> None:
        # far more than the buffers on the way hold; asking the board itself would interrupt it
        (tmp_path / "main.py").write_text(
            "for i in range(1000): print('x' * 60)\nwith open('all_printed', 'w') as f: f.write('all')\n"
        )
        mpremote("fs", "cp", "main.py", ":")
        mpremote("reset")
        assert eventually(lambda: board.flash.read_bytes().count(b"all_printed") > 1)
