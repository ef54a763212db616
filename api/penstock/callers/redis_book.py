"""Callers in Redis, where every instance reads them."""

from __future__ import annotations

import json

from pydantic import TypeAdapter, ValidationError

from penstock.callers.book import BookUnreadable, Edit
from penstock.callers.edits import Callers, said_of
from penstock.state.store import StoreUnavailableError
from penstock.state.table import Table

_ROWS = TypeAdapter(Callers)
TRIES = 20
"""How often an edit is made anew because another one came between."""


class RedisBook:
    """All callers in one text, which is replaced only by whoever has read it last."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def version(self) -> object:
        try:
            return await self._table.version() or None
        except StoreUnavailableError as error:
            raise _away(error) from None

    async def read(self) -> Callers:
        return (await self._read())[1]

    async def aclose(self) -> None:
        await self._table.aclose()

    async def write(self, edit: Edit) -> Callers:
        for _ in range(TRIES):
            version, before = await self._read()
            after = edit(before)
            rows = [each.model_dump(mode="json", exclude_defaults=True) for each in after]
            try:
                if await self._table.replace(json.dumps(rows), version):
                    return after
            except StoreUnavailableError as error:
                raise _away(error) from None
        raise BookUnreadable("The callers in Redis are being changed by others all the time: try again.")

    async def _read(self) -> tuple[int, Callers]:
        try:
            version, text = await self._table.read()
        except StoreUnavailableError as error:
            raise _away(error) from None
        try:
            return version, _ROWS.validate_json(text or "[]")
        except ValidationError as error:
            raise BookUnreadable(f"The callers in Redis cannot be read: {said_of(error)}") from None


def _away(error: StoreUnavailableError) -> BookUnreadable:
    return BookUnreadable(f"The callers are in Redis, which does not answer: {error}")
