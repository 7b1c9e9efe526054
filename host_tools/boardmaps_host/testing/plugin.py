"""The pytest plugin: `--board`, the fixtures board, fresh_board, twin and firmware, and the marker `board`.

pytest finds it by its entry point wherever boardmaps is installed, so nothing is imported here that a suite without boards
does not need. docs/testing.md says how it is used.
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from boardmaps_host import Board
    from boardmaps_host.testing.boards import Boards
    from boardmaps_host.testing.on_twin import Turns

Put = Callable[..., "Board"]

_TWIN = "twin"
_USUAL = ["unix"]
_OPTION = "boards"
_CHOSEN = "boardmaps_chosen"  # the plugin with what the tests run on
# What the tests of an item have used, for the report of a failure: called, each gives (title, text) pairs
_TELL = pytest.StashKey[list[Callable[[], Sequence[tuple[str, str]]]]]()
_BOARDS = pytest.StashKey["Boards"]()
_MARKER = (
    'board(*names, heap="192K", pool="32K", cpus=2, word=32, real=True): run the test only on boards of these names, with at '
    "least so much heap, pool and CPUs, with words of so many bits, or on real ones (False: simulated ones)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --board, and what may stand in the configuration file."""
    group = parser.getgroup("boardmaps", "boards (boardmaps)")
    group.addoption(
        "--board",
        action="append",
        metavar="NAME",
        help="what the tests run on: twin, a simulated board (unix, pico, qemu, or another of `boardmaps boards`), or the port of "
        "a real one, PORT[=BOARD]; given several times, once on each; a path is to be one word with it: --board=/dev/ttyACM0",
    )
    parser.addini("boards", "what the tests run on when --board is not given (unix)", type="args", default=_USUAL)
    parser.addini("board_timeout", "seconds that a board may stay silent before a call gives up (10)", default="10")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let a conftest.py have boards of its own."""
    # saves start-up time: for suites that use boards
    from boardmaps_host.testing import hooks

    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """See what the tests are to run on, before anything runs."""
    config.addinivalue_line("markers", _MARKER)
    chosen = list(dict.fromkeys(config.getoption("--board") or config.getini(_OPTION)))
    config.pluginmanager.register(_chosen(chosen), _CHOSEN)
    if chosen != _USUAL and not hasattr(config, "workerinput"):
        # saves start-up time: for suites that use boards
        from boardmaps_host.testing.choosing import look_at

        look_at(config, chosen)


def _chosen(names: list[str]) -> ModuleType:
    """Return a plugin with the fixture whose parameters are these boards. A conftest.py that has its own overrides it."""

    @pytest.fixture(scope="session", params=names)
    def board_target(request: pytest.FixtureRequest) -> str:
        """What the test runs on, as --board names it: twin, unix, /dev/ttyACM0, …"""
        return str(request.param)

    made = ModuleType(_CHOSEN)
    made.board_target = board_target  # type: ignore[attr-defined]
    made.names = names  # type: ignore[attr-defined]
    return made


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run each test on the boards that have what it needs."""
    chosen: list[str] = getattr(config.pluginmanager.get_plugin(_CHOSEN), "names", [])
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        (left_out if _is_left_out(item, chosen) else kept).append(item)
    if left_out:
        items[:] = kept
        config.hook.pytest_deselected(items=left_out)


def _board_of(item: pytest.Item) -> str | None:
    """Return what an item runs on, None for one that names no board."""
    callspec = getattr(item, "callspec", None)
    name = callspec.params.get("board_target") if callspec is not None else None
    return name if isinstance(name, str) else None


def _is_left_out(item: pytest.Item, chosen: list[str]) -> bool:
    name = _board_of(item)
    if name is None or item.get_closest_marker("board") is None:
        return False
    # saves start-up time: for suites that use boards
    from boardmaps_host.testing.choosing import is_left_out

    return is_left_out(item, name, chosen)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that none of the boards can run; fail it where BOARDMAPS_REQUIRE=1 says that nothing may be skipped."""
    if item.get_closest_marker("board") is not None:
        # saves start-up time: for suites that use boards
        from boardmaps_host.testing.choosing import LACKING

        if lacking := item.stash.get(LACKING, ""):
            _refuse(lacking)


def _refuse(why: str) -> None:
    if os.environ.get("BOARDMAPS_REQUIRE") == "1":
        pytest.fail(f"required here, and not run: {why}", pytrace=False)
    pytest.skip(why)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """End a simulated board when the next test runs on another one, or on none."""
    yield
    boards = item.config.stash.get(_BOARDS, None)
    if boards is not None:
        boards.keep(_board_of(nextitem) if nextitem is not None else None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what its board has printed, and the crash that it has on record."""
    report = yield
    if report.failed:
        for tell in item.stash.get(_TELL, []):
            report.sections += tell()
    return report


@contextmanager
def _sentences() -> Iterator[None]:
    """Have what goes wrong with a board fail a test with its one sentence, and without a traceback of ours."""
    # saves start-up time: for suites that use boards
    from boardmaps_host.boards import DefinitionError
    from boardmaps_host.client.errors import LinkError
    from boardmaps_host.deploy import DeployError
    from boardmaps_host.testing.on_twin import TwinError
    from boardmaps_host.testing.targets import TargetError

    try:
        yield
    except (LinkError, DeployError, DefinitionError, TargetError, TwinError) as error:
        failure = str(error)
    else:
        return
    raise pytest.fail.Exception(failure, pytrace=False) from None


@pytest.fixture(scope="session")
def _boards(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Boards]":
    """The boards of this session, or of this worker of it."""
    # saves start-up time: for suites that use boards
    from boardmaps_host.testing.boards import Boards

    try:
        timeout = float(pytestconfig.getini("board_timeout"))
    except ValueError:
        raise pytest.UsageError(f"board_timeout = {pytestconfig.getini('board_timeout')}: give seconds.") from None
    given = pytestconfig.hook.pytest_boardmaps_board
    boards = Boards(lambda name: given(name=name), tmp_path_factory.mktemp("boards"), timeout)
    pytestconfig.stash[_BOARDS] = boards
    yield boards
    del pytestconfig.stash[_BOARDS]
    boards.close()


@pytest.fixture
def twin() -> "Iterator[Board]":
    """The twin: what drives the maps that the test makes. They are the test's own, and are gone with it."""
    # saves start-up time: for suites that use boards
    from boardmaps_host import connect
    from boardmaps_host.twin import Registry

    with Registry(), connect(_TWIN, allow_reset=True) as board:
        yield board


@pytest.fixture
def board(request: pytest.FixtureRequest, board_target: str) -> "Board":
    """A connection to a board without maps, pins or crashes. It is kept as long as tests on it follow, and cleaned before each."""
    if board_target == _TWIN:
        return request.getfixturevalue("twin")  # type: ignore[no-any-return]
    boards: Boards = request.getfixturevalue("_boards")
    tell = request.node.stash.setdefault(_TELL, [])
    with _sentences():
        held = boards.bare(board_target)
    tell.append(lambda: list(held.sections()))
    assert held.board is not None
    return held.board


@pytest.fixture
def fresh_board(request: pytest.FixtureRequest, board_target: str) -> "Iterator[Board]":
    """A connection to a board that no test has used: a simulated one boots for this test alone, a real one is restarted."""
    if board_target == _TWIN:
        yield request.getfixturevalue("twin")
        return
    boards: Boards = request.getfixturevalue("_boards")
    with ExitStack() as stack:
        with _sentences():
            held = stack.enter_context(boards.fresh(board_target))
        request.node.stash.setdefault(_TELL, []).append(lambda: list(held.sections()))
        assert held.board is not None
        yield held.board


@pytest.fixture
def firmware(request: pytest.FixtureRequest, board_target: str) -> Iterator[Put]:
    """A function that puts a program on the board and returns the connection to it: firmware("src", twin="control:turns").

    It takes a file, a folder or several of them, relative to pytest's root folder, and `entry`, the file that the board starts
    (main.py). It is deployed once, as long as tests on that board follow; for each test it begins anew, with nothing kept. `twin`
    names what runs in its place on the twin: module:function, a generator function whose every yield is where the board's program
    polls; without it the test is skipped there. A program that ends during a test fails the test, unless that has seen it.
    """
    with ExitStack() as stack:
        ended: list[Callable[[], str]] = []

        def put(*files: str | Path, entry: str | None = None, twin: str | None = None) -> "Board":
            tell = request.node.stash.setdefault(_TELL, [])
            paths = tuple(request.config.rootpath / file for file in files)
            with _sentences():
                if board_target == _TWIN:
                    made, turns = _put_on_twin(stack, paths, twin)
                    ended.append(lambda: turns.failed)
                    return made
                # saves start-up time: for suites that use boards
                from boardmaps_host.testing.held import Firmware

                held = request.getfixturevalue("_boards").held(board_target)
                tell.append(lambda: list(held.sections()))
                ended.append(held.ended)
                return held.running(Firmware(paths, entry))  # type: ignore[no-any-return]

        yield put
        found = [why for end in ended if (why := end())]
    if found:
        pytest.fail(f"the firmware ended during the test: {found[0]}", pytrace=False)


def _put_on_twin(stack: ExitStack, paths: Sequence[Path], twin: str | None) -> "tuple[Board, Turns]":
    # saves start-up time: for suites that use boards
    from boardmaps_host.testing.on_twin import on_twin

    if twin is None:
        _refuse(
            'the firmware of this test runs on boards alone: firmware(…, twin="module:function") says what runs on the twin'
        )
    return stack.enter_context(on_twin(paths, str(twin)))
