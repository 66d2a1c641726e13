"""How long a training will take, roughly, before it begins: measured on a few random pictures."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from adaframe.config import Config
from adaframe.model.network import Clips, Network

# Of an update on frozen features with 16 clips: so many small steps of the policy that nothing else matters (2 slow cores).
UPDATE_S = 0.15
BACKWARD = 2.0  # a backward pass takes about twice as long as a forward pass, and about half of the looks are made


@dataclass(frozen=True)
class Estimate:
    """Seconds of each part."""

    decoding: float
    features: float
    epochs: float

    def __str__(self) -> str:
        total = self.decoding + self.features + self.epochs
        parts = (("decoding", self.decoding), ("features", self.features), ("training", self.epochs))
        shown = ", ".join(f"{name} {_minutes(seconds)}" for name, seconds in parts if seconds > 0)
        return f"will take roughly {_minutes(total)} min ({shown}), if nothing else runs here"


def estimate(config: Config, network: Network, *, clips: int, decode_s: float, workers: int) -> Estimate:
    """Estimate a training with a cache of decoded frames.

    Args:
        config: of the run.
        network: adaptive, where it will run.
        clips: how many are learnt from.
        decode_s: seconds in which one process reads a clip's T frames.
        workers: decoding processes.
    """
    stages = config.train.stages
    epochs = stages.warmup + stages.joint + stages.finetune
    clip_s = _clip_s(network)
    frozen = config.train.trainable == "none"
    copies = 2 * (2 if config.data.flip else 1)  # candidates of each sampled frame, and mirrored
    features = clips * clip_s * copies if frozen else 0.0
    update_s = UPDATE_S * config.train.batch_size / 16
    each = clips / config.train.batch_size * update_s if frozen else clips * clip_s * (1 + BACKWARD) / 2
    return Estimate(2 * decode_s * clips / workers, features, epochs * each)


@torch.inference_mode()
def _clip_s(network: Network) -> float:
    """Seconds for all features of one clip, the fastest of four tries."""
    network.eval()
    model, device = network.model, next(network.parameters()).device
    frames, crop = model.sampling.frames, model.preprocess.crop
    crops = torch.randint(0, 256, (1, frames, crop, crop, 3), dtype=torch.uint8, device=device)
    valid = torch.ones(1, frames, dtype=torch.bool, device=device)
    clips = Clips(crops, valid, torch.zeros(1, frames, device=device))
    taken = []
    for _ in range(4):
        started = time.perf_counter()
        network.all_features(clips)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - started)
    return min(taken)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f}" if seconds >= 90 else f"{max(seconds / 60, 0.1):.1f}"
