"""`evaluate --energy`: a column for each place, called what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adaframe.cli.evaluate import parse
from adaframe.energy import columns, methods
from adaframe.energy.meter import Meter
from adaframe.energy.places import parse_places
from adaframe.energy.result import Energy, amount
from adaframe.errors import UsageError
from adaframe.evaluation.evaluate import evaluate


class Fake:
    """Counters that say 12 joules."""

    def __init__(self) -> None:
        self.names = {"processor": "RAPL"}

    def start(self) -> None: ...

    def stop(self) -> dict[str, float]:
        return {"processor": 12.0}


def test_a_runs_energy_is_shared_among_its_repeats() -> None:
    runs: list[int] = []
    meter = Meter("cpu", counters=Fake())

    energy = methods.measure(lambda: runs.append(1), "cpu", g_per_kwh=481.0, seconds=0.005, meter=meter)

    assert energy is not None
    assert len(runs) > 2
    # The first run, which warms up, is not counted.
    assert energy.joules == pytest.approx(12.0 / (len(runs) - 1))


def test_the_table_and_the_json_have_joules_and_say_that_they_are_estimates(
    render_clip: Callable[..., Path],
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(methods, "SECONDS", 0.01)
    monkeypatch.setattr("adaframe.energy.meter.find_counters", lambda device: None)
    for seed, name in enumerate(("run", "sit", "wave")):
        render_clip(tmp_path / "data" / "test" / name / "clip.mp4", 1.0, seed=seed)

    evaluate(
        checkpoint=str(tiny_checkpoint),
        root=str(tmp_path / "data"),
        baselines=True,
        json_path=str(tmp_path / "numbers.json"),
        device="cpu",
        workers=1,
        energy=parse_places(["machine", "eyeriss-v2"], carbon=100.0),
    )

    table = capsys.readouterr().out
    assert "J/video, this machine (estimate)" in table
    assert "J/video, eyeriss-v2 (estimate)" in table
    assert "busy cores" in table
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    on_paper = {m["name"]: m["energy"][1] for m in numbers["methods"]}
    assert all(one["joules"] > 0 and one["g_per_kwh"] == 100.0 for one in on_paper.values())
    macs = {m["name"]: m["gmacs"] for m in numbers["methods"]}
    dear, cheap = max(macs, key=macs.__getitem__), min(macs, key=macs.__getitem__)
    arithmetic = {name: one["parts"]["arithmetic"] for name, one in on_paper.items()}
    assert arithmetic[dear] / arithmetic[cheap] == pytest.approx(macs[dear] / macs[cheap])
    assert arithmetic[dear] == pytest.approx(macs[dear] * 1e9 * 7.94e-12)


def test_a_cell_says_so_where_its_counters_failed() -> None:
    measured = Energy("this machine", 1.0, "measured", "by RAPL")
    failed = Energy("this machine", 2.0, "estimate", "by busy cores")
    found = columns.places([(measured,), (failed,), ()])

    assert columns.headers(found) == ["J/video, this machine (measured)"]
    assert [columns.cells(energy, found) for energy in ((measured,), (failed,), ())] == [
        ["1 J"],
        ["2 J (estimate)"],
        ["–"],
    ]


def test_without_energy_nothing_is_said_of_it() -> None:
    assert columns.notes([(), ()]) == []
    assert columns.headers(columns.places([(), ()])) == []


@pytest.mark.parametrize(
    ("value", "said"), [(1234.0, "1.23 kJ"), (0.0456, "45.6 mJ"), (1e-6, "1 µJ"), (5e-9, "5 nJ"), (0.0, "0 nJ")]
)
def test_amounts_are_written_as_people_read_them(value: float, said: str) -> None:
    assert amount(value, "J") == said


def parsed(*words: str) -> Any:
    return parse(["--data.root", "clips", *words])


def test_the_words_after_energy() -> None:
    assert parsed().energy is None
    assert parse_places(parsed("--energy").energy).asked == ("machine",)
    assert [h.name for h in parse_places(parsed("--energy", "h100", "phone-npu").energy).hardware] == [
        "h100",
        "phone-npu",
    ]
    assert not parse_places(["h100"]).machine


def test_words_that_mean_nothing() -> None:
    with pytest.raises(UsageError, match=r"--energy moon: .*known: analog-pcm\.yaml.*also: machine, measured"):
        parse_places(["moon"])
    with pytest.raises(UsageError, match="--carbon goes with --energy"):
        parsed("--carbon", "20")
    with pytest.raises(UsageError, match="--carbon must be at least 0"):
        parsed("--energy", "--carbon=-1")
