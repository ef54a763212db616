"""Each way to deploy, and back, under load: nothing fails, nothing breaks, and it can be run twice."""

import pytest

from tests.figures import Figures
from tests.operations.prometheus import Prometheus
from tests.operations.stack import Stack
from tests.operations.traffic import Traffic
from tests.operations.verb import StackHost

pytestmark = pytest.mark.slow

CANARY = ("--stages", "25,100", "--hold", "6", "--judge-every", "2", "--min-requests", "20", "--quantiles", "0.5")
"""A canary for people in a hurry."""


@pytest.fixture
def traffic(stack: Stack) -> Traffic:
    """30 a second; a stream lasts a second and a half."""
    return Traffic(stack.edge.url, 30, stream_tokens=300)


def assert_whole(traffic: Traffic) -> None:
    summary = traffic.outcome.summary()
    assert (summary["failed"], summary["broken"]) == (0, 0), summary["how"]
    assert len(traffic.outcome.samples) > 100


def test_rolling_and_back(host: StackHost, traffic: Traffic) -> None:
    with traffic:
        assert host.run("deploy", "rolling", "--version", "2", "--watch", "1").code == 0
        assert host.stack.versions() == {"blue": ["2", "2"], "green": ["", ""]}
        assert host.run("rollback").code == 0
        assert host.stack.versions() == {"blue": ["1", "1"], "green": ["", ""]}
    assert_whole(traffic)
    assert host.stack.drained() == set()


def test_one_at_a_time(host: StackHost) -> None:
    host.run("deploy", "rolling", "--version", "2", "--watch", "0")
    first, second = host.stack.of["blue"]
    assert host.stack.replaced == [(first, "2"), (second, "2")]


def test_the_last_one_that_answers_is_not_taken_out(host: StackHost) -> None:
    """One that was ready in the beginning is away when the next one's turn comes."""
    first, second = host.stack.of["blue"]
    verb = host.start("deploy", "rolling", "--version", "2", "--watch", "0", "--ready-limit", "8")
    verb.wait_for("watch what was replaced")
    host.stack.slots[first].kill()
    assert verb.wait().code == 1
    assert f"the others: ready: not within 8 s: {first} cannot take requests" in verb.text
    assert (second, "2") not in host.stack.replaced
    assert host.stack.versions()["blue"] == ["1", "1"]


def test_blue_green_and_back_by_one_step(host: StackHost, traffic: Traffic, figures: Figures) -> None:
    """Less than two seconds on an idle machine."""
    with traffic:
        assert host.run("deploy", "blue-green", "--version", "2", "--watch", "2").code == 0
        assert host.stack.shares() == {"blue": 0, "green": 100}
        back = host.run("rollback")
        assert back.code == 0
    assert_whole(traffic)
    assert host.stack.shares() == {"blue": 100, "green": 0}
    assert host.stack.versions() == {"blue": ["1", "1"], "green": ["2", "2"]}
    assert back.steps == ["shares: blue 100 %, green 0 %"]
    figures(rollback_s=back.seconds)


def test_canary_and_back(host: StackHost, traffic: Traffic, prometheus: Prometheus) -> None:
    with traffic:
        done = host.run("deploy", "canary", "--version", "2", "--prometheus", prometheus.url, *CANARY)
        assert done.code == 0, done.text
        assert host.stack.shares() == {"blue": 0, "green": 100}
        assert host.run("rollback").code == 0
    assert_whole(traffic)
    assert host.stack.shares() == {"blue": 100, "green": 0}
    shifts = [step for step in done.steps if step.startswith("shares")]
    assert shifts == ["shares: blue 75 %, green 25 %", "shares: blue 0 %, green 100 %"]


def test_a_second_run_has_nothing_to_do(host: StackHost) -> None:
    for strategy in ("rolling", "blue-green"):
        again = host.run("deploy", strategy, "--version", "1")
        assert again.code == 0
        assert again.steps == []
    assert host.stack.replaced == []
    assert [line["outcome"] for line in host.audit()] == ["unchanged", "unchanged"]


def test_a_second_rollback_does_not_go_forward_again(host: StackHost) -> None:
    host.run("deploy", "blue-green", "--version", "2", "--watch", "0")
    host.run("rollback")
    again = host.run("rollback")
    assert again.code == 0
    assert again.steps == []
    assert host.stack.shares() == {"blue": 100, "green": 0}


def test_going_back_to_a_colour_that_was_stopped_meanwhile_starts_it(host: StackHost) -> None:
    host.run("deploy", "blue-green", "--version", "2", "--watch", "0")
    for name in host.stack.of["blue"]:
        host.stack.end(name)
    assert host.run("rollback").code == 0
    assert host.stack.versions()["blue"] == ["1", "1"]
    assert host.stack.shares() == {"blue": 100, "green": 0}


def test_the_audit_says_who_what_from_to_when_and_how_it_ended(host: StackHost) -> None:
    host.run("deploy", "blue-green", "--version", "2", "--watch", "0")
    (line,) = host.audit()
    told = {name: line[name] for name in ("who", "what", "from", "to", "outcome", "colour", "platform")}
    assert told == {
        "who": "ada",
        "what": "deploy blue-green",
        "from": "1",
        "to": "2",
        "outcome": "succeeded",
        "colour": "green",
        "platform": "processes",
    }
    assert line["when"].startswith("20")
    assert line["seconds"] > 0


def test_a_dry_run_shows_the_commands_and_changes_nothing(host: StackHost) -> None:
    before = host.stack.edge.state()["shares"]
    for strategy in ("rolling", "blue-green", "canary"):
        shown = host.run("deploy", strategy, "--version", "2", "--dry-run")
        assert shown.code == 0, shown.text
        assert "would run: curl" in shown.text
        assert shown.steps
    assert host.stack.replaced == []
    assert (host.stack.edge.state()["shares"], host.stack.drained()) == (before, set())
    assert not (host.folder / ".deploy").exists()


def test_what_is_held_is_waited_for_before_a_unit_is_replaced(host: StackHost) -> None:
    """A stream that is longer than the limit stops the deploy, and lives."""
    with Traffic(host.stack.edge.url, 10, stream_tokens=1600) as traffic:
        stopped = host.run("deploy", "rolling", "--version", "2", "--drain-limit", "2")
    assert stopped.code == 1
    assert "it still holds" in stopped.text
    assert host.stack.replaced == []
    assert host.stack.drained() == set()
    assert traffic.outcome.whole


def test_status_shows_versions_shares_readiness_and_the_last_changes(host: StackHost) -> None:
    host.run("deploy", "blue-green", "--version", "2", "--watch", "0")
    shown = host.run("status")
    assert shown.code == 0
    rows = [line.split("  ") for line in shown.out.splitlines()]
    assert [row[0] for row in rows[1:5]] == list(host.stack.slots)
    assert "100 %" in shown.out
    assert "deploy blue-green" in shown.out


def test_health_check_says_what_is_not_well_and_waits_if_told_to(host: StackHost) -> None:
    assert host.run("health_check", "--version", "1").code == 0
    assert host.run("health_check", "--version", "2").code == 1
    name = host.stack.of["blue"][0]
    host.stack.slots[name].kill()
    sick = host.run("health_check")
    assert (sick.code, name in sick.text) == (1, True)
    waiting = host.start("health_check", "--wait", "30")
    host.stack.run(name, "1")
    assert waiting.wait().code == 0
