"""The log: JSON, one line a thing. Never a prompt, a reply or a key."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from penstock.telemetry.incidents import Incidents
from penstock.telemetry.lines import Lines


def logger_to(lines: Lines, incidents: Incidents | None = None) -> FilteringBoundLogger:
    """A logger that writes JSON lines; `incidents` sees them first."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(cast(BinaryIO, lines)),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([incidents] if incidents is not None else []),
            structlog.processors.format_exc_info,
            _rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return logger


def _rendered(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
    del logger, method
    return orjson.dumps(event, default=str)


class Forwarded(logging.Handler):
    """Writes what the libraries log, uvicorn above all, as lines of ours."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


@contextmanager
def library_logs(log: FilteringBoundLogger) -> Iterator[None]:
    """While an instance lives, what its libraries warn of stands in its log."""
    handler = Forwarded(log)
    loggers: Iterable[logging.Logger] = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    for each in loggers:
        each.addHandler(handler)
        each.propagate = False
    try:
        yield
    finally:
        for each in loggers:
            each.removeHandler(handler)
            each.propagate = True
