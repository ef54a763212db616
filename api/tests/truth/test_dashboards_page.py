"""docs/dashboards.md has every dashboard with the question that it answers, and no other."""

from dashboards.boards import BOARDS as CODE
from tests.monitoring.dashboards import BOARDS
from tests.pages import named, page, rows

PAGE = page("docs/dashboards.md")


def test_every_dashboard_stands_there_with_its_question() -> None:
    told = {named(uid): question for uid, question, _ in rows(PAGE)}
    assert told == {board.uid: board.json["description"] for board in BOARDS}


def test_they_are_told_in_the_order_of_their_code() -> None:
    assert [named(row[0]) for row in rows(PAGE)] == [board.uid for board in CODE]
