"""What an API and one's own pool cost: the well-known case to the dollar, and what holds for every case."""

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from penstock.costing.api import Api
from penstock.costing.breakeven import BreakEven
from penstock.costing.case import NotKnown, settle
from penstock.costing.comparison import VOLUMES, Comparison
from penstock.costing.inputs import Inputs
from penstock.costing.selfhost import SECONDS, SelfHost
from penstock.prices import prices

LOAD = {"requests": 5_000_000, "tokens_in": 700, "tokens_out": 100}
MACHINE = {"gpu_hourly": "0.65", "disk": "32.50", "network": 20}
"""An A10G, its disk and the network: 0.65 * 730 + 32.50 + 20 = 527 dollars a month."""
WELL_KNOWN: dict[str, Any] = {**LOAD, **MACHINE, "model": "gpt-4o", "engineering": 200, "gpus": 1}


def compared(**given: Any) -> Comparison:
    return Comparison(settle(Inputs(**given)))


def well_known(**other: Any) -> Comparison:
    return compared(**WELL_KNOWN | other)


class TestTheWellKnownCase:
    def test_what_the_api_costs(self) -> None:
        case = well_known()
        assert case.api.request_usd == Fraction("0.00275")
        assert case.asked.api_usd == 13_750

    def test_what_the_pool_costs(self) -> None:
        assert well_known(engineering=0).asked.own_usd == 527
        assert well_known().asked.own_usd == 727

    def test_its_break_even(self) -> None:
        even = well_known().break_even
        assert even.count == 1
        assert floor(even.windows(1)[0].start) == 264_363
        assert even.for_good == Fraction(727) / Fraction("0.00275")

    def test_what_it_saves_in_a_year(self) -> None:
        assert 12 * well_known().asked.saved_usd == 156_276


class TestWhatTheWellKnownCaseLeavesOut:
    @pytest.mark.parametrize(
        ("engineering", "saved", "from_on"),
        [(4000, 110_676, 1_646_182), (4500, 104_676, 1_828_000), (5000, 98_676, 2_009_819)],
    )
    def test_people(self, engineering: int, saved: int, from_on: int) -> None:
        """About 100,000 dollars a year, and a break-even of up to 2 million."""
        case = well_known(engineering=engineering)
        assert 12 * case.asked.saved_usd == saved
        assert case.break_even.for_good is not None
        assert -(-case.break_even.for_good // 1) == from_on

    def test_one_gpu_does_not_carry_the_peak(self) -> None:
        case = well_known()
        assert case.own.gpus_for_the_mean(5_000_000) == 2
        assert (case.asked.gpus_paid, case.asked.gpus_needed, case.asked.carried) == (1, 4, False)
        assert floor(case.own.limit or 0) == 1_411_404

    def test_with_people_and_the_gpus_that_the_peak_needs(self) -> None:
        case = well_known(engineering=4500, gpus=None)
        assert case.asked.own_usd == 4 * Fraction("507") + 20 + 4500
        assert 12 * case.asked.saved_usd == 86_424
        assert case.asked.carried

    def test_its_machine_is_a_third_cheaper_than_on_demand(self) -> None:
        assert compared(**LOAD, gpus=1, disk=0, network=0, engineering=0).asked.own_usd == Fraction("734.38")


dollars = st.decimals(0, 10_000, places=3)
some_dollars = st.decimals("0.001", 10_000, places=3)
cases = st.fixed_dictionaries(
    {
        "requests": st.integers(1, 10**11),
        "tokens_in": st.integers(0, 100_000),
        "tokens_out": st.integers(1, 100_000),
        "input_price": st.decimals(0, 100, places=4),
        "output_price": st.decimals("0.0001", 600, places=4),
        "gpu_hourly": st.decimals(0, 100, places=4),
        "discount": st.decimals(0, "0.99", places=2),
        "instance": st.sampled_from(["g5.xlarge", "p5.48xlarge"]),
        "prefill": st.decimals(1, 100_000, places=1),
        "decode": st.decimals(1, 100_000, places=1),
        "utilisation": st.decimals("0.01", 1, places=2),
        "peak_factor": st.decimals(1, 50, places=1),
        "disk": dollars,
        "network": dollars,
        "engineering": dollars,
    }
)


class TestEveryCase:
    @given(cases, st.integers(0, 10**11), st.integers(0, 10**11))
    def test_more_requests_never_cost_less(self, case: dict[str, Any], one: int, other: int) -> None:
        own, api = (lambda both: (both.own, both.api))(compared(**case))
        less, more = sorted((one, other))
        assert own.monthly(less) <= own.monthly(more)
        assert api.monthly(less) <= api.monthly(more)

    @given(cases)
    def test_the_gpus_are_whole_enough_and_no_more(self, case: dict[str, Any]) -> None:
        both = compared(**case)
        own, requests = both.own, case["requests"]
        for factor, gpus in ((Fraction(1), own.gpus_for_the_mean(requests)), (own.peak_factor, both.asked.gpus_needed)):
            busy = requests * own.gpu_seconds * factor / SECONDS
            assert gpus >= 1
            assert busy <= gpus * own.utilisation
            assert gpus == 1 or busy > (gpus - 1) * own.utilisation
        assert own.gpus_for_the_mean(requests) <= both.asked.gpus_needed
        assert both.asked.gpus_paid % own.gpus_each == 0
        assert 0 <= both.asked.gpus_paid - both.asked.gpus_needed < own.gpus_each

    @given(cases)
    def test_a_machine_carries_what_it_is_said_to_carry(self, case: dict[str, Any]) -> None:
        own = compared(**case).own
        for machines in (1, 2, 7):
            assert own.machines(own.carried * machines) == machines
            assert own.machines(own.carried * machines + Fraction(1, 10**9)) == machines + 1

    @given(cases, st.integers(2, 9))
    def test_prices_that_are_n_times_as_high_cost_n_times_as_much(self, case: dict[str, Any], times: int) -> None:
        prices = ("input_price", "output_price", "gpu_hourly", "disk", "network", "engineering")
        dearer = compared(**case | {name: case[name] * times for name in prices})
        both = compared(**case)
        assert dearer.asked.api_usd == times * both.asked.api_usd
        assert dearer.asked.own_usd == times * both.asked.own_usd
        assert dearer.break_even.windows(3) == both.break_even.windows(3)

    @given(cases)
    def test_the_lines_cross_at_every_break_even(self, case: dict[str, Any]) -> None:
        both = compared(**case)
        for window in both.break_even.windows(20):
            assert both.api.monthly(window.start) == both.own.monthly(window.start)
            after = window.start * (1 + Fraction(1, 10**12))
            if window.end is not None:
                assert both.own.monthly(window.end) < both.api.monthly(window.end)
                past = window.end * (1 + Fraction(1, 10**12))
                assert both.own.monthly(past) > both.api.monthly(past)
            elif both.own.machine_usd or both.own.fixed_usd:
                assert both.own.monthly(after) < both.api.monthly(after)


small = st.fractions(0, 40, max_denominator=8)


@given(price=small, machine=small, fixed=small, carried=st.integers(1, 9), paid=st.none() | st.integers(1, 4))
def test_self_hosting_costs_less_in_the_windows_and_nowhere_else(
    price: Fraction, machine: Fraction, fixed: Fraction, carried: int, paid: int | None
) -> None:
    """Against a search of every volume, in quarters of a request."""
    assume(machine or fixed)
    own = SelfHost(
        machine_usd=machine, fixed_usd=fixed, gpus_each=1, gpu_seconds=Fraction(SECONDS, carried),
        utilisation=Fraction(1), peak_factor=Fraction(1), gpus_paid=paid,
    )  # fmt: skip
    api = Api(price)
    windows = BreakEven.of(api, own).windows(1000)
    for quarter in range(1, 400):
        at = Fraction(quarter, 4)
        inside = any(each.start < at and (each.end is None or at <= each.end) for each in windows)
        assert inside == (own.monthly(at) < api.monthly(at)), at


def test_many_windows_are_counted_without_a_search() -> None:
    """A machine that saves a hundredth of a cent when full, against a fixed cost of a million dollars."""
    own = SelfHost(
        machine_usd=Fraction("999.9999"), fixed_usd=Fraction(10**6), gpus_each=1, gpu_seconds=Fraction(SECONDS, 1000),
        utilisation=Fraction(1), peak_factor=Fraction(1), gpus_paid=None,
    )  # fmt: skip
    even = BreakEven.of(Api(Fraction(1)), own)
    assert even.first == 10**10 + 1
    assert even.count == 9_999_999
    assert even.for_good is not None
    assert even.windows(2)[1].start > even.windows(2)[0].end > even.windows(2)[0].start  # type: ignore[operator]


def test_a_pool_without_requests_has_one_gpu_all_the_same() -> None:
    own = compared(**LOAD).own
    assert (own.gpus_for_the_mean(0), own.gpus_at_the_peak(0), own.machines(0)) == (1, 1, 1)


def test_an_api_that_costs_nothing_has_no_break_even() -> None:
    assert compared(**LOAD, input_price=0, output_price=0).break_even.count == 0
    assert well_known(input_price=0, output_price=0).break_even.windows(5) == ()


def test_the_table_has_the_asked_volume_once_and_in_order() -> None:
    volumes = [each.requests for each in well_known().over_volumes()]
    assert volumes == sorted({*VOLUMES, 5_000_000})
    assert (VOLUMES[0], VOLUMES[-1]) == (100_000, 1_000_000_000)
    assert [each.requests for each in well_known(requests=10**6).over_volumes()] == list(VOLUMES)


class TestWhereANumberIsFrom:
    def test_given_default_or_the_price_file(self) -> None:
        origins = settle(Inputs(**LOAD, model="gpt-4o-mini", input_price=1)).origins
        assert (origins["requests"], origins["input_price"], origins["model"]) == ("given", "given", "given")
        assert (origins["utilisation"], origins["instance"]) == ("default", "default")
        assert origins["output_price"] == "https://developers.openai.com/api/docs/pricing, read 2026-11-26 second-hand"
        assert origins["gpu_hourly"].startswith("https://aws.amazon.com/")
        assert origins["decode"].startswith("an estimate")

    def test_a_gpu_s_price_is_its_share_of_the_machine(self) -> None:
        assert settle(Inputs(**LOAD, instance="p5.48xlarge")).inputs.gpu_hourly == Decimal("6.88")
        assert compared(**LOAD, instance="p5.48xlarge", disk=0).own.machine_usd == Fraction("55.04") * 730

    def test_a_discount_comes_off_the_hourly_price_alone(self) -> None:
        own = compared(**LOAD, gpu_hourly=2, discount="0.25", disk=10).own
        assert own.machine_usd == Fraction("1.5") * 730 + 10

    @pytest.mark.parametrize("instance", [name for group in prices().instances for name in group.hourly])
    @pytest.mark.parametrize("model", ["gpt-4o", "gpt-6-luna"])
    def test_every_instance_and_model_can_be_compared(self, instance: str, model: str) -> None:
        assert compared(**LOAD, instance=instance, model=model).asked.own_usd > 0

    def test_what_is_not_known_is_refused_with_what_to_do(self) -> None:
        with pytest.raises(NotKnown, match=r"--model gpt-9: .* Give --input-price, --output-price, or .*gpt-4o"):
            settle(Inputs(**LOAD, model="gpt-9", input_price=1))
        with pytest.raises(NotKnown, match=r"--instance mine: .*--gpu-hourly, --prefill, --decode, or .*g5\.xlarge"):
            settle(Inputs(**LOAD, instance="mine", gpu_hourly=1))

    def test_what_is_not_known_may_be_given_in_full(self) -> None:
        case = settle(
            Inputs(**LOAD, model="x", input_price=1, output_price=2, instance="y", gpu_hourly=1, prefill=10, decode=10)
        )
        assert case.inputs.gpus_each == 1
