"""The watcher of a gateway that is too busy to read its replicas in time."""

import pytest

from tests.load.conftest import CLOUD_KEY, Pool
from tests.load.held import TellingGateway, least_held

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


def test_readings_that_run_out_of_time_leave_nothing_behind(pool: Pool) -> None:
    pool.start()
    hurried = pool.settings(watch={"interval_s": 0.02, "timeout_s": 0.006, "failures": 1_000_000})
    with TellingGateway(pool.folder, hurried, env=CLOUD_KEY) as gateway:
        before = least_held(gateway, seconds=2)
        assert least_held(gateway, seconds=4) == before
