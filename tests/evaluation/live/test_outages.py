"""How soon lost sources are back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from adaframe.errors import AdaframeError
from adaframe.evaluation.live import outages
from adaframe.evaluation.live.outages import Seen, as_text, measure
from adaframe.evaluation.live.servers import Kind

SERVER = Path(__file__).parents[2] / "video" / "camera_server.py"


def served(port: int, width: int, height: int) -> list[str]:
    return [sys.executable, str(SERVER), "tcp", str(port), str(width), str(height), "0"]


@pytest.mark.slow
@pytest.mark.parametrize("dozing", [False, True])
def test_a_server_that_is_killed_and_frozen_is_noticed_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, dozing: bool
) -> None:
    monkeypatch.setattr(outages, "_STEADY_S", 0.5)
    monkeypatch.setattr(outages, "_AWAY_S", (1,))
    monkeypatch.setattr(outages, "_OTHER_SIZE", 1)

    kind = Kind("test", "tcp://127.0.0.1:{port}", served)
    seen = measure(kind, restarts=2, freeze_s=2.5, stall_s=1.0, dozing=dozing)

    assert seen.dozed == dozing
    assert len(seen.noticed_s) == len(seen.back_s) == 2
    assert all(0 <= noticed < 1 for noticed in seen.noticed_s)
    assert all(0 < back < 10 for back in seen.back_s)
    assert seen.resized_s == seen.back_s[1:]
    assert 0.9 < seen.frozen_noticed_s < 2.5
    assert seen.frozen_back_s < 10
    assert seen.handles[0] == seen.handles[1]


def test_a_server_that_never_serves_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "_PATIENCE_S", 0.5)
    silent = Kind("silent", "tcp://127.0.0.1:{port}", lambda *_: [sys.executable, "-c", "input()"])

    with pytest.raises(AdaframeError, match="no picture within"):
        measure(silent, restarts=1, freeze_s=0.0)


def test_the_table_gives_medians_and_worst_cases() -> None:
    seen = Seen("TS", [0.1, 0.2, 0.6], [1.0, 2.0, 9.0], [2.0], 5.0, 0.5, [13, 13, 14])

    row = as_text([seen]).splitlines()[-1]

    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == [
        "no",
        "3",
        "0.20 s (0.60 s, n = 3)",
        "2.00 s (9.00 s, n = 3)",
        "2.00 s (2.00 s, n = 1)",
        "5.0 s",
        "0.5 s",
        "13 to 14",
    ]


def test_where_nothing_can_serve_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outages, "kinds", lambda *, still: {})

    assert outages.main([]) == 1

    assert "nothing to serve with is installed" in capsys.readouterr().err
