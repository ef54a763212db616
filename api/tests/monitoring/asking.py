"""What a Prometheus that reads a stack finds, now, lately or soon."""

import math
import time
from collections.abc import Callable
from functools import partial

from tests.monitoring.promql import selectors
from tests.monitoring.watchers import Prometheus
from tests.talk import until

SOON_S = 20
"""Whatever is not there yet is there by then: the bad day goes on while the tests ask."""
LATELY_S = 10
"""What a panel shows is looked at over this time: a gauge may be 0 for a moment."""


def values(prometheus: Prometheus, expr: str) -> list[float]:
    """What a query finds now."""
    found = prometheus.get("/api/v1/query", query=expr)["data"]["result"]
    return [float(each["value"][1]) for each in found]


def lately(prometheus: Prometheus, expr: str) -> list[float]:
    """What it found in the last seconds, as a line; where there was nothing to divide by, the line has a gap."""
    now = time.time()
    asked = {"query": expr, "start": str(now - LATELY_S), "end": str(now), "step": "1"}
    found = prometheus.get("/api/v1/query_range", **asked)["data"]["result"]
    line = [float(value) for each in found for _, value in each["values"]]
    return [value for value in line if not math.isnan(value)]


def soon(find: Callable[[Prometheus, str], list[float]], prometheus: Prometheus, query: str) -> list[float]:
    """What it finds as soon as it finds anything."""
    try:
        return until(partial(find, prometheus, query), SOON_S)
    except AssertionError:
        raise AssertionError(f"nothing comes of {query}") from None


def there(prometheus: Prometheus, expr: str) -> None:
    """Every series that an expression reads."""
    for each in selectors(expr):
        soon(values, prometheus, f"count(last_over_time({each}[5m]))")
