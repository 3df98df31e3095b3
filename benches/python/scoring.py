"""How good predicted probabilities are. Plain Python, so that tests can run it anywhere."""

import math
from collections.abc import Sequence

#: No probability counts as less than this in a log-loss, whoever predicted it.
FLOOR = 1e-4


def log_loss(predicted: Sequence[dict[str, float]], truth: Sequence[str]) -> float:
    """The mean of ``-ln p`` of what really came next, with ``p`` at least :data:`FLOOR`."""
    return -sum(math.log(max(chances.get(came, 0.0), FLOOR)) for chances, came in zip(predicted, truth)) / len(truth)


def brier(predicted: Sequence[dict[str, float]], truth: Sequence[str]) -> float:
    """The mean squared distance to what really came next, over all classes (Brier 1950): from 0 to 2."""
    total = 0.0
    for chances, came in zip(predicted, truth):
        total += sum(p * p for what, p in chances.items() if what != came) + (1.0 - chances.get(came, 0.0)) ** 2
    return total / len(truth)


def top(predicted: Sequence[dict[str, float]], truth: Sequence[str], count: int) -> float:
    """How often what really came next was among the ``count`` likeliest."""
    hits = 0
    for chances, came in zip(predicted, truth):
        likeliest = sorted(chances, key=lambda what: (-chances[what], what))[:count]
        hits += came in likeliest
    return hits / len(truth)


def calibration(chances: Sequence[float], came: Sequence[bool], bins: int = 10) -> list[tuple[float, float, int]]:
    """For each tenth of the range from 0 to 1: the mean probability, the share that came true, and how many there were."""
    rows = []
    for place in range(bins):
        inside = [(p, c) for p, c in zip(chances, came) if min(int(p * bins), bins - 1) == place]
        if inside:
            rows.append((sum(p for p, _ in inside) / len(inside), sum(c for _, c in inside) / len(inside), len(inside)))
    return rows


def calibration_error(rows: Sequence[tuple[float, float, int]]) -> float:
    """The mean distance between probability and share, each row weighted by its number."""
    count = sum(n for *_, n in rows)
    return sum(n * abs(p - share) for p, share, n in rows) / count


def calibration_of_likeliest(predicted: Sequence[dict[str, float]], truth: Sequence[str]) -> list[tuple[float, float, int]]:
    """The calibration of the probability of the likeliest."""
    best = [max(chances, key=lambda what: (chances[what], what)) for chances in predicted]
    return calibration([p[b] for p, b in zip(predicted, best)], [b == came for b, came in zip(best, truth)])
