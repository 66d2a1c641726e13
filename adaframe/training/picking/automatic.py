"""`adaframe train` without a configuration: look at the clips, pick a recipe, and say what was picked and why."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass

import torch

from adaframe.config import Config
from adaframe.data.survey import Survey, survey
from adaframe.inference.recognizer import pick_device
from adaframe.training.feeding.material import learnable
from adaframe.training.picking.recipe import apply, pick
from adaframe.video import ClipRequest


@dataclass(frozen=True)
class Automatic:
    """A configuration for a data set.

    Args:
        config: with what was picked.
        reasons: what and why, for people.
        survey: of the clips.
    """

    config: Config
    reasons: tuple[str, ...]
    survey: Survey


def automatic(config: Config, given: Collection[str]) -> Automatic:
    """Look at the clips, pick a recipe, and say so on stderr.

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
    print(
        f"{seen.clips} clips of {len(seen.count)} classes; picked for them, as there is no --config:", file=sys.stderr
    )
    for reason in recipe.reasons:
        print(f"  {reason}", file=sys.stderr)
    return Automatic(apply(recipe, config, given), recipe.reasons, seen)
