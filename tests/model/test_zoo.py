"""torchvision's models without torch's compiler."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import torch
from adaframe.model.zoo import models

zoo = models()
print("torch._dynamo" in sys.modules)
assert zoo.get_model("mobilenet_v2", weights=None)

import torch._dynamo
import torchvision.ops

box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
print(torch._dynamo.__file__ is not None, tuple(torchvision.ops.roi_align(torch.rand(1, 1, 8, 8), [box], 2).shape))
"""


def test_the_models_come_without_the_compiler_and_the_compiler_comes_when_it_is_wanted() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["False", "True (1, 1, 2, 2)"]
