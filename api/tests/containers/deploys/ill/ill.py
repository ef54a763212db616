"""The entry point of a version that is ill: ILL says in which way.

`errs` and `crashes` do so only after some calls, for it is under load that the worst of bugs come to light: the smoke
test finds nothing.
"""

import asyncio
import itertools
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable

from penstock.cli import main
from penstock.upstream.call import Call
from penstock.upstream.dispatch import Dispatcher
from penstock.upstream.reply import Reply
from penstock.upstream.stream import PassOn, Take
from penstock.upstream.verdicts import Ending

WELL = 10
"""Calls that nothing is seen in: more than a smoke test's."""
EVERY = 5
WHILE_S = 4.0
FACTOR = 3
NOBODY = {"PENSTOCK_MODELS": "[]", "PENSTOCK_REPLICAS": "http://127.0.0.1:9"}
"""Settings with a replica that is not there, of whom it wants to know which models there are."""

Open = Callable[[Dispatcher, Call], Awaitable[Reply]]


def errs(well: Open) -> Open:
    """Every fifth call meets a bug."""
    numbers = itertools.count(1)

    async def open_(dispatcher: Dispatcher, call: Call) -> Reply:
        number = next(numbers)
        if number > WELL and number % EVERY == 0:
            raise RuntimeError("every fifth")
        return await well(dispatcher, call)

    return open_


def crashes(well: Open) -> Open:
    """The process is gone a while after clients came."""
    numbers = itertools.count(1)

    async def open_(dispatcher: Dispatcher, call: Call) -> Reply:
        if next(numbers) == WELL:
            threading.Timer(WHILE_S, os._exit, (1,)).start()
        return await well(dispatcher, call)

    return open_


def slow(well: Open) -> Open:
    """The first of an answer takes three times as long."""

    async def open_(dispatcher: Dispatcher, call: Call) -> Reply:
        began = time.monotonic()
        reply = await well(dispatcher, call)
        await asyncio.sleep((FACTOR - 1) * (time.monotonic() - began))
        return reply

    return open_


async def pour_slowly(reply: Reply, take: Take, pass_on: PassOn) -> Ending:
    """And so does each event of a stream."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    def behind() -> float:
        return (FACTOR - 1) * (loop.time() - began)

    def later(events: list[bytes], last: bool) -> None:
        loop.call_later(behind(), take, list(events), False)  # it is written when it comes

    def later_on(event: bytes, framed: bytes) -> None:
        loop.call_later(behind(), pass_on, event, framed)

    ending = await well_pour(reply, later, later_on)
    await asyncio.sleep(behind() + 0.01)  # after the last event
    return ending


well_pour = Reply.pour
match os.environ["ILL"]:
    case "errs":
        Dispatcher.open = errs(Dispatcher.open)
    case "crashes":
        Dispatcher.open = crashes(Dispatcher.open)
    case "slow":
        Dispatcher.open, Reply.pour = slow(Dispatcher.open), pour_slowly
    case "unready":
        os.environ.update(NOBODY)
sys.exit(main())
