"""`/sim`: how a test breaks the simulator and asks what it saw."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Protocol

import orjson

from vllm_simulator.errors import ApiError
from vllm_simulator.exchange import Exchange
from vllm_simulator.faults import AT_ONCE, Fault, FaultError, Faults, make_fault
from vllm_simulator.ledger import Ledger
from vllm_simulator.settings import Settings
from vllm_simulator.ticker import Ticker


class Process(Protocol):
    """The process around the app, as far as an operator may command it."""

    control_url: str | None

    def refuse(self, seconds: float) -> None:
        """Closes the port and its connections, for some seconds or, with 0, until `listen`."""

    def listen(self) -> None:
        """Opens the port again, if it is closed."""

    def leave(self) -> None:
        """What SIGTERM does."""


class Control:
    """Sets and clears faults, and tells the state."""

    def __init__(self, settings: Settings, ticker: Ticker, faults: Faults, ledger: Ledger, process: Process) -> None:
        self._settings = settings
        self._ticker = ticker
        self._faults = faults
        self._ledger = ledger
        self._process = process

    async def set_fault(self, exchange: Exchange) -> None:
        """`POST /sim/fault` with one fault as JSON."""
        try:
            given = orjson.loads(exchange.body)
            fault = make_fault(given if isinstance(given, dict) else {})
        except ValueError as error:  # FaultError and orjson's own are both
            raise ApiError(400, {"error": str(error)}) from error
        await exchange.answer_json(200, {"faults": [*self._faults.active()]})
        self.apply([fault])

    def apply(self, faults: Iterable[Fault]) -> None:
        """Sets faults; those of the whole process happen at once."""
        for fault in faults:
            if fault.kind not in AT_ONCE:
                self._faults.set(fault)
            elif fault.kind == "leave":
                self._process.leave()
            elif fault.seconds or self._process.control_url:
                self._process.refuse(fault.seconds)
            else:
                raise FaultError("refuse without seconds needs a control port to end it")

    async def clear(self, exchange: Exchange) -> None:
        """`DELETE /sim/fault`."""
        self._faults.clear()
        self._process.listen()
        await exchange.answer_json(200, {"faults": []})

    async def users(self, exchange: Exchange) -> None:
        """`GET /sim/users`: what each `user` had."""
        told = {name: asdict(used) for name, used in self._ledger.users.items()}
        await exchange.answer_json(200, told)

    async def state(self, exchange: Exchange) -> None:
        """`GET /sim/state`."""
        await exchange.answer_json(200, self._state())

    def _state(self) -> dict[str, Any]:
        engine = self._ticker.engine
        return {
            "name": self._settings.name,
            "role": self._settings.role,
            "models": self._settings.models,
            "control_url": self._process.control_url,
            "draining": self._ticker.draining,
            "running": engine.running,
            "waiting": len(engine.waiting),
            "producing": engine.decoding,
            "kv_usage": engine.blocks.used / engine.blocks.total,
            "busy_seconds": engine.busy_at(asyncio.get_running_loop().time()),
            "prompt_tokens": self._ticker.prompt_tokens,
            "generation_tokens": self._ticker.generation_tokens,
            **self._ledger.told(),
            "faults": [*self._faults.active()],
        }
