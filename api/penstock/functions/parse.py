"""Reading a value out of what the model wrote: strictly in microseconds, or else leniently by BAML."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from pydantic import TypeAdapter
from pydantic_core import from_json

from penstock.functions.readers import OnlyBaml, Read, Readers, Unreadable
from penstock.functions.source import Declarations

# BAML's parser stops the whole process while it works, so what it may be given is bounded.
LENIENT_BYTES = 8_192  # it is quadratic on nested lists: 14 ms for 9 KB, 163 ms for 37 KB
LENIENT_OPENINGS = 100  # and worse on brackets left open: 100 take 25 ms, 128 100 ms, 512 16 s and 2.8 GB


class Parser:
    """Reads one function's whole replies, and with `partial` hints, the beginnings of them."""

    def __init__(
        self, hint: Any, declared: Declarations, lenient: Callable[[str], object], *, partial: bool, strict: bool
    ) -> None:
        """`lenient` is BAML's parser for the type; with `strict` false it is the only one."""
        self.adapter: TypeAdapter[object] = TypeAdapter(hint)
        self.lenient = lenient
        self._load: Read = _load_beginning if partial else orjson.loads
        self._read: Read | None = None
        if strict:
            with suppress(OnlyBaml):
                self._read = Readers(declared, partial=partial).of(hint)

    @property
    def is_strict(self) -> bool:
        """Whether replies of the guided shape are read without BAML."""
        return self._read is not None

    def __call__(self, text: str) -> object:
        """The value, or Unreadable. A long reply is only read if it has exactly the guided shape."""
        try:
            return self.strictly(text)
        except Unreadable:
            if not _may_be_repaired(text):
                raise
            return self.lenient(text)

    def strictly(self, text: str) -> object:
        """The value of JSON that has the guided schema's shape exactly; anything else is Unreadable."""
        if self._read is None:
            raise Unreadable("Only BAML may read this type.")
        try:
            return self.adapter.validate_python(self._read(self._load(text)), strict=True)
        except (ValueError, TypeError, RecursionError):
            raise Unreadable("The text is not JSON of the expected shape.") from None


def _may_be_repaired(text: str) -> bool:
    openings = text.count("[") + text.count("{")
    return len(text.encode(errors="replace")) <= LENIENT_BYTES and openings <= LENIENT_OPENINGS


def _load_beginning(text: str) -> Any:
    """A number at the very end may not be whole yet, so it waits; a string may grow in sight."""
    return from_json(text.rstrip("0123456789+-.eE"), allow_partial="trailing-strings")
