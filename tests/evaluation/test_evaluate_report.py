"""The report of an evaluation holds all that was found, and how to find it again."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from adaframe.cli.main import main

Run = tuple[dict[str, Any], Path]  # the JSON and the report's folder, see conftest.py


def test_the_report_is_written_and_its_command_repeats_it(run: Run, tmp_path: Path) -> None:
    numbers, folder = run

    names = {path.name for path in folder.iterdir()}
    assert {"accuracy-cost.png", "report.html", "report.json", "report.md"} <= names
    with Image.open(folder / "accuracy-cost.png") as image:
        image.load()
    text = (folder / "report.md").read_text()
    assert all(one["name"] in text for one in numbers["methods"])
    command = next(line for line in text.splitlines() if line.startswith("adaframe evaluate "))
    assert main([*shlex.split(command)[1:], "--json", str(tmp_path / "again.json"), "--device", "cpu"]) == 0
    again = json.loads((tmp_path / "again.json").read_text())
    for one in [*numbers["methods"], *again["methods"]]:
        del one["model_ms"]
    assert again == numbers


def test_the_page_has_everything_in_it(run: Run, tiny_checkpoint: Path) -> None:
    folder = run[1]
    page = (folder / "report.html").read_text()
    made = json.loads((folder / "report.json").read_text())["made"]

    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "Methods",
        "Paired differences",
        "Accuracy and cost",
        "What was done with the frames",
        "As public data sets are scored",
        "Class by class",
        "Where they disagree",
        "Limits",
        "How this was made",
        "The command",
    ]
    strips = sorted(path.name for path in (folder / "strips").iterdir())
    assert strips  # these two do disagree
    assert page.count('src="data:image/') == 1 + len(strips)
    assert not re.search(r"(src|href)=.?(https?:|//|file:)", page)
    assert made["models"][0]["sha256"] == hashlib.sha256(tiny_checkpoint.read_bytes()).hexdigest()
    assert made["models"][0]["sha256"] in page
    assert (made["split"], made["clips"], made["left_out"], made["grouped"]) == ("test", 10, 0, False)
    assert made["versions"]["torch"] == torch.__version__.partition("+")[0]


def test_a_strip_shows_a_clip_over_which_they_disagree(run: Run, data: Path) -> None:
    text = (run[1] / "report.md").read_text().split("## Where they disagree")[1].split("## Limits")[0]

    right, wrong = text.split("### ")[1:]
    shown = re.findall(
        r"\*\*(clip-\d).mp4\*\* is (\w+). adaptive at 0.2: (\w+) \(\d+ %\); .*: (\w+) \(\d+ %\)\.", right
    )
    shown_wrong = re.findall(
        r"\*\*(clip-\d).mp4\*\* is (\w+). adaptive at 0.2: (\w+) \(\d+ %\); .*: (\w+) \(\d+ %\)\.", wrong
    )
    assert len(shown) + len(shown_wrong) == text.count("![film strip") > 0
    assert all(is_ == adaptive != static for _, is_, adaptive, static in shown)
    assert all(is_ == static != adaptive for _, is_, adaptive, static in shown_wrong)
    assert all((data / "test" / is_ / f"{name}.mp4").exists() for name, is_, *_ in shown + shown_wrong)
