"""Runs that are stopped, by the command line: what is left, and how they go on."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from adaframe.cli.main import main
from adaframe.config import Config
from adaframe.config_io import to_yaml
from adaframe.model.metadata import read_metadata
from adaframe.training.fit import fit

MakeConfig = Callable[..., Config]
# Long enough to be met in the middle.
STAGES = {"train.stages.warmup": 8, "train.stages.joint": 8, "train.stages.finetune": 8, "model.head.dropout": 0.3}


def command(config: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "adaframe", "train", "--config", str(config), "--out", str(out), *more]


def start(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
        preexec_fn=interruptible,
    )


def interruptible() -> None:
    """What a shell runs in the background ignores Ctrl-C, and so do its children; the tests' children shall not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(file: Path, process: subprocess.Popen[str], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not file.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, f"{file} does not appear"
        time.sleep(0.005)


def epochs(out: Path) -> list[str]:
    if not (out / "metrics.csv").exists():
        return []
    with (out / "metrics.csv").open(newline="") as file:
        return [row["epoch"] for row in csv.DictReader(file)]


def metrics(out: Path) -> list[dict[str, str]]:
    """All but the time spent waiting."""
    with (out / "metrics.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "train/waiting"} for row in csv.DictReader(file)]


def same(one: Path, other: Path) -> bool:
    a, b = load_file(one), load_file(other)
    return list(a) == list(b) and all(torch.equal(value, b[name]) for name, value in a.items())


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_goes_on_to_the_very_same_model(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(**STAGES)
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    killed, whole = tmp_path / "killed", tmp_path / "whole"

    # At five places, wherever in an epoch or in the writing of a file that happens to be.
    for kill in range(5):
        process = start(command(tmp_path / "config.yaml", killed, *(["--resume"] if kill else [])))
        wait_for(killed / "last.ckpt", process)
        wanted = 1 + 4 * kill
        while len(epochs(killed)) < wanted:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.003)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (killed / "model.safetensors").exists()
    saved = torch.load(killed / "last.ckpt", weights_only=True)["epoch"]
    resumed = start(command(tmp_path / "config.yaml", killed, "--resume"))
    _, said = resumed.communicate(timeout=200)
    fit(config, out=whole)

    assert resumed.returncode == 0, said
    assert saved < 23
    assert f"epoch {saved + 2:>3}/24" in said
    assert f"epoch {saved + 1:>3}/24" not in said
    assert same(killed / "model.safetensors", whole / "model.safetensors")
    assert epochs(killed) == [str(n) for n in range(24)]
    assert metrics(killed) == metrics(whole)


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_learnt_and_says_how_to_go_on(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**{**STAGES, "train.stages.warmup": 400})
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    out = tmp_path / "out"

    process = start(command(tmp_path / "config.yaml", out))
    wait_for(out / "metrics.csv", process)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode in (1, 130)
    assert "Traceback" not in said
    last = said.strip().splitlines()[-1]
    assert last == f"adaframe: error: interrupted; what was learnt is in {out / 'last.ckpt'}; try: --resume to go on"
    state = torch.load(out / "last.ckpt", weights_only=True)
    assert [str(n) for n in range(state["epoch"] + 1)] == epochs(out)[: state["epoch"] + 1]
    assert {path.name for path in out.iterdir() if path.name.startswith(".")} <= {".lock"}
    assert not (out / "model.safetensors").exists()


@pytest.mark.slow
def test_ctrl_c_after_the_warm_up_leaves_a_model_to_use(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**{**STAGES, "train.stages.warmup": 1, "train.stages.joint": 400})
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    out = tmp_path / "out"

    process = start(command(tmp_path / "config.yaml", out))
    wait_for(out / "metrics.csv", process)
    while len(epochs(out)) < 3:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert f"and a model of it in {out / 'model.safetensors'}; try: --resume to go on" in said.splitlines()[-1]
    metadata = read_metadata(out / "model.safetensors")
    assert metadata.training["interrupted_in_epoch"] >= 3
    assert metadata.calibration
    assert (
        main(["classify", str(next(Path(config.data.root).rglob("*.mp4"))), "--checkpoint", f"{out}/model.safetensors"])
        == 0
    )


@pytest.mark.slow
def test_a_full_disk_is_a_line_and_what_was_saved_before_stays(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**{**STAGES, "train.stages.warmup": 400})
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    out = tmp_path / "out"
    process = start(command(tmp_path / "config.yaml", out))
    wait_for(out / "last.ckpt", process)
    process.kill()
    process.communicate()
    before = (out / "last.ckpt").read_bytes()

    # A limit on the size of files stands for the disk: writing past it fails as a full disk does.
    limited = f"import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); \
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) // 2},) * 2); \
from adaframe.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = command(tmp_path / "config.yaml", out, "--resume")
    process = start([words[0], "-c", limited, *words[3:]])
    _, said = process.communicate(timeout=100)

    assert process.returncode == 1
    assert said.splitlines()[-1].startswith(f"adaframe: error: {out / 'last.ckpt'}: cannot be written (")
    assert "Traceback" not in said
    assert (out / "last.ckpt").read_bytes() == before
    assert {path.name for path in out.iterdir() if path.name.startswith(".")} <= {".lock"}


@pytest.mark.slow
def test_ctrl_c_while_decoding_is_a_line(
    make_config: MakeConfig, tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    root = make_folder(tmp_path / "data", clips=400)
    config = make_config(**{"data.root": str(root), "data.cache": "auto"})
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    out = tmp_path / "out"

    process = start(command(tmp_path / "config.yaml", out))
    wait_for(out / "cache", process)
    time.sleep(1.0)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said.strip().splitlines()[-1] == "adaframe: stopped"
    assert "Traceback" not in said
    assert not list((out / "cache").iterdir())


def test_an_interruption_leaves_ctrl_c_working_for_the_caller(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adaframe.errors import AdaframeError
    from adaframe.training.module import Recogniser

    before = signal.getsignal(signal.SIGINT)

    def interrupted(self: Recogniser, batch: object, index: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Recogniser, "training_step", interrupted)

    with pytest.raises(AdaframeError, match="interrupted before the first epoch was done"):
        fit(make_config(), out=tmp_path)

    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "last.ckpt").exists()


def train(config: Config, tmp_path: Path, *more: str) -> int:
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    return main(["train", "--config", str(tmp_path / "config.yaml"), "--out", str(tmp_path / "out"), *more])


def test_a_run_by_the_command_line_says_its_epochs_and_nothing_to_worry_about(
    make_config: MakeConfig, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = train(make_config(**{"data.val_fraction": 0.0}), tmp_path, "--init", str(trained / "model.safetensors"))

    captured = capsys.readouterr()
    assert code == 0
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert [line[:23] for line in lines if line.startswith("epoch")] == [
        "epoch   1/3 warmup   lo",
        "epoch   2/3 joint    lo",
        "epoch   3/3 finetune lo",
    ]
    assert lines[-1] == f"wrote {tmp_path / 'out' / 'model.safetensors'} and {tmp_path / 'out' / 'report.md'}"
    assert "warning" not in captured.err
    assert len(lines) == 5


def test_a_second_run_into_the_same_folder_is_wrong_usage(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "last.ckpt").write_bytes(b"learnt")

    assert train(make_config(), tmp_path) == 2

    err = capsys.readouterr().err
    assert err == (
        f"adaframe: error: {tmp_path / 'out'}: holds a run already; try: --resume to go on with it, or another --out\n"
    )
    assert (tmp_path / "out" / "last.ckpt").read_bytes() == b"learnt"


def test_a_damaged_file_to_resume_from_is_a_line(
    make_config: MakeConfig, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "last.ckpt").write_bytes((trained / "last.ckpt").read_bytes()[:3000])

    assert train(make_config(), tmp_path, "--resume") == 1

    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"adaframe: error: {tmp_path / 'out' / 'last.ckpt'}: ")


def empty_class(root: Path) -> None:
    (root / "yellow").mkdir()


def missing_label(root: Path) -> None:
    (root / "clips.csv").write_text("path,label\nblue/00.mp4,blue\nred/01.mp4,\n")


@pytest.mark.parametrize(
    ("spoil", "flags", "code", "message"),
    [
        (empty_class, ["--data.root", "{root}"], 1, "yellow"),
        (
            missing_label,
            ["--data.root", "", "--data.manifest", "{root}/clips.csv"],
            1,
            "clips.csv, line 3: the label is missing",
        ),
        (None, ["--data.root", "{root}", "--fold", "3"], 2, "fold 3: the data set has no such fold; its folds: none"),
        (None, ["--data.root", "{root}", "--fold", "all"], 2, "fold all: the data set has fewer than two folds"),
        (None, ["--data.root", "{root}", "--budget", "0.01"], 2, "budget 0.01 is below the floor"),
        (None, ["--data.root", "{root}/none"], 1, "none: there is no such folder"),
        (None, ["--data.root", "{root}", "--policy", "static:look-99/2"], 2, "no look 'look-99'"),
        (None, ["--data.root", "{root}", "--device", "tpu"], 2, "device tpu"),
        (
            None,
            ["--data.root", "{root}", "--init", "{root}/no.safetensors"],
            1,
            "no.safetensors: there is no such file to start from",
        ),
    ],
)
def test_what_a_user_can_mend_is_a_line_and_an_exit_code(
    make_config: MakeConfig,
    make_folder: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None] | None,
    flags: list[str],
    code: int,
    message: str,
) -> None:
    root = make_folder(tmp_path / "data", clips=4)
    if spoil is not None:
        spoil(root)

    got = train(make_config(), tmp_path, *[flag.format(root=root) for flag in flags])

    captured = capsys.readouterr()
    assert got == code, captured.err
    (line,) = captured.err.splitlines()
    assert line.startswith("adaframe: error: ")
    assert message in line
    assert captured.out == ""
    assert not (tmp_path / "out" / "model.safetensors").exists()
