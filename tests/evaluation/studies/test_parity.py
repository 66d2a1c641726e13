"""An imported model's outputs are held beside the original's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import adaframe
from adaframe.errors import DataError
from adaframe.evaluation.studies.parity import as_text, compare, given_decisions, main, measure
from adaframe.importing.arnet import import_arnet
from adaframe.inference.recognizer import Recognizer
from tests.importing.test_arnet import CLASSES, release, small_release, write


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small original with one network beside the policy's, imported; its frames and cases beside it."""
    folder = tmp_path_factory.mktemp("parity")
    features, state = small_release(["resnet18"])
    frames = release.coloured_frames(2, 5, torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = release.forward(features, state, frames, pixels=(112, 84))
    import_arnet(write(folder / "a.pth.tar", state), CLASSES, folder / "a.safetensors", pixels=(112, 84))
    cases = {"executed": expected.executed.numpy(), "video_logits": expected.scores.numpy()}
    np.savez(folder / "cases.npz", **{f"{case}/{k}": v for case in ("argmax", "again") for k, v in cases.items()})
    np.save(folder / "frames.npy", frames.numpy())
    return folder


def loaded(folder: Path) -> tuple[Recognizer, Any, dict[str, Any]]:
    model = adaframe.load(folder / "a.safetensors", device="cpu")
    return model, np.load(folder / "frames.npy"), dict(np.load(folder / "cases.npz"))


@pytest.mark.slow
def test_an_imported_model_differs_by_rounding_from_its_original(imported: Path) -> None:
    found = {(d.case, d.output): d for d in compare(*loaded(imported))}

    assert list(found) == [
        ("argmax", "executed"),
        ("argmax", "video_logits"),
        ("argmax", "video_logits (dense)"),
        ("again", "video_logits"),
    ]
    assert found["argmax", "executed"].largest == 0
    scale = max(1.0, found["argmax", "video_logits"].size)
    assert all(d.largest < 1e-4 * scale for d in found.values())


@pytest.mark.slow
def test_what_differs_is_told(imported: Path) -> None:
    model, frames, cases = loaded(imported)
    cases["argmax/executed"][0, 0] = (cases["argmax/executed"][0, 0] + 1) % 5
    cases["argmax/video_logits"][1, 2] += 0.5

    found = {(d.case, d.output): d for d in compare(model, frames, cases)}

    assert found["argmax", "executed"].largest == 1
    assert found["argmax", "video_logits"].largest == pytest.approx(0.5, abs=1e-2)
    with pytest.raises(DataError, match="do not fit the frames"):
        compare(model, frames[:1], cases)


@pytest.mark.slow
def test_its_seconds_stand_beside_uniform(imported: Path) -> None:
    model, frames, _ = loaded(imported)

    timings = measure(model.network, frames, 0.4, 1)
    text = as_text([], timings)

    assert set(timings) == {1, 2}
    assert [t.name for t in timings[1]] == ["uniform", "as it decides", "a mix at 0.4", "all networks on all frames"]
    assert all(seconds > 0 for methods in timings.values() for t in methods for seconds in t.seconds)
    assert "2 at once" in text


def test_frames_that_a_skip_covers_are_not_decided(imported: Path) -> None:
    network = loaded(imported)[0].network
    skip2 = list(network.actions.covers).index(2)

    given = given_decisions(network, np.array([[0, skip2, skip2, 0]]), torch.ones(1, 4, dtype=torch.bool))

    assert given.decided.tolist() == [[True, True, False, True]]


def test_a_file_that_is_no_cases_is_told_in_a_line(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(imported / "a.safetensors"), "--frames", str(imported / "frames.npy"), "--cases", "nowhere.npz"]

    assert main(words) == 1

    assert "the cases cannot be read" in capsys.readouterr().err
