"""Replicas that come and go by a name's addresses, whatever becomes of the lookups."""

import asyncio
from collections.abc import Iterable

import pytest
from penstock.settings.parts import Replica
from penstock.upstream.resolver import Resolver
from tests.unit.test_roster import roster, served, settings, tiny

NAMED = Replica(url="http://vllm:8000", each_address=True)
LONG_S = 30


class Names:
    """A resolver that says what it is told to; while it waits for `gate`, it says nothing."""

    def __init__(self, *addresses: str) -> None:
        self.says: Iterable[str] | OSError = addresses
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Iterable[str]:
        self.asked.append(host)
        await self.gate.wait()
        if isinstance(self.says, OSError):
            raise self.says
        return self.says


class Log:
    """What was written, by the line."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def _told(self, event: str, *, url: str, addresses: list[str] | None) -> None:
        self.told.append((event, url, addresses))

    info = warning = _told


def resolver(names: Names, *replicas: Replica) -> tuple[Resolver, Log]:
    log = Log()
    here = roster(settings(tiny(*(replicas or (NAMED,)))))
    return Resolver(5, here, log, names), log  # type: ignore[arg-type]  # of the logger it needs these two


async def test_each_address_is_a_replica_with_a_name_of_its_own() -> None:
    names = Names("10.0.0.2", "10.0.0.1", "fd00::1")
    one, log = resolver(names, Replica(url="http://fixed:8000", id="fixed"), NAMED)
    assert served(one.roster) == ["fixed"]
    await one.look(LONG_S)
    assert served(one.roster) == ["fixed", "10.0.0.1:8000", "10.0.0.2:8000", "[fd00::1]:8000"]
    assert one.roster.target("[fd00::1]:8000").origin.host == "fd00::1"
    assert names.asked == ["vllm"]
    assert log.told == [("name looked up", "http://vllm:8000", ["10.0.0.1", "10.0.0.2", "fd00::1"])]


async def test_one_that_stays_is_the_same_target_and_one_that_goes_is_left_alone() -> None:
    names = Names("10.0.0.1", "10.0.0.2")
    one, log = resolver(names)
    await one.look(LONG_S)
    stays, goes = one.roster.target("10.0.0.1:8000"), one.roster.target("10.0.0.2:8000")
    lease = goes.lease()
    names.says = ("10.0.0.1", "10.0.0.3")
    await one.look(LONG_S)
    await one.look(LONG_S)
    assert served(one.roster) == ["10.0.0.1:8000", "10.0.0.3:8000"]
    assert one.roster.target("10.0.0.1:8000") is stays
    assert goes.in_flight == 1
    lease.release()
    assert len(log.told) == 2


@pytest.mark.parametrize("trouble", [(), OSError("no such name")])
async def test_a_name_without_an_address_takes_nobody_out(trouble: Iterable[str] | OSError) -> None:
    names = Names("10.0.0.1")
    one, log = resolver(names)
    await one.look(LONG_S)
    names.says = trouble
    await one.look(LONG_S)
    await one.look(LONG_S)
    assert served(one.roster) == ["10.0.0.1:8000"]
    assert log.told[1:] == [("name looked up", "http://vllm:8000", None)]


async def test_a_lookup_that_hangs_is_waited_for_no_longer_than_told_and_not_begun_twice() -> None:
    names = Names("10.0.0.1")
    names.gate.clear()
    one, log = resolver(names)
    await one.look(0.01)
    await one.look(0.01)
    assert names.asked == ["vllm"]
    assert log.told == [("name looked up", "http://vllm:8000", None)]
    names.gate.set()
    await one.look(LONG_S)
    assert served(one.roster) == ["10.0.0.1:8000"]
    assert names.asked == ["vllm"]


async def test_addresses_outlive_a_reload() -> None:
    one, _ = resolver(Names("10.0.0.1"))
    await one.look(LONG_S)
    stays = one.roster.target("10.0.0.1:8000")
    one.roster.load(settings(tiny(NAMED), tiny(NAMED, name="more")))
    assert served(one.roster, "more") == ["10.0.0.1:8000"]
    assert one.roster.target("10.0.0.1:8000") is stays


@pytest.mark.parametrize("more", [{"id": "gpu"}, {"url": "https://vllm:8000"}])
def test_an_address_needs_no_name_and_has_no_certificate(more: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="each_address"):
        Replica.model_validate({"url": "http://vllm:8000", "each_address": True, **more})
