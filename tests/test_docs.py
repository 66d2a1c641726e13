"""What the documentation points to is there: files, headings, modules, commands and their flags."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "datasets").glob("*.md")])
page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.name if page.parent == ROOT else page.parts[-2] + "/" + page.name
)


def _headings(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _commands(text: str) -> list[list[str]]:
    """Words of each adaframe command, as far as the next pipe, redirection or comment, less what is quoted."""
    text = text.replace("\\\n", " ")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.M | re.S)
    inline = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    lines = [line for block in blocks for line in block.splitlines()] + [" ".join(each.split()) for each in inline]
    commands = re.compile(r"(?:^|[ =;])adaframe ([a-z-]+(?: [^|>#;&]*)?)")
    return [found.split() for line in lines for found in commands.findall(re.sub(r"'[^']*'|\"[^\"]*\"", "", line))]


@cache
def _help(command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "adaframe", command, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, heading = target.partition("#")
        leads_to = page.parent / path if path else page
        assert leads_to.exists(), target
        if heading:
            assert heading in _headings(leads_to.read_text(encoding="utf-8")), target


@page
def test_modules_that_are_run_are_there(page: Path) -> None:
    for module in re.findall(r"python\s+-m\s+(adaframe[\w.]*\w)", page.read_text(encoding="utf-8")):
        assert importlib.util.find_spec(module) is not None, module


@page
def test_commands_take_the_flags_that_are_shown(page: Path) -> None:
    for command, *rest in _commands(page.read_text(encoding="utf-8")):
        if command in {"bench", "classify", "evaluate", "import-arnet", "info", "prepare", "stream", "train"}:
            for flag in (word.split("=")[0].rstrip(",.:)") for word in rest if re.match(r"--[a-z]", word)):
                assert re.search(rf"{re.escape(flag)}(?![\w.-])", _help(command)), f"adaframe {command} has no {flag}"
