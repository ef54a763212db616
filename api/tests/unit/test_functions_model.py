"""Which model a typed function asks."""

import random
import time

import pytest
from penstock.errors import ModelNotFound
from penstock.settings import Settings
from penstock.settings.parts import Model
from penstock.upstream.roster import Roster

MODELS = (Model(name="first", aliases=("fast",)), Model(name="second"))


def roster(settings: Settings) -> Roster:
    return Roster(settings, time.monotonic, random.Random(0), lambda target, state: None)


@pytest.mark.parametrize(
    ("chosen", "named", "asked"),
    [
        ("", "default", "first"),
        ("second", "default", "second"),
        ("", "second", "second"),
        ("second", "fast", "first"),
    ],
)
def test_a_function_asks_the_model_it_names_and_by_default_the_instance_s(chosen: str, named: str, asked: str) -> None:
    assert roster(Settings(models=MODELS, functions_model=chosen)).functions_pool(named).name == asked


def test_a_function_that_names_what_is_not_served_is_told_so() -> None:
    with pytest.raises(ModelNotFound):
        roster(Settings(models=MODELS)).functions_pool("third")
    with pytest.raises(ModelNotFound):
        roster(Settings()).functions_pool("default")
