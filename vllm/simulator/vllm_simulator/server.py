"""The process: its sockets, its signals, and how it ends."""

import asyncio
import os
import socket
from collections.abc import Iterable
from types import FrameType

import uvicorn

from vllm_simulator import errors
from vllm_simulator.app import App
from vllm_simulator.faults import Fault
from vllm_simulator.settings import Settings
from vllm_simulator.wire import Wire

_INPUT = 0
_KEEP_ALIVE_SECONDS = 5
"""After which vLLM closes an idle connection."""
_LAST_WORDS_SECONDS = 0.1
"""What a dying engine gives its streams to hear of it."""


class Server(uvicorn.Server):
    """A simulator on its port, and on a second one for `/sim` where the first may be closed."""

    def __init__(self, settings: Settings, host: str, port: int, control_port: int | None = None) -> None:
        self.app = App(settings, self)
        config = uvicorn.Config(
            self.app,
            http=Wire,
            loop="uvloop",
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self.exit_code = 0
        self.control_url: str | None = None
        self._settings = settings
        self._host = host
        self._socket = _bound(host, port)
        self._port: int = self._socket.getsockname()[1]
        self._control = None if control_port is None else _bound("127.0.0.1", control_port)
        if self._control is not None:
            self.control_url = f"http://127.0.0.1:{self._control.getsockname()[1]}"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: Iterable[Fault] = ()
        self._until_eof = False

    def serve_forever(self, faults: Iterable[Fault], *, until_eof: bool = False) -> int:
        """Runs until a signal or a fault ends it, or standard input's end. Returns the exit code."""
        self._faults = faults
        self._until_eof = until_eof
        self.run([self._socket] if self._control is None else [self._socket, self._control])
        return self.exit_code

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        shown = f"[{self._host}]" if ":" in self._host else self._host
        print(f"listening on http://{shown}:{self._port}", flush=True)
        self.app.control.apply(self._faults)
        if self._until_eof:
            self._loop.add_reader(_INPUT, self._heard)

    def _heard(self) -> None:
        """Standard input has something to say: what it is does not matter, unless it is the end."""
        assert self._loop is not None
        if not os.read(_INPUT, 4096):
            self._loop.remove_reader(_INPUT)
            self.leave()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal; a second one ends the process without ceremony."""
        if self._loop is None or self._tasks:
            self.force_exit = self.should_exit = True
            return
        self._loop.call_soon_threadsafe(self.leave)

    def leave(self) -> None:
        self._spawn(self._end(self._settings.shutdown_timeout))

    def crash(self) -> None:
        self.exit_code = 1
        self._spawn(self._end(0))

    def refuse(self, seconds: float) -> None:
        self.servers[0].close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, Wire) and connection.server and connection.server[1] == self._port:
                connection.reset()
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self.listen)

    def listen(self) -> None:
        if not self.servers[0].is_serving():
            self._spawn(self._listen())

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._socket = _bound(self._host, self._port)
        self.servers[0] = await loop.create_server(
            lambda: Wire(self.config, self.server_state, {}, loop),
            sock=self._socket,
            backlog=self.config.backlog,
        )

    async def _end(self, drain_seconds: float) -> None:
        if drain_seconds:
            await self.app.ticker.drain(drain_seconds)
        self.app.ticker.die(errors.engine_dead())
        await asyncio.sleep(_LAST_WORDS_SECONDS)
        self.should_exit = True


def _bound(host: str, port: int) -> socket.socket:
    """A socket on the port, not yet listening."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound
