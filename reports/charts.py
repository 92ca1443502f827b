"""Charts as small SVG drawings, without words: what they say stands in words beside them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 600, 100, 6
# For paper, where no style sheet colours them.
INK, BAND, GROUND = "#2f6fb5", "#cfe6d8", "#eef1f5"
PARTS = {
    "pass": "#3f9d78",
    "fail": "#c94a4a",
    "error": "#d9962b",
    "overdue": "#9a5bab",
    "missing": "#8a97ab",
    "waived": "#b9c2cf",
    "not-applicable": "#d9dee6",
}


@dataclass(frozen=True)
class Chart:
    """A drawing, and the figures at the ends of its axes."""

    svg: str
    top: float
    bottom: float
    first: datetime.date
    last: datetime.date


def bars(shares: Sequence[float]) -> str:
    """A bar for each share from 0 to 1, the last one at the right; there is room for at least twelve."""
    step = WIDTH / max(len(shares), 12)
    drawn = "".join(
        f'<rect class="ink" fill="{INK}" x="{step * (place + 0.1):.1f}" width="{step * 0.8:.1f}"'
        f' y="{HEIGHT * (1 - share):.1f}" height="{HEIGHT * share:.1f}"/>'
        for place, share in enumerate(shares)
    )
    return _svg(drawn)


def parts(shares: Sequence[tuple[str, int]]) -> str:
    """One bar of parts side by side, each the class that colours it and its share per mille."""
    at, drawn = 0, ""
    for name, share in shares:
        if share:
            drawn += (
                f'<rect class="p-{name}" fill="{PARTS[name]}" x="{at * WIDTH / 1000:.1f}"'
                f' width="{share * WIDTH / 1000:.1f}" height="{HEIGHT}"/>'
            )
        at += share
    return _svg(drawn)


def days(values: Sequence[tuple[datetime.date, float, float]], least: float | None, most: float | None) -> Chart:
    """A stroke from the lowest to the highest value of each day, before the band that is allowed.

    :param values: at least one day, in order.
    """
    ends = [end for _, low, high in values for end in (low, high)] + [one for one in (least, most) if one is not None]
    bottom, top = min(ends), max(ends)
    if bottom == top:
        bottom, top = bottom - 1, top + 1
    first, last = values[0][0], values[-1][0]
    span = max((last - first).days, 1)

    def y(value: float) -> float:
        return MARGIN + (HEIGHT - 2 * MARGIN) * (top - value) / (top - bottom)

    band = ""
    if least is not None or most is not None:
        upper, lower = y(top if most is None else most), y(bottom if least is None else least)
        band = (
            f'<rect class="band" fill="{BAND}" width="{WIDTH}" y="{upper:.1f}" height="{max(lower - upper, 0.1):.1f}"/>'
        )
    # A stroke without length is drawn as a dot, for its ends are round.
    strokes = "".join(
        f"M{MARGIN + (WIDTH - 2 * MARGIN) * (day - first).days / span:.1f},{y(high):.1f}V{y(low) + 0.01:.2f}"
        for day, low, high in values
    )
    line = (
        f'<path class="ink" fill="none" stroke="{INK}" stroke-width="3" stroke-linecap="round"'
        f' vector-effect="non-scaling-stroke" d="{strokes}"/>'
    )
    return Chart(_svg(band + line), top, bottom, first, last)


def _svg(drawn: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"'
        f' aria-hidden="true"><rect class="ground" fill="{GROUND}" width="{WIDTH}" height="{HEIGHT}"/>{drawn}</svg>'
    )
