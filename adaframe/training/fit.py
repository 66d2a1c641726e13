"""`adaframe train`: from a configuration to a checkpoint, its report and what is needed to resume."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from adaframe.config import Config
from adaframe.config_check import check
from adaframe.config_io import to_yaml
from adaframe.data.survey import Survey
from adaframe.energy.meter import Meter
from adaframe.errors import UsageError
from adaframe.files import write_text
from adaframe.inference.recognizer import pick_device
from adaframe.model.network import Network
from adaframe.training.calibration import curve
from adaframe.training.feeding.material import learnable, load_material, use_frozen_features
from adaframe.training.folds import fit_folds
from adaframe.training.lock import held
from adaframe.training.picking.automatic import automatic
from adaframe.training.picking.estimate import estimate
from adaframe.training.picking.penalty import with_penalty
from adaframe.training.picking.picked import picked_before, with_picked
from adaframe.training.picking.pricing import with_table
from adaframe.training.ranks import count_devices
from adaframe.training.report.markdown import report_validation
from adaframe.training.run import Run
from adaframe.training.start import build_network, check_fold, choose_clips, full_network
from adaframe.training.unsure import confidences, strangeness


def fit(config: Config, *, out: Path, resume: bool = False, given: Collection[str] | None = None) -> None:
    """Train by a configuration; leaves model.safetensors, last.ckpt, config.yaml, metrics.csv and report.md in `out`.

    Args:
        config: checked here.
        out: folder of the run; made if it is not there.
        resume: go on after the last epoch that was saved; a run that had ended already only writes its results again.
        given: keys whose values are settled; the others are picked by what the clips are like. None: all are.

    Raises:
        AdaframeError: wrong configuration, data set, checkpoint or device; or `out` holds another run.
    """
    check(config)
    quiet()
    out.mkdir(parents=True, exist_ok=True)
    with held(out):
        refuse_another_run(out, resume=resume)
        picked, seen = picked_before(out) if resume else (), None
        if given is not None:
            found = automatic(config, given)
            config, picked, seen = found.config, found.reasons, found.survey
            check(config)
        _fit(config, out, resume, picked, seen)


def _fit(config: Config, out: Path, resume: bool, picked: Sequence[str], seen: Survey | None) -> None:
    # What can be refused is refused before hours may go into decoding.
    data_set = learnable(config)
    check_fold(config.fold, data_set.clips)
    count_devices(config)
    config = with_table(config, out, resume=resume)
    network = build_network(config, len(data_set.classes))
    check_floor(config, network)
    if seen is not None and config.fold != "all":
        full = full_network(config, network, len(data_set.classes))
        workers = config.data.workers or os.cpu_count() or 1
        about = estimate(config, full, clips=seen.clips, decode_s=seen.decode_s, workers=workers)
        print(f"  the training {about}", file=sys.stderr)
    meter = Meter(str(pick_device(config.device)))
    with meter, load_material(config, data_set, out) as material:
        write_text(out / "config.yaml", with_picked(to_yaml(config), picked))
        full = full_network(config, network, len(material.data_set.classes))
        use_frozen_features(material, full)
        if config.fold == "all":
            fit_folds(config, material, full, out, resume=resume, picked=picked)
            return
        train, held_out = choose_clips(config, material)
        settled = with_penalty(config, material, full, train)
        if settled != config:
            config, picked = settled, [*picked, f"penalty on the head's weights: {settled.train.head_penalty:g}"]
            write_text(out / "config.yaml", with_picked(to_yaml(config), picked))
        run = Run(config, material, out)
        module = run.train(network, train, held_out, resume=resume)
        energy = meter.stop()
        outcomes = run.outcomes(module, held_out or train)
        chosen = run.save(
            module,
            curve(outcomes),
            *confidences(outcomes, config.budget),
            trained_on=len(train),
            strangeness=strangeness(outcomes, config.budget),
            facts={"energy": energy.to_json()} if energy is not None else None,
        )
        what = "held-out clips" if held_out else "training clips"
        parts = {"learnt from": train, "held out": held_out}
        if config.fold:
            parts = {"learnt from": train, "calibrated on": held_out}
            held_out = [n for n in material.readable if data_set.clips[n].fold == config.fold]
            outcomes = run.outcomes(module, held_out)
            what = f"clips of fold {config.fold}"
            parts["reported on"] = held_out
        report_validation(run, outcomes, chosen, held_out, what, parts=parts, picked=picked, energy=energy)
    print(f"wrote {out / 'model.safetensors'} and {out / 'report.md'}", file=sys.stderr)


def refuse_another_run(out: Path, *, resume: bool) -> None:
    """Raise UsageError where a run would write over what another one has learnt."""
    if not resume and ((out / "last.ckpt").exists() or any(out.glob("fold-*/last.ckpt"))):
        raise UsageError(f"{out}: holds a run already; try: --resume to go on with it, or another --out")


def check_floor(config: Config, network: Network) -> None:
    """Refuse a budget that no decisions can keep to."""
    if network.plan is not None:
        return
    fraction = network.prices.floor(config.model.sampling.frames)
    if config.budget < fraction:
        enough = np.ceil(fraction * 100 + 1) / 100
        raise UsageError(
            f"budget {config.budget:g} is below the floor: glancing at every frame and one look cost {fraction:.3f} of "
            f"{network.prices.of_uniform}; try: {f'--budget {enough:g}, or ' if enough <= 1 else ''}a smaller glance "
            f"(model.glance.pixels)"
        )


def quiet() -> None:
    """Silence Lightning's tips, and warnings about what is meant so here."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for text in (
        ".*does not have many workers.*",
        ".*sampler.*",
        ".*lr_scheduler.step.*",
        ".*dataloader.*",
        ".*LeafSpec.*",
        ".*in eval mode at the start of training.*",
        ".*across ranks is zero.*",
        ".*broadcast_buffers.*",
    ):
        warnings.filterwarnings("ignore", text)
