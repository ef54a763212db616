"""A deploy that is interrupted, at every step of it: the traffic is where it was, or the next run puts it there."""

import json
import re
import signal

import pytest

from tests.operations.traffic import Traffic
from tests.operations.verb import StackHost, Verb

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROLLING_STEPS, SWITCH_STEPS = 12, 12
CANARY_STEPS = 12
"""With two slots a colour; the tests of the whole deploy see that there are no more."""
ENDS = {"rolling": ("--watch", "3"), "blue-green": ("--watch", "3")}


def deploy(host: StackHost, strategy: str, step: int, number: signal.Signals) -> Verb:
    words = ("deploy", strategy, "--version", "2", *ENDS[strategy])
    return host.run(*words, at_step=(step, number))


def assert_as_before(host: StackHost) -> None:
    assert host.stack.shares() == {"blue": 100, "green": 0}
    assert host.stack.versions() == {"blue": ["1", "1"], "green": ["", ""]}
    assert host.stack.drained() == set()
    assert host.under_way() is None


@pytest.mark.parametrize("strategy", ["rolling", "blue-green"])
class TestAtEveryStep:
    """The requests meanwhile are all answered."""

    @pytest.mark.parametrize("step", range(1, 13))
    def test_interrupted_it_puts_everything_back(self, host: StackHost, strategy: str, step: int) -> None:
        number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[step % 3]
        with Traffic(host.stack.edge.url, 10, stream_tokens=50) as traffic:
            ended = deploy(host, strategy, step, number)
        assert traffic.outcome.whole, traffic.outcome.summary()
        assert ended.code == 128 + number, ended.text
        assert_as_before(host)
        assert host.audit()[-1]["outcome"] == "interrupted"

    @pytest.mark.parametrize("step", range(1, 13))
    def test_killed_the_next_run_repairs_it(self, host: StackHost, strategy: str, step: int) -> None:
        with Traffic(host.stack.edge.url, 10, stream_tokens=50) as traffic:
            ended = deploy(host, strategy, step, signal.SIGKILL)
            assert ended.code == -signal.SIGKILL, ended.text
            left = host.under_way()
            assert left is not None
            assert left["step"] == ended.steps[-1]
            repaired = host.run("rollback")
        assert traffic.outcome.whole, traffic.outcome.summary()
        assert repaired.code == 0, repaired.text
        assert_as_before(host)
        assert [line["outcome"] for line in host.audit()] == ["repaired"]
        assert host.audit()[-1]["begun_by"] == "ada"


class TestTheNextRun:
    def test_a_deploy_repairs_and_then_goes_on(self, host: StackHost) -> None:
        deploy(host, "blue-green", SWITCH_STEPS, signal.SIGKILL)
        assert host.stack.shares() == {"blue": 0, "green": 100}
        again = host.run("deploy", "rolling", "--version", "3", "--watch", "0")
        assert again.code == 0, again.text
        assert host.stack.versions() == {"blue": ["3", "3"], "green": ["", ""]}
        assert host.stack.shares() == {"blue": 100, "green": 0}
        assert [line["outcome"] for line in host.audit()] == ["repaired", "succeeded"]

    def test_status_shows_what_was_left(self, host: StackHost) -> None:
        deploy(host, "blue-green", 3, signal.SIGKILL)
        assert re.search(r"ada's deploy blue-green: .*: start 2", host.run("status").out)

    def test_only_one_runs_at_a_time_and_the_other_says_whose_turn_it_is(self, host: StackHost) -> None:
        first = host.start("deploy", "blue-green", "--version", "2", "--watch", "5")
        first.wait_for("1. ")
        second = host.run("deploy", "rolling", "--version", "3", "--lock-wait", "0.5")
        assert second.code == 3
        assert "held by ada: deploy blue-green 2" in second.text
        assert second.steps == []
        assert first.wait().code == 0

    def test_a_second_ctrl_c_leaves_the_rest_to_the_next_run(self, host: StackHost) -> None:
        first = host.start("deploy", "blue-green", "--version", "2", "--watch", "30", at_step=(12, signal.SIGINT))
        first.wait_for("putting things back")
        first.process.send_signal(signal.SIGINT)
        assert first.wait().code == 4
        assert host.under_way() is not None
        assert host.run("rollback").code == 0
        assert_as_before(host)

    def test_what_cannot_be_put_back_is_told_and_tried_again(self, host: StackHost) -> None:
        """The edge is away just then."""
        verb = host.start("deploy", "blue-green", "--version", "2", "--watch", "60")
        verb.wait_for("12. ")
        host.stack.edge.stop()
        verb.process.send_signal(signal.SIGTERM)
        failed = verb.wait()
        host.stack.edge.start()
        assert failed.code == 4, failed.text
        assert "NOT PUT BACK" in failed.text
        assert host.stack.shares() == {"blue": 0, "green": 100}
        assert host.run("rollback").code == 0
        assert_as_before(host)


def test_a_watch_that_sees_nothing_is_no_success(host: StackHost) -> None:
    """The edge is away for longer than a busy moment."""
    verb = host.start("deploy", "blue-green", "--version", "2", "--watch", "60")
    verb.wait_for("12. ")
    host.stack.edge.stop()
    verb.wait_for("nothing could be seen for", seconds=40)
    host.stack.edge.start()
    assert verb.wait().code == 1, verb.text
    assert_as_before(host)


def test_a_line_that_is_lost_is_an_interruption(host: StackHost) -> None:
    """As sshd does it: the terminal goes, SIGHUP comes, and nobody reads what is told any more."""
    verb = host.start("deploy", "blue-green", "--version", "2", "--watch", "60")
    verb.wait_for("12. ")
    verb.hang_up()
    assert verb.wait().code == 128 + signal.SIGHUP
    assert_as_before(host)


def test_a_broken_file_of_releases_is_told_and_touches_nothing(host: StackHost) -> None:
    (host.folder / ".deploy").mkdir()
    (host.folder / ".deploy/releases.json").write_text(json.dumps({"serving": 3}))
    refused = host.run("deploy", "rolling", "--version", "2")
    assert refused.code == 5
    assert host.stack.replaced == []
