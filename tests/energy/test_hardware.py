"""Hardware cost models, and joules from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adaframe.energy.estimate import estimate
from adaframe.energy.hardware import HardwareModel, load_hardware
from adaframe.energy.work import Work
from adaframe.errors import UsageError

CHIP = HardwareModel(
    name="chip",
    precision="fp16",
    pj_per_mac=2.0,
    pj_per_byte_dram=100.0,
    pj_per_byte_chip=1.0,
    idle_watts=0.5,
    macs_per_s=1e12,
    sources=("made up",),
)
WORK = Work(macs=1e12, weights=1e9, activations=5e8)


def test_joules_by_hand() -> None:
    energy = estimate(CHIP, WORK, g_per_kwh=360.0)

    # 1e12 MACs at 2 pJ; 2e9 bytes of weights at 100 pJ; 1e9 bytes of activations written and read at 1 pJ; 0.5 W for 1 s.
    assert energy.parts == pytest.approx({"arithmetic": 2.0, "weights": 0.2, "activations": 0.002, "idle": 0.5})
    assert energy.joules == pytest.approx(2.702)
    # 3.6e6 J are a kWh.
    assert energy.gco2e == pytest.approx(2.702 / 3.6e6 * 360)
    assert energy.kind == "estimate"


def test_idle_power_is_taken_until_the_next_video_where_that_is_said() -> None:
    assert estimate(CHIP, WORK, seconds=4.0).parts["idle"] == pytest.approx(2.0)


def test_weights_that_lie_where_they_are_multiplied_are_not_moved() -> None:
    assert estimate(replace(CHIP, holds_weights=True), WORK).parts["weights"] == 0


def test_eight_bits_move_half_the_bytes_of_sixteen() -> None:
    half = estimate(replace(CHIP, precision="int8"), WORK).parts["weights"]

    assert half == pytest.approx(estimate(CHIP, WORK).parts["weights"] / 2)


@pytest.mark.parametrize(
    "name", ["analog-pcm", "asic-45nm", "eyeriss-v2", "h100", "phone-npu", "photonic", "server-cpu"]
)
def test_what_comes_with_adaframe_says_where_its_numbers_are_from(name: str) -> None:
    model = load_hardware(name)

    assert model.name == name
    assert all(len(source) > 20 for source in model.sources)


def test_makers_figures_come_back_from_the_derived_ones() -> None:
    # Operations a second and watt: two for each multiply-add.
    assert 2 / load_hardware("phone-npu").pj_per_mac == pytest.approx(13.6, rel=0.01)
    assert 2 / load_hardware("analog-pcm").pj_per_mac == pytest.approx(2.48, rel=0.01)
    assert 1e12 / load_hardware("eyeriss-v2").pj_per_mac / 49.2e6 == pytest.approx(2560.3, rel=0.01)
    for name, watts in (("h100", 700), ("photonic", 79.6), ("server-cpu", 280)):
        model = load_hardware(name)
        assert model.pj_per_mac * 1e-12 * model.macs_per_s == pytest.approx(watts, rel=0.01)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nprecision: int8\npj_per_mac: 3\nsources: [measured at the bench]\n")

    assert load_hardware(str(path)).pj_per_mac == 3.0


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no bundled file .*eyeriss-v2\.yaml, h100\.yaml"):
        load_hardware("eyeris")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pj_per_mac: -1\nsources: [a]", "pj_per_mac must be a number of at least 0, not -1"),
        ("pj_per_mac: 1\nsources: []", "sources must say where its numbers are from"),
        ("pj_per_mac: 1\nsources: [a]\nidle_watts: 2", "idle_watts needs macs_per_s"),
        ("pj_per_mac: 1", "the key 'sources' is missing"),
        ("pj_per_mac: 1\nsources: [a]\nwatts: 2", "unknown key 'watts'"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"name: mine\nprecision: int8\n{text}\n")

    with pytest.raises(UsageError, match=said):
        load_hardware(str(path))
