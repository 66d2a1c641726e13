"""`adaframe train` without a configuration: look at the clips, pick a recipe, and say what was picked and why."""

from __future__ import annotations

import sys
from collections.abc import Collection

import torch

from adaframe.config import Config
from adaframe.inference.recognizer import pick_device
from adaframe.training.material import learnable
from adaframe.training.recipe import apply, pick
from adaframe.training.survey import survey
from adaframe.video import ClipRequest


def automatic(config: Config, given: Collection[str]) -> tuple[Config, tuple[str, ...]]:
    """The configuration for a data set, and the reasons for what was picked.

    Args:
        config: with the user's values and defaults for the others.
        given: keys that the user gave, which stay as they are.

    Raises:
        AdaframeError: the data set is wrong, none of the clips tried can be read, or the device is not there.
    """
    device = pick_device(config.device)
    clips = learnable(config).clips
    model = config.model
    request = ClipRequest(
        path="",
        sampling=model.sampling,
        preprocess=model.preprocess,
        max_windows=1,
        reader=config.data.reader,
        crop=False,
    )
    seen = survey(clips, request, workers=config.data.workers, seed=config.seed)
    memory = torch.cuda.get_device_properties(device).total_memory / 2**30 if device.type == "cuda" else 0.0
    recipe = pick(seen, cuda_gb=memory)
    reasons = (
        f"{seen.clips} clips of {len(seen.count)} classes; picked for them, as there is no --config:",
        *recipe.reasons,
    )
    for reason in reasons:
        print(f"  {reason}" if reason is not reasons[0] else reason, file=sys.stderr)
    return apply(recipe, config, given), recipe.reasons
