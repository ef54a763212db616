"""The routes that generate nothing: health, models, tokens, gauges."""

from collections.abc import Mapping
from secrets import token_hex
from time import time
from typing import Any

from vllm_simulator import VERSION, cloud
from vllm_simulator.bodies import check_types, read_body
from vllm_simulator.exchange import Exchange
from vllm_simulator.metrics import CONTENT_TYPE, Metrics
from vllm_simulator.settings import Settings
from vllm_simulator.template import read_chat, read_text
from vllm_simulator.ticker import Ticker
from vllm_simulator.tokens import identify, spell


class Plain:
    """One method for each route."""

    def __init__(self, settings: Settings, ticker: Ticker, metrics: Metrics) -> None:
        self._settings = settings
        self._ticker = ticker
        self._metrics = metrics

    async def health(self, exchange: Exchange) -> None:
        """200 while the process lives, draining or not: vLLM's says no more than that."""
        await exchange.answer(200, b"", None)

    async def version(self, exchange: Exchange) -> None:
        await exchange.answer_json(200, {"version": VERSION})

    async def load(self, exchange: Exchange) -> None:
        engine = self._ticker.engine
        busy = engine.running + len(engine.waiting)
        await exchange.answer_json(200, {"server_load": busy if self._settings.load_tracking else 0})

    async def metrics(self, exchange: Exchange) -> None:
        await exchange.answer(200, self._metrics.exposition(), CONTENT_TYPE)

    async def models(self, exchange: Exchange) -> None:
        entry = _cloud_model if self._settings.role == "cloud" else self._model
        data = [entry(name) for name in self._settings.models]
        await exchange.answer_json(200, {"object": "list", "data": data})

    async def one_model(self, exchange: Exchange) -> None:
        """OpenAI's; vLLM has no such route."""
        name = exchange.path.removeprefix("/v1/models/")
        if name not in self._settings.models:
            raise cloud.unknown_model(name)
        await exchange.answer_json(200, _cloud_model(name))

    async def tokenize(self, exchange: Exchange) -> None:
        body = read_body(exchange.header(b"content-type"), exchange.body)
        if "messages" in body:
            check_types(body, "messages")
            prompt = read_chat(body, self._settings.models[0])
        else:
            check_types(body, "prompt")
            prompt = read_text(str(body["prompt"]))
        answer = {
            "count": len(prompt.pieces),
            "max_model_len": self._settings.max_model_len,
            "tokens": identify(prompt.pieces),
            "token_strs": prompt.pieces if body.get("return_token_strs") else None,
        }
        await exchange.answer_json(200, answer)

    async def detokenize(self, exchange: Exchange) -> None:
        body = read_body(exchange.header(b"content-type"), exchange.body)
        check_types(body, "tokens")
        await exchange.answer_json(200, {"prompt": "".join(spell(body["tokens"]))})

    def _model(self, name: str) -> Mapping[str, Any]:
        permission = {
            "id": f"modelperm-{token_hex(8)}",
            "object": "model_permission",
            "created": int(time()),
            "allow_create_engine": False,
            "allow_sampling": True,
            "allow_logprobs": True,
            "allow_search_indices": False,
            "allow_view": True,
            "allow_fine_tuning": False,
            "organization": "*",
            "group": None,
            "is_blocking": False,
        }
        return {
            "id": name,
            "object": "model",
            "created": int(time()),
            "owned_by": "vllm",
            "root": self._settings.models[0],
            "parent": None,
            "max_model_len": self._settings.max_model_len,
            "permission": [permission],
        }


def _cloud_model(name: str) -> Mapping[str, Any]:
    return {"id": name, "object": "model", "created": 1721172741, "owned_by": "system"}
