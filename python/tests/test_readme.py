"""The README as a new reader uses it: what it shows is what the examples are, and its commands run as typed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import tactful

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [(language, text) for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)]
COMMANDS = [text for language, text in BLOCKS if language == "sh" and "make " not in text]

HEADER = """
playbook: shop
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in}
attributes: {first_name: string}
events: {purchase: {invoice: string}}
channels: {web: text}
placements: {home: {channel: web}}
"""


def block(language: str) -> str:
    (text,) = [text for own, text in BLOCKS if own == language]
    found: str = text
    return found


@pytest.mark.parametrize(
    ("language", "file"),
    [("rust", "core/examples/hello.rs"), ("python", "examples/python/hello.py"), ("c", "examples/c/hello.c")],
)
def test_shows_the_example(language: str, file: str) -> None:
    assert block(language) == (ROOT / file).read_text(encoding="utf-8")


def test_the_playbook_compiles() -> None:
    engine = tactful.Engine.compile({"README.md": HEADER + block("yaml")})
    assert engine.warnings == []


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 3


@pytest.mark.parametrize("command", COMMANDS, ids=["rust", "python", "c"])
def test_the_command_runs_as_typed(command: str) -> None:
    tool = command.split()[0]
    if not (ROOT / tool).exists() and shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run(["bash", "-e", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Thank you." in done.stdout
