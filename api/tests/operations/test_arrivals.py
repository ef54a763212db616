"""Requests are due as was asked for: by a clock, by chance, up a ramp, in a spike, or as they really came."""

import argparse
import gzip
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from statistics import mean, median, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations.errors import WrongUse
from operations.load import wishes
from operations.load.asking import Door, Due, schedule
from penstock.load import NoLoad
from penstock.load.arrivals import Rate, constant, ramp, spike
from penstock.load.lengths import Lengths, spelled
from penstock.load.trace import Row, Trace
from vllm_simulator.tokens import pieces

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:15:51.2224670,879,55
"""


def per_second(rate: Rate, seed: int = 1) -> list[int]:
    counted = Counter(int(at) for at in rate.poisson(seed))
    return [counted[second] for second in range(int(rate.points[-1][0]))]


def test_a_clock() -> None:
    assert list(constant(4, 1).even()) == [0, 0.25, 0.5, 0.75]
    assert len(list(constant(0.1, 30).even())) == 3
    assert len(list(constant(7, 600).even())) == 4200


def test_by_chance_they_are_as_many_and_their_gaps_are_exponential() -> None:
    arrivals = list(constant(50, 400).poisson(seed=3))
    gaps = [after - before for before, after in pairwise(arrivals)]
    assert len(arrivals) == pytest.approx(20_000, rel=0.03)
    assert mean(gaps) == pytest.approx(0.02, rel=0.03)
    assert pstdev(gaps) == pytest.approx(mean(gaps), rel=0.05)
    assert sum(gap > 0.02 for gap in gaps) / len(gaps) == pytest.approx(0.3679, abs=0.02)
    counts = per_second(constant(50, 400))
    assert pstdev(counts) ** 2 == pytest.approx(50, rel=0.25)


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    one, same, other = (list(constant(5, 20).poisson(seed)) for seed in (1, 1, 2))
    assert one == same != other


def test_a_ramp() -> None:
    even = list(ramp(0, 10, 10).even())
    assert len(even) == 50
    assert sum(at < 5 for at in even) == 13  # 12.5 of them: a quarter
    counts = per_second(ramp(10, 110, 100))
    for start in (0, 40, 90):
        assert mean(counts[start : start + 10]) == pytest.approx(15 + start, rel=0.2)


def test_a_spike() -> None:
    counts = per_second(spike(20, 200, 100, lasting=10))
    assert mean(counts[:45]) == pytest.approx(20, rel=0.15)
    assert mean(counts[45:55]) == pytest.approx(200, rel=0.1)
    assert mean(counts[55:]) == pytest.approx(20, rel=0.15)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.5, 50))
def test_any_ramp_keeps_its_order_and_its_sum(low: float, high: float, seconds: float) -> None:
    even = list(ramp(low, high, seconds).even())
    assert len(even) == pytest.approx((low + high) / 2 * seconds, abs=1.001)
    assert all(before <= after for before, after in pairwise(even))
    assert all(0 <= at <= seconds for at in even)


class TestTrace:
    def written(self, folder: Path, text: str, name: str = "trace.csv") -> Path:
        path = folder / name
        path.write_text(text)
        return path

    def test_real_gaps_and_lengths(self, tmp_path: Path) -> None:
        trace = Trace(self.written(tmp_path, AZURE))
        assert trace.rows[0] == Row(0, 374, 44)
        assert list(trace.arrivals(1)) == pytest.approx([0, 4.314579, 4.541877])
        assert list(trace.arrivals(2)) == pytest.approx([0, 2.157289, 2.270938], abs=1e-5)
        assert list(islice(trace.lengths(), 4)) == [(374, 44), (396, 109), (879, 55), (374, 44)]

    def test_packed_as_well(self, tmp_path: Path) -> None:
        path = tmp_path / "trace.csv.gz"
        path.write_bytes(gzip.compress(AZURE.encode()))
        assert len(Trace(path).rows) == 3

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("2023-11-16 18:15:52,x,1", "line 5: .*'x'"),
            ("2023-11-16 18:15:52,1", "line 5: not enough values"),
            ("yesterday,1,1", "line 5: .*yesterday"),
            ("2023-11-16 18:15:50,1,1", "line 5: earlier than the line before"),
            ("2023-11-16 18:15:52,1,-1", "line 5: tokens below 0"),
            ("2023-11-16 18:15:52+00:00,1,1", "line 5: .*offset"),
        ],
    )
    def test_a_line_that_cannot_be_read_is_named(self, tmp_path: Path, line: str, why: str) -> None:
        with pytest.raises(NoLoad, match=why):
            Trace(self.written(tmp_path, AZURE + line + "\n"))

    def test_what_is_no_trace_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(NoLoad, match="line 1: TIMESTAMP"):
            Trace(self.written(tmp_path, "when,in,out\n"))
        with pytest.raises(NoLoad, match="has no rows"):
            Trace(self.written(tmp_path, AZURE.splitlines()[0]))
        with pytest.raises(NoLoad, match="cannot be read"):
            Trace(tmp_path / "none-such")
        with pytest.raises(NoLoad, match="cannot be read"):
            Trace(self.written(tmp_path, AZURE, "trace.csv.gz"))


class TestLengths:
    def test_spelled(self) -> None:
        assert spelled("20") == Lengths(20, 20)
        assert spelled("5-80") == Lengths(5, 80)
        assert spelled("lognormal:300,0.8") == Lengths(300, 300, 0.8)

    @pytest.mark.parametrize("text", ["", "0", "-5", "80-5", "9999999", "lognormal:0,1", "lognormal:5", "much"])
    def test_what_is_no_length_is_refused(self, text: str) -> None:
        with pytest.raises(NoLoad, match="is no length"):
            spelled(text)

    def test_drawn(self) -> None:
        drawn = list(islice(spelled("5-80").draw(1), 2000))
        assert (min(drawn), max(drawn)) == (5, 80)
        assert median(drawn) == pytest.approx(42, rel=0.1)
        skewed = list(islice(spelled("lognormal:300,0.8").draw(1), 4000))
        assert median(skewed) == pytest.approx(300, rel=0.1)
        assert mean(skewed) == pytest.approx(300 * 1.377, rel=0.1)
        assert drawn == list(islice(spelled("5-80").draw(1), 2000))


@given(st.floats(0, 1))
def test_streams_are_spread_evenly(share: float) -> None:
    streams = [each.stream for each in schedule(range(100), [(1, 1)] * 100, share)]
    assert sum(streams) == pytest.approx(100 * share, abs=1)
    assert sum(streams[:50]) == pytest.approx(50 * share, abs=1)


@pytest.mark.parametrize("tokens", [1, 20, 700, 9000])
def test_a_prompt_is_about_as_long_as_it_is_to_be_and_like_no_other(tokens: int) -> None:
    door = Door("http://127.0.0.1:9")
    one, other = (door.prompt(Due(number, 0, False, tokens, 1)) for number in (3, 4))
    assert len(pieces(one)) == pytest.approx(tokens, abs=2)
    assert one[:12] != other[:12]


class TestWishes:
    def planned(self, *words: str) -> list[Due]:
        parser = argparse.ArgumentParser(exit_on_error=False)
        wishes.add_arguments(parser)
        return list(wishes.plan(parser.parse_args(words)))

    def test_a_trace_is_replayed_as_long_as_was_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "trace.csv"
        path.write_text(AZURE)
        words = ("--arrivals", "trace", "--trace", str(path))
        assert [each.answer_tokens for each in self.planned(*words)] == [44, 109, 55]
        assert len(self.planned(*words, "--seconds", "4.4")) == 2
        assert [each.answer_tokens for each in self.planned(*words, "--answer-tokens", "7")] == [7, 7, 7]

    def test_the_lengths_of_a_trace_go_with_any_arrivals(self, tmp_path: Path) -> None:
        path = tmp_path / "trace.csv"
        path.write_text(AZURE)
        due = self.planned("--trace", str(path), "--rate", "4", "--seconds", "1", "--streams", "1")
        assert [(each.at, each.prompt_tokens) for each in due] == [(0, 374), (0.25, 396), (0.5, 879), (0.75, 374)]

    def test_streams_last_as_long_as_was_asked(self) -> None:
        words = ("--stream-seconds", "2", "--tokens-per-second", "40", "--answer-tokens", "4", "--seconds", "1")
        due = self.planned(*words)
        assert {each.answer_tokens for each in due if each.stream} == {80}
        assert {each.answer_tokens for each in due if not each.stream} == {4}

    @pytest.mark.parametrize(
        ("words", "why"), [("ramp", "needs --to"), ("spike", "needs --to"), ("trace", "needs --trace")]
    )
    def test_what_is_wanting_is_told(self, words: str, why: str) -> None:
        with pytest.raises(WrongUse, match=why):
            self.planned("--arrivals", words)

    @pytest.mark.parametrize("words", ["--rate 0", "--rate nan", "--streams 2", "--seconds 1e9", "--speed-up 0"])
    def test_numbers_have_limits(self, words: str) -> None:
        with pytest.raises((argparse.ArgumentError, SystemExit)):
            self.planned(*words.split())
