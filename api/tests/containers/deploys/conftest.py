"""The stack as a host to deploy to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.deploys.site import Site
from tests.containers.deploys.wire import Wire
from tests.stack import Stack


@pytest.fixture(scope="package")
def _site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(stack, tmp_path_factory.mktemp("site"))
    yield site
    site.put_back()


@pytest.fixture
def site(_site: Site) -> Site:
    """One where nobody deployed yet, whatever the test before did."""
    _site.as_new()
    return _site


@pytest.fixture
def wire(site: Site, tmp_path: Path) -> Iterator[Wire]:
    """What leads from the verbs to the engine."""
    direct = site.environment
    with Wire(direct.get("DOCKER_HOST", "unix:///var/run/docker.sock"), tmp_path / "docker.sock") as wire:
        site.environment = {**direct, "DOCKER_HOST": wire.url}
        yield wire
    site.environment = direct
