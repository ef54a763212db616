"""Dollars a month over the first token's p99 that is to be held, as SVG: steps of whole replicas."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import ceil, floor, log10

from penstock.capacity.answer import Answer, Step
from penstock.capacity.simulation import Scenario

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 90, 50, 50, 46
DRAWN = {Scenario.NOTHING: "well", Scenario.REPLICA: "lost"}
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .tick { fill: #57606a }
.grid { stroke: #d0d7de } path { fill: none; stroke-width: 2 } .well { stroke: #8c959f } .lost { stroke: #0969da }
.held { stroke: #24292f; stroke-dasharray: 4 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .tick { fill: #9da7b3 } .grid { stroke: #30363d } .well { stroke: #6e7681 }
  .lost { stroke: #4493f8 } .held { stroke: #e6edf3 }
}
"""


def plot(answer: Answer) -> str:
    return "\n".join(["".join(_head()), *Picture(answer).drawn(), "</svg>", ""])


def _head() -> Iterator[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
    yield f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><style>{STYLE}</style>'


class Picture:
    """Time is on a logarithmic axis, dollars on a plain one. Left of a line's end no pool that was tried holds it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._lines = {scenario: list(answer.steps(scenario)) for scenario in DRAWN}
        seconds = [each.first_token_p99 for line in self._lines.values() for each in line]
        if held := answer.case.inputs.first_token_p99:
            seconds.append(float(held))
        self._left, self._right = log10(min(seconds, default=1) / 1.2), log10(max(seconds, default=1) * 1.2)
        dollars = (float(each.month_usd) for line in self._lines.values() for each in line)
        self._tick = _round(max(dollars, default=1.0) / 5)
        self._high = self._tick * 6

    def drawn(self) -> Iterator[str]:
        yield f'<text class="title" x="{LEFT}" y="18">Dollars a month over the first token\'s p99 to be held</text>'
        instance = escape(self._answer.case.inputs.instance)
        for number, (scenario, kind) in enumerate(DRAWN.items()):
            x = LEFT + 200 * number
            yield f'<path class="{kind}" d="M{x} 34h24"/><text x="{x + 30}" y="38">{instance}, {scenario.value}</text>'
        yield from self._grid()
        for scenario, kind in DRAWN.items():
            yield from self._steps(kind, self._lines[scenario])
        if held := self._answer.case.inputs.first_token_p99:
            at = self._x(float(held))
            yield f'<line class="held" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'

    def _grid(self) -> Iterator[str]:
        for seconds in _ticks(self._left, self._right):
            x = self._x(seconds)
            yield f'<line class="grid" x1="{x:.0f}" x2="{x:.0f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            yield (
                f'<text class="tick" x="{x:.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{seconds:g} s</text>'
            )
        for number in range(7):
            y = self._y(number * self._tick)
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.0f}" y2="{y:.0f}"/>'
            yield (
                f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{number * self._tick:,.0f}</text>'
            )

    def _steps(self, kind: str, steps: list[Step]) -> Iterator[str]:
        """From the right, where the fewest do, to the left."""
        if not steps:
            return
        path = f"M{WIDTH - RIGHT} {self._y(float(steps[0].month_usd)):.1f}"
        for each in steps:
            x, y = self._x(each.first_token_p99), self._y(float(each.month_usd))
            path += f" V{y:.1f} H{x:.1f}"
            yield f'<text class="tick" x="{x + 3:.1f}" y="{y - 4:.1f}">{each.replicas}</text>'
        yield f'<path class="{kind}" d="{path}"/>'

    def _x(self, seconds: float) -> float:
        return LEFT + (log10(seconds) - self._left) / (self._right - self._left) * (WIDTH - LEFT - RIGHT)

    def _y(self, usd: float) -> float:
        return HEIGHT - BOTTOM - usd / self._high * (HEIGHT - TOP - BOTTOM)


def _ticks(left: float, right: float) -> Iterator[float]:
    """1, 2 and 5 of each power of ten within."""
    for power in range(floor(left), ceil(right) + 1):
        yield from (lead * 10.0**power for lead in (1, 2, 5) if left <= log10(lead * 10.0**power) <= right)


def _round(number: float) -> float:
    """The next of 1, 2, 5, 10, ... above it."""
    power = 10.0 ** floor(log10(number)) if number > 0 else 1.0
    return next(lead * power for lead in (1, 2, 5, 10) if lead * power >= number)
