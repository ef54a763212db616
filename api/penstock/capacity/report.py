"""An answer as text of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from penstock.capacity.answer import Answer, Found
from penstock.capacity.calls import rate_of
from penstock.capacity.inputs import Inputs
from penstock.capacity.scaler import CACHE, EVERY_S, WAITING
from penstock.capacity.simulation import Times
from penstock.costing.assumed import lines_of, wrapped
from penstock.costing.flags import flag
from penstock.costing.selfhost import HOURS
from penstock.costing.wording import dollars, typed

UNSAID = (
    "A replica is one GPU. All are paid for through all "
    f"{HOURS} hours of the month; people, network and gateways are not counted: penstock cost does.",
    "Times are from a request's arrival and of all of the simulated time; what failed counts as never answered.",
    "What happens, happens after a third of the time. A lost replica breaks the streams that have begun; the other "
    "calls at it go elsewhere once it is noticed. Another one is begun then.",
    f"An autoscaler looks every {EVERY_S:g} s and aims at {WAITING} requests that wait at a replica and {CACHE:.0%} of "
    "its KV cache; it adds where the rate doubles, and takes nothing away.",
    "Nothing is in a prefix cache, no cloud helps, and every gateway sees all calls at a replica.",
)


def report(answer: Answer) -> str:
    return "\n".join(
        [*_asked(answer), "", *_table(answer), *_not_held(answer), "", *lines_of(answer.case, Inputs, UNSAID)]
    )


def _asked(answer: Answer) -> Iterator[str]:
    inputs, count = answer.case.inputs, len(answer.search.asked)
    rate = rate_of(inputs)
    came = f"{rate:.2f} requests/s at the peak" if rate else f"{count / (float(inputs.minutes) * 60):.2f} requests/s"
    month = f"{inputs.requests:,} requests a month, " if inputs.requests else ""
    wished = (("first token", inputs.first_token_p99), ("all of it", inputs.total_p99))
    held = " and ".join(f"{what} within {typed(limit)} s" for what, limit in wished if limit is not None)
    yield from wrapped(
        f"{month}{came}: {count:,} simulated in {typed(inputs.minutes)} minutes. To hold for 99 of 100: {held}."
    )


def _table(answer: Answer) -> Iterator[str]:
    yield f"{'':18}{'':>9}{'first token, s':>16}{'all of it, s':>16}{'failed':>9}{'dollars':>12}"
    yield f"{'fewest replicas':18}{'':>9}{'p50':>8}{'p99':>8}{'p50':>8}{'p99':>8}{'%':>9}{'a month':>12}"
    for row in answer.rows:
        yield _row(row) if row.replicas else f"{row.scenario.value:18}{'none !':>9}"


def _row(row: Found) -> str:
    outcome, grown = row.outcome, row.outcome.most > (row.replicas or 0)
    replicas = f"{row.replicas} to {outcome.most}" if grown else f"{row.replicas}"
    times = f"{_times(outcome.first_token)}{_times(outcome.total)}"
    month = "" if row.month_usd is None else dollars(row.month_usd)
    return f"{row.scenario.value:18}{replicas:>9}{times}{100 * outcome.failed:>9.2f}{month:>12}"


def _times(times: Times) -> str:
    return "".join(f"{'never' if isinf(each) else f'{each:.2f}':>8}" for each in (times.p50, times.p99))


def _not_held(answer: Answer) -> Iterator[str]:
    if all(row.replicas for row in answer.rows):
        return
    yield ""
    if not answer.can_be_held:
        alone = answer.search.alone
        yield from wrapped(
            f"! No number of replicas holds this: at p99 requests that are all alone have their first token within "
            f"{alone.first_token.p99:.2f} s, and all of it within {alone.total.p99:.2f} s. A faster GPU, shorter "
            "prompts or answers, or a longer time would."
        )
        return
    failing = [row.scenario.value for row in answer.rows if not row.replicas]
    yield from wrapped(
        f"! Not held by {answer.case.inputs.most} replicas: {', '.join(failing)}. {flag('most')} tries more."
    )
