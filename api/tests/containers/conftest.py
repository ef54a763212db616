"""The stack on a real engine, once for all of these: two minutes the first time on a machine, half of one after."""

from collections.abc import Iterator

import pytest

from tests.docker import Engine
from tests.stack import Stack


@pytest.fixture(scope="package")
def stack(engine: Engine, root: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(engine, tmp_path_factory.mktemp("stack")) as stack:
        yield stack
