"""uvicorn, ending the way a deploy needs it to: told at once, refusing soon, cutting nothing that can finish."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import signal
from collections.abc import Iterator

import uvicorn
from uvicorn.server import ServerState

from penstock.app import Instance
from penstock.surfaces import protocol
from penstock.surfaces.protocol import Protocol

COMPILED = not str(protocol.__file__).endswith(".py")
"""What every request goes through is compiled (`scripts/compile_hot.py`)."""

GARBAGE_OBJECTS = 20_000
"""So many new objects, lists and the like, are let live before the collector looks among them: 2 MB or so."""
TICK_S = 0.02
LAST_WORDS_S = 1.0
"""How long interrupted requests may take to tell their clients so."""


class Server(uvicorn.Server):
    """Serves an instance until a signal. SIGTERM drains it, SIGINT drains it without the delay, a second ends it.

    SIGHUP reads the settings again where it `reloads`, and else is as SIGINT.
    """

    def __init__(self, instance: Instance, host: str, port: int, *, reloads: bool = True) -> None:
        super().__init__(
            uvicorn.Config(
                instance.front.app,
                host=host,
                port=port,
                loop="uvloop",
                http=self._protocol,  # type: ignore[arg-type]  # all that uvicorn does with a class is to call it
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=int(LAST_WORDS_S) + 1,
            )
        )
        self._instance = instance
        self._reloads = reloads
        self._draining: asyncio.Task[None] | None = None

    def _protocol(self, server_state: ServerState, **given: object) -> Protocol:
        """As uvicorn makes a protocol of its class."""
        del given
        return Protocol(self._instance.front.answer, server_state, asyncio.get_running_loop())

    def run(self, sockets: None = None) -> None:  # type: ignore[override]  # we never pass sockets
        """Serve. What was made until now stays for good, so no collection needs to walk it while requests wait.

        Nor is there much to collect: a request leaves no cycles behind, and a connection that ends some twenty objects.
        Python's own threshold of 700 would have the collector walk some hundred open streams twenty times a second, for
        a millisecond now and then.
        """
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_OBJECTS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold every key and prompt
        super().run()

    async def startup(self, sockets: None = None) -> None:  # type: ignore[override]  # we never pass sockets
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._instance.log.info("listening", url=url, compiled=COMPILED)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handled on the loop, at once; uvicorn's way would raise them again and end with their status."""
        loop = asyncio.get_running_loop()
        delay_s = self._instance.settings.drain_delay_s
        loop.add_signal_handler(signal.SIGTERM, self._on_stop, delay_s)
        loop.add_signal_handler(signal.SIGINT, self._on_stop, 0.0)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        try:
            yield
        finally:
            for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(each)

    def _on_hangup(self) -> None:
        if self._reloads:
            self._instance.reload()
        else:
            self._on_stop(0.0)

    def _on_stop(self, delay_s: float) -> None:
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain(delay_s))
        else:
            self._instance.interrupt()
            self.should_exit = True

    async def _drain(self, delay_s: float) -> None:
        instance = self._instance
        instance.start_draining()
        await asyncio.sleep(delay_s)
        instance.refuse_new()
        await self._until_idle(instance.settings.drain_s)
        instance.interrupt()
        await self._until_idle(LAST_WORDS_S)
        self.should_exit = True

    async def _until_idle(self, limit_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while self._instance.open_requests and loop.time() < deadline:  # noqa: ASYNC110  # it is over in a moment
            await asyncio.sleep(TICK_S)
