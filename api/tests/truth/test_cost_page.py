"""docs/cost.md has every input, key and figure of `penstock cost`, as the command has them."""

import json
import re
import shlex
from decimal import Decimal
from math import floor, log10
from pathlib import Path

import pytest
from penstock.costing.command import main
from penstock.costing.flags import flag
from penstock.costing.inputs import Inputs
from penstock.costing.wording import typed
from penstock.prices import prices
from tests.pages import ROOT, blocks, page, rows, section

PAGE = page("docs/cost.md")
PROSE = re.sub(r"\s+", " ", PAGE)
COMMANDS = [shlex.split(each.replace("\\\n", " "))[2:] for each in blocks("docs/cost.md", "bash")]
LOAD = "--requests 5000000 --tokens-in 700 --tokens-out 100"
CASE = f"{LOAD} --gpu-hourly 0.65 --disk 32.50 --network 20".split()


def output(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_every_input_with_its_flag_default_and_sentence() -> None:
    def default(value: Decimal | str | None) -> str:
        return "none" if value is None else f"`{typed(value)}`"

    code = [
        [f"`{flag(name)}`", "required" if field.is_required() else default(field.default), field.description]
        for name, field in Inputs.model_fields.items()
    ]
    assert list(rows(section(PAGE, "## Inputs"))) == code


def test_what_it_says_that_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    shown = blocks("docs/cost.md", "text")
    assert len(shown) == len(COMMANDS) == 2
    for command, text in zip(COMMANDS, shown, strict=True):
        printed = iter(output(command, capsys).splitlines())
        for line in text.splitlines():
            assert line in printed, line  # in this order: `in` takes lines off the iterator


def test_what_the_well_known_case_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    told_rows = list(rows(section(PAGE, "## The well-known case")))
    assert len(told_rows) == 6
    for with_flags, saved, even, gpus in told_rows:
        (flags,) = re.findall(r"`(--.*?)`", with_flags)
        found = json.loads(output([*CASE, *flags.split(), "--json"], capsys))
        paid, peak = found["gpus"]["paid"], found["gpus"]["peak"]
        assert saved == f"${found['saved_year_usd']:,.0f}"
        assert even == f"{found['break_even']['for_good']:,}"
        assert gpus == (f"{paid}" if paid >= peak else f"{paid} of {peak}")


def test_every_key_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    keys = {name for each in rows(section(PAGE, "## JSON")) for name in re.findall(r"`(\w+)`", each[0])}
    found = json.loads(output([*CASE, "--json"], capsys))
    assert keys == found.keys()
    inner = {key for each in rows(section(PAGE, "## JSON")) for key in re.findall(r"`(\w+)`", each[1])}
    parts = (found["api"], found["gpus"], found["break_even"], found["volumes"][0], found["assumed"]["requests"])
    assert inner - {"_", "given", "default", "start", "end"} == {key for part in parts for key in part}


def test_the_picture_is_the_command_s(tmp_path: Path) -> None:
    drawn = tmp_path / "cost.svg"
    assert main([*COMMANDS[0], "--plot", str(drawn)]) == 0
    assert drawn.read_text() == (ROOT / "docs/cost.svg").read_text(), "draw it again, with the page's first command"


def test_the_sources_and_the_day() -> None:
    for group in (*prices().models, *prices().instances):
        assert f"({group.source})" in PAGE
        assert f"read on {group.read}" in PROSE
        assert bool(group.by) == ("not at the source itself" in PROSE)


PARAMETERS = 8.03e9
WEIGHTS = PARAMETERS * 2
CACHE = 750 * 131_072


def two_digits(value: float) -> float:
    return round(value, 1 - floor(log10(value)))


def test_the_throughput_follows_from_the_data_sheets() -> None:
    sheets = {gpu: each for gpu, *each in rows(section(PAGE, "## Throughput"))}
    assert sheets.keys() == prices().gpus.keys()
    for gpu, (tflops, rate, memory, prefill, decode) in sheets.items():
        batch = min(256, floor((0.9 * float(memory) * 1e9 - WEIGHTS - 1.5e9) / CACHE))
        step_s = (WEIGHTS + batch * CACHE) / (0.7 * float(rate) * 1e9)
        assert float(prefill) == two_digits(0.5 * float(tflops) * 1e12 / (2 * PARAMETERS))
        assert float(decode) == two_digits(batch / step_s)
        assert (prices().gpus[gpu].prefill, prices().gpus[gpu].decode) == (Decimal(prefill), Decimal(decode))


def test_the_measurement_that_it_is_held_against() -> None:
    a10g = prices().gpus["A10G"]
    busy = Decimal(2204) / 2 / a10g.prefill + Decimal(442) / 2 / a10g.decode
    assert round(busy, 2) == Decimal("0.76"), "the page says three quarters"
