"""What somebody has to look at."""

from typing import Any

import pytest
from penstock.surfaces.attention import attention_of
from penstock.surfaces.standing import Standing
from penstock.telemetry.lately import Counts

UP: dict[str, Any] = {"up": True, "drained": False, "breaker": "closed"}
DOWN, DRAINED, OPEN = {**UP, "up": False}, {**UP, "drained": True}, {**UP, "breaker": "open"}


def standing(name: str, kind: str = "replica", **how: Any) -> Standing:
    return Standing.model_validate({"id": name, "kind": kind, "retry_in_s": 0, "in_flight": 0, "engine": None, **how})


def pool(*replicas: dict[str, Any], cloud: dict[str, Any] | None = None) -> list[Standing]:
    targets = [standing(f"gpu-{at}", **how) for at, how in enumerate(replicas, 1)]
    return targets if cloud is None else [*targets, standing("openai", "cloud", **cloud)]


def told(targets: list[Standing], **more: Any) -> list[tuple[str, str]]:
    well = {"state": "ready", "store_up": True, "callers_age_s": 0.0, "unplaced": [], "recent": Counts()}
    given = {**well, **more}
    return [(each.level, each.says) for each in attention_of(pools={"m": targets}, **given)]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (pool(UP, UP, cloud=UP), []),
        (pool(UP, DOWN), [("warning", "m: 1 of 2 replicas out: gpu-2 (down).")]),
        (pool(UP, DRAINED, OPEN), [("warning", "m: 2 of 3 replicas out: gpu-2 (drained), gpu-3 (breaker open).")]),
        (pool(DOWN, cloud=UP), [("critical", "m: no replica can answer, the cloud does. Out: gpu-1 (down).")]),
        (pool({**UP, "breaker": "half-open"}), []),
        (pool(DOWN), [("critical", "m: nothing can answer.")]),
        (pool(UP, cloud=OPEN), [("warning", "m: the cloud openai is out (breaker open).")]),
        (pool(cloud=UP), []),
        (pool(), [("critical", "m: nothing can answer.")]),
    ],
)
def test_pools(targets: list[Standing], expected: list[tuple[str, str]]) -> None:
    assert told(targets) == expected


def test_the_worst_comes_first() -> None:
    levels = [level for level, _ in told(pool(DOWN), state="draining", store_up=False, unplaced=pool(UP))]
    assert levels == ["critical", "warning", "warning", "warning"]


@pytest.mark.parametrize(("requests", "errors", "share"), [(19, 19, None), (20, 1, None), (20, 2, "10%")])
def test_errors_call_for_attention_when_they_are_enough(requests: int, errors: int, share: str | None) -> None:
    lines = told(pool(UP), recent=Counts(requests=requests, errors=errors))
    wanted = [("critical", f"{share} of the last minute's requests ended in errors.")] if share else []
    assert lines == wanted


@pytest.mark.parametrize(("age_s", "state", "lines"), [(4.9, "ready", 0), (65, "ready", 1), (65, "no callers", 1)])
def test_old_callers_call_for_attention_once(age_s: float, state: str, lines: int) -> None:
    assert len(told(pool(UP), state=state, callers_age_s=age_s)) == lines
    if state == "ready" and lines:
        assert told(pool(UP), callers_age_s=age_s) == [
            ("warning", "Callers cannot be read for 65 s: a key that was revoked since still opens.")
        ]


@pytest.mark.parametrize(("state", "word"), [("no models", "model"), ("no callers", "Callers")])
def test_who_can_serve_nobody_says_so(state: str, word: str) -> None:
    ((level, says),) = told(pool(UP), state=state)
    assert level == "critical"
    assert word in says
