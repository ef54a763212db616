"""docs/capacity.md has every input and figure of `penstock capacity`, as the command has them."""

import re
import shlex
from math import floor, log10
from pathlib import Path

import pytest
from penstock.capacity.command import main
from penstock.capacity.inputs import Inputs
from penstock.capacity.scaler import CACHE, EVERY_S, WAITING
from penstock.costing.flags import flag
from penstock.costing.wording import typed
from penstock.prices import prices
from tests.pages import ROOT, blocks, page, rows, section

PAGE = page("docs/capacity.md")
COST = page("docs/cost.md")
COMMAND = shlex.split(blocks("docs/capacity.md", "bash")[0].replace("\\\n", " "))[2:]
WEIGHTS, CACHED, TOKEN = 16.06e9, 750 * 131_072, 131_072


def test_every_input_with_its_flag_default_and_sentence() -> None:
    code = [
        [f"`{flag(name)}`", "none" if field.default is None else f"`{typed(field.default)}`", field.description]
        for name, field in Inputs.model_fields.items()
    ]
    assert list(rows(section(PAGE, "## Inputs"))) == code


def test_what_it_says_that_the_command_prints_and_draws(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "capacity.svg"
    assert COMMAND[-2:] == ["--plot", "docs/capacity.svg"]
    assert main([*COMMAND[:-1], str(picture)]) == 0
    (shown,) = blocks("docs/capacity.md", "text")
    assert capsys.readouterr().out.startswith(shown)
    assert picture.read_text() == page("docs/capacity.svg"), "draw it again, with the page's first command"


def two_digits(value: float) -> float:
    return round(value, 1 - floor(log10(value)))


def test_the_engine_s_speeds_follow_from_the_data_sheets() -> None:
    sheets = {gpu: each for gpu, *each in rows(section(COST, "## Throughput"))}
    told = {gpu: tuple(map(float, each)) for gpu, *each in rows(section(PAGE, "## What is simulated"))}
    assert told.keys() == prices().gpus.keys()
    for gpu, speeds in prices().gpus.items():
        rate, memory = float(sheets[gpu][1]) * 1e9, float(sheets[gpu][2]) * 1e9
        alone = 0.7 * rate / (WEIGHTS + CACHED)
        crowding = CACHED / (WEIGHTS + CACHED)
        fits = (0.9 * memory - WEIGHTS - 1.5e9) / TOKEN
        assert told[gpu] == (two_digits(alone), two_digits(crowding), two_digits(fits))
        assert told[gpu] == (float(speeds.alone), float(speeds.crowding), float(speeds.kv_tokens))


def test_the_autoscaler_is_the_project_s() -> None:
    terraform = (ROOT / "infrastructure/terraform/modules/gpu_pool/scaling.tf").read_text()
    assert [float(each) for each in re.findall(r"target = ([\d.]+) }", terraform)] == [WAITING, CACHE]
    assert f"{WAITING} waiting requests at a replica, {CACHE:.0%} of the KV cache. It looks every {EVERY_S:g} s" in (
        re.sub(r"\s+", " ", PAGE).replace("70 %", "70%")
    )
