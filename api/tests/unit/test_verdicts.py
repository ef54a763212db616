"""The table of outcomes, row for row, and which row a status falls into."""

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

FAILED, EXCUSED, SUCCEEDED, NOTHING = Hears.FAILED, Hears.EXCUSED, Hears.SUCCEEDED, Hears.NOTHING
NEXT, SAME, NOWHERE = Onward.NEXT_TARGET, Onward.SAME_TARGET, Onward.NOWHERE

TABLE = [
    # what happened, the breaker hears, next target?, the client hears, with this status and code
    (Outcome.UNREACHABLE, FAILED, NEXT, UpstreamUnreachable, 502, "upstream_unreachable"),
    (Outcome.STALE, NOTHING, SAME, UpstreamUnreachable, 502, "upstream_unreachable"),
    (Outcome.SERVER_ERROR, FAILED, NEXT, UpstreamError, 502, "upstream_error"),
    (Outcome.TIMED_OUT, FAILED, NEXT, UpstreamTimeout, 504, "upstream_timeout"),
    (Outcome.BUSY, EXCUSED, NEXT, UpstreamBusy, 429, "upstream_busy"),
    (Outcome.KEY_REFUSED, FAILED, NEXT, UpstreamKeyRefused, 502, "upstream_key_refused"),
    (Outcome.REFUSED, SUCCEEDED, NOWHERE, None, None, None),
    (Outcome.ANSWERED, SUCCEEDED, NOWHERE, None, None, None),
    (Outcome.CUT, FAILED, NOWHERE, None, None, None),
    (Outcome.CLIENT_GONE, EXCUSED, NOWHERE, None, None, None),
    (Outcome.BUG, NOTHING, NOWHERE, None, None, None),
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
    assert {row[0] for row in TABLE} == set(VERDICTS) == set(Outcome)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.REFUSED),
        (401, Outcome.KEY_REFUSED),
        (403, Outcome.KEY_REFUSED),
        (404, Outcome.REFUSED),
        (413, Outcome.REFUSED),
        (422, Outcome.REFUSED),
        (429, Outcome.BUSY),
        (499, Outcome.REFUSED),
        (500, Outcome.SERVER_ERROR),
        (502, Outcome.SERVER_ERROR),
        (503, Outcome.SERVER_ERROR),
        (302, Outcome.SERVER_ERROR),
        (600, Outcome.SERVER_ERROR),
    ],
)
def test_the_row_of_a_status(status: int, outcome: Outcome) -> None:
    assert outcome_of_status(status, busy=False) is outcome


@pytest.mark.parametrize("status", [400, 401, 429, 500, 502, 503])
def test_busy_changes_the_meaning_of_503_alone(status: int) -> None:
    busy = outcome_of_status(status, busy=True)
    assert busy is (Outcome.BUSY if status == 503 else outcome_of_status(status, busy=False))
