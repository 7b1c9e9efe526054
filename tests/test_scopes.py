"""Which tests go to one worker together: boards that several tests share are booted once, and both workers have work."""

import pytest

from tests.conftest import scope


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("tests/contract/test_hash.py::test_a[unix-1]", "contract on unix"),
        ("tests/contract/test_hash.py::test_a[qemu_viper-1]", "contract on qemu_viper"),
        ("tests/contract/test_hash.py::test_a[pico-4-512]", "contract on pico, tests/contract/test_hash.py"),
        ("tests/contract/test_queue.py::test_a[pico-Queue]", "contract on pico, tests/contract/test_queue.py"),
        ("tests/link/test_ports.py::test_every_length_passes[pico]", "tests/link/test_ports.py on pico"),
        ("tests/link/test_ports.py::test_rfc2217", "tests/link/test_ports.py"),
        ("tests/deploy/test_deploy.py::test_a[x]", "tests/deploy/test_deploy.py::test_a[x]"),
    ],
)
def test_scopes(nodeid: str, name: str) -> None:
    assert scope(nodeid) == name
