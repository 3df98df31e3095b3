"""The journey as a picture: stages from left to right, flows as wide as their volume, drop-outs below."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from .data import Flow, Journey, Stage
from .markup import Markup, join, tag

__all__ = ["journey_map"]

_WIDTH = 1160.0
_LEFT = 24.0
_NODE = 26.0
_TOP = 104.0
_TALLEST = 230.0
_POOL_GAP = 84.0
_POOL_LEAST = 30.0


@dataclass
class _Box:
    """Where a stage stands, and how far its two sides are taken already."""

    stage: Stage
    x: float
    y: float
    height: float
    taken_left: float = 0.0
    taken_right: float = 0.0


def journey_map(journey: Journey) -> Markup:
    """The picture of a journey as SVG. Widths and heights share one scale; stages without data are hatched."""
    columns = [stage for stage in journey.stages if not stage.drop_out]
    pools = [stage for stage in journey.stages if stage.drop_out]
    step = (_WIDTH - 2 * _LEFT) / max(len(columns), 1)
    scale = _scale(columns, pools, journey.flows, step)
    boxes: dict[str, _Box] = {}
    tallest = max([stage.entries for stage in columns] + [0]) * scale or _TALLEST * 0.6
    for number, stage in enumerate(columns):
        height = tallest if stage.no_data else max(stage.entries * scale, 4.0)
        boxes[stage.name] = _Box(stage, _LEFT + number * step, _TOP, height)
    floor = max([box.y + box.height for box in boxes.values()], default=_TOP)
    below = floor + _POOL_GAP
    pool_boxes: dict[str, _Box] = {}
    for stage in pools:
        height = max(stage.here * scale, _POOL_LEAST)
        pool_boxes[stage.name] = _Box(stage, _LEFT, below, height)
        below += height + 46
    bottom = max(below if pools else 0.0, floor + 96)
    ribbons, spans = _ribbons(journey, columns, boxes, pool_boxes, scale, step)
    parts = [
        tag("title", f"Journey map: {journey.title}"),
        tag("desc", _in_words(journey)),
        _hatch(),
        _unseen([boxes[stage.name] for stage in columns]),
        ribbons,
        [_column(box, scale) for box in boxes.values()],
        [_pool(box, spans.get(name), scale) for name, box in pool_boxes.items()],
    ]
    return tag("svg", parts, class_="journey", viewBox=f"0 0 {_WIDTH:.0f} {bottom:.0f}", role="img", xmlns="http://www.w3.org/2000/svg")


def _scale(columns: list[Stage], pools: list[Stage], flows: list[Flow], step: float) -> float:
    """Pixels per customer: the tallest stage fits, and drop-outs and returns fit side by side between two columns."""
    most = max([stage.entries for stage in columns] + [1])
    lost = {stage.name for stage in pools}
    widest = 1
    for left, right in zip(columns, [*columns[1:], None]):
        falling = sum(flow.count for flow in flows if flow.source == left.name and flow.target in lost)
        rising = sum(flow.count for flow in flows if right and flow.target == right.name and flow.source in lost)
        widest = max(widest, falling + rising)
    return min(_TALLEST / most, (step - _NODE - 56) / widest)


def _ribbons(
    journey: Journey, columns: list[Stage], boxes: dict[str, _Box], pools: dict[str, _Box], scale: float, step: float
) -> tuple[Markup, dict[str, tuple[float, float]]]:
    """All flows, and from where to where each pool has to reach."""
    order = {stage.name: number for number, stage in enumerate(columns)}
    drawn: list[Markup] = []
    labels: list[Markup] = []
    spans: dict[str, tuple[float, float]] = {}
    titles = {stage.name: stage.title for stage in journey.stages}

    def told(flow: Flow) -> str:
        source = titles.get(flow.source or "", "outside")
        return f"{source} to {titles.get(flow.target or '', 'outside')}: {flow.count:,}"

    def reach(pool: str, left: float, right: float) -> None:
        before = spans.get(pool, (left, right))
        spans[pool] = (min(before[0], left), max(before[1], right))

    def rank(flow: Flow) -> tuple[int, int, int]:
        outside = flow.source is None
        return (0 if outside else 1, order.get(flow.source or "", 99), order.get(flow.target or "", 99))

    for flow in sorted(journey.flows, key=rank):
        width = flow.count * scale
        source, target = boxes.get(flow.source or ""), boxes.get(flow.target or "")
        fall, rise = pools.get(flow.target or ""), pools.get(flow.source or "")
        if flow.count <= 0:
            continue
        if flow.source is None and target:
            y = target.y + target.taken_left
            target.taken_left += width
            start = target.x - step + _NODE if order[target.stage.name] else 0.0
            drawn.append(_ribbon(_across(start, y, target.x, y, width), "arrive", told(flow)))
            labels.append(_label((start + target.x) / 2 + 8, y + width / 2, f"{flow.count:,} came in"))
        elif source and target and order[source.stage.name] < order[target.stage.name]:
            y1, y2 = source.y + source.taken_right, target.y + target.taken_left
            source.taken_right += width
            target.taken_left += width
            drawn.append(_ribbon(_across(source.x + _NODE, y1, target.x, y2, width), "onward", told(flow)))
            labels.append(_label((source.x + _NODE + target.x) / 2, (y1 + y2 + width) / 2, f"{flow.count:,}"))
        elif source and target:
            drawn.append(_back(source, target, width, told(flow)))
            labels.append(_label((source.x + target.x + _NODE) / 2, _TOP - 14, f"{flow.count:,} back"))
        elif source and fall:
            x1, y1 = source.x + _NODE, source.y + source.height - width
            x2 = x1 + 18
            drawn.append(_ribbon(_down(x1, y1, x2, fall.y, width), "fall", told(flow)))
            labels.append(_label(x2 + width / 2, fall.y - 22, f"{flow.count:,}"))
            reach(fall.stage.name, x2 - 6, x2 + width + 6)
        elif rise and target:
            y2 = target.y + target.height - width
            x1 = target.x - 18 - width
            drawn.append(_ribbon(_up(x1, rise.y, target.x, y2, width), "rise", told(flow)))
            labels.append(_label(x1 + width / 2, rise.y - 22, f"{flow.count:,}"))
            reach(rise.stage.name, x1 - 6, x1 + width + 6)
    return join([drawn, labels]), spans


def _unseen(boxes: list[_Box]) -> Markup:
    """Between two stages without data nothing is known, and the picture says so."""
    return join(
        tag("path", d=_across(left.x + _NODE, left.y, right.x, right.y, left.height), class_="flow-unseen", fill="url(#hatch)")
        for left, right in zip(boxes, boxes[1:])
        if left.stage.no_data and right.stage.no_data
    )


def _across(x1: float, y1: float, x2: float, y2: float, width: float) -> str:
    middle = (x1 + x2) / 2
    return (
        f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}V{y2 + width:.1f}"
        f"C{middle:.1f} {y2 + width:.1f} {middle:.1f} {y1 + width:.1f} {x1:.1f} {y1 + width:.1f}Z"
    )


def _down(x1: float, y1: float, x2: float, y2: float, width: float) -> str:
    """Out of the right side of a stage at ``y1``, bending down into a pool's top at ``x2``."""
    low = y1 + width
    return (
        f"M{x1:.1f} {y1:.1f}C{x1 + (x2 + width - x1) * 0.75:.1f} {y1:.1f} {x2 + width:.1f} {y1 + (y2 - y1) * 0.25:.1f} "
        f"{x2 + width:.1f} {y2:.1f}H{x2:.1f}C{x2:.1f} {low + (y2 - low) * 0.25:.1f} {x1 + (x2 - x1) * 0.75:.1f} {low:.1f} "
        f"{x1:.1f} {low:.1f}Z"
    )


def _up(x1: float, y1: float, x2: float, y2: float, width: float) -> str:
    """Out of a pool's top at ``x1``, bending up into the left side of a stage at ``y2``."""
    low = y2 + width
    return (
        f"M{x1:.1f} {y1:.1f}C{x1:.1f} {y2 + (y1 - y2) * 0.25:.1f} {x2 - (x2 - x1) * 0.75:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        f"V{low:.1f}C{x2 - (x2 - x1 - width) * 0.75:.1f} {low:.1f} {x1 + width:.1f} {low + (y1 - low) * 0.25:.1f} "
        f"{x1 + width:.1f} {y1:.1f}Z"
    )


def _back(source: _Box, target: _Box, width: float, told: str) -> Markup:
    """An arc above the stages, for moves to an earlier one."""
    x1, x2, y = source.x + _NODE / 2, target.x + _NODE / 2, _TOP
    path = f"M{x1:.1f} {y:.1f}C{x1:.1f} {y - 30:.1f} {x2:.1f} {y - 30:.1f} {x2:.1f} {y:.1f}"
    stroke = min(max(width, 1.5), 14.0)
    return tag("path", tag("title", told), d=path, class_="flow-back", stroke_width=stroke, fill="none")


def _ribbon(path: str, kind: str, told: str) -> Markup:
    return tag("path", tag("title", told), d=path, class_=f"flow flow-{kind}")


def _label(x: float, y: float, words: str) -> Markup:
    return tag("text", words, x=x, y=y + 4.5, class_="flow-label", text_anchor="middle")


def _column(box: _Box, scale: float) -> Markup:
    stage = box.stage
    if stage.no_data:
        lines = textwrap.wrap(stage.no_data, 24)[:4]
        return tag(
            "g",
            tag("title", f"{stage.title}: no data, {stage.no_data}"),
            tag("rect", x=box.x, y=box.y, width=_NODE, height=box.height, rx=4, class_="node-none", fill="url(#hatch)"),
            tag("text", stage.title, x=box.x, y=34, class_="stage-title"),
            tag("text", "no data", x=box.x, y=60, class_="stage-none"),
            [tag("text", line, x=box.x, y=box.y + box.height + 22 + 17 * number, class_="stage-note") for number, line in enumerate(lines)],
        )
    solid = min(stage.here * scale, box.height)
    return tag(
        "g",
        tag("title", f"{stage.title}: {stage.here:,} here at the end, entered {stage.entries:,} times"),
        tag("rect", x=box.x, y=box.y, width=_NODE, height=box.height, rx=4, class_="node"),
        tag("rect", x=box.x, y=_stay(box, solid), width=_NODE, height=solid, rx=min(4.0, solid / 2), class_="node-here"),
        tag("text", stage.title, x=box.x, y=34, class_="stage-title"),
        tag("text", f"{stage.here:,}", tag("tspan", " here now", class_="stage-note"), x=box.x, y=62, class_="stage-count"),
        tag("text", f"entered {stage.entries:,} times", x=box.x, y=84, class_="stage-note"),
    )


def _stay(box: _Box, solid: float) -> float:
    """Those who stay stand below those who went on and above those who dropped out."""
    return box.y + min(box.taken_right, max(box.height - solid, 0.0))


def _pool(box: _Box, span: tuple[float, float] | None, scale: float) -> Markup:
    stage = box.stage
    left, right = span or (_LEFT, _LEFT + 240)
    right = max(right, left + 240)
    words = f"entered {stage.entries:,} times" + (f" · {stage.goal}" if stage.goal else "")
    return tag(
        "g",
        tag("title", f"{stage.title}: {stage.here:,} here at the end, {words}"),
        tag("rect", x=left, y=box.y, width=right - left, height=box.height, rx=6, class_="pool"),
        tag(
            "text",
            tag("tspan", stage.title, class_="stage-title"),
            tag("tspan", f" {stage.here:,}", class_="stage-count"),
            tag("tspan", " here now", class_="pool-note"),
            x=left + 14,
            y=box.y + box.height / 2 + 7,
        ),
        tag("text", words, x=left, y=box.y + box.height + 22, class_="stage-note"),
    )


def _hatch() -> Markup:
    return tag(
        "defs",
        tag(
            "pattern",
            tag("rect", width=8, height=8, class_="hatch-ground"),
            tag("path", d="M0 0V8", class_="hatch-line"),
            id="hatch",
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
            patternTransform="rotate(45)",
        ),
    )


def _in_words(journey: Journey) -> str:
    told = []
    for stage in journey.stages:
        if stage.no_data:
            told.append(f"{stage.title}: no data, {stage.no_data}.")
        else:
            told.append(f"{stage.title}: {stage.here:,} customers here at the end, entered {stage.entries:,} times.")
    return " ".join(told)
