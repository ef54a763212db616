"""A window counts what happened in its last seconds: never what is older, and all but the last second's edge."""

from hypothesis import given
from hypothesis import strategies as st
from penstock.upstream.window import Window

LENGTH_S = 10.0


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0, 20))
def test_it_counts_the_last_seconds_to_the_second(steps: list[float], wait: float) -> None:
    window, now, times = Window(LENGTH_S), 1000.0, []
    for step in steps:
        now += step
        window.add(now)
        times.append(now)
    now += wait
    at_most = sum(1 for time in times if time > now - LENGTH_S)
    at_least = sum(1 for time in times if time > now - LENGTH_S + 1)
    assert at_least <= window.total(now) <= at_most


def test_it_forgets_when_it_is_told_to() -> None:
    window = Window(LENGTH_S)
    window.add(1000)
    window.clear()
    assert window.total(1000) == 0
    window.add(1000)
    assert window.total(1000) == 1


def test_it_holds_a_bucket_a_second_however_much_happens() -> None:
    window = Window(LENGTH_S)
    for millis in range(100_000):
        window.add(1000 + millis / 1000)
    assert len(window._buckets) <= LENGTH_S + 1
