"""The simulator answers in the form in which a real vLLM was recorded to answer the same request."""

from collections.abc import Iterator

import httpx
import pytest
from tests.captures import Answer, Capture, captures, essence
from tests.servers import Simulator

COMMON = ("--model", "words", "--max-model-len", "2048", "--block-size", "32", "--speed", "inf")
SETS = {
    "default": ("--no-tools",),
    "tools": ("--enable-prompt-tokens-details", "--enable-request-id-headers"),
    "auth": ("--api-key", "sk-capture"),
}
DIFFERENT = {
    "default/embeddings": "the recorded model generates and has no embeddings; the simulator's has both",
    "default/anthropic_messages": "Anthropic's surface is not simulated",
}
CASES = [(folder, capture) for folder in SETS for capture in captures(folder)]


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, Simulator]]:
    started = {folder: Simulator(*COMMON, *flags) for folder, flags in SETS.items()}
    yield started
    for one in started.values():
        one.stop()


def ask(url: str, capture: Capture) -> Answer:
    """Sends a capture's request anew."""
    content = None if capture.body is None else capture.body.encode()
    answer = httpx.request(
        capture.method, url + capture.path, headers=dict(capture.headers), content=content, timeout=30
    )
    return Answer(answer.status_code, answer.headers, answer.text)


@pytest.mark.parametrize(("folder", "capture"), CASES, ids=[f"{folder}/{capture.name}" for folder, capture in CASES])
def test_the_answer_has_the_recorded_form(simulators: dict[str, Simulator], folder: str, capture: Capture) -> None:
    if f"{folder}/{capture.name}" in DIFFERENT:
        return
    assert essence(ask(simulators[folder].url, capture)) == essence(capture.answer)
