"""A real Alertmanager with the project's routes, and a real receiver: who hears of what, and what stays quiet."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.monitoring.receiver import Receiver
from tests.monitoring.rules import ROUTES
from tests.monitoring.watchers import Alertmanager
from tests.talk import until

PAGE = {"alertname": "ModelDown", "model": "chat", "severity": "page", "summary": "chat: all 2 replicas are down"}
TICKET = {"alertname": "RedisAway", "severity": "ticket", "summary": "1 of 3 instances"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


@pytest.fixture
def alertmanager(require: Callable[[str], str], receiver: Receiver, tmp_path: Path) -> Iterator[Alertmanager]:
    """Waits a second where the real one waits up to ten minutes."""
    require("prometheus-alertmanager")
    with Alertmanager(tmp_path, receiver.url, by=0.001) as one:
        yield one


def test_a_page_goes_to_the_pager_and_to_slack_and_is_taken_back(
    alertmanager: Alertmanager, receiver: Receiver
) -> None:
    alertmanager.fire(PAGE)
    until(lambda: receiver.pages() and receiver.slack(), 10)
    (alert,) = receiver.pages()[0]["alerts"]
    assert alert["annotations"]["summary"] == PAGE["summary"]
    title, text = receiver.slack()[0].split("\n", 1)
    assert title == "page: ModelDown (chat)"
    assert PAGE["summary"] in text
    assert "docs/x.md" in text

    alertmanager.fire(PAGE, over=True)
    until(lambda: receiver.pages("resolved") and len(receiver.slack()) == 2, 10)
    assert receiver.paged("resolved") == {"ModelDown"}
    assert receiver.slack()[1].startswith("over: ModelDown (chat)")


@pytest.mark.parametrize("severity", ["ticket", "info"])
def test_what_can_wait_goes_to_slack_alone(severity: str, alertmanager: Alertmanager, receiver: Receiver) -> None:
    alertmanager.fire(TICKET | {"severity": severity})
    until(receiver.slack, 10)
    alertmanager.fire(PAGE)
    until(receiver.pages, 10)
    assert receiver.paged() == {"ModelDown"}
    assert receiver.slack()[0].startswith(f"{severity}: RedisAway")


def test_a_message_says_which_of_its_alerts_are_over(alertmanager: Alertmanager, receiver: Receiver) -> None:
    idle, spent = (
        TICKET | {"severity": "info", "alertname": name, "summary": f"{name} it is"} for name in ("GpuIdle", "Spent")
    )
    alertmanager.fire(idle)
    alertmanager.fire(spent)
    until(lambda: any("Spent it is" in each for each in receiver.slack()), 10)
    alertmanager.fire(spent, over=True)
    told = until(lambda: [each for each in receiver.slack() if "over: Spent it is" in each], 10)
    assert told[0].startswith("info: ")
    assert "over: GpuIdle" not in told[0]
    assert "GpuIdle it is" in told[0]


def test_alerts_of_one_name_and_model_come_together(alertmanager: Alertmanager, receiver: Receiver) -> None:
    replicas = [
        {
            "alertname": "ReplicaDown",
            "model": "chat",
            "target": f"vllm-{number}",
            "severity": "ticket",
            "summary": f"{number} is down",
        }
        for number in (1, 2, 3)
    ]
    alertmanager.fire(*replicas, TICKET)
    until(lambda: len(receiver.slack()) == 2, 10)
    (down,) = (said for said in receiver.slack() if "ReplicaDown" in said)
    assert all(f"{number} is down" in down for number in (1, 2, 3))


QUIET = [
    ("ReplicaDown", {"target": "vllm-1"}, "BreakerOpen"),
    ("ReplicaDown", {"target": "vllm-1"}, "ScrapeFailing"),
    ("ModelDown", {"model": "chat"}, "ReplicaDown"),
    ("ModelDown", {"model": "chat"}, "FallbackRateHigh"),
    ("ModelDown", {"model": "chat"}, "LatencyHigh"),
    ("ModelDown", {"model": "chat"}, "FirstTokenSlow"),
    ("ModelDown", {"model": "chat"}, "QueueGrowing"),
    ("NothingAnswers", {"model": "chat"}, "ErrorRateHigh"),
    ("NothingAnswers", {"model": "chat"}, "ErrorBudgetBurns"),
    ("NothingAnswers", {"model": "chat"}, "LatencyHigh"),
    ("NothingAnswers", {"model": "chat"}, "FirstTokenSlow"),
    ("NothingAnswers", {"model": "chat"}, "FallbackRateHigh"),
    ("ErrorRateHigh", {"model": "chat"}, "ErrorBudgetBurns"),
    ("EdgeAway", {"instance": "edge"}, "ScrapeFailing"),
    ("NoInstanceUp", {}, "InstanceOut"),
    ("NoInstanceUp", {}, "NoGatewayScraped"),
    ("CostOverPlan", {}, "FallbackBudgetNearlySpent"),
]
"""What fires, what both alerts share, and what is quiet meanwhile."""


def of_case(name: str, case: str, shared: dict[str, str]) -> dict[str, str]:
    """An alert whose labels are its own, but for those that it shares."""
    own = dict.fromkeys(("model", "target", "instance"), f"{case} {name}")
    return {"alertname": name, "severity": "page", "case": case, **own, **shared}


def test_what_another_alert_explains_is_quiet_and_what_it_does_not_is_not(alertmanager: Alertmanager) -> None:
    for number, (loud, same, quiet) in enumerate(QUIET):
        shared = {name: f"{value}-{number}" for name, value in same.items()}
        alertmanager.fire(of_case(loud, str(number), shared), of_case(quiet, str(number), shared))
        alertmanager.fire(of_case(quiet, f"not {number}", {}))

    def suppressed() -> set[str]:
        alerts = alertmanager.get("/api/v2/alerts", inhibited="true", active="false")
        return {f"{each['labels']['case']} {each['labels']['alertname']}" for each in alerts}

    wanted = {f"{number} {quiet}" for number, (_, _, quiet) in enumerate(QUIET)}
    wanted |= {f"not {number} {quiet}" for number, (_, shared, quiet) in enumerate(QUIET) if not shared}
    until(lambda: wanted <= suppressed(), 10)
    assert suppressed() == wanted


def test_of_one_name_the_louder_is_heard(alertmanager: Alertmanager, receiver: Receiver) -> None:
    burns = {"alertname": "ErrorBudgetBurns", "model": "chat"}
    alertmanager.fire(burns | {"severity": "page"}, burns | {"severity": "ticket"})
    until(lambda: receiver.pages() and receiver.slack(), 10)
    alertmanager.fire(TICKET)
    until(lambda: len(receiver.slack()) == 2, 10)
    assert [said.split("\n")[0] for said in receiver.slack()] == ["page: ErrorBudgetBurns (chat)", "ticket: RedisAway"]


def test_every_inhibition_is_in_this_list() -> None:
    told = set()
    for rule in ROUTES["inhibit_rules"][1:]:  # the first is of one name
        (source,), (target,) = rule["source_matchers"], rule["target_matchers"]
        told |= {(source.split('"')[1], name) for name in target.split('"')[1].split("|")}
    assert told == {(loud, quiet) for loud, _, quiet in QUIET}
