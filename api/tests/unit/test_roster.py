"""Models and targets as they come, stay and go, while calls are under way."""

import random

import pytest
from penstock.errors import InvalidRequest, ModelNotFound, TargetNotFound
from penstock.settings import Settings, SettingsError
from penstock.settings.parts import Cloud, Fallback, Model, Replica
from penstock.upstream.breaker import State
from penstock.upstream.roster import Roster
from penstock.upstream.target import Target
from tests.clock import Clock

A, B, C = (Replica(url=f"http://{name}:8000", id=name) for name in "abc")


def tiny(*replicas: Replica, name: str = "tiny", **more: object) -> Model:
    return Model.model_validate({"name": name, "replicas": replicas, **more})


def settings(*models: Model, **more: object) -> Settings:
    return Settings.model_validate({"models": models, **more})


class Heard(list[tuple[str, State]]):
    def __call__(self, target: Target, state: State) -> None:
        self.append((target.id, state))


def roster(told: Settings, heard: Heard | None = None) -> Roster:
    return Roster(told, Clock(), random.Random(1), heard if heard is not None else Heard())


def served(roster: Roster, model: str = "tiny") -> list[str]:
    return [seat.target.id for seat in roster.pool(model).replicas]


def test_a_model_answers_to_its_name_and_aliases() -> None:
    here = roster(settings(tiny(A, aliases=["gpt-4o-mini"], served_as="meta/llama")))
    assert here.pool("gpt-4o-mini") is here.pool("tiny")
    assert here.pool("tiny").replicas[0].model == "meta/llama"
    with pytest.raises(ModelNotFound):
        here.pool("meta/llama")
    with pytest.raises(TargetNotFound):
        here.target("z")


def test_a_replica_of_two_models_is_one_target() -> None:
    here = roster(settings(tiny(A, name="base"), tiny(A, name="tuned")))
    assert here.pool("base").replicas[0].target is here.pool("tuned").replicas[0].target
    assert list(here.targets) == ["a"]


def test_clouds_come_in_their_order_with_their_own_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_KEY", "sk-cloud")
    clouds = {name: Cloud(base_url=f"http://{name}/v1", api_key_env="CLOUD_KEY") for name in ("one", "two")}
    fallback = (Fallback(cloud="two", model="big"), Fallback(cloud="one", model="small"))
    here = roster(settings(tiny(A, fallback=fallback), clouds=clouds))
    seats = here.pool("tiny").clouds
    assert [(seat.target.id, seat.target.kind, seat.model) for seat in seats] == [
        ("two", "cloud", "big"),
        ("one", "cloud", "small"),
    ]
    assert seats[0].target.authorization == {"authorization": "Bearer sk-cloud"}


def test_a_reload_keeps_what_stays_and_its_state() -> None:
    here = roster(settings(tiny(A, B)))
    kept = here.target("a")
    lease = kept.lease()
    kept.breaker.open()
    here.load(settings(tiny(A, C, name="other")))
    assert here.target("a") is kept
    assert (kept.in_flight, kept.breaker.state) == (1, "open")
    assert served(here, "other") == ["a", "c"]
    assert set(here.targets) == {"a", "c"}
    with pytest.raises(ModelNotFound):
        here.pool("tiny")
    lease.release()


def test_a_target_that_moved_is_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_KEY", "one")
    keyed = A.model_copy(update={"api_key_env": "VLLM_KEY"})
    here = roster(settings(tiny(A)))
    seen = [here.target("a")]
    for told in (tiny(keyed), tiny(Replica(url="http://elsewhere:8000", id="a"))):
        here.load(settings(told))
        seen.append(here.target("a"))
    assert len({id(each) for each in seen}) == 3
    here.load(settings(tiny(keyed)))
    before = here.target("a")
    monkeypatch.setenv("VLLM_KEY", "two")
    here.load(settings(tiny(keyed)))
    assert here.target("a") is not before
    assert here.target("a").authorization == {"authorization": "Bearer two"}


def test_a_reload_that_is_refused_changes_nothing() -> None:
    here = roster(settings(tiny(A)))
    here.join("tiny", B)
    here.leave("a")
    before = (here.targets, here.models, served(here))
    with pytest.raises(SettingsError, match="NO_SUCH_KEY"):
        here.load(settings(tiny(C.model_copy(update={"api_key_env": "NO_SUCH_KEY"}))))
    assert (here.targets, here.models, served(here)) == before
    here.join("tiny", C)
    assert served(here) == ["b", "c"], "what joined and left before is remembered too"


def test_who_joins_serves_until_the_next_load() -> None:
    here = roster(settings(tiny(A, aliases=["small"])))
    here.join("small", B)
    assert served(here) == ["a", "b"]
    here.load(settings(tiny(A)))
    assert served(here) == ["a"]
    here.join("tiny", C)
    assert served(here) == ["a", "c"], "nor does it come back with another"


def test_nobody_joins_twice_or_nowhere() -> None:
    here = roster(settings(tiny(A)))
    with pytest.raises(InvalidRequest):
        here.join("tiny", A)
    with pytest.raises(ModelNotFound):
        here.join("huge", B)
    here.join("tiny", C)
    assert served(here) == ["a", "c"], "the one that was refused left nothing behind"


def test_who_leaves_is_gone_while_its_calls_go_on() -> None:
    here = roster(settings(tiny(A, B), tiny(A, name="other")))
    lease = here.target("a").lease()
    here.leave("a")
    assert (served(here), served(here, "other")) == (["b"], [])
    with pytest.raises(TargetNotFound):
        here.leave("a")
    lease.release()
    here.load(settings(tiny(A, B)))
    assert served(here) == ["a", "b"]


def test_who_comes_back_elsewhere_is_there_once_and_is_the_new_one() -> None:
    here = roster(settings(tiny(A, B), tiny(A, name="other")))
    here.leave("a")
    here.join("tiny", Replica(url="http://elsewhere:8000", id="a"))
    assert (served(here), served(here, "other")) == (["b", "a"], [])
    assert here.target("a").url == "http://elsewhere:8000"
    here.leave("a")
    assert served(here) == ["b"]


def test_who_joined_can_leave() -> None:
    here = roster(settings(tiny(A)))
    here.join("tiny", B)
    here.leave("b")
    assert served(here) == ["a"]


def test_clouds_do_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_KEY", "x")
    clouds = {"sky": Cloud(base_url="http://sky/v1", api_key_env="CLOUD_KEY")}
    here = roster(settings(tiny(A, fallback=[Fallback(cloud="sky", model="m")]), clouds=clouds))
    with pytest.raises(InvalidRequest):
        here.leave("sky")


def test_models_are_those_that_the_replicas_tell() -> None:
    here = roster(settings(replicas=["http://a:8000", "http://b:8000"]))
    assert here.models == ()
    assert [replica.name for replica in here.undiscovered] == ["a:8000", "b:8000"]
    assert set(here.targets) == {"a:8000", "b:8000"}, "they are watched before they told"
    here.discovered("a:8000", ["tiny", "lora"])
    here.discovered("b:8000", ["tiny"])
    assert served(here) == ["a:8000", "b:8000"]
    assert served(here, "lora") == ["a:8000"]


def test_what_is_told_again_changes_nothing_and_what_is_new_does() -> None:
    here = roster(settings(replicas=["http://a:8000"]))
    here.discovered("a:8000", ["tiny"])
    target, models = here.target("a:8000"), here.models
    here.discovered("a:8000", ["tiny"])
    assert here.models is models
    here.discovered("a:8000", ["huge"])
    assert served(here, "huge") == ["a:8000"]
    assert here.target("a:8000") is target
    with pytest.raises(ModelNotFound):
        here.pool("tiny")


def test_a_discovered_replica_may_leave() -> None:
    here = roster(settings(replicas=["http://a:8000", "http://b:8000"]))
    for name in ("a:8000", "b:8000"):
        here.discovered(name, ["tiny"])
    here.leave("a:8000")
    assert served(here) == ["b:8000"]
    assert [replica.name for replica in here.undiscovered] == ["b:8000"]
    here.discovered("a:8000", ["tiny"])
    assert served(here) == ["b:8000"], "a reading that was under way does not bring it back"


def test_a_model_of_the_settings_is_not_discovered_over() -> None:
    here = roster(settings(tiny(A, aliases=["small"]), replicas=["http://x:8000"]))
    here.discovered("x:8000", ["tiny", "small", "new"])
    assert served(here) == served(here, "small") == ["a"]
    assert served(here, "new") == ["x:8000"]


def test_discovered_models_fall_back_to_every_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    here = roster(settings(replicas=["http://a:8000"], clouds={"openai": Cloud()}, fallback_model="gpt-x"))
    here.discovered("a:8000", ["tiny"])
    assert [(seat.target.id, seat.model) for seat in here.pool("tiny").clouds] == [("openai", "gpt-x")]


def test_a_breaker_that_moves_is_told_with_its_target() -> None:
    heard = Heard()
    here = roster(settings(tiny(A, B)), heard)
    here.target("b").breaker.open()
    assert heard == [("b", "open")]
