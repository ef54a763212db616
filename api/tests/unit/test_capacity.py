"""The simulated pool by arithmetic that can be done by hand: who takes what, what is lost, how many do."""

from itertools import pairwise
from math import inf
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar

import pytest
from penstock.capacity.answer import Answer
from penstock.capacity.calls import MOST, Asked, Call, asked_by, doubled, rate_of
from penstock.capacity.case import settle
from penstock.capacity.inputs import Filled, Inputs
from penstock.capacity.pool import Pool, Shape
from penstock.capacity.scaler import wanted
from penstock.capacity.search import Search
from penstock.capacity.simulation import Outcome, Scenario, Simulation, Times
from penstock.load import NoLoad

ENGINE = {"prefill": 1000, "decode_alone": 10, "crowding": 0, "kv_tokens": 100_000, "batched_tokens": 2000}
AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46,374,44
2023-11-16 18:15:50,396,109
2023-11-16 18:15:52,879,55
"""


def inputs(**given: Any) -> Filled:
    usual = {"rate": 1, "tokens_in": "1000", "tokens_out": "11", "first_token_p99": 3, "start_s": 1000}
    return settle(Inputs(**(usual | ENGINE | given))).inputs


def simulated(asked: list[Asked], scenario: Scenario = Scenario.NOTHING, size: int = 1, **given: Any) -> Outcome:
    return Simulation(asked, inputs(**given), scenario, size).run()


def evenly(count: int, gap: float, prompt: int = 1000, answer: int = 11) -> list[Asked]:
    return [Asked(number * gap, prompt, answer) for number in range(count)]


class TestTheLoad:
    def test_a_rate_comes_by_chance_and_the_same_seed_gives_the_same(self) -> None:
        asked = asked_by(inputs(rate=5, minutes=20, tokens_in="10-20"))
        assert len(asked) == pytest.approx(6000, rel=0.05)
        assert {each.prompt for each in asked} == set(range(10, 21))
        assert asked == asked_by(inputs(rate=5, minutes=20, tokens_in="10-20"))
        assert asked != asked_by(inputs(rate=5, minutes=20, tokens_in="10-20", seed=1))

    def test_a_month_has_730_hours_and_its_peak_a_factor(self) -> None:
        assert rate_of(inputs(rate=None, requests=730 * 3600 * 2, peak_factor=3)) == 6

    def test_a_trace_has_its_own_moments_and_lengths(self, tmp_path: Path) -> None:
        file = tmp_path / "trace.csv"
        file.write_text(AZURE)
        own = {"rate": None, "trace": file, "tokens_in": None, "tokens_out": None}
        assert asked_by(inputs(**own)) == [Asked(0, 374, 44), Asked(4, 396, 109), Asked(6, 879, 55)]
        assert asked_by(inputs(**own, speed_up=2))[2].at == 3
        assert [each.answer for each in asked_by(inputs(**own | {"tokens_out": "7"}))] == [7, 7, 7]
        assert len(asked_by(inputs(**own, minutes="0.1"))) == 2

    def test_what_it_does_not_simulate(self, tmp_path: Path) -> None:
        with pytest.raises(NoLoad, match=f"more than {MOST:,} requests in 10 minutes"):
            asked_by(inputs(rate=1000))
        with pytest.raises(NoLoad, match="no request comes"):
            asked_by(inputs(rate="0.0001", minutes="0.1"))
        with pytest.raises(NoLoad, match="cannot be read"):
            asked_by(inputs(rate=None, trace=tmp_path / "none"))

    def test_a_rate_that_doubles_does_so_little_by_little(self) -> None:
        asked = evenly(6000, 0.1)
        twice = doubled(asked, 200, 200, seed=1)
        assert all(before.at <= after.at for before, after in pairwise(twice))
        counts = [sum(start <= each.at < start + 100 for each in twice) for start in range(0, 600, 100)]
        assert counts[:2] == [1000, 1000]
        assert counts[2:4] == [pytest.approx(1250, abs=60), pytest.approx(1750, abs=60)]
        assert counts[4:] == [pytest.approx(2000, abs=2)] * 2


class TestOnePool:
    def test_a_request_that_is_alone(self) -> None:
        outcome = simulated([Asked(5, 1000, 11)])
        assert outcome.first_token.p50 == pytest.approx(1.1), "a second to read, a step of a tenth"
        assert outcome.total.p50 == pytest.approx(2.1)
        assert outcome.failed == 0

    def test_one_replica_with_requests_by_chance_waits_as_the_formula_says(self) -> None:
        """M/D/1: a service of 1 s, r = 0.5 of the time busy; the mean wait is r / 2(1 - r) (Pollaczek, Khinchine)."""
        given = {"rate": "0.5", "minutes": 600, "tokens_out": "1", "decode_alone": 10**6, "batched_tokens": 1000}
        asked = asked_by(inputs(**given))
        outcome = simulated(asked, **given)
        assert len(asked) > 17_000
        assert fmean(call.first_token_s for call in outcome.calls) == pytest.approx(1.5, rel=0.05)

    def test_calls_go_where_the_fewest_are(self) -> None:
        asked = [Asked(0, 1000, 11), Asked(0.5, 1000, 11), Asked(1, 1000, 1)]
        assert [call.first_token_s for call in simulated(asked, size=3).calls] == pytest.approx([1.1] * 3)
        crowded = simulated(asked, size=2).calls
        assert [call.first_token_s for call in crowded[:2]] == pytest.approx([1.1, 1.1])
        assert crowded[2].first_token_s == pytest.approx(1.2), "after the step of 1.1 s that it comes into, at 0.1 s"

    def test_a_full_cache_makes_requests_wait(self) -> None:
        asked = [Asked(0, 1000, 11), Asked(0.2, 1000, 11)]
        wide, narrow = simulated(asked), simulated(asked, kv_tokens=1100)
        assert narrow.calls[1].first_token_s > wide.calls[1].first_token_s
        assert narrow.calls[1].first_token_s == pytest.approx(2.1 - 0.2 + 1.1), "when the first has left"

    def test_what_is_not_answered_is_never_in_time(self) -> None:
        calls = [Call(Asked(0, 1, 1), 1.0, 2.0) for _ in range(98)] + [Call(Asked(0, 1, 1)) for _ in range(2)]
        outcome = Outcome(calls, 1)
        assert outcome.failed == 0.02
        assert outcome.first_token == Times(1.0, inf)


class TestWhatIsLost:
    GIVEN: ClassVar[dict[str, Any]] = {"minutes": 1, "notice_s": 2}
    """So it happens at 20 s."""

    def test_a_stream_that_began_breaks_and_others_go_elsewhere(self) -> None:
        asked = [Asked(18.5, 1000, 100), Asked(18.6, 1000, 100), Asked(19.5, 500, 2), Asked(19.6, 500, 2)]
        outcome = simulated(asked, Scenario.REPLICA, 2, **self.GIVEN)
        kept, broken, stayed, moved = outcome.calls
        assert (broken.total_s, broken.first_token_s) == (inf, inf)
        assert kept.total_s == pytest.approx(1.1 + 9.9 + 2 * 0.5, abs=0.01), "held up by both of the others"
        assert moved.moves == 1
        assert moved.first_token_s == pytest.approx(22 - 19.6 + 0.6, abs=0.11), "from its arrival on"
        assert stayed.moves == 0
        assert outcome.failed == 0.25

    def test_calls_sent_there_before_it_is_noticed_are_late_and_not_lost(self) -> None:
        outcome = simulated(evenly(40, 1, 100, 2), Scenario.REPLICA, 2, **self.GIVEN)
        assert outcome.failed == 0
        moved = [call for call in outcome.calls if call.moves]
        assert moved
        assert all(20 - 1 <= call.asked.at <= 22 for call in moved)
        assert all(call.first_token_s >= 22 - call.asked.at for call in moved)

    def test_a_zone_takes_all_that_are_in_it_and_others_are_begun_elsewhere(self) -> None:
        simulation = Simulation(evenly(60, 1), inputs(**self.GIVEN, start_s=10), Scenario.ZONE, 5)
        assert simulation.run().failed > 0
        assert [each.zone for each in simulation.pool.replicas] == [1, 1, 0, 0, 0], "three of five were in the first"

    def test_without_a_replica_nothing_is_answered_until_another_has_started(self) -> None:
        outcome = simulated(evenly(60, 1, 100, 2), Scenario.REPLICA, 1, **self.GIVEN, start_s=7.5)
        never = [call.asked.at for call in outcome.calls if call.total_s == inf]
        assert never == pytest.approx(list(range(20, 30))), "those of 20 to 22 s had nowhere to go at 22 s"


class TestTheAutoscaler:
    def test_it_wants_as_many_as_the_queue_and_the_cache_say(self) -> None:
        pool = Pool(Shape.of(inputs(kv_tokens=8000)), zones=1)
        assert wanted(pool) == 1
        for _ in range(2):
            pool.grow(0)
        assert wanted(pool) == 0
        for _ in range(14):
            pool.take(Call(Asked(0, 480, 160)), 0)
        pool.advance(10)
        used = 14 * 640 / 16000
        assert used == 0.56
        assert wanted(pool) == 2, "2 * 0.56 / 0.7 = 1.6"

    def test_it_adds_after_its_delay_where_the_rate_doubles(self) -> None:
        given = {"kv_tokens": 2200, "minutes": 10, "doubling_s": 100, "rate": "0.7"}
        asked = doubled(asked_by(inputs(**given)), 200, 100, 1)
        quick = simulated(asked, Scenario.DOUBLING, 1, **given, start_s=20)
        slow = simulated(asked, Scenario.DOUBLING, 1, **given, start_s=200)
        assert quick.most > 1
        assert slow.most > 1
        assert quick.first_token.p99 < slow.first_token.p99
        assert simulated(asked, Scenario.DOUBLING, 1, **given, start_s=1000).most == 1

    def test_there_is_a_most(self) -> None:
        given = {"kv_tokens": 1100, "minutes": 10, "doubling_s": 10, "rate": 2, "start_s": 5}
        asked = doubled(asked_by(inputs(**given)), 200, 10, 1)
        assert simulated(asked, Scenario.DOUBLING, 1, **given, most=3).most == 3


class TestTheSearch:
    BUSY: ClassVar[dict[str, Any]] = {"rate": "1.4", "first_token_p99": 10, "minutes": 20}
    """Reading alone takes 1.4 s of each second: one cannot, two can."""

    def test_one_more_is_needed_where_one_is_lost(self) -> None:
        search = Search(inputs(**self.BUSY))
        assert search.fewest(Scenario.NOTHING) == 2
        assert search.fewest(Scenario.REPLICA) == 3
        assert search.fewest(Scenario.ZONE) == 4, "two in each"
        assert search.fewest(Scenario.DOUBLING) == 4, "no other one is ready within 1,000 s"

    def test_it_is_the_fewest(self) -> None:
        search = Search(inputs(rate=8, first_token_p99=2))
        fewest = search.fewest(Scenario.NOTHING)
        assert fewest is not None
        assert search.holds(search.outcome(Scenario.NOTHING, fewest))
        assert not search.holds(search.outcome(Scenario.NOTHING, fewest - 1))

    def test_a_time_that_no_number_of_replicas_can_hold(self) -> None:
        search = Search(inputs(first_token_p99=1))
        assert search.alone.first_token.p99 == pytest.approx(1.1)
        assert not search.holds(search.alone)
        assert search.fewest(Scenario.NOTHING) is None
        assert Search(inputs(first_token_p99="1.2", total_p99=2)).fewest(Scenario.NOTHING) is None

    def test_more_than_it_may_try(self) -> None:
        assert Search(inputs(**self.BUSY, most=1)).fewest(Scenario.NOTHING) is None
        assert Search(inputs(**self.BUSY, most=2)).fewest(Scenario.NOTHING) == 2

    def test_the_same_gives_the_same(self) -> None:
        one, other = (Answer(settle(Inputs(**ASKED))) for _ in range(2))
        assert [row.replicas for row in one.rows] == [row.replicas for row in other.rows]
        assert [row.outcome.total for row in one.rows] == [row.outcome.total for row in other.rows]


ASKED: dict[str, Any] = {"rate": 2, "tokens_in": "100-400", "tokens_out": "20-60", "first_token_p99": 2, "minutes": 4}


class TestTheAnswer:
    def test_a_month_costs_replicas_times_their_price(self) -> None:
        case = settle(Inputs(**ASKED, gpu_hourly=2, disk=10))
        assert case.monthly_usd(3) == 3 * (2 * 730 + 10)
        assert settle(Inputs(**ASKED, gpu_hourly=2, disk=10, discount="0.25")).monthly_usd(1) == 1.5 * 730 + 10

    def test_a_machine_of_eight_gpus_is_paid_whole(self) -> None:
        case = settle(Inputs(**ASKED, instance="p4d.24xlarge", gpu_hourly=1, disk=0))
        assert [case.monthly_usd(count) for count in (1, 8, 9)] == [8 * 730, 8 * 730, 16 * 730]

    def test_every_scenario_has_its_row_and_its_month(self) -> None:
        answer = Answer(settle(Inputs(**ASKED)))
        assert [row.scenario for row in answer.rows] == list(Scenario)
        for row in answer.rows:
            assert row.replicas
            assert row.month_usd == answer.case.monthly_usd(row.replicas)

    def test_a_shorter_time_costs_more(self) -> None:
        steps = list(Answer(settle(Inputs(**ASKED))).steps(Scenario.NOTHING))
        assert len(steps) > 1
        for fewer, more in pairwise(steps):
            assert more.first_token_p99 < fewer.first_token_p99
            assert more.month_usd > fewer.month_usd
