"""`penstock cost`, as it is typed: what it prints fits a terminal, and a mistake is told with what to do."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from penstock.cli import main
from penstock.costing.case import settle
from penstock.costing.comparison import Comparison
from penstock.costing.flags import flag
from penstock.costing.inputs import Inputs
from penstock.costing.plot import HEIGHT, WIDTH, plot
from penstock.costing.report import report
from penstock.costing.told import told

LOAD = "--requests 5000000 --tokens-in 700 --tokens-out 100".split()
SMALL_GAIN = ["--input-price", "0.4", "--output-price", "2", "--gpu-hourly", "0.32", "--engineering", "3000"]
"""The API's line crosses the pool's steps more than once."""
BARELY = ["--input-price", "0.2", "--output-price", "0.45"]
"""It does so more often, as a full machine saves less."""


def cost(*arguments: str) -> int:
    return main(["cost", *LOAD, *arguments])


def compared(**given: Any) -> Comparison:
    return Comparison(settle(Inputs(**{"requests": 5_000_000, "tokens_in": 700, "tokens_out": 100} | given)))


class TestTheText:
    def test_both_costs_the_gpus_and_the_break_even(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cost() == 0
        told = capsys.readouterr().out
        for line in (
            "a month                    13,750           7,490",
            "a million tokens             3.44            1.87",
            "Self-hosting saves $6,260 a month, $75,126 a year.",
            "GPUs needed: 2 for the mean of 1.90 requests/s, 4 at the peak of 5.71. Paid for:",
            "Break-even: self-hosting costs less from 2,183,550 requests a month on.",
            "      > 5,000,000         13,750          7,490          6,260                 4",
            "    1,000,000,000      2,750,000        530,867      2,219,133               709",
        ):
            assert line in told.splitlines()

    def test_every_input_with_where_it_is_from(self, capsys: pytest.CaptureFixture[str]) -> None:
        cost("--gpu-hourly", "0.650")
        assumed = re.sub(r"\s+", " ", capsys.readouterr().out.partition("Assumed;")[2])
        for name, field in Inputs.model_fields.items():
            assert re.search(rf"{flag(name)} (none|\S+ \([^)]+\))\. {re.escape(field.description or '?')}", assumed), (
                name
            )
        assert "--gpu-hourly 0.65 (given)." in assumed
        assert "--utilisation 0.7 (default)." in assumed
        assert "--input-price 2.5 (https://developers.openai.com/api/docs/pricing, read 2026-11-26" in assumed
        assert "730 hours" in assumed

    def test_gpus_that_cannot_carry_the_load(self, capsys: pytest.CaptureFixture[str]) -> None:
        cost("--gpus", "1")
        told = capsys.readouterr().out
        assert "! 1 cannot carry this peak." in told
        assert re.search(r"> 5,000,000 .* 1 of 4 !$", told, re.MULTILINE)
        assert "that are paid for carry only 1,411,404." in re.sub(r"\s+", " ", told)
        cost("--gpus", "1", "--engineering", "0")
        assert "carry up to 1,411,404." in capsys.readouterr().out

    def test_an_api_that_costs_less(self, capsys: pytest.CaptureFixture[str]) -> None:
        cost("--model", "gpt-5-nano")
        told = capsys.readouterr().out
        assert "Break-even: none." in told
        assert "The API saves $" in told

    def test_both_cost_the_same(self, capsys: pytest.CaptureFixture[str]) -> None:
        cost("--gpu-hourly", "0", "--disk", "0", "--network", "0", "--engineering", "13750")
        assert "Both cost the same." in capsys.readouterr().out

    def test_several_break_evens(self, capsys: pytest.CaptureFixture[str]) -> None:
        cost(*SMALL_GAIN)
        assert (
            "Break-even: at 2 volumes, as each machine adds a step. Self-hosting costs less\n"
            "  from 9,815,001 to 9,879,830 requests a month,\n"
            "  and from 10,318,334 on for good.\n"
        ) in capsys.readouterr().out
        cost(*SMALL_GAIN, *BARELY)
        told = capsys.readouterr().out
        assert told.count("\n  from ") == 5
        assert "  and so on,\n  and from " in told

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
    @given(
        requests=st.integers(1, 10**10),
        tokens_in=st.integers(1, 2000),
        price=st.decimals(0, 100, places=2),
        gpus=st.none() | st.integers(1, 1000),
        instance=st.sampled_from(["g5.xlarge", "p5.48xlarge"]),
    )
    def test_it_fits_a_terminal(self, **given: Any) -> None:
        text = report(compared(input_price=given.pop("price"), **given))
        assert max(map(len, text.splitlines())) <= 80


def test_the_json_says_what_the_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost("--json", *SMALL_GAIN) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(
        json.dumps(told(compared(input_price="0.4", output_price=2, gpu_hourly="0.32", engineering=3000)))
    )
    assert found["api"] == {
        "month_usd": 2400, "year_usd": 28800, "request_usd": 0.00048, "million_tokens_usd": pytest.approx(0.6),
    }  # fmt: skip
    assert found["saved_year_usd"] == pytest.approx(28_800 - found["self_hosted"]["year_usd"])
    assert (found["gpus"]["mean"], found["gpus"]["peak"]) == (2, 4)
    assert found["break_even"] == {
        "count": 2,
        "for_good": 10_318_334,
        "windows": [{"start": 9_815_001, "end": 9_879_830}, {"start": 10_318_334, "end": None}],
    }
    assert [each["requests"] for each in found["volumes"]][4] == 5_000_000
    assert found["assumed"]["gpus"] == {
        "value": None,
        "origin": "default",
        "sentence": Inputs.model_fields["gpus"].description,
    }


def test_where_both_cost_the_same_self_hosting_does_not_cost_less(capsys: pytest.CaptureFixture[str]) -> None:
    exact = ["--gpus", "1", "--gpu-hourly", "0.65", "--disk", "32.5", "--engineering", "4500"]
    cost(*exact)
    assert "costs less from 1,828,001 requests" in capsys.readouterr().out
    cost(*exact, "--json")
    assert json.loads(capsys.readouterr().out)["break_even"]["for_good"] == 1_828_001


class TestThePlot:
    @pytest.mark.parametrize(
        ("given", "marked"),
        [
            ({}, "break-even at 2,183,550"),
            ({"model": "gpt-5-nano"}, None),
            ({"input_price": 0, "output_price": 0}, None),
            ({"gpu_hourly": 0, "disk": 0, "network": 0, "engineering": 0}, None),
            ({"requests": 1}, "break-even"),
            ({"requests": 10**11, "tokens_in": 10**6, "engineering": 0, "model": "gpt-6-astra"}, None),
        ],
    )
    def test_it_draws_both_and_stays_in_its_frame(self, given: dict[str, Any], marked: str | None) -> None:
        drawn = plot(compared(**given))
        root = ET.fromstring(drawn)
        lines = {each.get("class"): each.get("d", "") for each in root.iter() if each.tag.endswith("path")}
        assert lines.keys() == {"api", "own"}  # and no third: the pool grows with the load
        for line in lines.values():
            for point in line.removeprefix("M").split(" L"):
                x, y = map(float, point.split())
                assert 0 <= x <= WIDTH
                assert 0 <= y <= HEIGHT
        texts = [each.text or "" for each in root.iter() if each.tag.endswith("text")]
        api, own = ([float(point.split()[1]) for point in lines[kind].removeprefix("M").split(" L")] for kind in lines)
        if not given:
            assert (api[0] > own[0], api[-1] < own[-1]) == (True, True), "the API costs less at first, and more at last"
        assert any(marked in text for text in texts) if marked else not any("break-even" in text for text in texts)

    def test_what_the_paid_gpus_do_not_carry_is_drawn_as_such(self) -> None:
        legend = ["api", "own"]
        for how, lines in (
            ({"gpus": 1}, ["api", "own", "own beyond"]),
            ({"gpus": 10**6}, ["api", "own"]),
            ({"gpus": 1, "tokens_in": 10**7}, ["api", "own beyond"]),
        ):
            drawn = plot(compared(**how))
            paths = [each.get("class") for each in ET.fromstring(drawn).iter() if each.tag.endswith("path")]
            assert paths == legend + lines
            assert "dotted" in drawn

    def test_names_are_text_in_it(self) -> None:
        drawn = plot(compared(model="<b>&", input_price=1, output_price=1))
        assert "<b>&" in [each.text for each in ET.fromstring(drawn).iter()]

    def test_it_goes_into_the_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cost("--plot", str(tmp_path / "cost.svg")) == 0
        assert (tmp_path / "cost.svg").read_text() == plot(compared())
        assert "Break-even" in capsys.readouterr().out


class TestWhatCannotBeUsed:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--utilisation", "1.4"), "--utilisation 1.4: Input should be less than or equal to 1"),
            (("--utilisation", "0"), "--utilisation 0: Input should be greater than 0"),
            (("--discount", "1"), "--discount 1: Input should be less than 1"),
            (("--peak-factor", "0.5"), "--peak-factor 0.5: Input should be greater than or equal to 1"),
            (("--engineering", "-1"), "--engineering -1: Input should be greater than or equal to 0"),
            (("--disk", "nan"), "--disk nan: Input should be a finite number"),
            (("--network", "inf"), "--network inf: Input should be a finite number"),
            (("--disk", "1e-999999"), "--disk 1e-999999: Decimal input should have no more than 9 decimal places"),
            (("--gpus", "1.5"), "--gpus 1.5: Input should be a valid integer"),
            (("--requests", "5M"), "--requests 5M: Input should be a valid integer"),
            (("--requests", "0"), "--requests 0: Input should be greater than 0"),
            (("--requests", "1" + "0" * 12), "Input should be less than or equal to 100000000000"),
            (("--tokens-in", "0", "--tokens-out", "0"), "--tokens-in and --tokens-out are both 0"),
            (("--model", "gpt-9"), "--model gpt-9: no price of it is known. Give --input-price, --output-price, or"),
            (
                ("--instance", "mine"),
                "--instance mine: no price of it is known. Give --gpu-hourly, --prefill, --decode",
            ),
            (("--plot", "cost.png"), "--plot cost.png: SVG is all that it draws"),
            (("--plot", "/nowhere/cost.svg"), "--plot /nowhere/cost.svg: cannot be written: No such file"),
        ],
    )
    def test_it_is_said_with_exit_code_2(
        self, arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cost(*arguments) == 2
        said = capsys.readouterr().err
        assert said.startswith("penstock cost: ")
        assert told in said

    def test_every_mistake_is_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cost("--utilisation", "2", "--discount", "x") == 2
        said = capsys.readouterr().err
        assert "--utilisation 2:" in said
        assert "--discount x:" in said

    @pytest.mark.parametrize(
        "arguments", [(), ("--requests", "1"), (*LOAD, "--engineer", "1"), (*LOAD, "--colour", "red")]
    )
    def test_a_flag_that_is_missing_or_not_known(
        self, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["cost", *arguments])
        assert ended.value.code == 2
        assert "penstock cost: error:" in capsys.readouterr().err


def test_the_help_has_every_input(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cost", "--help"])
    told = re.sub(r"\s+", " ", capsys.readouterr().out)
    for name, field in Inputs.model_fields.items():
        assert flag(name) in told
        assert (field.description or "?") in told
