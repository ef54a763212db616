"""The staging environment, applied once for the session."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.aws.site import Aws, Site


@pytest.fixture(scope="session")
def aws(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    require("terraform")
    with Aws(tmp_path_factory.mktemp("aws"), Path(require("cloud-tools"))) as one:
        yield one


@pytest.fixture(scope="session")
def site(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Site:
    one = Site(tmp_path_factory.mktemp("site"), aws)
    one.begin()
    one.terraform("apply", "-auto-approve", "-parallelism=30")
    return one
