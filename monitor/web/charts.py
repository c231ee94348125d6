"""Charts drawn here as SVG: no script, no style of their own (a strict page allows neither), a table beneath each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

WIDTH, NARROW, HEIGHT = 960, 360, 240  # of a wide screen, and of a telephone, which shows the whole chart too
LEFT, BOTTOM, TOP = 44, 24, 10


def both(draw: Callable[[int], Markup]) -> Markup:
    """A chart drawn for both widths; the style sheet shows the one that fits, and a screen reader hears one."""
    return draw(WIDTH) + draw(NARROW)


def sparkline(values: Sequence[float]) -> Markup:
    """Values from -1 to 1 as a small line around a middle line."""
    kept = list(values)[-60:]
    width, height = 240, 44
    step = (width - 8) / max(len(kept) - 1, 1)
    places = [
        (4 + number * step, height / 2 - max(-1.0, min(1.0, value)) * (height / 2 - 4))
        for number, value in enumerate(kept)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places)
    return Markup(  # noqa: S704 - numbers of ours, and text that is escaped
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="Sentiment over time">'
        f'<line class="grid" x1="0" x2="{width}" y1="{height / 2}" y2="{height / 2}"/>'
        f'<polyline class="line" points="{line}"/>{dots}</svg>'
    )


def _top(most: float) -> float:
    """A round number at or above the largest value: 1, 2 or 5 with noughts."""
    power = 10.0 ** math.floor(math.log10(most)) if most > 0 else 1.0
    return next((factor * power for factor in (1, 2, 4, 5, 10) if factor * power >= most), most)


def _grid(top: float, unit: str, width: int) -> str:
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
        value = f"{top * share:,.0f}" if top >= 10 else f"{top * share:g}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(value + unit)}</text>')
    return "".join(parts)


def _names(names: Sequence[str], step: float, width: int) -> str:
    every = max(1, -(-len(names) // (10 if width == WIDTH else 5)))
    return "".join(
        f'<text x="{LEFT + (number + 0.5) * step:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(name)}</text>'
        for number, name in enumerate(names)
        if number % every == 0
    )


def bars(names: Sequence[str], whole: Sequence[float], part: Sequence[float], label: str, width: int = WIDTH) -> Markup:
    """Bars of a whole, with a part of each drawn darker from the ground up."""
    top = _top(max(whole, default=1) or 1)
    step = (width - LEFT) / max(len(names), 1)
    wide = max(min(step * 0.72, 48), 1)
    room = HEIGHT - BOTTOM - TOP
    shapes = []
    for number, (all_of_it, some) in enumerate(zip(whole, part, strict=True)):
        x = LEFT + (number + 0.5) * step - wide / 2
        for value, name in ((all_of_it, "bar0"), (some, "bar1")):
            high = room * value / top
            if high > 0:
                shapes.append(
                    f'<rect class="{name}" x="{x:.1f}" y="{HEIGHT - BOTTOM - high:.1f}" width="{wide:.1f}" '
                    f'height="{high:.1f}" rx="1.5"/>'
                )
    return _svg(label, _grid(top, "", width) + "".join(shapes) + _names(names, step, width), width)


def line(
    names: Sequence[str], values: Sequence[float | None], label: str, unit: str = "", *, width: int = WIDTH
) -> Markup:
    """A line with a dot for each value; None leaves a gap."""
    top = _top(max((value for value in values if value is not None), default=1) or 1)
    step = (width - LEFT) / max(len(names), 1)
    room = HEIGHT - BOTTOM - TOP
    runs: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((LEFT + (number + 0.5) * step, HEIGHT - BOTTOM - room * value / top))
    shapes = [
        '<polyline class="line" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in run) + '"/>' for run in runs if run
    ]
    shapes += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for run in runs for x, y in run]
    return _svg(label, _grid(top, unit, width) + "".join(shapes) + _names(names, step, width), width)


def heat(rows: Sequence[str], cells: Sequence[Sequence[int]], label: str, width: int = WIDTH) -> Markup:
    """A week of hours: the more, the darker; each cell says its number on hover."""
    most = max((max(row, default=0) for row in cells), default=0) or 1
    wide, high = (width - LEFT) / 24, 24
    shapes = []
    for y, (name, row) in enumerate(zip(rows, cells, strict=True)):
        shapes.append(f'<text x="{LEFT - 6}" y="{y * high + 16}" text-anchor="end">{escape(name)}</text>')
        for x, value in enumerate(row):
            shade = 0.06 + 0.94 * value / most
            shapes.append(
                f'<rect class="cell" x="{LEFT + x * wide:.1f}" y="{y * high}" width="{wide - 2:.1f}" '
                f'height="{high - 2}" rx="2" opacity="{shade:.2f}"><title>{escape(name)} {x}:00, {value}</title></rect>'
            )
    bottom = len(rows) * high + 14
    shapes += [f'<text x="{LEFT + x * wide:.1f}" y="{bottom}">{x}:00</text>' for x in range(0, 24, 4)]
    return _svg(label, "".join(shapes), width, len(rows) * high + 20)


def _svg(label: str, inside: str, width: int, height: int = HEIGHT) -> Markup:
    kind = "wide" if width == WIDTH else "narrow"
    return Markup(  # noqa: S704 - numbers of ours, and text that is escaped
        f'<svg class="chart {kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
        f"{inside}</svg>"
    )
