"""The dataclasses behind `configs/*.yaml` and the flags of `adaframe train`.

Plain data: this module imports neither torch nor Lightning, so that parsing and `--help` stay fast. Letters as everywhere:
T sampled frames, K classes, F features. Pixels are sides of squares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Optional

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Sampling:
    """Which frames of a video the model gets.

    Args:
        frames: T, sampled frames per window.
        window_s: length of a window in seconds; null means the whole file is one window, however long.
        short: what stands for frames that a clip is too short to have: mask leaves them out, repeat takes its last frame again
            (AR-Net).
        draw: where training frames lie: anywhere in T equal segments; or (steps) in T steps of a whole number of frames, which
            leaves out up to T-1 frames at the end (AR-Net, TSN). Not of windows.
    """

    frames: int = 16
    window_s: Optional[float] = None
    short: Literal["mask", "repeat"] = "mask"
    draw: Literal["segments", "steps"] = "segments"


@dataclass(frozen=True)
class Preprocess:
    """From a decoded frame to the square crop that all looks are resized from.

    Args:
        resize: pixels of the shorter side after the first resize (with fit: squash, of both sides).
        crop: side of the square crop; at inference from the centre, in training anywhere.
        fit: crop keeps the aspect ratio and cuts the rest off; squash keeps the whole picture and gives up the aspect ratio.
        filter: of the first resize (antialiased).
        look_filter: of the resize from the crop to each look's pixels.
        mean: per channel (RGB), of values in 0..1.
        std: per channel (RGB), of values in 0..1.
    """

    resize: int = 256
    crop: int = 224
    fit: Literal["crop", "squash"] = "crop"
    filter: Literal["bilinear", "bicubic", "box"] = "bilinear"
    look_filter: Literal["bilinear", "area", "nearest"] = "bilinear"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


@dataclass(frozen=True)
class Glance:
    """What the policy sees of every frame.

    Args:
        pixels: side of the glance.
        backbone: a torchvision image classifier by name, or tiny-N (a small CNN, N channels in its first layer).
        weights: bundled (ImageNet MobileNetV2), torchvision (downloaded), none, or a .safetensors/.pth file.
        shares: name of the look whose weights the glance uses; empty for weights of its own.
        answers: whether the glance may serve as a frame's answer,
        answers_from: with its own features, or (state) with the policy's hidden state after it, as AR-Net does.
    """

    pixels: int = 84
    backbone: str = "mobilenet_v2"
    weights: str = "bundled"
    shares: str = ""
    answers: bool = False
    answers_from: Literal["glance", "state"] = "glance"


@dataclass(frozen=True)
class Look:
    """One way to look at a frame: a backbone at a resolution.

    Args:
        name: as decisions and reports call it; look-<pixels> by custom.
        pixels: side of the look.
        backbone: as in Glance.
        weights: as in Glance.
        shares: name of an earlier look whose weights this look uses; empty for weights of its own.
    """

    name: str
    pixels: int
    backbone: str = "mobilenet_v2"
    weights: str = "bundled"
    shares: str = ""


@dataclass(frozen=True)
class Policy:
    """Glance features -> LSTM -> action logits.

    Args:
        project: width of the projection of the glance features that enters the LSTM; 0: they enter as they are.
        hidden: width of the LSTM.
        skips: the skips it may choose: n leaves out the frame and its n-1 successors.
        hold: what stands still over the frames that a skip covers: all of the state, so that their glances influence
            nothing; or h alone, as in AR-Net's release, where c goes on and every frame is glanced at.
        changes: whether it also sees how each glance differs from the last one that it decided about: what tells a still scene
            from one where something happens.
        skip_first: whether the first frame may be skipped, so that a video may be skipped wholly (AR-Net).
        dropout: of the glance features that enter it, in training.
    """

    project: int = 64
    hidden: int = 64
    skips: tuple[int, ...] = (1, 2, 4)
    hold: Literal["all", "h"] = "all"
    changes: bool = False
    skip_first: bool = False
    dropout: float = 0.0


@dataclass(frozen=True)
class Head:
    """Features of unequal looks -> one score per class.

    Args:
        width: F, to which each look's features are projected; 0 keeps the backbone's width and only normalises
            (then all looks need backbones of one width).
        changes: whether averages of changes are used beside averages of features.
        dropout: before the class scores, in training.
        scores: shared: one linear layer on these averages; per-look: every look has class scores by a linear layer of its own,
            which are averaged (AR-Net; width and changes mean nothing then).
    """

    width: int = 256
    changes: bool = True
    dropout: float = 0.5
    scores: Literal["shared", "per-look"] = "shared"


@dataclass(frozen=True)
class Model:
    """The whole recogniser."""

    glance: Glance = field(default_factory=Glance)
    looks: tuple[Look, ...] = (
        Look("look-224", 224, "resnet50", "torchvision"),
        Look("look-168", 168, "resnet34", "torchvision"),
        Look("look-112", 112, "resnet18", "torchvision"),
    )
    policy: Policy = field(default_factory=Policy)
    head: Head = field(default_factory=Head)
    sampling: Sampling = field(default_factory=Sampling)
    preprocess: Preprocess = field(default_factory=Preprocess)
    scope: str = ""


@dataclass(frozen=True)
class Data:
    """Where the clips are and how they reach the model.

    Args:
        root: a folder per class, or the folder that the manifest's paths are relative to.
        manifest: a CSV file, path,label[,split][,fold][,start_s,end_s][,group].
        val_fraction: share of the groups held out where the data have no validation split.
        reader: which decoder reads the files.
        cache: folder for decoded frames; empty decodes anew each epoch; auto puts it beside the run.
        cache_gb: the cache's size limit in gigabytes; a larger one is not built (said).
        workers: decoding processes; 0 means one per core.
        labels: all that a clip has; or of several the first alone, by the order of the classes (AR-Net): then each has one.
        flip: whether training clips may be mirrored.
        crops: random ones are squares anywhere; multi-scale ones as TSN's, at 13 places and in 10 shapes, then made square.
        scale: smallest share of the crop's side that a random crop may have (1: crops of full size only).
        jitter: strength of brightness and contrast changes in training, 0 for none.
    """

    root: str = ""
    manifest: str = ""
    val_fraction: float = 0.15
    reader: Literal["auto", "decord", "pyav"] = "auto"
    cache: str = "auto"
    cache_gb: float = 8.0
    workers: int = 0
    labels: Literal["all", "first"] = "all"
    flip: bool = True
    crops: Literal["random", "multi-scale"] = "random"
    scale: float = 1.0
    jitter: float = 0.0


@dataclass(frozen=True)
class Stages:
    """Epochs of each stage. A baseline (another policy than adaptive) trains for their sum."""

    warmup: int = 10
    joint: int = 10
    finetune: int = 5


@dataclass(frozen=True)
class Train:
    """How the model learns.

    Args:
        stages: the schedule.
        batch_size: clips per batch, over all devices.
        lr: of everything that starts from scratch.
        stage_lr: factors on lr in warm-up, joint stage and fine-tuning.
        schedule: of the learning rate: cosine, one for the warm-up and a lower one for the rest; or constant in each stage.
        lr_steps: epochs within a stage from which on the rate is a tenth of what it was before (schedule: constant).
        optimizer: adamw, or sgd with momentum 0.9.
        warmup: what looks learn under in the warm-up: mixed, random and uniform decisions; or alone, each at every frame by
            class scores of its own (AR-Net; needs head.scores: per-look). The policy learns in neither.
        backbone_lr: of pretrained backbones, as a factor of lr.
        policy_lr: of the policy (and of a glance from scratch), as a factor of lr: they have the joint stage alone to learn in.
        trainable: which part of pretrained backbones learns.
        norms: which batch norms learn: own, those from scratch, in the warm-up (a glance's until the policy is frozen); or all,
            in all stages (AR-Net's --npb): then looks run on every frame, with gradients, as frames bear on each other.
        only: policy leaves looks and head as `init` brought them: only the policy learns, and a glance of its own that is not
            pretrained.
        weight_decay: of weights, but not of biases, norms and gains.
        kind_factors: whether a parameter's kind multiplies its rate and its decay as in TSN and AR-Net: linear layers' weights
            5/1 and biases 10/0, other biases (of LSTMs, of convolutions) 2/0, norms 1/0.
        head_penalty: L2 penalty on the class scores' weights as a logistic regression has it, 1/C (1000: C = 0.001); what
            many features and few clips need. null picks it by cross-validation within the training clips (frozen backbones).
        label_smoothing: of the cross-entropy.
        balance: loss makes all classes count alike, however many clips they have; none leaves them as they are.
        patience: epochs without getting better on the held-out clips after which a stage ends (0: stages run to their end).
        keep: best keeps the epoch that was best on the held-out clips and within the budget, last the last one. Without
            held-out clips it is the last.
        mixup: clips are mixed in pairs (what the head sees of them, and their labels), by shares from Beta(mixup, mixup); 0:
            they are not.
        average_epochs: the model is the average of its weights after each of so many last epochs; 0: only the last.
        temperature: Gumbel temperature at the start and at the end of the joint stage.
        entropy: weight of the bonus on the policy's entropy, against collapse; falls to 0 over the joint stage.
        compute: budget steers by dual ascent; fixed uses AR-Net's two fixed weights.
        multiplier_step: of the dual ascent, times the excess over the budget, per update.
        standing_price: small price on compute, so that what buys nothing is not spent.
        fixed_weights: accuracy, efficiency and uniformity weights of compute: fixed (AR-Net's training script).
        beta_max: runtime biases in 0..beta_max are sampled per clip from the joint stage on (0: none).
        precision: 32-true, or mixed with fp16 (16-mixed) or bf16 (bf16-mixed), as Lightning's.
        accumulate: batches per update, where a batch of the wanted size does not fit into memory.
        clip: largest norm of an update's gradient (0: none); AR-Net's, which only cuts off the rare wild step.
        save_half: whether model.safetensors holds its weights as fp16 (half the size).
    """

    stages: Stages = field(default_factory=Stages)
    batch_size: int = 16
    lr: float = 1e-3
    stage_lr: tuple[float, float, float] = (1.0, 1.0, 1.0)
    schedule: Literal["cosine", "constant"] = "cosine"
    lr_steps: tuple[int, ...] = ()
    optimizer: Literal["adamw", "sgd"] = "adamw"
    warmup: Literal["mixed", "alone"] = "mixed"
    backbone_lr: float = 0.1
    policy_lr: float = 3.0
    trainable: Literal["none", "last", "all"] = "all"
    norms: Literal["own", "all"] = "own"
    only: Literal["all", "policy"] = "all"
    weight_decay: float = 1e-2
    kind_factors: bool = False
    head_penalty: Optional[float] = 0.0
    label_smoothing: float = 0.0
    balance: Literal["none", "loss"] = "none"
    patience: int = 0
    keep: Literal["best", "last"] = "best"
    mixup: float = 0.0
    average_epochs: int = 0
    temperature: tuple[float, float] = (5.0, 0.5)
    entropy: float = 0.01
    compute: Literal["budget", "fixed"] = "budget"
    multiplier_step: float = 0.05
    standing_price: float = 0.05
    fixed_weights: tuple[float, float, float] = (0.95, 0.05, 3.0)
    beta_max: float = 2.0
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    accumulate: int = 1
    clip: float = 20.0
    save_half: bool = False


@dataclass(frozen=True)
class Config:
    """All of a training run.

    Args:
        budget: upper bound on mean executed cost, as a fraction of uniform's (0.5: half).
        cost: what the budget counts, in training and ever after: macs; latency, milliseconds by a table that is measured; or
            energy, joules on paper of a hardware model.
        cost_table: of latency: a file that `adaframe bench --latency-table` wrote; empty measures one when training begins.
        cost_hardware: of energy: a hardware model of configs/hardware/, or a YAML file of your own.
        policy: adaptive, or a baseline by the same recipe: uniform, static:LOOK/K (every K-th frame), random:LOOK/K (as many,
            anywhere), change:LOOK/K (as many, where the picture, as small as a glance, changed most), glance.
        init: an adaframe checkpoint to start from (other classes are fine), or a .pth of mmaction2 (TSN, TSM) or TSM's release,
            whose backbone starts the looks that have the same. Over folds `{fold}` stands for the one left out, and the folder
            named so is left out for the final model: runs/clips/fold-{fold}/model.safetensors.
        fold: train on all folds but K, and report on K; all does each, and then a final model on all clips.
        seed: of everything random.
        device: auto, cpu, cuda, cuda:1, mps.
        devices: processes that train together, each on its share of every batch: on as many GPUs of this machine (0: all of
            them), or on the CPU.
    """

    model: Model = field(default_factory=Model)
    data: Data = field(default_factory=Data)
    train: Train = field(default_factory=Train)
    budget: float = 0.5
    cost: Literal["macs", "latency", "energy"] = "macs"
    cost_table: str = ""
    cost_hardware: str = ""
    policy: str = "adaptive"
    init: str = ""
    fold: str = ""
    seed: int = 0
    device: str = "auto"
    devices: int = 1
