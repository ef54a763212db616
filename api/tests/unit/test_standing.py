"""How a target stands, as operators are told."""

import time

from penstock.settings.parts import Breaker
from penstock.surfaces.standing import standing_of
from penstock.upstream.target import EngineGauges, Place, Target, Told


def test_what_an_engine_said_long_ago_is_left_out_where_it_would_mislead() -> None:
    place = Place("http://gpu-1:8000", "sk-gpu")
    target = Target("gpu-1", "replica", place, time.monotonic, Told(Breaker(), lambda *moved: None))
    target.engine = EngineGauges(time.monotonic() - 20, 3, 1, 0.5, 4)
    told = standing_of(target).engine
    assert told is not None
    assert (told.running, told.waiting, round(told.age_s)) == (3, 1, 20)
    assert standing_of(target, stale_s=10).engine is None
    assert standing_of(target, stale_s=30).engine is not None
    assert "sk-gpu" not in standing_of(target).model_dump_json()
    target.up = False
    assert standing_of(target, stale_s=30).engine is None, "it said so when it was up"
    assert standing_of(target).engine is not None
