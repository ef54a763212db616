"""Where callers are kept: the one interface of a file and of Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from penstock.callers.edits import Callers

Edit = Callable[[Callers], Callers]


class BookUnreadable(Exception):
    """The callers cannot be read or written. The message says what to do, and quotes nothing that may be a secret."""


class Book(Protocol):
    """Callers that several instances read and several people write."""

    async def version(self) -> object:
        """Something that is another when the book has been changed; None if there is none. Raises BookUnreadable."""

    async def read(self) -> Callers:
        """Everyone. Raises BookUnreadable."""

    async def aclose(self) -> None:
        """Let go of whatever it holds."""

    async def write(self, edit: Edit) -> Callers:
        """Put the edit's result in the place of what it was given, as one step. Raises what the edit does."""
