"""docs/deploying.md has the exit codes, numbers and files of the verbs, and shows flags that there are."""

import re
import subprocess
from dataclasses import fields

import pytest
from operations import errors
from operations.canary import Stages
from operations.compare import Demands
from operations.site import Limits
from operations.verbs.deploy import WATCH_S
from tests.pages import PAGES, ROOT, blocks, page, rows

PAGE = page("docs/deploying.md")
VERBS = ("deploy", "rollback", "status", "health_check", "smoke_test", "canary_monitor", "load_test", "readiness")


def test_the_exit_codes() -> None:
    codes = {name: value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}
    told = [each[0] for each in rows(PAGE) if len(each) == 2 and re.fullmatch(r"\d+|128 \+ N", each[0])]
    assert told == [*map(str, sorted(codes.values())), "128 + N"]


def test_the_numbers() -> None:
    limits, stages, demands = Limits(), Stages(), Demands()
    text = re.sub(r"\s+", " ", PAGE)
    for sentence in (
        f"`--drain-limit` ({limits.drain_s:g} s)",
        f"`--max-errors` ({limits.max_errors:.0%}".replace("%", " %)"),
        f"{WATCH_S['rolling']:g} s after each instance of a rolling deploy, {WATCH_S['blue-green']:g} s after a switch",
        f"gets {', '.join(map(str, stages.percents))} %",
        f"four holds of {stages.hold_s / 60:g}",
        f"fewer than {demands.min_requests} requests on a side",
        f"once in {1 / demands.certain:,.0f} (",
        f"a chance of {demands.certain * 100:g} to {demands.doubt * 100:g} %",
        f"{demands.rate_tolerance} of the requests",
        f"a factor of {demands.time_tolerance}",
    ):
        assert sentence in text, sentence
    assert len(fields(Demands)) == 7, "say it here, and on the page"


def test_every_verb_is_told() -> None:
    named = {re.match(r"`scripts/(\w+)", each[0]) for each in rows(PAGE)}
    assert {match[1] for match in named if match} == set(VERBS)


@pytest.mark.parametrize("verb", VERBS[:4] + VERBS[5:])
def test_the_flags_that_pages_show_exist(verb: str) -> None:
    known = subprocess.run([ROOT / "scripts" / verb, "--help"], capture_output=True, text=True, check=True).stdout
    for path in PAGES:
        for block in blocks(str(path.relative_to(ROOT)), "bash"):
            for rest in re.findall(rf"scripts/{verb}\b(.*)", block):
                assert set(re.findall(r"--[\w-]+", rest)) <= set(re.findall(r"--[\w-]+", known)), rest
