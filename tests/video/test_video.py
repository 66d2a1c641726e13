from __future__ import annotations

import subprocess
import sys

import adaframe.video


def test_the_public_names_exist() -> None:
    for name in adaframe.video.__all__:
        assert getattr(adaframe.video, name) is not None


def test_the_package_imports_no_decoder_before_it_is_used_and_torch_never() -> None:
    heavy = "{'torch', 'cv2', 'decord', 'pytorch_lightning', 'torchvision'}"
    code = f"""
import sys, adaframe.video
assert not {{'numpy', 'av', 'PIL'}} & set(sys.modules)
from adaframe.video import *
assert 'av' in sys.modules
assert not {heavy} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
