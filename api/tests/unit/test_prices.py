"""prices.yml can be read, has a source and a day for every price, and answers for snapshots of a model too."""

from datetime import date
from decimal import Decimal

import pytest
from penstock.prices import FILE, Prices, price_of, prices
from pydantic import ValidationError


def test_a_model_has_its_price() -> None:
    price = price_of("gpt-4o")
    assert price is not None
    assert (price.input, price.output) == (Decimal("2.5"), Decimal(10))


def test_a_snapshot_costs_what_its_model_does_unless_it_is_named() -> None:
    assert price_of("gpt-4o-2024-11-20") == price_of("gpt-4o")
    other = price_of("gpt-4o-2024-05-13")
    assert other is not None
    assert (other.input, other.output) == (5, 15)


@pytest.mark.parametrize("model", ["", "gpt-4", "gpt-4o-", "gpt-4o-mini-2", "2024-05-13", "-2024-05-13"])
def test_what_the_file_does_not_have_has_no_price(model: str) -> None:
    assert price_of(model) is None


def test_every_price_was_read_at_a_source_on_a_day_that_has_been() -> None:
    for group in (*prices().models, *prices().instances):
        assert group.source.startswith("https://")
        assert date(2026, 1, 1) < group.read <= date.today()  # noqa: DTZ011  # a day of the calendar, no instant


def test_no_name_is_priced_twice() -> None:
    names = [name for group in prices().models for name in group.prices]
    assert len(names) == len(set(names))


def test_every_instance_has_a_gpu_whose_speed_is_known() -> None:
    for group in prices().instances:
        for machine in group.hourly.values():
            assert machine.gpu in prices().gpus


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": [{"source": "openai.com", "read": "2026-11-26", "prices": {}}]},
        {"models": [{"source": "https://x", "prices": {}}]},
        {"models": [{"source": "https://x", "read": "2026-11-26", "prices": {"m": {"input": -1, "output": 1}}}]},
        {"models": [{"source": "https://x", "read": "2026-11-26", "prices": {"m": {"input": 1}}}]},
        {"gpus": {"g": {"prefill": 0, "decode": 1}}},
        {"modles": []},
    ],
)
def test_a_file_that_is_not_whole_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Prices.model_validate({"models": [], "instances": [], "gpus": {}} | wrong)


def test_it_lies_in_the_package() -> None:
    assert FILE.parent.name == "penstock"
