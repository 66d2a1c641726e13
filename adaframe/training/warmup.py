"""Random and uniform decisions for the warm-up: all mixtures of looks, gaps and numbers of frames seen.

The classifiers learn under these before the policy starts to choose, so that they can answer whatever it will choose.
"""

from __future__ import annotations

import torch
from torch import Tensor

from adaframe.model.actions import Actions, Decisions


def random_decisions(
    valid: Tensor,
    actions: Actions,
    generator: torch.Generator,
    *,
    uniform: float = 0.4,
    strongest: int = 0,
    among: tuple[int, int] | None = None,
) -> Decisions:
    """Decisions for a warm-up batch.

    Args:
        valid: bool, (B, T).
        actions: of the model.
        generator: of all that is random, on the CPU.
        uniform: share of clips that see every frame through one source, half of them the strongest and half a random one;
            the others see a random share of their frames, each through a source drawn from a mixture that is random too.
        strongest: index of the strongest look.
        among: where these clips begin in a larger batch, and its size: they get the decisions that they would get there.
    """
    videos, frames = valid.shape
    first, videos = among or (0, videos)
    sources = len(actions.sources)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    # Normalised exponentials are uniform over all mixtures (a flat Dirichlet); a draw below the running sum picks.
    mixture = -torch.log(draw(videos, sources).clamp(min=1e-6))
    mixture = mixture / mixture.sum(dim=1, keepdim=True)
    picked = (draw(videos, frames, 1) > mixture.cumsum(dim=1)[:, None]).sum(dim=2).clamp(max=sources - 1)
    one = torch.where(draw(videos, 1) < 0.5, strongest, torch.randint(sources, (videos, 1), generator=generator))
    one = one.expand(-1, frames)
    is_uniform = draw(videos, 1) < uniform
    keep = is_uniform | (draw(videos, frames) < draw(videos, 1).clamp(min=1.0 / frames))
    own = slice(first, first + len(valid))
    keep, is_uniform, one, picked = keep[own], is_uniform[own], one[own], picked[own]
    lonely = ~(keep & valid.cpu()).any(dim=1)
    keep[lonely, 0] = True
    skip = sources if actions.skips else 0
    chosen = torch.where(keep, torch.where(is_uniform, one, picked), skip).to(valid.device)
    chosen = torch.where(valid, chosen, 0)
    return Decisions(chosen, valid.clone(), valid.clone(), valid, actions)
