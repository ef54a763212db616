"""Lines and stacked bars over time, in SVG: for a page, and for what makes a PNG of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 26
COLOURS = ("#0969da", "#bf8700", "#cf222e")
MEANING = {"ok": "#1a7f37", "failed": "#cf222e", "broken": "#bf8700"}
TEXT = 'font-family="system-ui, DejaVu Sans, sans-serif" font-size="12" fill="#24292f"'

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Panel:
    """For each name a value at each of the moments, None where there is none. `stacked`: as bars, one on the other.

    The moments are evenly spaced, in seconds; a value is that of the time until the next one.
    """

    title: str
    moments: Sequence[float]
    values: Mapping[str, Values]
    stacked: bool = False

    def draw(self, upper: float) -> Iterator[str]:
        """With its upper edge there."""
        yield f'<text x="0" y="{upper + 14}" {TEXT} font-weight="600">{escape(self.title)}</text>'
        scale = Scale(upper, self._lasted(), round_above(self._largest()))
        yield from scale.draw()
        below = [0.0] * len(self.moments)
        for number, (name, values) in enumerate(self.values.items()):
            colour = MEANING.get(name, COLOURS[number % len(COLOURS)])
            yield from _legend(upper, number, name, colour)
            if self.stacked:
                yield from self._bars(scale, below, values, colour)
                below = [low + (value or 0.0) for low, value in zip(below, values, strict=True)]
            else:
                yield self._line(scale, values, colour)

    def _bars(self, scale: Scale, below: Sequence[float], values: Values, colour: str) -> Iterator[str]:
        width = scale.x(self._step() * 0.9) - scale.x(0)
        for moment, low, value in zip(self.moments, below, values, strict=True):
            if value:
                high = scale.y(low + value)
                size = f'width="{width:.1f}" height="{scale.y(low) - high:.1f}"'
                yield f'<rect x="{scale.x(moment):.1f}" y="{high:.1f}" {size} fill="{colour}"/>'

    def _line(self, scale: Scale, values: Values, colour: str) -> str:
        middle = self._step() / 2
        pairs = zip(self.moments, values, strict=True)
        points = (f"{scale.x(at + middle):.1f},{scale.y(value):.1f}" for at, value in pairs if value is not None)
        return f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'

    def _step(self) -> float:
        return self.moments[1] - self.moments[0] if len(self.moments) > 1 else 1.0

    def _lasted(self) -> float:
        return self.moments[-1] + self._step() if self.moments else 1.0

    def _largest(self) -> float:
        together = sum if self.stacked else max
        columns = zip(*self.values.values(), strict=True)
        return max((together([value or 0.0 for value in column]) for column in columns), default=0.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds from left to right, values from 0 upwards."""

    upper: float
    lasted: float
    top: float

    def x(self, moment: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * moment / self.lasted

    def y(self, value: float) -> float:
        return self.upper + TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.top)

    def draw(self, parts: int = 4) -> Iterator[str]:
        for part in range(parts + 1):
            value, moment = self.top * part / parts, self.lasted * part / parts
            y, x, foot = self.y(value), self.x(moment), self.upper + HEIGHT - 8
            yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d0d7de"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" {TEXT} text-anchor="end">{value:g}</text>'
            anchor = "end" if part == parts else "middle"
            yield f'<text x="{x:.1f}" y="{foot}" {TEXT} text-anchor="{anchor}">{moment:g} s</text>'


def round_above(largest: float) -> float:
    """A round number that is not under it."""
    if largest <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(largest))
    return float(next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= largest * 0.9999))


def draw(panels: Sequence[Panel]) -> str:
    """The whole picture."""
    height = HEIGHT * len(panels)
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    drawn = [line for number, panel in enumerate(panels) for line in panel.draw(HEIGHT * number)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><rect width="100%" height="100%" fill="#ffffff"/>'
    )
    return "\n".join([head, *drawn, "</svg>", ""])


def _legend(upper: float, number: int, name: str, colour: str) -> Iterator[str]:
    x = LEFT + 120 * number
    yield f'<rect x="{x}" y="{upper + 22}" width="10" height="10" fill="{colour}"/>'
    yield f'<text x="{x + 14}" y="{upper + 31}" {TEXT}>{escape(name)}</text>'
