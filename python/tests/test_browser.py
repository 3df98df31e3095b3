"""The report in a real browser: it lays out, fits narrow screens, and asks nobody for anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import fake
from tactful.report import write
from tactful.report.adapt import exemplars, from_replay

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: make deps installs it on Debian")


@pytest.mark.parametrize("size", ["1280,2000", "500,2000"])
def test_a_picture_of_the_report_is_not_empty(size: str, tmp_path: Path) -> None:
    replay = fake.Replay()
    report = write(from_replay(fake.PLAYBOOK, replay, names=exemplars(replay), period=(fake.FIRST, fake.LAST)), tmp_path / "report.html")
    picture = tmp_path / "report.png"
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}",
    ]  # fmt: skip
    done = subprocess.run(
        [str(CHROMIUM), *flags, f"--window-size={size}", f"--screenshot={picture}", report.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in done.stderr, "the page complained"
    # A blank picture of this size has a few kilobytes.
    assert picture.stat().st_size > 50_000
