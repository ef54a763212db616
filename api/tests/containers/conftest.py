"""The stack on a real engine, once for the session: two minutes the first time on a machine, half of one after."""

import os
from collections.abc import Iterator

import pytest

from tests.docker import Engine
from tests.stack import Stack


@pytest.fixture(scope="session")
def root() -> None:
    """Who alone can make the stand-ins of the official images."""
    if os.geteuid() != 0:
        pytest.skip("for want of root")


@pytest.fixture(scope="session")
def stack(engine: Engine, root: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(engine, tmp_path_factory.mktemp("stack")) as stack:
        yield stack
