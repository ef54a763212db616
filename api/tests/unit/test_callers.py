"""Callers, their keys, and what becomes of both when they are changed."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from penstock.callers import edits
from penstock.callers.caller import Caller, Key, digest_of
from penstock.callers.keyring import Keyring
from penstock.errors import CallerNotFound, CallerTaken, InvalidRequest, KeyNotFound
from pydantic import ValidationError

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def caller(name: str = "shop", *keys: Key, **more: object) -> Caller:
    return Caller.model_validate({"name": name, "keys": keys, **more})


def test_a_key_is_random_marked_and_kept_as_its_hash_alone() -> None:
    made = [Key.make(NOW) for _ in range(100)]
    assert len({plain for plain, _ in made}) == 100
    plain, key = made[0]
    assert plain.startswith("pk-")
    assert len(plain) == 3 + 43  # 256 bits in base64
    assert key.sha256 == digest_of(plain.encode()).hex()
    assert plain not in repr(key) + key.model_dump_json()


def test_the_keyring_knows_each_key_of_each_caller_and_no_other() -> None:
    (first, one), (second, two), (third, three) = (Key.make(NOW) for _ in range(3))
    ring = Keyring((caller("shop", one, two), caller("lab", three)))
    names = [
        ring.caller(digest_of(key.encode()), NOW.timestamp())
        for key in (first, second, third, first + " ", "", one.sha256)
    ]
    assert [found.name if found else None for found in names] == ["shop", "shop", "lab", None, None, None]
    ring.load(())
    assert ring.caller(digest_of(first.encode()), NOW.timestamp()) is None


def test_a_key_opens_until_its_end() -> None:
    plain, key = Key.make(NOW, NOW + DAY)
    ring = Keyring((caller("shop", key),))
    end = (NOW + DAY).timestamp()
    assert [bool(ring.caller(digest_of(plain.encode()), at)) for at in (end - 0.001, end, end + 1e9)] == [
        True,
        False,
        False,
    ]


def test_a_rotated_key_goes_on_for_the_overlap_and_never_longer_than_it_would_have() -> None:
    keys = [Key.make(NOW, end)[1] for end in (None, NOW + DAY / 2, NOW - DAY)]
    new = Key.make(NOW)[1]
    (after,) = edits.rotated((caller("shop", *keys),), "shop", new, NOW, DAY)
    ends = [key.ends_at for key in after.keys]
    assert ends == [NOW + DAY, NOW + DAY / 2, None], "the one that had ended is forgotten"
    (at_once,) = edits.rotated((after,), "shop", Key.make(NOW)[1], NOW, timedelta(0))
    assert len(at_once.keys) == 1


def test_a_revoked_key_is_gone_and_its_caller_is_not() -> None:
    one, two = Key.make(NOW)[1], Key.make(NOW)[1]
    before = (caller("lab"), caller("shop", one, two))
    lab, shop = edits.revoked(before, one.id)
    assert (lab, shop.keys) == (before[0], (two,))
    with pytest.raises(KeyNotFound):
        edits.revoked((lab, shop), one.id)


def test_what_is_not_named_in_a_change_stays() -> None:
    key = Key.make(NOW)[1]
    (after,) = edits.changed((caller("shop", key, owner="ada", models=["chat"]),), "shop", {"models": None})
    assert after == caller("shop", key, owner="ada")


@pytest.mark.parametrize(
    "fields", [{"models": "chat"}, {"wrong": 1}, {"fallback": "perhaps"}, {"dollars_per_day": math.inf}]
)
def test_a_change_to_what_cannot_be_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        edits.changed((caller(),), "shop", fields)


def test_neither_name_nor_keys_can_be_changed_so() -> None:
    before = caller("shop", Key.make(NOW)[1])
    assert edits.changed((before,), "shop", {"name": "lab", "keys": []}) == (before,)


def test_who_is_not_there_is_told() -> None:
    for edit in (edits.found, edits.removed):
        with pytest.raises(CallerNotFound):
            edit((caller("lab"),), "shop")
    with pytest.raises(CallerTaken):
        edits.added((caller("shop"),), caller("shop"))
    assert edits.removed((caller("lab"), caller("shop")), "shop") == (caller("lab"),)


@pytest.mark.parametrize("name", ["anyone", "none"])
def test_who_is_no_caller_has_no_caller_s_name(name: str) -> None:
    with pytest.raises(CallerTaken, match="another name"):
        edits.added((), caller(name))
    with pytest.raises(ValueError, match="needs another name"):
        edits.checked((caller(name),))


def test_one_key_stands_for_one_caller() -> None:
    key = Key.make(NOW)[1]
    with pytest.raises(ValueError, match="have the same key"):
        edits.checked((caller("shop", key), caller("lab", key)))
    with pytest.raises(ValueError, match="two callers have the name"):
        edits.checked((caller("shop"), caller("shop")))
    with pytest.raises(ValidationError, match="the same key twice"):
        caller("shop", key, key)


def test_what_is_not_said_is_allowed_and_what_is_said_is_the_whole_of_it() -> None:
    free, bound, shut = caller(), caller(models=["chat"], functions=["Sort"]), caller(models=[], functions=[])
    assert [each.may_ask("chat") for each in (free, bound, shut)] == [True, True, False]
    assert [each.may_ask("code") for each in (free, bound, shut)] == [True, False, False]
    assert [each.may_call("Sort") for each in (free, bound, shut)] == [True, True, False]
    assert [each.may_call("Draw") for each in (free, bound, shut)] == [True, False, False]
