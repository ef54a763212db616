"""The requests of a function whose prompt only quotes: BAML makes one with marks, and texts take their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from secrets import token_hex
from typing import Any

from penstock.errors import InvalidArguments
from penstock.functions.guided import Json

Build = Callable[[Mapping[str, Any]], Json]

_SECRET = token_hex(8)
MARK = re.compile(rf"@@{_SECRET}:(\w+)@@")
MOST_FORMS = 64
"""Of one function: each set of the arguments that may be left out has its own, and clients choose these sets."""
TRIALS = ("one", 'two\r\n  lines,\n\n\ta \\ and "quotes" } %} #} &amp; é 漢 \U0001f600 \u2028end')
"""What a form is tried with before it is used: it must come out as BAML's own."""


class Prompt:
    """`replaced` is what the prompt replaces in texts. `build` is BAML, which takes ten times as long."""

    def __init__(self, replaced: frozenset[str], build: Build) -> None:
        self._never = (*replaced, "{")  # a brace may open a mark of BAML's
        self._build = build
        self._forms: dict[tuple[str, ...], Form | None] = {}

    def filled(self, given: Mapping[str, Any]) -> Json | None:
        """The body that BAML makes of these arguments; None where only BAML knows. Raises what `build` raises."""
        texts = {name: value for name, value in given.items() if value is not None}
        for value in texts.values():
            if type(value) is not str or not self._is_copied(value):
                return None
        form = self._form(tuple(texts), given)
        return form.filled(texts) if form is not None else None

    def _is_copied(self, text: str) -> bool:
        """BAML trims what it renders, and prompts may tell an empty text from others."""
        return bool(text) and text.strip() == text and not any(each in text for each in self._never)

    def _form(self, present: tuple[str, ...], given: Mapping[str, Any]) -> Form | None:
        if present not in self._forms and len(self._forms) < MOST_FORMS:
            try:
                self._forms[present] = self._tried(present, dict(given))
            except InvalidArguments:  # an argument that may be some words only takes no mark
                self._forms[present] = None
        return self._forms.get(present)

    def _tried(self, present: tuple[str, ...], given: dict[str, Any]) -> Form | None:
        form = form_of(self._build(given | {name: f"@@{_SECRET}:{name}@@" for name in present}))
        for trial in TRIALS:
            texts = {name: f"{name} {trial}" for name in present}
            if form is None or form.filled(texts) != self._build(given | texts):
                return None
        return form


class Form:
    """A body, and its turns in pieces: each second piece is the name of the argument that stands there."""

    def __init__(self, body: Json, turns: list[tuple[Json, list[str]]]) -> None:
        self._body = body
        self._turns = turns

    def filled(self, texts: Mapping[str, str]) -> Json:
        turns = [{**turn, "content": _joined(pieces, texts)} for turn, pieces in self._turns]
        return {**self._body, "messages": turns}


def form_of(body: Json) -> Form | None:
    """Of a body with marks; None if one stands anywhere but in the text of a turn."""
    rest = {name: value for name, value in body.items() if name != "messages"}
    turns = list(_in_pieces(body["messages"]))
    if len(turns) < len(body["messages"]) or MARK.search(str([rest, *(turn for turn, _ in turns)])):
        return None
    return Form(rest, turns)


def _in_pieces(messages: list[Json]) -> Iterator[tuple[Json, list[str]]]:
    for message in messages:
        content = message["content"]
        if isinstance(content, str):
            yield {name: value for name, value in message.items() if name != "content"}, MARK.split(content)


def _joined(pieces: list[str], texts: Mapping[str, str]) -> str:
    return "".join(texts[piece] if at % 2 else piece for at, piece in enumerate(pieces))
