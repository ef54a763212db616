"""Slack hears of every end of a deploy, in a body that no version can break, and its address is never printed."""

import json
import os
import subprocess
import sys

import pytest
from ci import roll_out, slack

from tests.pipelines.programs import STEPS, Web
from tests.servers import free_port

SECRET_PATH = "/services/T0/B0/zanzibar"


def run(outcome: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(STEPS / "slack.py"), outcome]
    return subprocess.run(
        command, env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("outcome", [*slack.WORDS, ""])
def test_every_outcome_arrives_with_its_words(outcome: str) -> None:
    with Web([200]).serving() as web:
        where = {"GITHUB_SERVER_URL": "https://forge.test", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7"}
        done = run(outcome, SLACK_WEBHOOK_URL=web.url + SECRET_PATH, VERSION="1.2.3", ACTOR="ada", **where)
    assert done.returncode == 0
    assert web.paths == [SECRET_PATH]
    (text,) = json.loads(web.bodies[0]).values()
    assert text.startswith(slack.WORDS.get(outcome, slack.LOST))
    assert text.endswith(" · version 1.2.3 · actor ada · <https://forge.test/o/r/actions/runs/7|the run>")


def test_the_outcomes_are_those_of_the_program_that_deploys() -> None:
    assert {*roll_out.Outcome, "not-built"} == set(slack.WORDS)


def test_what_comes_from_outside_is_text() -> None:
    with Web([200]).serving() as web:
        run("deployed", SLACK_WEBHOOK_URL=web.url, VERSION='"},<!channel> & "\n{$(x)')
    text = json.loads(web.bodies[0])["text"]
    assert 'version "},&lt;!channel&gt; &amp; "\n{$(x)' in text


def test_it_tries_again_where_that_may_help() -> None:
    with Web([503, 429, 200]).serving() as web:
        assert slack.send(web.url, {"text": "x"}, pause_s=0) is None
    assert len(web.bodies) == 3


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (500, slack.TRIES)])
def test_a_refusal_fails_the_step_without_the_address(status: int, asked: int) -> None:
    with Web([status]).serving() as web:
        done = run("deployed", SLACK_WEBHOOK_URL=web.url + SECRET_PATH)
    assert done.returncode == 1
    assert f"::error::nobody was told: Slack answered {status}" in done.stdout
    assert len(web.bodies) == asked
    assert "zanzibar" not in done.stdout + done.stderr


def test_nobody_there_fails_the_step_without_the_address() -> None:
    done = run("deployed", SLACK_WEBHOOK_URL=f"http://127.0.0.1:{free_port()}{SECRET_PATH}")
    assert done.returncode == 1
    assert "could not be reached" in done.stdout
    assert "zanzibar" not in done.stdout + done.stderr


@pytest.mark.parametrize("address", ["", "zanzibar"])
def test_without_an_address_it_says_so_and_fails_nothing(address: str) -> None:
    done = run("deployed", SLACK_WEBHOOK_URL=address)
    assert done.returncode == 0
    assert "::warning::" in done.stdout
    assert "zanzibar" not in done.stdout + done.stderr
