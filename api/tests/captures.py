"""Recordings of a real vLLM, and what of an answer must be the same in the simulator's."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "vllm" / "simulator" / "captures"

_ASKED = re.compile(
    r"\$ curl -i(?: -X (?P<method>\w+))? http://[^/]+(?P<path>/\S*)(?P<headers>.*?)(?: -d (?P<body>.*))?"
)
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:]+)(?:\{(?P<labels>.*)\})? \S+")
# The grammar engine's own words, and a count of fields to which vLLM adds its own.
_LOOSE = re.compile(r"(?<=^Grammar error: ).*|(?<=<dict of )\d+", re.DOTALL)
_IGNORED_HEADERS = {"date", "content-length", "server", "connection"}
_COMPARED_VALUES = {"object", "finish_reason", "stop_reason", "role", "type", "param", "code", "status", "detail"}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Capture:
    """One exchange with a real vLLM."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: str | None
    answer: Answer


def captures(folder: str) -> list[Capture]:
    """The recordings of a folder, by name."""
    return [_read(path) for path in sorted((FOLDER / folder).glob("*.txt"))]


def essence(answer: Answer) -> dict[str, Any]:
    """What two answers must share: status, headers, and the form of the body, but not what the model said."""
    kind = answer.headers.get("content-type", "")
    headers = {name for name in answer.headers if name not in _IGNORED_HEADERS}
    return {"status": answer.status, "headers": headers, "content-type": kind, "body": _form(kind, answer.text)}


def metric_families(text: str) -> set[tuple[str, tuple[str, ...]]]:
    """Each of vLLM's metrics with the names of its labels."""
    found = (_SAMPLE.fullmatch(line) for line in text.splitlines() if line.startswith("vllm:"))
    return {(one["name"], tuple(sorted(re.findall(r'(\w+)="', one["labels"])))) for one in found if one}


def _read(path: Path) -> Capture:
    first, status, rest = path.read_text().split("\n", 2)
    asked = _ASKED.fullmatch(first)
    if asked is None:
        raise ValueError(f"{path}: not a capture: {first[:80]}")
    head, _, text = rest.partition("\n\n")
    headers = dict(pair.split(": ", 1) for pair in re.split(r" -H ", asked["headers"])[1:])
    answered = {name.lower(): value for name, value in (line.split(": ", 1) for line in head.splitlines() if line)}
    answer = Answer(int(status.split()[1]), answered, text)
    return Capture(path.stem, asked["method"] or "GET", asked["path"], headers, asked["body"], answer)


def _form(kind: str, text: str) -> object:
    if kind.startswith("text/event-stream"):
        return [*_collapsed(_events(text))]
    if kind.startswith("application/json"):
        return shape(json.loads(text))
    return metric_families(text) if kind.startswith("text/plain") else text.strip()


def _events(text: str) -> Iterator[object]:
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        data = fields.get("data", "")
        yield fields.get("event"), data if data == "[DONE]" else shape(json.loads(data))


def _collapsed(events: Iterator[object]) -> Iterator[object]:
    """Events of one form in a row are one: how many tokens there are is the model's affair."""
    last: object = None
    for event in events:
        if event != last:
            yield event
        last = event


def shape(value: object, key: str = "") -> object:
    """The form of a JSON value: its keys and types, and the values of the fields that have a fixed vocabulary."""
    if key == "top_logprobs" and isinstance(value, dict) and "token" not in value:
        return len(value)  # text completions: its keys are the model's tokens
    if isinstance(value, dict):
        return {name: shape(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [*_collapsed(shape(part, key) for part in value)]
    if key == "message" and isinstance(value, str):
        return _LOOSE.sub("", value)
    if key in _COMPARED_VALUES or value is None:
        return value
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
