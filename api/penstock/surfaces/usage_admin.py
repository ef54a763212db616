"""What callers used, by day and model: GET /admin/usage."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from penstock.errors import InvalidRequest, UsageAway
from penstock.state.ledger import KEPT_DAYS, Counts, Ledger, Row
from penstock.state.store import StoreUnavailableError

CSV = "text/csv"


class Used(BaseModel):
    """Answers that began, and their tokens. Those of answers that broke off are estimates, and stand apart."""

    requests: int
    input_tokens: int
    output_tokens: int
    estimated_requests: int
    estimated_input_tokens: int
    estimated_output_tokens: int
    cost_usd: float
    """What clouds were paid."""
    saved_usd: float
    """What a cloud would have been paid for the pool's answers."""


class UsageRow(Used):
    day: date
    caller: str
    model: str


class Usage(BaseModel):
    """By day (UTC), caller and model, in that order."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    data: list[UsageRow]
    total: Used


class UsageAdmin:
    """The route. `today` is asked at each call."""

    def __init__(self, ledger: Ledger, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._ledger = ledger
        self._today = today
        self.router = router = APIRouter(prefix="/admin/usage", tags=["admin"])
        router.get("", response_model=Usage, responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}})(
            self.usage
        )

    async def usage(
        self,
        request: Request,
        first: Annotated[date | None, Query(alias="from", description="The first of the month, if not given.")] = None,
        last: Annotated[date | None, Query(alias="to", description="Today, if not given.")] = None,
        caller: str | None = None,
        model: str | None = None,
        form: Annotated[Literal["json", "csv"] | None, Query(alias="format")] = None,
    ) -> Response:
        """What callers used on these days (UTC), as JSON or CSV."""
        last = last or self._today()
        first = first or last.replace(day=1)
        rows = await self._rows(first, last)
        rows = [(row, counts) for row, counts in rows if caller in (None, row.caller) and model in (None, row.model)]
        if form == "csv" or (form is None and request.headers.get("accept", "").startswith(CSV)):
            return Response(_csv(rows), media_type=CSV)
        return JSONResponse(_usage(first, last, rows).model_dump(mode="json", by_alias=True))

    async def _rows(self, first: date, last: date) -> list[tuple[Row, Counts]]:
        if not 0 <= (last - first).days < KEPT_DAYS:
            raise InvalidRequest(f"`from` comes before `to`, by less than {KEPT_DAYS} days.", param="from")
        try:
            return sorted((await self._ledger.read(first, last)).items())
        except StoreUnavailableError as error:
            raise UsageAway(f"Redis, which has it, does not answer: {error}.", retry_after=5) from None


def _usage(first: date, last: date, rows: Iterable[tuple[Row, Counts]]) -> Usage:
    data, total = [], Counts()
    for row, counts in rows:
        data.append(UsageRow(**row._asdict(), **_used(counts).model_dump()))
        total = total.plus(counts)
    return Usage(**{"from": first, "to": last}, data=data, total=_used(total))


def _used(counts: Counts) -> Used:
    *tokens, cost, saved = counts
    named = dict(zip(Counts._fields, tokens, strict=False))
    return Used(**named, cost_usd=cost / 1e9, saved_usd=saved / 1e9)


def _csv(rows: Iterable[tuple[Row, Counts]]) -> str:
    """A line for each row, under one of names. Dollars have all their digits."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow([*Row._fields, *Used.model_fields])
    for row, (*tokens, cost, saved) in rows:
        lines.writerow([*row, *tokens, _dollars(cost), _dollars(saved)])
    return out.getvalue()


def _dollars(nano_usd: int) -> str:
    return f"{Decimal(nano_usd).scaleb(-9):.9f}"
