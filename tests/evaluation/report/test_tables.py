"""Tables say the same in Markdown, in plain text and in JSON."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adaframe.energy.result import Energy
from adaframe.errors import UsageError
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.report.blocks import Table, markdown
from adaframe.evaluation.report.tables import comparison_blocks, markdown_table, text_table


def method(name: str, wrong: int, gmacs: float, classes: int = 2, note: str = "") -> Results:
    """20 videos in 10 groups; the first `wrong` are answered wrongly. Uniform costs 4 GMACs a video."""
    targets = np.eye(classes, dtype=bool)[np.arange(20) % classes]
    scores = np.where(targets, 0.8, 0.1)
    scores[:wrong] = scores[:wrong, ::-1] * np.where(targets[:wrong], 0.1, 1.0)
    groups = tuple(f"film-{i // 2}" for i in range(20))
    actions = {"look-160": gmacs / 4, "skip": 1 - gmacs / 4}
    return Results(name, scores, targets, np.full(20, gmacs), 4.0, 12.34 if wrong else None, groups, actions, note)


METHODS = [method("adaptive", 2, 1.0), method("uniform", 0, 4.0), method("static:look-160|4", 5, 1.0, note="by halves")]


def test_the_markdown_table_has_a_line_per_method_with_its_numbers() -> None:
    header, _, adaptive, uniform, static, _, note = markdown_table(METHODS, "uniform").strip().split("\n")

    assert "accuracy vs uniform" in header
    assert "mAP" not in header
    assert adaptive.startswith("| adaptive | 90.0 [")
    assert "| 1.00 | 25.0 % | 12.3 | -10.0 [" in adaptive
    assert adaptive.endswith("look-160 25 %, skip 75 % |")
    assert uniform.startswith("| uniform | 100.0 [100.0, 100.0] | 4.00 | 100.0 % | – | – |")
    assert static.startswith("| static:look-160\\|4 | 75.0 [")
    assert note == "- by halves: static:look-160|4"


def test_more_than_two_classes_add_map() -> None:
    table = markdown_table([method("adaptive", 2, 1.0, classes=3), method("uniform", 0, 4.0, classes=3)], "uniform")

    assert "| mAP % |" in table.split("\n")[0]
    assert "| uniform | 100.0 [100.0, 100.0] | 100.0 [100.0, 100.0] |" in table


def test_the_text_table_is_aligned() -> None:
    header, rule, *lines = text_table(METHODS, "uniform").rstrip("\n").split("\n")

    for line in lines[:3]:
        assert line[header.index("GMACs") + 4] in "0123456789"  # right-aligned under its heading
    assert set(rule) == {"-", " "}
    assert lines[3] == "by halves: static:look-160|4"


def test_where_there_is_no_interval_a_table_says_so() -> None:
    alone = replace(METHODS[0], name="uniform", groups=("film",) * 20)

    assert "90.0 [?]" in markdown_table([alone], "uniform")


def test_an_unknown_reference_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no method 'unifrom'.*try one of: adaptive, uniform, static"):
        markdown_table(METHODS, "unifrom")


def test_two_narrower_tables_say_what_the_wide_one_says() -> None:
    table, scope, notes, _, _, differences = comparison_blocks(METHODS, "uniform")

    assert isinstance(table, Table)
    assert isinstance(differences, Table)
    wide = markdown_table(METHODS, "uniform").splitlines()
    for line, method_row, difference_row in zip(wide[2:5], table.rows, differences.rows, strict=True):
        cells = [cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")]
        assert cells[1:5] == list(method_row[1:])
        assert cells[5] == difference_row[1]
    assert table.main == differences.main == {0}
    assert "20 videos in 10 groups, 2 classes" in markdown(scope)
    assert markdown(notes) == "- **by halves**: static:look-160\\|4"
    # The last column is seen from the other side: the first method minus the one of the line.
    assert differences.rows[1][3].startswith("-10.0 [")
    assert differences.rows[2][3].startswith("+15.0 [")


def test_energy_is_a_table_of_its_own_that_says_what_is_estimated() -> None:
    joules = (Energy("this machine", 2.0, "measured", "by RAPL"), Energy("chip", 1e-3, "estimate", "on paper"))
    methods = [replace(one, energy=joules) for one in METHODS]

    *_, heading, table, notes = comparison_blocks(methods, "uniform")

    assert isinstance(table, Table)
    assert markdown(heading) == "## Energy"
    assert table.header == ("method", "J/video, this machine (measured)", "J/video, chip (estimate)")
    assert table.rows[0] == ("adaptive", "2 J", "1 mJ")
    assert "chip: an estimate, on paper" in markdown(notes)
    plain = text_table(methods, "uniform")
    assert plain.startswith(text_table(METHODS, "uniform"))
    assert "this machine: measured, by RAPL" in plain
