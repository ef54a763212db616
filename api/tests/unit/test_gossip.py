"""Two instances over one store: what one finds, the other knows after their next exchanges."""

import random

import pytest
from penstock.settings import Settings
from penstock.settings.parts import Model, Replica
from penstock.state.memory import MemoryStore
from penstock.upstream.gossip import OPENED_S, PROBING_S, Gossip
from penstock.upstream.roster import Roster
from penstock.upstream.target import Target
from tests.clock import Clock

SETTINGS = Settings(
    models=(
        Model(name="tiny", replicas=(Replica(url="http://gpu-1:8000", id="gpu-1"), Replica(url="http://gpu-2:8000"))),
    )
)


class Instance:
    """One instance's breakers and its gossip, as the app joins them."""

    def __init__(self, clock: Clock, store: MemoryStore) -> None:
        self.connected = True
        self.roster = Roster(
            SETTINGS, clock, random.Random(1), lambda target, state: self.gossip.breaker_moved(target, state)
        )
        self.gossip = Gossip(store, self.roster, lambda: self.connected)

    @property
    def target(self) -> Target:
        return self.roster.target("gpu-1")

    def state(self) -> str:
        return self.target.breaker.state

    def drained(self) -> bool:
        return self.target.drained

    def fail(self) -> None:
        """Calls that fail, until its breaker opens."""
        while permit := self.target.breaker.admit():
            permit.report("failed")

    def drain(self, drained: bool) -> None:
        self.target.drained = drained
        self.gossip.drained(self.target)


class Two:
    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.one, self.other = Instance(self.clock, self.store), Instance(self.clock, self.store)

    async def exchange(self) -> None:
        await self.one.gossip.exchange()
        await self.other.gossip.exchange()

    async def opened(self) -> None:
        """Both know that gpu-1 is broken, the other by hearsay."""
        self.one.fail()
        await self.exchange()
        assert (self.one.state(), self.other.state()) == ("open", "open")


@pytest.fixture
def two() -> Two:
    return Two()


async def test_what_opened_at_one_opens_at_the_other(two: Two) -> None:
    await two.opened()
    assert two.other.target.breaker.admit() is None
    assert two.other.roster.target("gpu-2:8000").breaker.state == "closed"


async def test_what_closed_at_one_may_be_probed_at_once_by_the_other(two: Two) -> None:
    await two.opened()
    two.clock.advance(4)
    two.one.target.breaker.reset()
    await two.exchange()
    assert two.other.state() == "half-open"
    permit = two.other.target.breaker.admit()
    assert permit is not None
    permit.report("succeeded")
    await two.exchange()
    await two.exchange()
    assert (two.one.state(), two.other.state()) == ("closed", "closed")


async def test_hearsay_is_not_told_on_as_news(two: Two) -> None:
    await two.opened()
    two.clock.advance(OPENED_S + 1)
    assert await two.store.marked(["opened:gpu-1"]) == frozenset(), "nobody keeps a rumour alive"
    await two.exchange()
    assert two.other.state() == "half-open"


async def test_who_had_it_by_hearsay_and_found_it_well_tells_so(two: Two) -> None:
    await two.opened()
    two.clock.advance(6)
    permit = two.other.target.breaker.admit()
    assert permit is not None
    permit.report("succeeded")
    await two.other.gossip.exchange()
    assert await two.store.marked(["opened:gpu-1", "probing:gpu-1"]) == frozenset()
    assert two.other.state() == "closed", "and does not believe its own rumour again"


async def test_while_one_probes_the_other_holds_its_probe_back(two: Two) -> None:
    await two.opened()
    two.clock.advance(6)
    permit = two.one.target.breaker.admit()
    assert permit is not None
    await two.exchange()
    assert two.other.target.breaker.admit() is None
    permit.report("failed")
    await two.exchange()
    two.clock.advance(6)
    assert two.one.target.breaker.admit() is None, "its own time doubled"
    assert two.other.target.breaker.admit() is not None, "nobody else is probing any more"


async def test_ones_own_probe_does_not_hold_oneself_back(two: Two) -> None:
    await two.opened()
    two.clock.advance(6)
    permit = two.one.target.breaker.admit()
    assert permit is not None
    await two.exchange()
    permit.report("excused")
    assert two.one.target.breaker.admit() is not None


async def test_a_prober_that_died_holds_the_others_back_no_longer_than_its_mark(two: Two) -> None:
    await two.opened()
    two.clock.advance(6)
    assert two.one.target.breaker.admit() is not None
    await two.exchange()
    two.clock.advance(PROBING_S + 1)
    await two.other.gossip.exchange()
    assert two.other.target.breaker.admit() is not None


async def test_a_drain_spreads_both_ways_and_so_does_its_end(two: Two) -> None:
    two.one.drain(True)
    await two.exchange()
    assert two.other.drained()
    two.other.drain(False)
    await two.other.gossip.exchange()
    await two.one.gossip.exchange()
    assert not two.one.drained()
    assert not two.other.drained()


async def test_an_instance_that_starts_learns_what_is_drained_and_open(two: Two) -> None:
    two.one.fail()
    two.one.drain(True)
    await two.one.gossip.exchange()
    new = Instance(two.clock, two.store)
    await new.gossip.exchange()
    assert new.target.drained
    assert new.state() == "open"


async def test_while_disconnected_the_last_reading_holds(two: Two) -> None:
    two.one.drain(True)
    await two.opened()
    two.other.connected = False
    await two.store.clear(["drained:gpu-1", "opened:gpu-1"])
    await two.other.gossip.exchange()
    assert two.other.drained()
    assert two.other.state() == "open"
    two.other.connected = True
    await two.other.gossip.exchange()
    assert two.other.state() == "half-open"


async def test_a_store_that_forgot_a_drain_is_told_again(two: Two) -> None:
    two.one.drain(True)
    await two.one.gossip.exchange()
    await two.other.gossip.exchange()
    await two.store.clear(["drained:gpu-1"])  # as a Redis that starts anew has
    for each in (two.other, two.one, two.other):
        await each.gossip.exchange()
        assert each.drained()
    two.one.drain(False)
    for each in (two.one, two.other):
        await each.gossip.exchange()
    assert not two.one.drained()
    assert not two.other.drained()


async def test_what_is_said_last_is_what_is_told(two: Two) -> None:
    for drained in (True, False, True, False):
        two.one.drain(drained)
    await two.exchange()
    assert not two.other.drained()


async def test_a_target_that_is_gone_is_not_asked_for(two: Two) -> None:
    await two.opened()
    two.other.roster.leave("gpu-1")
    await two.exchange()
    assert "gpu-1" not in two.other.roster.targets
