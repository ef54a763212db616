"""Asks a running model in streams, and notes when each token came."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import Any

import httpx

WAIT_S, REQUEST_S = 60.0, 300.0
"""Seconds for one event, and for a whole answer."""
WORDS = "water stone river valve gate flow wheel dam level tide rain mill lock basin spill drop creek pump well lake"


class NotMeasured(Exception):
    """It cannot be measured. The message says why."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer. Times are of one clock, in seconds; tokens as the server counts them."""

    began: float
    times: tuple[float, ...]
    """Of each event that holds something of the answer."""
    prompt: int
    answer: int

    @property
    def first_s(self) -> float:
        return self.times[0] - self.began

    def gap_s(self, start: float, end: float) -> float:
        """Between one token and the next, from `start` to `end`; several tokens may come in one event."""
        within = [each for each in self.times if start <= each <= end]
        if len(within) < 2:
            raise NotMeasured("too few tokens came at once: give more --answer-tokens, or fewer --streams")
        tokens_each = (self.answer - 1) / (len(self.times) - 1)
        return (within[-1] - within[0]) / (len(within) - 1) / tokens_each


class Meter:
    """A model behind OpenAI's API: vLLM's, or a gateway's. All raises NotMeasured. Close it."""

    def __init__(self, url: str, model: str | None, key: str) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            self._client = httpx.Client(base_url=url, headers=headers, timeout=WAIT_S)
        except httpx.InvalidURL as error:
            raise NotMeasured(f"{url} is no URL: {error}") from None
        self._numbers = count(time.time_ns())
        self.model = model or ""

    def find_model(self) -> None:
        """The first, if none was named."""
        try:
            self.model = self.model or str(self._client.get("/v1/models").raise_for_status().json()["data"][0]["id"])
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise NotMeasured(f"{self._client.base_url} does not tell its models: {error}") from None

    def ask(self, words: int, answer: int) -> Timed:
        """A prompt of so many words that begins like no other, and so is in no cache; an answer of so many tokens."""
        asked = {
            "model": self.model,
            "messages": [{"role": "user", "content": self._prompt(words)}],
            "max_tokens": answer,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        began, times, usage = time.monotonic(), list[float](), {"prompt_tokens": 0, "completion_tokens": 0}
        try:
            with self._client.stream("POST", "/v1/chat/completions", json=asked) as response:
                for event in _events(response):
                    if _says_something(event):
                        times.append(time.monotonic())
                    usage = event.get("usage") or usage
                    if time.monotonic() - began > REQUEST_S:
                        raise NotMeasured(f"an answer of {answer} tokens takes more than {REQUEST_S:g} s")
        except httpx.HTTPError as error:
            raise NotMeasured(f"{self._client.base_url} cannot be asked: {error}") from None
        if not times or usage["completion_tokens"] != answer:
            raise NotMeasured(f"{answer} tokens were asked for, {usage['completion_tokens']} came")
        return Timed(began, tuple(times), usage["prompt_tokens"], answer)

    def close(self) -> None:
        self._client.close()

    def kv_tokens(self) -> int | None:
        """What fits into the KV cache, where an engine tells it to whoever asks."""
        try:
            found = re.search(r'kv_cache_size_tokens="(\d+)"', self._client.get("/metrics").text)
        except httpx.HTTPError:
            return None
        return int(found[1]) if found else None

    def _prompt(self, words: int) -> str:
        return " ".join([f"{next(self._numbers)}:", *islice(cycle(WORDS.split()), words)])


def _events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    if response.status_code != 200:
        raise NotMeasured(f"it answers {response.status_code}: {response.read().decode(errors='replace')[:300]}")
    for line in response.iter_lines():
        if line.startswith("data: {"):
            event: dict[str, Any] = json.loads(line.removeprefix("data: "))
            if "error" in event:
                raise NotMeasured(f"an error in the stream: {event['error']}")
            yield event


def _says_something(event: dict[str, Any]) -> bool:
    """Not the first event, which has the role alone, nor the last, which has the usage alone."""
    return any(
        choice["delta"].keys() - {"role"} and choice["delta"].get("content") != "" for choice in event["choices"]
    )
