"""The log: JSON, one line a thing. Never a prompt, a reply or a key."""

from __future__ import annotations

import logging
import sys
from typing import BinaryIO

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger


def logger_to(file: BinaryIO) -> FilteringBoundLogger:
    """A logger that writes JSON lines to `file`."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
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


def stdout_logger() -> FilteringBoundLogger:
    return logger_to(sys.stdout.buffer)
