"""The simulator's engine by its arithmetic: no clock, no waiting."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vllm_simulator.blocks import BlockPool
from vllm_simulator.engine import Engine, QueueFullError
from vllm_simulator.pace import Pace
from vllm_simulator.run import Run

PACE = Pace(prefill_tps=100, decode_tps=10, crowding=0)


def engine(places: int = 8, blocks: int = 1000, queue: int | None = None, pace: Pace = PACE) -> Engine:
    return Engine(pace, BlockPool(blocks, 4), places, queue)


def run(prompt: int = 10, output: int = 5, each_token: bool = False, mark: str = "") -> Run:
    return Run([f"{mark}{number}" for number in range(prompt)], output, each_token, lambda: None)


def test_times_shrink_with_speed_and_grow_with_company() -> None:
    pace = Pace(prefill_tps=1000, decode_tps=50, speed=2, crowding=0.1)
    assert pace.prefill_seconds(500) == 0.25
    assert pace.step_seconds(1) == 0.01
    assert pace.step_seconds(11) == pytest.approx(0.02)
    assert Pace(speed=inf).step_seconds(5) == Pace(speed=inf).prefill_seconds(5) == 0


def test_a_lone_answer_takes_its_prompt_and_its_steps() -> None:
    subject, one = engine(), run(prompt=10, output=5)
    subject.submit(one, 0)
    subject.advance(1)
    assert one.complete
    assert one.first_token == pytest.approx(0.1)
    assert one.finished == pytest.approx(0.5)


def test_prompts_are_read_one_after_another_so_the_first_token_comes_later_under_load() -> None:
    subject, runs = engine(), [run(mark=str(number)) for number in range(4)]
    for one in runs:
        subject.submit(one, 0)
    subject.advance(9)
    assert [one.first_token for one in runs] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_answers_grow_token_by_token_and_tell_of_it() -> None:
    told: list[int] = []
    subject, one = engine(), run(output=3, each_token=True)
    one.notify = lambda: told.append(one.produced)
    subject.submit(one, 0)
    for now in (0.05, 0.1, 0.15, 0.2, 0.31):
        subject.advance(now)
    assert told == [1, 2, 3]


def test_next_at_is_when_something_happens() -> None:
    subject, one = engine(), run(prompt=10, output=3, each_token=True)
    assert subject.next_at() == inf
    subject.submit(one, 0)
    seen = []
    while (now := subject.next_at()) < inf:
        seen.append(now)
        subject.advance(now)
    assert seen == pytest.approx([0.1, 0.2, 0.3])
    assert one.complete


def test_who_finds_no_place_waits_and_is_next() -> None:
    subject, first, second = engine(places=1), run(mark="a"), run(mark="b")
    subject.submit(first, 0)
    subject.submit(second, 0)
    assert (subject.running, len(subject.waiting)) == (1, 1)
    subject.advance(0.6)
    assert first.complete
    assert second.admitted == pytest.approx(0.5)


def test_a_full_queue_refuses() -> None:
    subject = engine(places=1, queue=1)
    subject.submit(run(), 0)
    subject.submit(run(), 0)
    with pytest.raises(QueueFullError):
        subject.submit(run(), 0)


def test_an_aborted_run_frees_its_place_whether_it_ran_or_waited() -> None:
    subject, first, second, third = engine(places=1), run(mark="a"), run(mark="b"), run(mark="c")
    for one in (first, second, third):
        subject.submit(one, 0)
    subject.abort(second, 0.1)
    subject.abort(first, 0.2)
    assert third.admitted == pytest.approx(0.2)
    subject.abort(third, 0.3)
    assert (subject.running, subject.decoding, len(subject.waiting), subject.blocks.used) == (0, 0, 0, 0)
    assert subject.next_at() == inf


def test_memory_limits_the_batch_too() -> None:
    subject = engine(blocks=4)
    subject.submit(run(prompt=8, output=4, mark="a"), 0)
    subject.submit(run(prompt=8, output=4, mark="b"), 0)
    assert (subject.running, len(subject.waiting)) == (1, 1)


def test_who_waits_for_memory_counts_as_preempted_once_and_who_waits_for_a_place_does_not() -> None:
    subject = engine(places=2, blocks=4)
    for mark in "abc":
        subject.submit(run(prompt=8, output=4, mark=mark), 0)
    subject.advance(0.1)
    assert (subject.running, subject.preemptions) == (1, 1)
    subject = engine(places=1)
    subject.submit(run(mark="a"), 0)
    subject.submit(run(mark="b"), 0)
    assert subject.preemptions == 0


def test_a_stretched_run_is_slower_and_the_others_are_not() -> None:
    subject, slow, usual = engine(), run(mark="a"), run(mark="b")
    slow.stretch = 10
    subject.submit(slow, 0)
    subject.submit(usual, 0)
    subject.advance(20)
    assert slow.finished - slow.first_token == pytest.approx(4)
    assert usual.finished - usual.first_token == pytest.approx(0.4)


def test_without_time_everything_is_done_at_once() -> None:
    subject = engine(pace=Pace(speed=inf))
    runs = [run(each_token=bool(number % 2)) for number in range(20)]
    for one in runs:
        subject.submit(one, 7)
    subject.advance(7)
    assert all(one.complete for one in runs)


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, 20), st.booleans(), st.floats(0, 3), st.booleans()),
        max_size=12,
    )
)
def test_whatever_comes_all_places_and_blocks_come_back(
    arrivals: list[tuple[int, int, bool, float, bool]],
) -> None:
    subject, now, runs = engine(places=3, blocks=12), 0.0, []
    for prompt, output, each_token, pause, aborted in arrivals:
        now += pause
        one = run(prompt, output, each_token)
        runs.append((one, aborted))
        subject.submit(one, now)
        assert subject.running <= 3
        if aborted:
            subject.abort(one, now + pause)
            now += pause
    subject.advance(now + 1000)
    assert (subject.running, subject.decoding, len(subject.waiting), subject.blocks.used) == (0, 0, 0, 0)
    assert all(one.complete or aborted for one, aborted in runs)


def test_a_prefix_is_found_again_after_its_run_is_over() -> None:
    pool = BlockPool(10, 4)
    prompt = [str(number) for number in range(12)]
    first = pool.take(prompt, 4)
    assert first is not None
    pool.release(first)
    assert pool.used == 0
    again = pool.take([*prompt[:8], "other", "words", "come", "here"], 4)
    assert again is not None
    assert again.cached_tokens == 8


def test_old_prefixes_make_room_for_new_ones() -> None:
    pool = BlockPool(4, 4)
    for name in ("a", "b", "a"):
        hold = pool.take([f"{name}{number}" for number in range(12)], 4)
        assert hold is not None
        assert hold.cached_tokens == 0
        pool.release(hold)


def test_blocks_in_use_are_shared() -> None:
    pool = BlockPool(10, 4)
    prompt = [str(number) for number in range(8)]
    pool.take(prompt, 4)
    pool.take(prompt, 4)
    assert pool.used == 2 + 1 + 1
