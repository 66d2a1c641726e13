"""AR-Net's checkpoints (Meng et al., arXiv:2007.15796; github.com/mengyuest/AR-Net) -> adaframe's.

What its release computes stays: its skips (policy.hold: h), the answer of the 84-pixel action from the policy's state, class
scores per network, nearest-neighbour resizing from one crop of 224, a short video's last frame again and again. Decisions are
the argmax; the release samples them at test time too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from adaframe.config import Glance, Head, Look, Model, Policy, Preprocess, Sampling
from adaframe.errors import CheckpointError, UsageError
from adaframe.importing.pickles import Saved, read_saved
from adaframe.importing.renaming import below, recognised
from adaframe.model.checkpoint import save_checkpoint
from adaframe.model.metadata import Metadata
from adaframe.model.network import Network

PIXELS, SKIPS, FRAMES = (224, 168, 112, 84), (1, 2, 4), 16
# What stage 1 trains each network at (the release's scripts_train.sh); the file does not say.
_ALONE = {"resnet50": 224, "resnet34": 168, "resnet18": 112}
_SAMPLING, _PREPROCESS = Sampling(FRAMES, short="repeat"), Preprocess(resize=256, crop=224, look_filter="nearest")


@dataclass(frozen=True, eq=False)
class Imported:
    """A network with its metadata.

    Args:
        network: in eval mode.
        metadata: to store beside it.
    """

    network: Network
    metadata: Metadata


def import_arnet(
    path: str | Path,
    classes: Sequence[str],
    out: str | Path,
    *,
    pixels: Sequence[int] = (),
    skips: Sequence[int] = SKIPS,
    padding: str = "same",
) -> Imported:
    """Read a checkpoint of AR-Net's release and write adaframe's.

    Args:
        path: of the file: an adaptive model (stages 2 and 3), or a single network (stage 1, TSN).
        classes: names of the K classes, in the order of the scores.
        out: .safetensors.
        pixels: of each network and, last, of the glance, which the file does not say. () stands for those of the scripts.
        skips: lengths of the skips (the release's --skip_list).
        padding: of EfficientNets; same, or even as efficientnet_pytorch had it before May 2020. The file does not say.

    Raises:
        CheckpointError: not such a file; what is missing is said.
        UsageError: classes, pixels, skips or out do not fit it.
    """
    if Path(out).suffix != ".safetensors":
        raise UsageError(
            f"{out}: must end in .safetensors, as no other file is written or replaced; try: --out {out}.safetensors"
        )
    saved = read_saved(path)
    parts = _alone(saved)
    if parts is not None:
        imported = _single(saved, parts, classes, pixels, padding, str(path))
    else:
        imported = _adaptive(saved, classes, pixels or PIXELS, skips, padding, str(path))
    save_checkpoint(Path(out), imported.network, imported.metadata)
    return imported


def _alone(saved: Saved) -> tuple[str, str] | None:
    """Where a network that was trained alone and its class scores are: of stage 1, or the release's TSN of its newer code.

    That TSN (exp. 2 of full_test.sh) is a policy's network without looks, whose class scores come from its features.
    """
    tensors = saved.tensors
    if below(tensors, "base_model."):
        return "base_model.", "new_fc."
    scores, state = tensors.get("lite_fc.weight"), tensors.get("rnn.weight_ih")
    looks = below(tensors, "base_model_list.")
    if not looks and scores is not None and state is not None and scores.shape[-1:] == state.shape[-1:]:
        return "lite_backbone.", "lite_fc."
    return None


def _adaptive(
    saved: Saved, classes: Sequence[str], pixels: Sequence[int], skips: Sequence[int], padding: str, path: str
) -> Imported:
    tensors = saved.tensors
    count = len({name.split(".")[1] for name in tensors if name.startswith("base_model_list.")})
    parts = {"lite_backbone": 1, "rnn": 1, "linear": 1, "lite_fc": 1, "base_model_list": count, "new_fc_list": count}
    lacking = [name for name, wanted in parts.items() if not wanted or not below(tensors, f"{name}.")]
    if lacking:
        raise CheckpointError(
            f"{path}: no checkpoint of AR-Net: it lacks {', '.join(lacking)}; it has {', '.join(list(tensors)[:3])}, …; "
            "to start looks from others' networks, try: adaframe train --init"
        )
    if len(pixels) != count + 1:
        raise UsageError(
            f"{path}: has {count} networks and a glance, so --pixels needs {count + 1} numbers, not {len(pixels)}"
        )
    glance, state = recognised(below(tensors, "lite_backbone."), f"{path}: lite_backbone", padding)
    renamed = {f"glance.{k}": v for k, v in state.items()}
    looks = []
    for i in range(count):
        part = f"base_model_list.{i}"
        backbone, state = recognised(below(tensors, f"{part}."), f"{path}: {part}", padding)
        looks.append(Look(f"look-{pixels[i]}", pixels[i], backbone, "none"))
        renamed |= {f"looks.{i}.{k}": v for k, v in state.items()}
        renamed |= {f"head.project.{i}.1.{k}": v for k, v in below(tensors, f"new_fc_list.{i}.").items()}
    answers = _check_actions(tensors, count, skips, path)
    renamed |= {f"policy.cell.{k}": v for k, v in below(tensors, "rnn.").items()}
    renamed |= {f"policy.logits.{k}": v for k, v in below(tensors, "linear.").items()}
    if answers:
        renamed |= {f"head.project.{count}.1.{k}": v for k, v in below(tensors, "lite_fc.").items()}
    model = Model(
        glance=Glance(pixels[-1], glance, "none", answers=answers, answers_from="state"),
        looks=tuple(looks),
        policy=Policy(
            project=0,
            hidden=_matrix(tensors, "rnn.weight_hh", path).shape[1],
            skips=tuple(skips),
            hold="h",
            skip_first=True,
        ),
        head=Head(dropout=0.5, scores="per-look"),
        sampling=_SAMPLING,
        preprocess=_PREPROCESS,
    )
    return _built(model, "adaptive", renamed, classes, saved, path)


def _check_actions(tensors: dict[str, Tensor], count: int, skips: Sequence[int], path: str) -> bool:
    """Whether the glance may answer, by the number of actions beside that of the networks and skips."""
    chosen, seen = _matrix(tensors, "linear.weight", path).shape
    if chosen < 2 or seen != _matrix(tensors, "rnn.weight_hh", path).shape[1]:
        raise CheckpointError(
            f"{path}: has no policy on an LSTM with 2 actions or more (linear.weight is {chosen}×{seen}): AR-Net's baselines "
            "SCSampler and LSTM are not imported; try: the file of an adaptive model or of a single network"
        )
    if chosen not in (count + len(skips), count + 1 + len(skips)):
        lacking = chosen - count - 1
        raise UsageError(
            f"{path}: has {chosen} actions: {count} networks, the glance and skips; with skips {_listed(skips)} these are "
            f"{count + 1 + len(skips)}; try: --skips {f'with {lacking} numbers' if lacking > 0 else 'none'}"
        )
    return chosen == count + 1 + len(skips)


def _single(
    saved: Saved, parts: tuple[str, str], classes: Sequence[str], pixels: Sequence[int], padding: str, path: str
) -> Imported:
    """A network that was trained alone, on every frame."""
    cnn, scores = parts
    backbone, state = recognised(below(saved.tensors, cnn), f"{path}: {cnn[:-1]}", padding)
    if len(pixels) > 1:
        raise UsageError(f"{path}: has one network, so --pixels needs one number, not {len(pixels)}")
    side = pixels[0] if pixels else _ALONE.get(backbone, 224)
    renamed = {f"looks.0.{k}": v for k, v in state.items()}
    renamed |= {f"head.project.0.1.{k}": v for k, v in below(saved.tensors, scores).items()}
    model = Model(
        glance=Glance(weights="none"),
        looks=(Look(f"look-{side}", side, backbone, "none"),),
        head=Head(dropout=0.5, scores="per-look"),
        sampling=_SAMPLING,
        preprocess=_PREPROCESS,
    )
    return _built(model, "uniform", renamed, classes, saved, path)


def _built(
    model: Model, plan: str, renamed: dict[str, Tensor], classes: Sequence[str], saved: Saved, path: str
) -> Imported:
    known = _matrix(renamed, "head.project.0.1.weight", path).shape[0]
    if known != len(classes):
        raise UsageError(f"{path}: has {known} classes, but {len(classes)} names were given; try: another --classes")
    network = Network(model, classes=len(classes), plan=plan, pretrained=False).eval()
    own = {k: v for k, v in network.state_dict().items() if not k.startswith("head.usual.")}
    missing = [k for k in own if k not in renamed and not k.endswith("num_batches_tracked")]
    unfit = [k for k in own if k in renamed and renamed[k].shape != own[k].shape]
    if missing or unfit:
        first = ", ".join([*missing, *unfit][:3])
        raise CheckpointError(
            f"{path}: {len(missing)} tensors are missing and {len(unfit)} have other shapes: {first}; is the file whole?"
        )
    broken = [k for k in own if k in renamed and not bool(renamed[k].isfinite().all())]
    if broken:
        raise CheckpointError(
            f"{path}: {len(broken)} tensors hold NaN or infinity: {', '.join(broken[:3])}; try: the file of an earlier epoch"
        )
    network.load_state_dict({k: renamed[k] for k in own if k in renamed}, strict=False)
    facts = {"imported from": "AR-Net", "file": Path(path).name, **saved.facts}
    return Imported(network, Metadata(model, plan, tuple(classes), False, network.costs, training=facts))


def _matrix(tensors: dict[str, Tensor], name: str, path: str) -> Tensor:
    if name not in tensors:
        raise CheckpointError(f"{path}: lacks {name}; is the file whole?")
    if tensors[name].ndim != 2:
        raise CheckpointError(f"{path}: {name} is no matrix but {tuple(tensors[name].shape)}; is the file whole?")
    return tensors[name]


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers)) or "none"
