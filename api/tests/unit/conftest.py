"""What the unit tests share."""

from collections.abc import Mapping

import pytest
from penstock.functions.catalog import Function
from tests.functions import USERS_FILE, users


@pytest.fixture(scope="session")
def user_functions(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Function]:
    """Functions that use what the shipped ones do not."""
    return users(USERS_FILE.read_text(), tmp_path_factory.mktemp("users"))
