"""`penstock capacity`, as it is typed: what it prints fits a terminal, and a mistake is told with what to do."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from penstock.capacity.answer import Answer
from penstock.capacity.case import settle
from penstock.capacity.inputs import Inputs
from penstock.capacity.plot import HEIGHT, WIDTH, plot
from penstock.capacity.report import report
from penstock.capacity.told import told
from penstock.cli import main
from penstock.costing.flags import flag

GIVEN: dict[str, Any] = {"rate": 3, "tokens_in": "100-900", "tokens_out": "20-60", "first_token_p99": 3, "minutes": 3}
TYPED = [word for name, value in GIVEN.items() for word in (flag(name), str(value))]


def capacity(*arguments: str) -> int:
    return main(["capacity", *TYPED, *arguments])


@pytest.fixture(scope="module")
def answer() -> Answer:
    return Answer(settle(Inputs(**GIVEN)))


class TestTheText:
    def test_a_row_for_each_scenario(self, answer: Answer) -> None:
        lines = report(answer).splitlines()
        for row in answer.rows:
            (line,) = (each for each in lines if each.startswith(row.scenario.value))
            _, replicas, first, first_99, total, total_99, failed, month = re.split(r"  +", line)
            outcome = row.outcome
            assert replicas == str(row.replicas)
            assert (float(first), float(first_99)) == pytest.approx(
                (outcome.first_token.p50, outcome.first_token.p99), abs=0.005
            )
            assert (float(total), float(total_99)) == pytest.approx((outcome.total.p50, outcome.total.p99), abs=0.005)
            assert float(failed) == pytest.approx(100 * outcome.failed, abs=0.005)
            assert month == f"{float(row.month_usd or 0):,.0f}"
        assert lines[0].startswith("3.00 requests/s at the peak: ")

    def test_every_input_with_where_it_is_from(self, answer: Answer) -> None:
        assumed = re.sub(r"\s+", " ", report(answer).partition("Assumed;")[2])
        for name, field in Inputs.model_fields.items():
            assert re.search(rf"{flag(name)} (none|\S+ \([^)]+\))\. {re.escape(field.description or '?')}", assumed), (
                name
            )
        assert "--rate 3 (given)." in assumed
        assert "--zones 2 (default)." in assumed
        assert "--prefill 2200 (an estimate for the A10G" in assumed

    def test_it_fits_a_terminal(self, answer: Answer) -> None:
        assert max(map(len, report(answer).splitlines())) <= 80

    def test_what_no_number_of_replicas_holds(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert capacity("--first-token-p99", "0.3") == 1
        text = re.sub(r"\s+", " ", capsys.readouterr().out)
        assert "nothing fails none !" in text
        assert re.search(
            r"! No number of replicas holds this: at p99 requests that are all alone have their first", text
        )

    def test_what_needs_more_than_it_may_try(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert capacity("--most", "2") == 0
        text = re.sub(r"\s+", " ", capsys.readouterr().out)
        assert "! Not held by 2 replicas: one replica lost, one zone lost. --most tries more." in text

    def test_a_trace(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "trace.csv"
        rows = (f"2023-11-16 18:{number // 60:02}:{number % 60:02},{300 + number},40" for number in range(300))
        file.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]))
        assert main(["capacity", "--trace", str(file), "--speed-up", "2", "--total-p99", "20"]) == 0
        text = capsys.readouterr().out
        assert "300 simulated" in text
        assert f"--trace{file}(given)" in re.sub(r"\s+", "", text)  # a long path is cut where the line ends


def test_the_json_says_what_the_text_says(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    assert capacity("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(json.dumps(told(answer)))
    assert [each["scenario"] for each in found["scenarios"]] == [row.scenario.value for row in answer.rows]
    assert found["scenarios"][0]["month_usd"] == float(answer.rows[0].month_usd or 0)
    assert found["steps"]["nothing fails"][0]["replicas"] <= found["scenarios"][0]["replicas"]


def test_what_is_never_held_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert capacity("--first-token-p99", "0.3", "--json") == 1
    found = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert {each["replicas"] for each in found["scenarios"]} == {None}
    assert found["alone"]["first_token_s"]["p99"] > 0.3


class TestThePlot:
    def test_it_draws_both_and_stays_in_its_frame(self, answer: Answer) -> None:
        root = ET.fromstring(plot(answer))
        lines = [each.get("d", "") for each in root.iter() if each.tag.endswith("path")]
        assert len(lines) == 4, "two, and their legend"
        for x, y in (re.split("[MVH ]+", line)[1:3] for line in lines):
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y.partition("h")[0]) <= HEIGHT
        for line in lines:
            assert all(0 <= float(each) <= WIDTH for each in re.findall(r"H([\d.]+)", line))
            assert all(0 <= float(each) <= HEIGHT for each in re.findall(r"V([\d.]+)", line))

    def test_it_goes_into_the_file(self, answer: Answer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert capacity("--plot", str(tmp_path / "it.svg")) == 0
        assert (tmp_path / "it.svg").read_text() == plot(answer)
        assert "fewest replicas" in capsys.readouterr().out

    def test_nothing_to_draw(self, tmp_path: Path) -> None:
        assert capacity("--first-token-p99", "0.3", "--plot", str(tmp_path / "it.svg")) == 1
        ET.fromstring((tmp_path / "it.svg").read_text())


class TestWhatCannotBeUsed:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--requests", "5"), "give one of --rate, --requests and --trace"),
            (("--tokens-in", "many"), "'many' is no length: N, A-B"),
            (("--rate", "nan"), "--rate nan: Input should be a finite number"),
            (("--rate", "1000"), "more than 50,000 requests in 3 minutes: give fewer --minutes"),
            (("--zones", "0"), "--zones 0: Input should be greater than 0"),
            (("--most", "1000"), "--most 1000: Input should be less than or equal to 256"),
            (("--first-token-p99", "0"), "--first-token-p99 0: Input should be greater than 0"),
            (("--instance", "abacus"), "--instance abacus: no price of it is known. Give --gpu-hourly, --prefill"),
            (("--plot", "it.png"), "--plot it.png: SVG is all that it draws"),
            (("--plot", "/none/it.svg"), "--plot /none/it.svg: cannot be written"),
        ],
    )
    def test_it_says_what_to_do(
        self, arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert capacity(*arguments) == 2
        assert capsys.readouterr().err.startswith(f"penstock capacity: {told}")

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ([], "give one of --rate, --requests and --trace"),
            (["--rate", "1"], "give --tokens-in and --tokens-out"),
            (["--rate", "1", "--tokens-in", "5", "--tokens-out", "5"], "give --first-token-p99 or --total-p99"),
            (["--trace", "/none.csv", "--total-p99", "5"], "/none.csv cannot be read"),
        ],
    )
    def test_what_is_missing(self, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["capacity", *arguments]) == 2
        assert capsys.readouterr().err.startswith(f"penstock capacity: {told}")
