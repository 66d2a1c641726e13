"""What a run's budget counts: MACs, milliseconds by a table, or joules of a hardware model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from adaframe.config import Config
from adaframe.energy.hardware import load_hardware
from adaframe.energy.prices import energy_costs
from adaframe.errors import UsageError
from adaframe.evaluation.speed.latency import in_words, measure_latency
from adaframe.inference.recognizer import pick_device
from adaframe.model.cost import Costs
from adaframe.model.latency import read_table, write_table
from adaframe.model.network import Network

TABLE = "latency.json"


def prices_of(config: Config, network: Network) -> Costs:
    """What the budget counts of this network's parts; of a fixed plan, which has no budget, its MACs.

    Raises:
        UsageError: a table that is missing or about another model, or hardware that is not known.
    """
    if config.cost == "macs" or network.plan is not None:
        return network.costs
    if config.cost == "energy":
        return energy_costs(load_hardware(config.cost_hardware), network)
    if not config.cost_table:
        raise UsageError("cost: latency needs a cost_table; try: adaframe bench --config FILE --latency-table FILE")
    table = read_table(config.cost_table)
    table.check(config.model, config.cost_table)
    return table.costs(network.costs)


def with_table(config: Config, out: Path, *, resume: bool) -> Config:
    """The configuration with a table, where it wants one and has none: measured now, and left in the run's folder."""
    if config.cost != "latency" or config.cost_table or config.policy != "adaptive":
        return config
    path = out / TABLE
    if not (resume and path.exists()):
        twin = Network(config.model, classes=2, pretrained=False).to(pick_device(config.device)).eval().fuse()
        table = measure_latency(twin)
        write_table(table, path)
        print(f"the budget counts milliseconds, as measured now ({path}):\n{in_words(table)}", file=sys.stderr)
    return replace(config, cost_table=str(path))
