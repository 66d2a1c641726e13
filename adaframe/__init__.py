"""adaframe recognises what happens in a video without computing most of it.

    import adaframe
    model = adaframe.load()                      # or adaframe.load("model.safetensors")
    prediction = model.classify("video.mp4")     # .label .confidence .top .decisions .gmacs .gmacs_uniform .logits

Names are loaded when they are first used, so that `import adaframe.video` does not bring torch along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adaframe.inference.prediction import Prediction
    from adaframe.inference.recognizer import Recognizer, load

__version__ = "0.1.0"
__all__ = ["Prediction", "Recognizer", "__version__", "load"]

_HOMES = {"load": "recognizer", "Recognizer": "recognizer", "Prediction": "prediction"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'adaframe' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"adaframe.inference.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
