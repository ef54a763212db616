"""How a gateway stands, as lines of at most 100 columns. Colours only repeat what the words say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any

WIDTH = 100
INCIDENTS = 8
HEADS = ("target", "kind", "health", "breaker", "in flight", "running", "waiting", "KV", "tokens/s")
NAME_WIDTH = 22
TONES = {"good": "32", "warning": "33", "critical": "31"}

Told = Mapping[str, Any]
Paint = Callable[[str, str], str]


def report(status: Told, url: str, *, colour: bool) -> str:
    """What GET /admin/status told."""

    def paint(tone: str, text: str) -> str:
        return f"\x1b[{TONES[tone]}m{text}\x1b[0m" if colour and tone in TONES else text

    return "\n".join(_lines(status, url, paint))


def _lines(status: Told, url: str, paint: Paint) -> Iterator[str]:
    yield _cut(f"Penstock {status['version']} at {url}: {status['state']}, up for {_lasting(status['up_s'])}")
    for each in status["attention"]:
        mark = "✗" if each["level"] == "critical" else "⚠"
        for line in wrap(f"{mark} {each['says']}", WIDTH, subsequent_indent="  "):
            yield paint(each["level"], line)
    if not status["attention"]:
        yield paint("good", "✓ All is well.")
    yield ""
    yield from _figures(status)
    for model in status["models"]:
        names = ", ".join([model["name"], *model["aliases"]])
        yield from ("", _cut(f"{names}: {_summary(model['lately'])}"))
        yield from _table(model["targets"], paint)
    if status["unplaced"]:
        yield from ("", "models not known yet:")
        yield from _table(status["unplaced"], paint)
    if status["incidents"]:
        yield ""
        for each in status["incidents"][:INCIDENTS]:
            yield _cut(f"{_local(each['at'])}  {each['says']}")


def _figures(status: Told) -> Iterator[str]:
    lately, dollars = status["lately"], status["since_start"]
    yield f"last {_lasting(status['lately_s'])}: {_summary(lately)}"
    for name, label in (("latency_s", "latency"), ("first_token_s", "first token")):
        yield f"{label}: " + ", ".join(f"{which} {_seconds(value)}" for which, value in lately[name].items())
    yield f"since the start: ${dollars['saved_usd']:,.2f} saved, ${dollars['cost_usd']:,.2f} paid to clouds"


def _summary(lately: Told) -> str:
    return (
        f"{lately['requests_per_s']:.1f} requests/s, errors {_percent(lately['error_share'])}, "
        f"cloud {_percent(lately['fallback_share'])}, {lately['tokens_per_s']:.0f} tokens/s"
    )


def _table(targets: Sequence[Told], paint: Paint) -> Iterator[str]:
    rows = [HEADS, *map(_row, targets)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS))]
    for row, tone in zip(rows, ["", *map(_tone, targets)], strict=True):
        cells = [
            cell.ljust(width) if at < 4 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield paint(tone, "  " + "  ".join(cells).rstrip())


def _row(target: Told) -> tuple[str, ...]:
    engine = target["engine"]
    load = (
        (
            str(engine["running"]),
            str(engine["waiting"]),
            _percent(engine["kv_cache_usage"]),
            f"{engine['tokens_per_s']:.0f}",
        )
        if engine is not None
        else ("-", "-", "-", "-")
    )
    return (
        _cut(target["id"], NAME_WIDTH),
        target["kind"],
        _health(target),
        _breaker(target),
        str(target["in_flight"]),
        *load,
    )


def _health(target: Told) -> str:
    if target["drained"]:
        return "drained"
    if target["kind"] == "cloud":
        return "-"
    return "up" if target["up"] else "DOWN"


def _breaker(target: Told) -> str:
    return "OPEN" if target["breaker"] == "open" else str(target["breaker"])


def _tone(target: Told) -> str:
    if target["breaker"] == "open" or not target["up"]:
        return "critical"
    return "warning" if target["drained"] or target["breaker"] != "closed" else ""


def _cut(text: str, width: int = WIDTH) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f}%"


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _lasting(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _local(at: str) -> str:
    """The machine's own time, with the day."""
    return datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone().strftime("%Y-%m-%d %H:%M:%S")
