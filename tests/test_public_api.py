"""The names that users may rely on, and that they cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import adaframe

NAMES = ["Prediction", "Recognizer", "__version__", "load"]


def test_the_public_names_are_these() -> None:
    assert sorted(adaframe.__all__) == NAMES
    assert all(getattr(adaframe, name) is not None for name in NAMES)
    assert set(NAMES) <= set(dir(adaframe))


def test_they_are_the_ones_of_the_recogniser() -> None:
    from adaframe.inference import recognizer

    assert adaframe.load is recognizer.load
    assert adaframe.Recognizer is recognizer.Recognizer
    assert adaframe.Prediction.__name__ == "Prediction"


def test_the_version_is_one_of_numbers() -> None:
    assert all(part.isdecimal() for part in adaframe.__version__.split(".")[:2])


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="laod"):
        adaframe.laod  # noqa: B018


def test_importing_adaframe_imports_nothing_heavy() -> None:
    code = "import adaframe, sys; print({'torch', 'torchvision', 'numpy', 'av', 'cv2'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
