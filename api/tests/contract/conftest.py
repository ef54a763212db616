"""What the contract tests share, and what they run against."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop
from aiohttp.http_parser import HttpResponseParserPy
from penstock.upstream.transport import Transport
from tests.asking import until
from tests.contract.aiohttp_reference import Reference, ReferenceLoop

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]
OURS: Loops = {"ours-asyncio": asyncio.new_event_loop, "ours-uvloop": uvloop.new_event_loop}
REFERENCE: Loops = {"aiohttp": ReferenceLoop}


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Loops:
    """What speaks to sockets itself has to do so on both loops: each closes, pauses and fails in a way of its own.

    And what is expected of it has to be met by aiohttp, unless the test's mark says why it is our promise alone.
    """
    del config
    if not item.path.stem.startswith("test_transport"):
        return {"asyncio": asyncio.new_event_loop}
    ours = item.get_closest_marker("ours")
    if ours is None:
        return {**OURS, **REFERENCE}
    assert len(ours.args) == 1, f"{item.name} does not say why it is ours alone"
    return OURS


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> type[Reference]:
    """aiohttp with its parser in Python: the one in C is made of llhttp, as ours is, and would be no other witness."""
    monkeypatch.setattr("aiohttp.client_proto.HttpResponseParser", HttpResponseParserPy)
    return Reference


@pytest.fixture
async def transport_type(reference: type[Reference]) -> type[Transport] | type[Reference]:
    """What the test's transports are made of."""
    return reference if isinstance(asyncio.get_running_loop(), ReferenceLoop) else Transport


@pytest.fixture
async def transport(transport_type: type[Transport] | type[Reference]) -> AsyncIterator[Transport | Reference]:
    """A transport that is closed at the end, and then holds nothing."""
    transport = transport_type(8)
    yield transport
    transport.close()
    await until(lambda: transport.connections == 0)
