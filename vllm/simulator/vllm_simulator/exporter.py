"""The machine's dcgm-exporter: one page for the GPUs of several simulated engines, which it asks for their load."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from urllib.request import ProxyHandler, build_opener

import orjson

from vllm_simulator.dcgm import CONTENT_TYPE, exposition
from vllm_simulator.exchange import Exchange
from vllm_simulator.faults import Faults
from vllm_simulator.gpu import Gpu, Load

_PATIENCE_S = 0.5
_DIRECTLY = build_opener(ProxyHandler({}))


class Exporter:
    """GPU n is that of the n-th engine. An engine that does not answer leaves its GPU idle and empty."""

    def __init__(self, engines: Sequence[str], faults: Faults, host: str) -> None:
        self._engines = engines
        self._faults = faults
        self._gpus = [Gpu(number, host) for number, _ in enumerate(engines)]

    async def metrics(self, exchange: Exchange) -> None:
        loads = await asyncio.gather(*(asyncio.to_thread(_load_of, engine) for engine in self._engines))
        now = monotonic()
        for gpu, load in zip(self._gpus, loads, strict=True):
            gpu.look(load, now)
        page = exposition(gpu.card(self._faults.of_gpu(gpu.number)) for gpu in self._gpus)
        await exchange.answer(200, page, CONTENT_TYPE)


def _load_of(engine: str) -> Load | None:
    """What `/sim/state` of an engine says; None if it does not."""
    try:
        with _DIRECTLY.open(f"{engine}/sim/state", timeout=_PATIENCE_S) as answer:
            state = orjson.loads(answer.read())
    except (OSError, ValueError):
        return None
    return Load(state["busy_seconds"], state["kv_usage"])
