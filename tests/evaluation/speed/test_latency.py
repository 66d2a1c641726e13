"""Milliseconds of a model's parts, measured here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adaframe.config import Config, Glance, Look, Model, Policy, Preprocess, Sampling
from adaframe.evaluation.speed.bench import bench_parts
from adaframe.evaluation.speed.latency import in_words, measure_latency
from adaframe.model.latency import read_table
from adaframe.model.network import Network

MODEL = Model(
    glance=Glance(8, "tiny-1", "none"),
    looks=(Look("look-48", 48, "tiny-8", "none"), Look("look-16", 16, "tiny-2", "none")),
    policy=Policy(project=4, hidden=4, skips=()),
    sampling=Sampling(6, window_s=0.4),
    preprocess=Preprocess(48, 48),
)


def test_each_look_is_timed_on_few_pictures_and_on_many() -> None:
    network = Network(MODEL, classes=3, pretrained=False).eval().fuse()

    table = measure_latency(network, batch=2, rounds=2)

    assert [look.name for look in table.looks] == ["look-48", "look-16"]
    assert all(look.pictures == (1, 2, 4, 6) for look in table.looks)
    assert table.glance.pictures == (6,)
    times = [*table.glance.ms, *(ms for look in table.looks for ms in look.ms), table.policy_ms, table.head_ms]
    assert min(times) > 0
    assert (table.batch, table.frames, table.rounds, table.device) == (2, 6, 2, "cpu")
    assert tuple(look.macs for look in table.looks) == network.costs.looks
    table.check(MODEL, "here")


def test_the_table_that_is_printed_has_macs_beside_milliseconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = torch.get_num_threads()

    bench_parts(tmp_path / "t.json", config=Config(model=MODEL), batch=3, repeats=1, threads=2, device="cpu")

    table = read_table(tmp_path / "t.json")
    assert (table.batch, table.threads, torch.get_num_threads()) == (3, 2, before)
    printed = capsys.readouterr().out.rstrip()
    assert printed == in_words(table)
    header, glance, *looks = printed.splitlines()[2:6]
    assert {"MMACs", "ms/picture"} <= {*header.split()}
    assert [line.split()[0] for line in (glance, *looks)] == ["glance", "look-48", "look-16"]
    assert looks[0].split()[2] == "1.000"
