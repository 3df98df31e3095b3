"""The examples of the guide run, and print what stands below them."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "python.md"


def examples() -> list[tuple[str, str | None, int]]:
    """Python blocks with the text block that follows, if one does, and their lines."""
    page = GUIDE.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```\n(?:\n?```text\n(.*?)^```\n)?", page, re.DOTALL | re.MULTILINE)
    return [(match[1], match[2], page[: match.start()].count("\n") + 2) for match in found]


def test_the_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("polars")
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "guide"}
    blocks = examples()
    assert len(blocks) >= 8 and sum(text is not None for _, text, _ in blocks) >= 6
    for code, expected, line in blocks:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * (line - 1) + code, str(GUIDE), "exec"), names)
        if expected is not None:
            assert out.getvalue() == expected, f"{GUIDE}:{line}"
