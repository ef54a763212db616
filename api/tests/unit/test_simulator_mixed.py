"""The simulator's engine whose steps read and write at once, by its arithmetic."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vllm_simulator.blocks import BlockPool
from vllm_simulator.mixed import MixedEngine
from vllm_simulator.pace import Pace
from vllm_simulator.run import Run

PACE = Pace(prefill_tps=100, decode_tps=10, crowding=0)


def engine(places: int = 8, blocks: int = 1000, tokens: int = 2048, pace: Pace = PACE) -> MixedEngine:
    return MixedEngine(pace, BlockPool(blocks, 4), places, batched_tokens=tokens)


def run(prompt: int = 10, output: int = 5, mark: str = "") -> Run:
    return Run([f"{mark}{number}" for number in range(prompt)], output, False, lambda: None)


def through(subject: MixedEngine) -> None:
    while (at := subject.next_at()) < inf:
        subject.advance(at)


def test_a_lone_answer_takes_its_prompt_and_its_steps() -> None:
    subject, one = engine(), run(prompt=10, output=5)
    subject.submit(one, 0)
    through(subject)
    assert one.first_token == pytest.approx(0.2), "0.1 s to read it, 0.1 s of the step"
    assert one.finished == pytest.approx(0.6)


def test_what_came_together_is_read_in_one_step() -> None:
    subject, runs = engine(), [run(output=1, mark=str(number)) for number in range(4)]
    for one in runs:
        subject.submit(one, 0)
    through(subject)
    assert [one.first_token for one in runs] == pytest.approx([0.5] * 4)


def test_who_comes_while_a_step_runs_is_read_in_the_next() -> None:
    subject, first, second = engine(), run(output=9, mark="a"), run(mark="b")
    subject.submit(first, 0)
    subject.submit(second, 0.25)  # in a step that ends at 0.3
    through(subject)
    assert second.admitted == pytest.approx(0.3)
    assert second.first_token == pytest.approx(0.5)


def test_a_prompt_that_is_read_holds_up_the_answers_beside_it() -> None:
    subject, first, second = engine(), run(output=6, mark="a"), run(prompt=100, output=1, mark="b")
    subject.submit(first, 0)
    subject.submit(second, 0.2)
    through(subject)
    assert first.finished == pytest.approx(0.2 + 5 * 0.1 + 1.0), "five steps, and one of them reads for a second"


def test_a_long_prompt_is_read_in_pieces_between_which_answers_grow() -> None:
    subject, first, second = engine(tokens=21), run(output=6, mark="a"), run(prompt=100, output=1, mark="b")
    subject.submit(first, 0)
    subject.submit(second, 0.2)
    through(subject)
    assert first.finished == second.first_token == pytest.approx(0.2 + 5 * (0.1 + 0.2)), "20 tokens beside each"


def test_what_does_not_fit_into_a_step_is_read_in_the_next() -> None:
    subject, runs = engine(tokens=25), [run(output=1, mark=str(number)) for number in range(4)]
    for one in runs:
        subject.submit(one, 0)
    through(subject)
    assert [one.first_token for one in runs] == pytest.approx([0.3, 0.3, 0.6, 0.6])


@pytest.mark.parametrize("narrow", [{"places": 1}, {"blocks": 4}])
def test_who_finds_no_place_or_no_memory_is_read_when_one_leaves(narrow: dict[str, int]) -> None:
    subject, first, second = engine(**narrow), run(mark="a"), run(mark="b")
    subject.submit(first, 0)
    subject.submit(second, 0)
    through(subject)
    assert second.admitted == pytest.approx(first.finished) == pytest.approx(0.6)
    assert second.finished == pytest.approx(1.2)


def test_an_aborted_run_leaves_its_place() -> None:
    subject, first, second = engine(places=1), run(output=50, mark="a"), run(mark="b")
    subject.submit(first, 0)
    subject.submit(second, 0)
    subject.abort(first, 0.25)
    through(subject)
    assert second.finished == pytest.approx(0.25 + 0.6)


Wanted = tuple[float, int, int]


@given(
    wanted=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 60), st.integers(1, 30)), min_size=1, max_size=25),
    places=st.integers(1, 5),
    tokens=st.integers(6, 80),
    blocks=st.integers(5, 100),
)
def test_all_are_answered_in_the_order_they_came_and_none_sooner_than_alone(
    wanted: list[Wanted], places: int, tokens: int, blocks: int
) -> None:
    subject = engine(places, blocks, tokens)
    runs = [(at, run(prompt, output, mark=f"{number}.")) for number, (at, prompt, output) in enumerate(sorted(wanted))]
    for at, one in runs:
        subject.submit(one, at)
    through(subject)
    assert subject.running == len(subject.waiting) == subject.decoding == 0
    assert [one.admitted for _, one in runs] == sorted(one.admitted for _, one in runs)
    for at, one in runs:
        assert one.complete
        assert one.first_token >= at + PACE.prefill_seconds(len(one.prompt)) + PACE.step_seconds(1) - 1e-6
        assert one.finished >= one.first_token + (one.output - 1) * PACE.step_seconds(1) - 1e-6
