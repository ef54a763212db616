"""What the contract tests share, and the loops that they run on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop
from penstock.upstream.transport import Transport
from tests.asking import until

LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What speaks to sockets itself has to do so on both: each closes, pauses and fails in a way of its own."""
    del config
    return LOOPS if item.path.stem.startswith("test_transport") else {"asyncio": asyncio.new_event_loop}


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """A transport that is closed at the end, and then holds nothing."""
    transport = Transport(8)
    yield transport
    transport.close()
    await until(lambda: transport.connections == 0)
