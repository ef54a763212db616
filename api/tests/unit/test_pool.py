"""Where a call goes, in order, and what a pool knows of its replicas' load."""

from penstock.upstream.pool import Seat, standings
from penstock.upstream.target import EngineGauges
from tests.upstream import a_pool, a_target

NOW = 1000.0
STALE_S = 10.0


def gauges(elsewhere: int, *, age_s: float = 0.0) -> EngineGauges:
    return EngineGauges(NOW - age_s, elsewhere, 0, 0.1, elsewhere)


def seats(*names: str) -> list[Seat]:
    return [Seat(a_target(name), "tiny") for name in names]


def loads(of: list[Seat]) -> list[float]:
    return [standing.load for standing in standings(of, NOW, STALE_S)]


def names(plan: list[Seat]) -> list[str]:
    return [seat.target.id for seat in plan]


def test_load_is_our_own_calls_and_those_of_others() -> None:
    one, two = replicas = seats("one", "two")
    leases = [one.target.lease(), one.target.lease()]
    one.target.engine, two.target.engine = gauges(5), gauges(1)
    assert loads(replicas) == [7, 1]
    leases[0].release()
    leases[0].release()
    assert loads(replicas) == [6, 1], "a lease is given back once"


def test_a_silent_engine_counts_as_the_others_do() -> None:
    one, two, three = replicas = seats("one", "two", "three")
    one.target.engine, two.target.engine = gauges(4), gauges(8)
    assert loads(replicas) == [4, 8, 6], "never heard of"
    three.target.engine = gauges(100, age_s=STALE_S)
    assert loads(replicas) == [4, 8, 6], "too long ago"
    three.target.engine = gauges(100, age_s=STALE_S - 0.1)
    assert loads(replicas) == [4, 8, 100]


def test_where_no_engine_tells_only_our_own_calls_count() -> None:
    one, two = replicas = seats("one", "two")
    one.target.engine = gauges(50, age_s=60)
    lease = two.target.lease()
    assert loads(replicas) == [0, 1]
    lease.release()


def test_weights_are_the_seats() -> None:
    target = a_target()
    assert [each.weight for each in standings([Seat(target, "a", 2), Seat(target, "b")], NOW, STALE_S)] == [2, 1]


def test_replicas_come_by_load_and_clouds_last_in_their_order() -> None:
    one, two = seats("one", "two")
    one.target.engine, two.target.engine = gauges(5), gauges(1)
    clouds = (Seat(a_target("z", "cloud"), "big"), Seat(a_target("a", "cloud"), "big"))
    assert names(a_pool(one, two, clouds=clouds).plan(NOW)) == ["two", "one", "z", "a"]


def test_calls_take_turns_at_idle_replicas() -> None:
    pool = a_pool(*seats("one", "two", "three"))
    assert {pool.plan(NOW)[0].target.id for _ in range(3)} == {"one", "two", "three"}


def test_who_is_drained_gets_nothing_replica_or_cloud() -> None:
    one, two = seats("one", "two")
    cloud, other = Seat(a_target("cloud", "cloud"), "big"), Seat(a_target("other", "cloud"), "big")
    one.target.drained = cloud.target.drained = True
    assert names(a_pool(one, two, clouds=(cloud, other)).plan(NOW)) == ["two", "other"]
    two.target.drained = other.target.drained = True
    assert a_pool(one, two, clouds=(cloud, other)).plan(NOW) == []


def test_who_counts_as_down_comes_last_but_comes() -> None:
    one, two = seats("one", "two")
    cloud = Seat(a_target("cloud", "cloud"), "big")
    pool = a_pool(one, two, clouds=(cloud,))
    one.target.up = False
    assert names(pool.plan(NOW)) == ["two", "cloud", "one"]
    two.target.up = False
    assert names(pool.plan(NOW))[0] == "cloud"
    assert set(names(pool.plan(NOW))[1:]) == {"one", "two"}


def test_where_all_are_down_and_no_cloud_stands_behind_all_are_tried() -> None:
    one, two = seats("one", "two")
    one.target.up = two.target.up = False
    assert set(names(a_pool(one, two).plan(NOW))) == {"one", "two"}
