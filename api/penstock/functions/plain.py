"""Prompts that only quote the texts they are given: told by reading their Jinja, of which little is let through."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from penstock.functions.source import Token, scan, unquoted

NAME, STRING = r"[A-Za-z_]\w*", r'"(?:\\.|[^"\\])*"'
INSIDE = re.compile(r"\{\{[-+]?(.*?)[-+]?\}\}", re.DOTALL)
SAME = re.compile(rf"\s*(?:ctx\.output_format|_\.role\({STRING}\))\s*")
"""Whatever the arguments are."""
REPLACED = re.compile(rf"\|\s*replace\(({STRING}),\s*{STRING}\)\s*")
TEXT = re.compile(rf"\s*({NAME})\s*((?:{REPLACED.pattern})*)(?:if\s+({NAME})\s+else\s+{STRING}\s*)?")
"""A text as it is, or with something replaced in it; or another where there is none."""
CALL = re.compile(rf"\s*({NAME})\(\s*((?:{NAME}|{STRING})(?:,\s*(?:{NAME}|{STRING}))*)?\s*\)\s*")
ARGUMENT = re.compile(rf"{STRING}|{NAME}")
DEEPEST = 8
"""Templates in templates."""


@dataclass(frozen=True)
class Template:
    """A prompt or a `template_string`, with the names that it is given."""

    names: tuple[str, ...]
    text: str


class NotPlain(Exception):
    """The prompt decides, repeats or computes."""


class Prompts:
    """The templates in .baml sources, which have passed BAML's own check before."""

    def __init__(self, files: Iterable[str]) -> None:
        self._templates: dict[str, Template] = {}
        self._functions: dict[str, Template] = {}
        for text in files:
            self._read(token for token in scan(text) if token.kind not in ("newline", "space", "doc"))

    def replaced(self, function: str) -> frozenset[str] | None:
        """What the function's prompt replaces in texts: each that holds none of these, and is not empty, stands in it
        as it is. None if the prompt does more than quote.
        """
        try:
            return frozenset(self._replaced(self._functions[function], DEEPEST))
        except (NotPlain, KeyError, ValueError):
            return None

    def _read(self, found: Iterator[Token]) -> None:
        for token in found:
            if token.text == "template_string":
                name = next(found).text
                self._templates[name] = Template(_parameters(found), unquoted(next(found)))
            elif token.text == "function":
                name, names = next(found).text, _parameters(found)
                for each in takewhile(lambda each: each.text != "}", found):
                    if each.text == "prompt":
                        self._functions[name] = Template(names, unquoted(next(found)))

    def _replaced(self, template: Template, deep: int) -> Iterator[str]:
        if not deep or "{%" in template.text or "{#" in template.text:
            raise NotPlain
        for inside in INSIDE.findall(template.text):
            if SAME.fullmatch(inside):
                continue
            if text := TEXT.fullmatch(inside):
                name, filters, tested = text[1], text[2], text[4]
                if name not in template.names or tested not in (None, name):
                    raise NotPlain
                yield from (str(json.loads(each)) for each in REPLACED.findall(filters))
            elif (call := CALL.fullmatch(inside)) and (called := self._templates.get(call[1])):
                yield from self._called(called, ARGUMENT.findall(call[2] or ""), template.names, deep)
            else:
                raise NotPlain

    def _called(self, called: Template, given: list[str], names: tuple[str, ...], deep: int) -> Iterator[str]:
        known = all(each.startswith('"') or each in names for each in given)
        if not known or len(given) != len(called.names):
            raise NotPlain
        yield from self._replaced(called, deep - 1)


def _parameters(found: Iterator[Token]) -> tuple[str, ...]:
    """The names in the parentheses that come next; a type may hold some of its own."""
    depth, names, before = 0, [], ""
    for token in found:
        depth += (token.text == "(") - (token.text == ")")
        if not depth:
            break
        if token.text == ":" and depth == 1:
            names.append(before)
        before = token.text
    return tuple(names)
