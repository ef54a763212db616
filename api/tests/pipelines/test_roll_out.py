"""A deploy is followed by a look from outside, and what fails there, or is stopped there, is rolled back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipelines.programs import STEPS, Bin, Web

FLAGS = ("--host", "deploy@gpu-1", "--dir", "/srv/pen stock")
DEPLOY = "deploy canary --version sha-abc1234 --host deploy@gpu-1 --dir /srv/pen stock"
ROLLBACK = "rollback --host deploy@gpu-1 --dir /srv/pen stock"
HANG = "trap 'exit 143' TERM; touch \"$0.up\"; for _ in {1..400}; do sleep 0.05; done"


@pytest.fixture
def verbs(tmp_path: Path) -> Bin:
    folder = Bin(tmp_path)
    for verb in ("deploy", "smoke_test", "rollback"):
        folder.add(verb)
    return folder


class RollOut:
    """One run of the script against the service at `url`."""

    def __init__(
        self, verbs: Bin, url: str, *, strategy: str = "canary", version: str = "sha-abc1234", limit: int = 30
    ) -> None:
        self._outputs = verbs.path / "outputs"
        self._outputs.touch()
        self._verbs = verbs
        env = {**os.environ, "PENSTOCK_VERBS": str(verbs.path), "GITHUB_OUTPUT": str(self._outputs)}
        env |= {"STABLE_EVERY": "0", "STABLE_ASKS": "3", "STABLE_LIMIT": str(limit)}
        command = [sys.executable, str(STEPS / "roll_out.py"), strategy, version, url, *FLAGS]
        self._process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.errors = ""

    def signal_in(self, verb: str, number: int) -> None:
        """Send it as soon as this stand-in runs."""
        deadline = time.monotonic() + 10
        while not (self._verbs.path / f"{verb}.up").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """The exit code, and what the next steps read."""
        try:
            self.errors = self._process.communicate(timeout=30)[1]
        finally:
            self._process.kill()
        return self._process.returncode, self._outputs.read_text().strip()


def test_a_good_version_stays(verbs: Bin) -> None:
    with Web([200]).serving() as web:
        assert RollOut(verbs, web.url).end() == (0, "outcome=deployed")
    assert verbs.calls == [DEPLOY, f"smoke_test --url {web.url}"]
    assert web.paths == ["/health/ready"] * 3


def test_a_deploy_that_fails_leaves_traffic_to_the_verb(verbs: Bin) -> None:
    verbs.add("deploy", "exit 3")
    assert RollOut(verbs, "http://127.0.0.1:9").end() == (1, "outcome=not-deployed")
    assert verbs.calls == [DEPLOY]


def test_a_failed_smoke_test_goes_back(verbs: Bin) -> None:
    verbs.add("smoke_test", "exit 1")
    with Web([200]).serving() as web:
        out = RollOut(verbs, web.url)
        assert out.end() == (1, "outcome=rolled-back")
    assert verbs.calls == [DEPLOY, f"smoke_test --url {web.url}", ROLLBACK]
    assert "the smoke test failed: going back" in out.errors


def test_a_rollback_that_fails_is_told(verbs: Bin) -> None:
    verbs.add("smoke_test", "exit 1")
    verbs.add("rollback", "exit 1")
    with Web([200]).serving() as web:
        assert RollOut(verbs, web.url).end() == (1, "outcome=rollback-failed")


@pytest.mark.parametrize("statuses", [[503], [200, 200, 503] * 2000])
def test_what_never_becomes_stable_goes_back_untested(verbs: Bin, statuses: list[int]) -> None:
    with Web(statuses).serving() as web:
        out = RollOut(verbs, web.url, limit=2)
        assert out.end() == (1, "outcome=rolled-back")
    assert verbs.calls == [DEPLOY, ROLLBACK]
    assert "was not ready 3 times in a row within 2 s" in out.errors


def test_a_miss_on_the_way_starts_the_count_again(verbs: Bin) -> None:
    with Web([503, 200, 200, 503, 200]).serving() as web:
        assert RollOut(verbs, web.url).end() == (0, "outcome=deployed")
    assert len(web.paths) == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
class TestStopped:
    def test_in_the_deploy_the_verb_is_told(self, verbs: Bin, number: int) -> None:
        verbs.add("deploy", HANG)
        out = RollOut(verbs, "http://127.0.0.1:9")
        out.signal_in("deploy", number)
        assert out.end() == (1, "outcome=not-deployed")
        assert verbs.calls == [DEPLOY]

    def test_as_the_deploy_succeeds_it_goes_back(self, verbs: Bin, number: int) -> None:
        verbs.add("deploy", HANG.replace("exit 143", "exit 0"))
        with Web([200]).serving() as web:
            out = RollOut(verbs, web.url)
            out.signal_in("deploy", number)
            assert out.end() == (1, "outcome=rolled-back")
        assert verbs.calls == [DEPLOY, ROLLBACK]

    def test_again_while_the_deploy_puts_things_back_it_waits(self, verbs: Bin, number: int) -> None:
        note = f'echo "$told" >>{verbs.path}/calls'
        puts_back = (
            f"""told=twice; trap "{note}" TERM; touch "$0.back.up"; sleep 0.5; told="put back"; {note}; exit 3"""
        )
        verbs.add("deploy", HANG.replace("exit 143", puts_back))
        out = RollOut(verbs, "http://127.0.0.1:9")
        out.signal_in("deploy", number)
        out.signal_in("deploy.back", signal.SIGTERM)
        assert out.end() == (1, "outcome=not-deployed")
        assert verbs.calls == [DEPLOY, "put back"]

    def test_in_the_smoke_test_it_goes_back(self, verbs: Bin, number: int) -> None:
        verbs.add("smoke_test", HANG)
        with Web([200]).serving() as web:
            out = RollOut(verbs, web.url)
            out.signal_in("smoke_test", number)
            assert out.end() == (1, "outcome=rolled-back")
        assert verbs.calls[-1] == ROLLBACK

    def test_in_the_rollback_it_finishes_that(self, verbs: Bin, number: int) -> None:
        verbs.add("smoke_test", "exit 1")
        verbs.add("rollback", 'touch "$0.up"; sleep 0.5')
        with Web([200]).serving() as web:
            out = RollOut(verbs, web.url)
            out.signal_in("rollback", number)
            assert out.end() == (1, "outcome=rolled-back")


@pytest.mark.parametrize(
    ("strategy", "version"), [("recreate", "1.2.3"), ("rolling", "a b"), ("rolling", "--help"), ("rolling", "")]
)
def test_what_makes_no_sense_is_refused_before_anything_runs(verbs: Bin, strategy: str, version: str) -> None:
    assert RollOut(verbs, "http://127.0.0.1:9", strategy=strategy, version=version).end() == (2, "")
    assert verbs.calls == []
