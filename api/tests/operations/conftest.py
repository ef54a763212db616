"""A stack for the room's tests, and hosts to run verbs on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.operations.prometheus import Prometheus
from tests.operations.stack import Stack
from tests.operations.verb import StackHost


@pytest.fixture(scope="module")
def stack(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two slots a colour. Of the module: `host` makes it as new."""
    require("nginx-lua")
    with Stack(tmp_path_factory.mktemp("stack")) as one:
        yield one


@pytest.fixture
def host(stack: Stack, tmp_path: Path) -> StackHost:
    """Verbs that nobody ran before, on a stack as new."""
    stack.as_new()
    return StackHost(stack, tmp_path)


@pytest.fixture(scope="module")
def prometheus(
    require: Callable[[str], str], stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """One that watches the stack."""
    with Prometheus(require("prometheus"), tmp_path_factory.mktemp("prometheus"), stack.of) as one:
        yield one
