"""`penstock smoke-test`: does a running gateway do what it is for? One small request for each thing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from penstock.settings import load_settings
from penstock.settings.environment import variable

LIMIT_S = 60
"""For one request: a model may take its time."""
TEXT = "I was charged twice this month."


class Failed(Exception):
    """A check went wrong. The message says how."""


class Skipped(Exception):
    """There is nothing to check here. The message says why."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Empty where none is known."""

    client: str
    operator: str


def keys(told: str | None) -> Keys:
    """What was told; else the environment's; else the first of the gateway's own settings, if we stand beside it."""
    client, operator = told or variable("PENSTOCK_KEY"), variable("PENSTOCK_OPERATOR_KEY")
    if client and operator:
        return Keys(client, operator)
    settings = load_settings()
    operator = operator or _first(settings.operator_keys)
    return Keys(client or _first(settings.api_keys) or operator, operator)


def _first(secrets: tuple[SecretStr, ...]) -> str:
    return secrets[0].get_secret_value().partition("=")[2] if secrets else ""


def run(url: str, keys: Keys, model: str | None = None, *, insecure: bool = False, dry: bool = False) -> int:
    """Print what each check found. 1 if one failed."""
    if dry:
        print(f"would ask {url} for: {', '.join(CHECKS)}")
        return 0
    headers = {"authorization": f"Bearer {keys.client}"} if keys.client else {}
    with httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=LIMIT_S, verify=not insecure) as client:
        trial = Trial(client, keys, model)
        results = [_told(name, check, trial) for name, check in CHECKS.items()]
    return 0 if all(results) else 1


def _told(name: str, check: Callable[[Trial], str], trial: Trial) -> bool:
    try:
        print(f"ok    {name}: {check(trial)}", flush=True)
    except Skipped as why:
        print(f"skip  {name}: {why}", flush=True)
    except (Failed, httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        print(f"FAIL  {name}: {error!s:.500}", file=sys.stderr, flush=True)
        return False
    return True


class Trial:
    """The checks, in the order in which they make sense."""

    def __init__(self, client: httpx.Client, keys: Keys, model: str | None) -> None:
        self._client = client
        self._keys = keys
        self._model = model

    def ready(self) -> str:
        return str(self._get("/health/ready")["version"])

    def auth(self) -> str:
        """Without a key nobody gets in, if there are keys at all."""
        bare = self._client.get("/v1/models", headers={"authorization": "Bearer none-such"})
        if bare.status_code == 200 and not self._keys.client:
            raise Skipped("this gateway asks for no keys")
        if bare.status_code != 401:
            raise Failed(f"a wrong key was answered with {bare.status_code}")
        if not self._keys.client:
            raise Failed("this gateway asks for keys: say --key")
        return "a wrong key is refused"

    def models(self) -> str:
        found = [str(card["id"]) for card in self._get("/v1/models")["data"]]
        if not found:
            raise Failed("no model is served")
        self._model = self._model or found[0]
        if self._model not in found:
            raise Failed(f"{self._model} is not served; these are: {', '.join(found)}")
        return ", ".join(found)

    def stream(self) -> str:
        """One chat, streamed to its proper end."""
        messages = [{"role": "user", "content": "Say hello."}]
        asked = {"model": self._model, "messages": messages, "max_tokens": 16, "stream": True}
        with self._client.stream("POST", "/v1/chat/completions", json=asked) as answer:
            data = [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]
        if answer.status_code != 200 or data[-1:] != ["[DONE]"]:
            raise Failed(f"status {answer.status_code}, and a stream that ends with {data[-1:]}")
        if any("error" in json.loads(each) for each in data[:-1]):
            raise Failed(f"an error in the stream: {data[-2]}")
        return f"{len(data)} events from {answer.headers.get('x-penstock-target', 'an unknown target')}"

    def function(self) -> str:
        """One that takes nothing but text."""
        listed = [str(card["path"]) for card in self._get("/v1/functions")["data"]]
        path, arguments = self._takes_text(listed)
        value = _json(self._client.post(path, json=arguments))
        return f"{path} answers with {', '.join(value)}"

    def metrics(self) -> str:
        answer = self._client.get("/metrics")
        if answer.status_code in (403, 404):
            raise Skipped("not to be reached from here")
        if "penstock_" not in answer.text:
            raise Failed(f"status {answer.status_code}, and none of ours")
        return f"{len(answer.text.splitlines())} lines"

    def fallback(self) -> str:
        """Every cloud that a model may fall back to can be used."""
        headers = {"authorization": f"Bearer {self._keys.operator}"} if self._keys.operator else {}
        answer = self._client.get("/admin/targets", headers=headers)
        if answer.status_code in (401, 403, 404):
            raise Skipped("not to be seen from here")
        clouds = [target for target in _json(answer)["data"] if target["kind"] == "cloud"]
        if not clouds:
            raise Skipped("none is configured")
        away = [str(cloud["id"]) for cloud in clouds if not cloud["up"] or cloud["breaker"] == "open"]
        if away:
            raise Failed(f"{', '.join(away)} cannot be used")
        return ", ".join(str(cloud["id"]) for cloud in clouds)

    def _takes_text(self, listed: list[str]) -> tuple[str, dict[str, str]]:
        told = self._get("/openapi.json")
        for path in listed:
            body = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
            schema = told["components"]["schemas"][body["$ref"].rpartition("/")[2]] if "$ref" in body else body
            needed = {name: schema["properties"][name].get("type") for name in schema.get("required", ())}
            if needed and set(needed.values()) == {"string"}:
                return path, dict.fromkeys(needed, TEXT)
        raise Skipped("no typed function takes text alone")

    def _get(self, path: str) -> dict[str, Any]:
        return _json(self._client.get(path))


def _json(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != 200:
        raise Failed(f"{answer.request.url} says {answer.status_code}: {answer.text:.300}")
    found = answer.json()
    if not isinstance(found, dict):
        raise Failed(f"{answer.request.url} answers with what is no object")
    return found


CHECKS: dict[str, Callable[[Trial], str]] = {
    "ready": Trial.ready,
    "keys": Trial.auth,
    "models": Trial.models,
    "stream": Trial.stream,
    "typed function": Trial.function,
    "metrics": Trial.metrics,
    "fallback": Trial.fallback,
}
