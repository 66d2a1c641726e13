"""A report is one content in two shapes, and is written whole."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from adaframe.errors import AdaframeError
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.blocks import Heading, Picture, Text
from adaframe.evaluation.report.folder import write_report


def method(name: str, wrong: int, gmacs: float, note: str = "") -> Results:
    """20 videos in 10 groups; the first `wrong` are answered wrongly. Uniform costs 4 GMACs a video."""
    targets = np.eye(2, dtype=bool)[np.arange(20) % 2]
    scores = np.where(targets, 0.8, 0.2)
    scores[:wrong] = scores[:wrong, ::-1]
    groups = tuple(f"film-{i // 2}" for i in range(20))
    actions = {"look-160": gmacs / 4, "skip-2": 1 - gmacs / 4}
    return Results(name, scores, targets, np.full(20, gmacs), 4.0, 12.34 * gmacs, groups, actions, note)


METHODS = [method("adaptive", 2, 1.0), method("uniform", 0, 4.0), method("static:look-160|4", 5, 1.0, note="by halves")]


def written(folder: Path, **options: object) -> Path:
    write_report(folder, METHODS, title="Fights", command="adaframe evaluate x", reference="uniform", **options)  # type: ignore[arg-type]
    return folder


def test_a_report_is_complete(tmp_path: Path) -> None:
    folder = written(tmp_path / "runs" / "report", extra=[Heading("More"), Text(("or less",))], facts={"made": 1})

    names = ["accuracy-cost.png", "report.html", "report.json", "report.md"]
    assert sorted(path.name for path in folder.iterdir()) == names
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Fights\n\n**Adaptivity and a static plan cannot be told apart on these data**: ")
    assert "![accuracy against executed compute" in text
    assert "](accuracy-cost.png)" in text
    assert "\n## More\n\nor less\n" in text
    assert text.endswith("```\nadaframe evaluate x\n```\n")
    facts = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert facts["sentence"] in text.replace("**", "").replace("\\", "").replace("\n\n- ", " ").replace("\n- ", " ")
    assert (facts["title"], facts["command"], facts["made"]) == ("Fights", "adaframe evaluate x", 1)
    assert (folder / "accuracy-cost.png").read_bytes().startswith(b"\x89PNG")


def test_both_shapes_tell_the_same_numbers_and_sections(tmp_path: Path) -> None:
    folder = written(tmp_path)

    markdown = (folder / "report.md").read_text(encoding="utf-8")
    page = (folder / "report.html").read_text(encoding="utf-8").split("<main>")[1]
    page = re.sub(r"<legend>.*?</legend>|<title>.*?</title>", "", page)
    words = unescape(re.sub(r"<[^>]*>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")
    number = r"[+-]?\d+\.\d+"
    assert re.findall(number, markdown) == re.findall(number, words)
    assert len(re.findall(number, markdown)) > 40
    headings = re.findall(r"^##+ (.*)$", markdown, re.MULTILINE)
    assert headings == re.findall(r"<h[23]>(.*?)</h", page)
    assert headings[:4] == ["Methods", "Paired differences", "Accuracy and cost", "What was done with the frames"]


def test_names_that_are_no_text_can_be_written(tmp_path: Path) -> None:
    folder = written(tmp_path, extra=[Text(("clip-\udc80.mp4",))], facts={"path": "\udc80"})

    assert "clip-\\udc80.mp4" in (folder / "report.html").read_text(encoding="utf-8")
    assert "clip-\\udc80.mp4" in (folder / "report.md").read_text(encoding="utf-8")
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["path"] == "\udc80"


def test_a_report_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()

    with pytest.raises(AdaframeError, match=r"report\.json: cannot be written"):
        written(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_figure_that_cannot_be_drawn_leaves_what_was_there(tmp_path: Path) -> None:
    written(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(path: Path) -> None:
        raise ValueError("no such colour")

    with pytest.raises(ValueError, match="no such colour"):
        written(tmp_path, extra=[Picture("strips/a.png", fail, "a strip")])

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
