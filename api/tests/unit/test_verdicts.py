"""The table of outcomes, row for row, and which row a status falls into."""

from typing import get_args

import pytest
from penstock.errors import (
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from penstock.upstream.breaker import Hears
from penstock.upstream.verdicts import VERDICTS, Onward, Outcome, outcome_of_status

FAILED, EXCUSED, SUCCEEDED, NOTHING = "failed", "excused", "succeeded", "nothing"
NEXT, SAME, NOWHERE = "next_target", "same_target", "nowhere"

TABLE = [
    # what happened, the breaker hears, next target?, the client hears, with this status and code
    ("unreachable", FAILED, NEXT, UpstreamUnreachable, 502, "upstream_unreachable"),
    ("stale", NOTHING, SAME, UpstreamUnreachable, 502, "upstream_unreachable"),
    ("server_error", FAILED, NEXT, UpstreamError, 502, "upstream_error"),
    ("timed_out", FAILED, NEXT, UpstreamTimeout, 504, "upstream_timeout"),
    ("busy", EXCUSED, NEXT, UpstreamBusy, 429, "upstream_busy"),
    ("key_refused", FAILED, NEXT, UpstreamKeyRefused, 502, "upstream_key_refused"),
    ("refused", SUCCEEDED, NOWHERE, None, None, None),
    ("answered", SUCCEEDED, NOWHERE, None, None, None),
    ("cut", FAILED, NOWHERE, None, None, None),
    ("client_gone", EXCUSED, NOWHERE, None, None, None),
    ("bug", NOTHING, NOWHERE, None, None, None),
]


@pytest.mark.parametrize(("outcome", "hears", "onward", "error", "status", "code"), TABLE)
def test_a_row(
    outcome: Outcome,
    hears: Hears,
    onward: Onward,
    error: type[UpstreamFailed] | None,
    status: int | None,
    code: str | None,
) -> None:
    verdict = VERDICTS[outcome]
    assert (verdict.hears, verdict.onward, verdict.error) == (hears, onward, error)
    if error is not None:
        assert (error.status, error.code) == (status, code)


def test_every_outcome_has_its_row() -> None:
    assert {row[0] for row in TABLE} == set(VERDICTS) == set(get_args(Outcome))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, "refused"),
        (401, "key_refused"),
        (403, "key_refused"),
        (404, "refused"),
        (413, "refused"),
        (422, "refused"),
        (429, "busy"),
        (499, "refused"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "server_error"),
        (302, "server_error"),
        (600, "server_error"),
    ],
)
def test_the_row_of_a_status(status: int, outcome: Outcome) -> None:
    assert outcome_of_status(status, busy=False) is outcome


@pytest.mark.parametrize("status", [400, 401, 429, 500, 502, 503])
def test_busy_changes_the_meaning_of_503_alone(status: int) -> None:
    busy = outcome_of_status(status, busy=True)
    assert busy is ("busy" if status == 503 else outcome_of_status(status, busy=False))
