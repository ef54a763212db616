"""A plot in SVG: for each panel a bar for every program, on a logarithmic scale, readable on light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from statistics import median

WIDTH, LABELS, VALUES = 760, 120, 90
ROW, HEAD, FOOT = 22, 34, 26
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .value, .tick { fill: #57606a }
.tick { font-size: 10px; text-anchor: middle } .grid { stroke: #d0d7de } .bar { fill: #8c959f } .ours { fill: #0969da }
.spread { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .value, .tick { fill: #9da7b3 } .grid { stroke: #30363d } .bar { fill: #6e7681 }
  .ours { fill: #4493f8 } .spread { stroke: #e6edf3 }
}
"""


@dataclass(frozen=True)
class Panel:
    """For each program the values of every round; `ours` is drawn in colour."""

    title: str
    values: Mapping[str, Sequence[float]]
    ours: str

    @property
    def height(self) -> int:
        return HEAD + ROW * len(self.values) + FOOT

    def draw(self, top: int) -> list[str]:
        low = floor(log10(min(map(min, self.values.values()))))
        high = ceil(log10(max(map(max, self.values.values()))))

        def x(value: float) -> float:
            return LABELS + (log10(value) - low) / max(1, high - low) * (WIDTH - LABELS - VALUES)

        bottom = top + self.height - FOOT
        drawn = [f'<text class="title" x="0" y="{top + 16}">{escape(self.title)} (logarithmic; less is better)</text>']
        for power in range(low, high + 1):
            at = x(10**power)
            drawn.append(f'<line class="grid" x1="{at:.0f}" x2="{at:.0f}" y1="{top + HEAD - 8}" y2="{bottom}"/>')
            drawn.append(f'<text class="tick" x="{at:.0f}" y="{bottom + 13}">{10**power:,}</text>')
        ranked = sorted(self.values.items(), key=lambda item: median(item[1]))
        for number, (name, values) in enumerate(ranked):
            y, middle = top + HEAD + ROW * number, median(values)
            kind = "bar ours" if name == self.ours else "bar"
            drawn += [
                f'<text x="0" y="{y + 11}">{escape(name)}</text>',
                f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{x(middle) - LABELS:.1f}" height="14" rx="2"/>',
                f'<line class="spread" x1="{x(min(values)):.1f}" x2="{x(max(values)):.1f}" y1="{y + 7}" y2="{y + 7}"/>',
                f'<text class="value" x="{x(max(values)) + 6:.0f}" y="{y + 11}">{middle:,.0f}</text>',
            ]
        return drawn


def draw(panels: Sequence[Panel]) -> str:
    """The whole picture."""
    top, drawn = 0, list[str]()
    for panel in panels:
        drawn += panel.draw(top)
        top += panel.height
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><style>{STYLE}</style>'
    return "\n".join([head, *drawn, "</svg>", ""])
