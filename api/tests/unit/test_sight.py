"""Who may see the status page."""

import pytest
from penstock.errors import Forbidden, NotFound, StatusPageClosed, Unauthorized
from penstock.settings.parts import StatusPage
from penstock.surfaces.sight import Sight
from tests.door import door

DOOR = door(("shop=sk-shop",), ("ada=sk-ada",))
LOCAL = {b"host": b"127.0.0.1:8080"}


def sight(who: StatusPage) -> Sight:
    return Sight(who, DOOR)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", [b"127.0.0.1:8080", b"localhost", b"localhost:1", b"[::1]:8080"])
def test_loopback_is_this_machine(client: str, host: bytes) -> None:
    sight("loopback").check_state(client, {b"host": host})


@pytest.mark.parametrize("client", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "", "localhost.example"])
def test_no_other_machine(client: str) -> None:
    with pytest.raises(StatusPageClosed):
        sight("loopback").check_page(client, LOCAL)


@pytest.mark.parametrize("header", [b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"])
def test_no_proxy_on_this_machine(header: bytes) -> None:
    with pytest.raises(StatusPageClosed):
        sight("loopback").check_state("127.0.0.1", {**LOCAL, header: b"127.0.0.1"})


@pytest.mark.parametrize("host", [b"example.com", b"127.0.0.1.example.com:8080", b"", b"10.0.0.1", b"local\xffhost"])
def test_no_name_that_was_made_to_lead_here(host: bytes) -> None:
    with pytest.raises(StatusPageClosed):
        sight("loopback").check_state("127.0.0.1", {b"host": host})


def test_off_is_nothing_to_anyone() -> None:
    for look in (sight("off").check_page, sight("off").check_state):
        with pytest.raises(NotFound):
            look("127.0.0.1", {**LOCAL, b"authorization": b"Bearer sk-ada"})


def test_everyone_is_everyone() -> None:
    sight("everyone").check_state("10.0.0.1", {})


def test_operators_see_what_the_page_shows_by_their_key() -> None:
    operators = sight("operators")
    operators.check_page("10.0.0.1", {})
    operators.check_state("10.0.0.1", {b"authorization": b"Bearer sk-ada"})
    with pytest.raises(Unauthorized):
        operators.check_state("127.0.0.1", LOCAL)
    with pytest.raises(Forbidden):
        operators.check_state("127.0.0.1", {**LOCAL, b"authorization": b"Bearer sk-shop"})
