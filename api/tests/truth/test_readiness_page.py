"""docs/readiness.md has every check, in the list's order, and its numbers."""

from operations.readiness.checks import CHECKS
from operations.readiness.ground import Wanted
from operations.readiness.instances import OUT_S
from tests.pages import page, rows

PAGE = page("docs/readiness.md")


def test_every_check_is_told_and_none_that_there_is_not() -> None:
    assert [cells[0] for cells in rows(PAGE) if len(cells) == 3 and cells[0] != "check"] == list(CHECKS)


def test_the_numbers() -> None:
    wanted = Wanted()
    for sentence in (
        f"out within {OUT_S:g} s",
        f"{wanted.certificate_days:g} days are left",
        f"one succeeded within {wanted.rehearsed_days:g} days",
        f"{wanted.min_coverage * 100:g} % or more",
        f"{wanted.load_rate:g} requests a second for {wanted.load_s:g} s",
    ):
        assert sentence in PAGE, sentence
