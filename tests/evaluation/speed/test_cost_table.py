"""What models cost on paper, beside what AR-Net's paper and release say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adaframe.bundled import checkpoint_path
from adaframe.cli.configuration import read_config
from adaframe.cli.main import main
from adaframe.config import Config, Glance, Look, Model, Policy, Sampling
from adaframe.errors import UsageError
from adaframe.evaluation.speed.cost_table import Counted, of_checkpoint, of_config, parts, show_costs, usage
from adaframe.evaluation.speed.published import published, released_gflops
from adaframe.model.cost import Costs

# Per frame in GMACs: looks of 4 and 2 with class scores of 0.5 and 0.25, glances of 1 with a policy of 0.5, a head of 0.25.
SMALL = Counted(
    "small",
    Model(
        glance=Glance(8, "tiny-1", "none", answers=True),
        looks=(Look("big", 32, "tiny-4", "none"), Look("little", 16, "tiny-4", "none")),
        policy=Policy(skips=(1, 2)),
        sampling=Sampling(4),
    ),
    Costs(
        glance=1_000_000_000,
        policy=500_000_000,
        looks=(4_000_000_000, 2_000_000_000),
        project=(500_000_000, 250_000_000, 0),
        head=250_000_000,
    ),
    2,
)


@pytest.fixture(scope="module")
def resnets() -> Counted:
    return of_config("resnet", read_config("paper/activitynet-resnet"))


@pytest.fixture(scope="module")
def cases() -> dict[str, Any]:
    folder = Path(os.environ.get("ADAFRAME_TEST_DATA", "")) / "arnet"
    if not os.environ.get("ADAFRAME_TEST_DATA") or not (folder / "small_cases.json").is_file():
        pytest.skip("ADAFRAME_TEST_DATA names no folder with AR-Net's cases")
    found: dict[str, Any] = json.loads((folder / "small_cases.json").read_text())
    return found | {"npz": np.load(folder / "cases.npz")}


def test_looks_cost_within_two_percent_of_what_the_paper_and_the_release_say(resnets: Counted) -> None:
    looks = [part.to_json() for part in parts(resnets)][:3]

    assert [look["published"]["paper"] for look in looks] == [4.11, 2.25, 0.486]
    assert all(abs(off) < 0.02 for look in looks for off in look["difference"].values())
    assert all(set(look["difference"]) == {"paper", "released", "released_now"} for look in looks)


def test_the_glance_is_below_the_published_figure_by_its_norms_alone(resnets: Counted) -> None:
    # thop 0.0.31 counts two operations for each value that a norm puts out: 1.15 million values at 84 pixels.
    glance = parts(resnets)[3]

    assert glance.published is not None
    assert glance.gmacs == pytest.approx(0.0504, abs=1e-4)
    assert glance.gmacs + 2 * 1.154e6 / 1e9 == pytest.approx(glance.published.released, rel=0.005)


def test_efficientnets_are_published_as_if_at_224_pixels() -> None:
    b3, same = published("efficientnet_b3", 224), published("efficientnet_b3-same", 112)

    assert b3 is not None
    assert same is not None
    assert (b3.released, same.released) == (1.80, pytest.approx(0.45))
    assert published("efficientnet_b7", 224) is None
    assert published("resnet50", 160) is None


def test_published_figures_are_those_of_the_release(cases: dict[str, Any]) -> None:
    for name, size in (("resnet50", 224), ("resnet34", 168), ("resnet18", 112)):
        said = published(name, size)
        assert said is not None
        assert said.released == pytest.approx(cases["gflops_2020"][f"{name}{size}"], abs=1e-9)
        assert said.now == pytest.approx(cases["gflops_thop_now"][f"{name}{size}"], abs=1e-9)
    said = published("mobilenet_v2", 84)
    assert said is not None
    assert (said.released, said.now) == (cases["gflops_2020"]["policy"], cases["gflops_thop_now"]["policy"])


@pytest.mark.parametrize("case", ["argmax", "given1"])
def test_a_usage_is_reported_as_the_release_reports_it(case: str, resnets: Counted, cases: dict[str, Any]) -> None:
    executed = cases["npz"][f"{case}/executed"]
    names = ["look-224", "look-168", "look-112", "glance", "skip-1", "skip-2", "skip-4"]
    shares = {name: float((executed == action).mean()) for action, name in enumerate(names)}

    found = usage(resnets, shares)

    expected = cases["losses"][case]
    assert found["released"] / 16 == pytest.approx(expected["gflops_per_frame"], rel=1e-6)
    assert 16 * released_gflops(shares, {}, 1.0, (1, 2, 4)) == pytest.approx(expected["avg_frames"], abs=1e-3)
    assert found["streamed"] == pytest.approx(found["released"], rel=0.02)
    assert found["executed"] > found["streamed"]


def test_a_usage_by_hand() -> None:
    found = usage(SMALL, {"big": 0.25, "glance": 0.25, "skip-2": 0.5})

    # Four frames: a glance and the policy on each, one big look, and the head; in a stream the skip's two share a glance.
    assert found["executed"] == pytest.approx(4 * 1.5 + 4.5 + 0.25)
    assert found["streamed"] == pytest.approx(3 * 1.5 + 4.5 + 0.25)
    assert found["of_uniform"] == pytest.approx((4 * 1.5 + 4.5 + 0.25) / (4 * 4.5 + 0.25))
    assert "released" not in found  # nothing is published of these networks


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"large": 1.0}, "no action 'large'; it has: big, little, glance, skip-1, skip-2"),
        ({"big": 0.5}, "add up to 1; these to 0.5"),
        ({"big": 1.5, "glance": -0.5}, "add up to 1"),
    ],
)
def test_a_usage_that_cannot_be_is_refused(shares: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        usage(SMALL, shares)


def test_tables_and_numbers_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_costs([SMALL], {"big": 0.5, "glance": 0.5}, json_path=tmp_path / "c.json")

    out = capsys.readouterr().out
    (written,) = json.loads((tmp_path / "c.json").read_text())["models"]
    assert [(part["name"], part["gmacs"]) for part in written["parts"]] == [
        ("big", 4.5),
        ("little", 2.25),
        ("glance", 1.0),
        ("policy", 0.5),
    ]
    assert f"{written['usage']['executed']:.2f} GMACs executed" in out
    assert "4.5000" in out


def test_a_checkpoint_is_as_it_was_counted() -> None:
    example = of_checkpoint(checkpoint_path("example.safetensors"))

    assert [part.name for part in parts(example)] == ["look-160", "look-96", "glance", "policy"]
    assert usage(example, {"look-160": 1.0})["of_uniform"] > 1  # the glances come on top


def test_the_command_line_shows_a_configuration_s_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--costs", "--config", "demo", "--usage", "look-112=0.25", "skip-4=0.75"]

    assert main([*words, "--json", str(tmp_path / "c.json")]) == 0

    assert "look-112 25 %, skip-4 75 %" in capsys.readouterr().out
    assert main(["bench", "--usage", "look-112=1"]) == 2
    assert "--usage needs --costs" in capsys.readouterr().err
    assert main([*words[:-1], "skip"]) == 2


def test_a_configuration_is_counted_without_its_weights() -> None:
    config = Config(model=Model(looks=(Look("look-32", 32, "tiny-2", "none"),)))

    assert of_config("x", config).costs.looks[0] > 0
