"""Disturbances that are taken back, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from penstock.load.arrivals import constant

from operations.audit import now, who
from operations.change import NotPutBack
from operations.load.asking import Door, schedule
from operations.load.run import Limits, Load
from operations.readiness.ground import Ground
from operations.releases import UnderWay
from operations.restore import restore
from operations.site import Site

LONGEST_S = 3600
PROMPT_TOKENS, ANSWER_TOKENS = 50, 30


@contextmanager
def disturbed(site: Site) -> Iterator[None]:
    """Afterwards everything runs as before. If we are killed, the next deploy or rollback sees to that."""
    before = site.platform.picture()
    under_way = UnderWay(who(), "readiness", "", now(), "begin", before)
    site.releases.write(replace(site.releases.read(), under_way=under_way))
    try:
        yield
        problems = restore(site, before)
    except BaseException as error:  # whatever it was, things are put back
        site.patience.interrupts.undo()
        problems = restore(site, before)
        site.patience.interrupts.undone()
        if problems:
            raise NotPutBack(f"NOT PUT BACK: {'; '.join(problems)}") from error
        site.ended()
        raise
    if problems:
        raise NotPutBack(f"NOT PUT BACK: {'; '.join(problems)}")
    site.ended()


@contextmanager
def under_load(ground: Ground) -> Iterator[Load]:
    """Steady requests meanwhile; the outcome is whole afterwards."""
    load = prepared(ground, LONGEST_S)
    thread = threading.Thread(target=lambda: asyncio.run(load.run()), daemon=True)
    thread.start()
    try:
        yield load
    finally:
        load.finished = True
        thread.join()


def prepared(ground: Ground, seconds: float) -> Load:
    """Chats by chance, half of them streams, as many a second as were planned. An interruption ends them."""
    outside, wanted = ground.outside, ground.wanted
    due = constant(wanted.load_rate, seconds).poisson(seed=1)
    lengths = ((PROMPT_TOKENS, ANSWER_TOKENS) for _ in iter(int, 1))
    door = Door(outside.url, ground.model, outside.key, outside.insecure)
    interrupts = ground.site.patience.interrupts
    return Load(door, schedule(due, lengths, 0.5), Limits(timeout_s=60), lambda: interrupts.came)
