"""A replay as one HTML file that needs nothing else: no network, no scripts, no fonts of its own."""

from __future__ import annotations

import os
from pathlib import Path

from .data import ReportData
from .page import page

__all__ = ["ReportData", "page", "write"]


def write(data: ReportData, path: str | os.PathLike[str]) -> Path:
    """Writes the report and says where; the folder is made when it is missing."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(data), encoding="utf-8")
    return target
