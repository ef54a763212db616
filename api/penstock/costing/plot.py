"""Both costs over the volume, as SVG: both axes logarithmic, readable on light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from html import escape
from math import ceil, floor, log10

from penstock.costing.comparison import VOLUMES, Comparison
from penstock.costing.wording import above

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 90, 50, 50, 30
POINTS = 600
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .tick { fill: #57606a }
.grid { stroke: #d0d7de } path { fill: none; stroke-width: 2 } .api { stroke: #8c959f } .own { stroke: #0969da }
.beyond { stroke-dasharray: 2 5 } .even { stroke: #24292f; stroke-dasharray: 4 4 } circle { fill: #24292f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .tick { fill: #9da7b3 } .grid { stroke: #30363d } .api { stroke: #6e7681 }
  .own { stroke: #4493f8 } .beyond { stroke-dasharray: 2 5 } .even { stroke: #e6edf3 } circle { fill: #e6edf3 }
}
"""


def plot(compared: Comparison) -> str:
    return "\n".join(["".join(_head()), *Picture(compared).drawn(), "</svg>", ""])


def _head() -> Iterator[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
    yield f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><style>{STYLE}</style>'


class Picture:
    def __init__(self, compared: Comparison) -> None:
        self._compared = compared
        asked = compared.asked
        self._left = log10(min(VOLUMES[0], asked.requests))
        self._right = log10(max(VOLUMES[-1], asked.requests))
        spent = [*self._spent(compared.api.monthly), *self._spent(compared.own.monthly)]
        self._low = floor(log10(max(1.0, min(spent))))
        self._high = max(self._low + 1, ceil(log10(max(1.0, *spent))))

    def drawn(self) -> Iterator[str]:
        inputs = self._compared.case.inputs
        yield (
            f'<text class="title" x="{LEFT}" y="18">Dollars a month over requests a month: '
            f"{inputs.tokens_in:,} tokens in, {inputs.tokens_out:,} out</text>"
        )
        yield f'<path class="api" d="M{LEFT} 34h24"/><text x="{LEFT + 30}" y="38">{escape(inputs.model)}</text>'
        dotted = "" if self._compared.own.limit is None else "; dotted: more than its GPUs carry"
        own = escape(f"self-hosted on {inputs.instance}{dotted}")
        yield f'<path class="own" d="M{LEFT + 180} 34h24"/><text x="{LEFT + 210}" y="38">{own}</text>'
        yield from self._grid()
        volumes, limit = self._volumes(), self._compared.own.limit
        yield self._line("api", self._compared.api.monthly, volumes)
        carried = volumes if limit is None else [each for each in volumes if each <= limit]
        yield self._line("own", self._compared.own.monthly, carried)
        yield self._line("own beyond", self._compared.own.monthly, volumes[len(carried) :])
        yield from self._marks()

    def _grid(self) -> Iterator[str]:
        for power in range(ceil(self._left), floor(self._right) + 1):
            x = self._x(10.0**power)
            yield f'<line class="grid" x1="{x:.0f}" x2="{x:.0f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            yield f'<text class="tick" x="{x:.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>'
        for power in range(self._low, self._high + 1):
            y = self._y(10.0**power)
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.0f}" y2="{y:.0f}"/>'
            yield f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{10**power:,}</text>'

    def _marks(self) -> Iterator[str]:
        """The load that is asked for, and from where on self-hosting costs less."""
        asked, even = self._compared.asked, self._compared.break_even
        for spent in (asked.api_usd, asked.own_usd):
            yield f'<circle cx="{self._x(asked.requests):.1f}" cy="{self._y(float(spent)):.1f}" r="4"/>'
        start = even.windows(1)[0].start if even.count else Fraction(0)
        if 10**self._left <= start <= 10**self._right:
            x = self._x(float(start))
            yield f'<line class="even" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            anchor, by = ("end", -6) if x > WIDTH / 2 else ("start", 6)
            yield (
                f'<text x="{x + by:.1f}" y="{HEIGHT - BOTTOM - 8}" text-anchor="{anchor}">'
                f"break-even at {above(start)}</text>"
            )

    def _line(self, kind: str, monthly: Callable[[int], Fraction], volumes: list[int]) -> str:
        """Nothing without volumes. `beyond` is what the GPUs that are paid for do not carry."""
        points = " L".join(f"{self._x(each):.1f} {self._y(float(monthly(each))):.1f}" for each in volumes)
        return f'<path class="{kind}" d="M{points}"/>' if points else ""

    def _volumes(self) -> list[int]:
        step = (self._right - self._left) / POINTS
        return [round(10 ** (self._left + number * step)) for number in range(POINTS + 1)]

    def _spent(self, monthly: Callable[[int], Fraction]) -> list[float]:
        return [float(monthly(requests)) for requests in self._volumes()]

    def _x(self, requests: float) -> float:
        return LEFT + (log10(requests) - self._left) / (self._right - self._left) * (WIDTH - LEFT - RIGHT)

    def _y(self, usd: float) -> float:
        """What is too little for a logarithm lies at the bottom."""
        share = (log10(max(usd, 10.0**self._low)) - self._low) / (self._high - self._low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
