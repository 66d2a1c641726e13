"""Tiny networks and clips for the tests of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adaframe.config import Glance, Head, Look, Model, Policy, Preprocess, Sampling
from adaframe.model.actions import Actions, Decisions
from adaframe.model.network import Clips, Network
from adaframe.model.policy import Choice

TINY = Model(
    glance=Glance(pixels=8, backbone="tiny-2", weights="none", answers=True),
    looks=(Look("look-32", 32, "tiny-2", "none"), Look("look-16", 16, "tiny-2", "none")),
    policy=Policy(project=6, hidden=6, skips=(1, 2, 4)),
    head=Head(width=8, dropout=0.5),
    sampling=Sampling(frames=8, window_s=2.0),
    preprocess=Preprocess(resize=32, crop=32),
)


def random_clips(*, videos: int = 4, frames: int = 8, lengths: list[int] | None = None, seed: int = 0) -> Clips:
    generator = torch.Generator().manual_seed(seed)
    # Coarse patches of colour, so that small looks differ from frame to frame too.
    patches = torch.randint(0, 256, (videos, frames, 4, 4, 3), generator=generator, dtype=torch.uint8)
    crops = patches.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    valid = torch.arange(frames) < torch.tensor([frames] * videos if lengths is None else lengths)[:, None]
    # Uneven times: a head that ignored the gaps would be found out.
    steps_s = 0.1 + 0.3 * torch.rand(videos, frames, generator=generator)
    return Clips(crops, valid, steps_s.cumsum(dim=1))


@pytest.fixture
def tiny() -> Model:
    """Looks at 32 and 16 pixels, glances at 8 pixels that may answer, skips of 1, 2 and 4 frames."""
    return TINY


@pytest.fixture
def make_network() -> Callable[..., Network]:
    """Builds a network in eval mode whose parts all matter: norms and gains away from their start, a policy with opinions.

    With an `opinion` near 0 it is the noise that chooses, where there is noise.
    """

    def make(
        model: Model = TINY, *, seed: int = 0, answers: bool = True, opinion: float = 5.0, **options: object
    ) -> Network:
        torch.manual_seed(seed)
        model = replace(model, glance=replace(model.glance, answers=answers))
        network = Network(model, **{"classes": 3, **options})  # type: ignore[arg-type]
        with torch.no_grad():
            # Statistics as after training, so that features differ from frame to frame.
            for module in network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.momentum = 1.0
                    module.bias.uniform_(-1, 1)
            network.all_features(random_clips(videos=8, frames=8))
            if network.policy is not None:
                network.policy.cell.weight_ih.normal_(0, 2)
                network.policy.logits.weight.normal_(0, opinion)
            if network.head.gap is not None:
                network.head.gap.normal_(0, 0.5)
            if network.head.level is not None:
                network.head.level.normal_(0, 0.5)
                network.head.classify.weight.normal_()
        return network.eval()

    return make


@pytest.fixture
def make_clips() -> Callable[..., Clips]:
    """Clips of random pictures; `lengths` are their numbers of valid frames."""
    return random_clips


@pytest.fixture
def make_decisions() -> Callable[..., Decisions]:
    """Decisions from names per frame, "look-32 skip-2 skip-2 glance" for each video; what a shorter one lacks is invalid."""

    def make(actions: Actions, *videos: str) -> Decisions:
        frames = max(len(video.split()) for video in videos)
        chosen = torch.zeros(len(videos), frames, dtype=torch.long)
        decided, valid = torch.zeros(len(videos), frames, dtype=torch.bool), torch.zeros(len(videos), frames).bool()
        for b, video in enumerate(videos):
            covered = 0
            for t, name in enumerate(video.split()):
                chosen[b, t] = actions.names.index(name)
                valid[b, t] = True
                decided[b, t] = covered == 0
                covered = covered - 1 if covered else actions.covers[actions.names.index(name)] - 1
        return Decisions(chosen, decided, valid.clone(), valid, actions)

    return make


@pytest.fixture
def run_joint() -> Callable[..., tuple[Tensor, Choice, Tensor]]:
    """A joint pass over clips: scores, choice, glance features."""

    def run(network: Network, clips: Clips, *, seed: int = 0, **options: object) -> tuple[Tensor, Choice, Tensor]:
        options = {"temperature": 2.0, "generator": torch.Generator().manual_seed(seed), **options}
        return network.joint(clips, valid=clips.valid, times_s=clips.times_s, **options)  # type: ignore[arg-type]

    return run
