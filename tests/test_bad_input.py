"""Whatever a user hands to the command line: an honest exit code, a line or two, and the answers that can be given."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from adaframe.cli.main import main

RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]
KNOWS = "adaframe: tiny.safetensors knows run, sit, wave"


@pytest.fixture
def classify(
    tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str], list[str]]]:
    """Runs `adaframe classify`: exit code, lines of stdout, lines of stderr without what the model knows."""

    def run(*words: object) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        code = main(["classify", "--checkpoint", str(tiny_checkpoint), "--device", "cpu", *map(str, words)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        err = captured.err.splitlines()
        assert err.count(KNOWS) <= 1
        return code, captured.out.splitlines(), [line for line in err if line != KNOWS]

    return run


Classify = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture(scope="module")
def good(render_clip: RenderClip) -> Path:
    return render_clip("good.mp4", 1.0)


# -- files that are no videos ------------------------------------------------------------------------------------------


def empty(path: Path, good: Path) -> None:
    path.write_bytes(b"")


def text(path: Path, good: Path) -> None:
    path.write_text("Once upon a time there was a file that was no video.\n" * 20)


def web_page(path: Path, good: Path) -> None:
    path.write_text("<!DOCTYPE html><html><body>404 not found</body></html>\n")


def random_bytes(path: Path, good: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(50_000))


def cut_before_the_first_frame(path: Path, good: Path) -> None:
    path.write_bytes(good.read_bytes()[:200])


def without_its_index(path: Path, good: Path) -> None:
    whole = good.read_bytes()
    path.write_bytes(whole[: whole.index(b"moov") - 4])


def sound_only(path: Path, good: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for i in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, 1024 * i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("spoil", "name", "says"),
    [
        (empty, "bad.mp4", "the file is empty (0 bytes)"),
        (text, "bad.mp4", "is no video"),
        (web_page, "bad.mp4", "is no video"),
        (random_bytes, "bad.mkv", "is no video"),
        (cut_before_the_first_frame, "bad.mp4", "its index (moov) is missing"),
        (without_its_index, "bad.mp4", "its index (moov) is missing"),
        (sound_only, "bad.m4a", "holds no moving picture (only audio)"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_bad_file_is_one_line_and_the_others_are_answered(
    classify: Classify, good: Path, tmp_path: Path, spoil: Callable[[Path, Path], None], name: str, says: str
) -> None:
    bad = tmp_path / name
    spoil(bad, good)

    code, out, err = classify(good, bad, good)

    assert code == 1
    assert len(out) == 2
    assert len(err) == 1
    assert err[0].startswith(f"adaframe: error: {bad}: {says}")
    code, out, err = classify(good, bad, good, "--json")
    rows = [json.loads(line) for line in out]
    assert (code, err) == (1, [])
    assert [set(row) == {"path", "error"} for row in rows] == [False, True, False]
    assert rows[1]["path"] == str(bad)
    assert rows[1]["error"].startswith(says)
    assert rows[0]["label"] == rows[2]["label"]


def test_a_file_that_is_not_there(classify: Classify, good: Path, tmp_path: Path) -> None:
    code, out, err = classify(tmp_path / "none.mp4", good)

    assert (code, len(out)) == (1, 1)
    assert err == [f"adaframe: error: {tmp_path}/none.mp4: there is no such file or folder"]


def test_a_folder_with_a_good_and_a_bad_file(classify: Classify, good: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    (tmp_path / "b.mp4").write_bytes(good.read_bytes())
    (tmp_path / "notes.txt").write_text("not a video, and not named as one")

    code, out, err = classify(tmp_path)

    assert (code, len(out), len(err)) == (1, 1, 1)
    assert out[0].startswith(f"{tmp_path}/b.mp4 ")
    assert err[0].startswith(f"adaframe: error: {tmp_path}/a.mp4: the file is empty")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(classify: Classify, good: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked.mp4"
    locked.write_bytes(good.read_bytes())
    locked.chmod(0)

    code, out, err = classify(locked)

    assert (code, out, len(err)) == (1, [], 1)


@pytest.fixture
def strange_names(tiny_checkpoint: Path, good: Path, tmp_path: Path) -> list[str]:
    """Words that classify a folder whose good and whose empty file have names that are no Unicode."""
    if sys.platform in ("win32", "darwin"):
        pytest.skip("names are Unicode here")
    folder = os.fsencode(tmp_path)
    Path(os.fsdecode(folder + b"/caf\xe9.mp4")).write_bytes(good.read_bytes())
    Path(os.fsdecode(folder + b"/no\xff.mp4")).write_bytes(b"")
    return ["classify", str(tmp_path), "--checkpoint", str(tiny_checkpoint), "--device", "cpu"]


STRICT = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}  # as Python has it in most languages


def test_names_that_are_no_unicode_as_json(strange_names: list[str], tmp_path: Path) -> None:
    done = adaframe(*strange_names, "--json", env=STRICT)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr.splitlines()) == (1, [KNOWS])
    assert os.fsencode(rows[0]["path"]) == os.fsencode(tmp_path) + b"/caf\xe9.mp4"
    assert rows[0]["label"] in ("run", "sit", "wave")
    assert rows[1]["error"].startswith("the file is empty")


def test_names_that_are_no_unicode_for_people(strange_names: list[str]) -> None:
    done = adaframe(*strange_names, env=STRICT)

    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert "/caf" in done.stdout
    assert len(done.stderr.splitlines()) == 2
    assert ".mp4: the file is empty" in done.stderr.splitlines()[1]


def test_protected_videos(classify: Classify, good: Path, odd_media: Path) -> None:
    protected = sorted(odd_media.glob("*encrypted*"))
    assert protected

    code, out, err = classify(*protected, good)

    assert (code, len(out)) == (1, 1)
    assert [line.partition(": the picture is encrypted")[0] for line in err] == [
        f"adaframe: error: {path}" for path in protected
    ]


def test_a_partly_damaged_file_is_answered_with_a_warning(classify: Classify, good: Path, odd_media: Path) -> None:
    cut = odd_media / "made_truncated_50pct_moov_first.mp4"

    code, out, err = classify(cut, "--json")

    row = json.loads(out[0])
    assert code == 0
    assert row["label"] in ("run", "sit", "wave")
    assert row["warnings"]
    assert err == [f"adaframe: warning: {cut}: {warning}" for warning in row["warnings"]]


# -- files that are no checkpoints -------------------------------------------------------------------------------------


class Payload:
    """What a pickle can do to those who load it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("saved_by", ["pickle", "torch", "torch, long ago"])
@pytest.mark.parametrize("command", ["classify", "evaluate", "bench", "info"])
def test_a_pickle_is_refused_and_not_run(
    tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str], saved_by: str, command: str
) -> None:
    checkpoint, trace = tmp_path / "model.safetensors", tmp_path / "trace"
    if saved_by == "pickle":
        checkpoint.write_bytes(pickle.dumps(Payload(trace)))
    else:
        torch.save(Payload(trace), checkpoint, _use_new_zipfile_serialization=saved_by == "torch")
    words = {
        "classify": [str(good), "--checkpoint", str(checkpoint)],
        "evaluate": ["--checkpoint", str(checkpoint), "--data.root", str(tmp_path)],
        "bench": ["--checkpoint", str(checkpoint)],
        "info": [str(checkpoint)],
    }[command]

    assert main([command, *words]) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"adaframe: error: {checkpoint}: a pickle or zip")
    assert "refused" in captured.err
    assert len(captured.err.splitlines()) == 1
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not an adaframe checkpoint (no safetensors header)"),
        (b"weights", "not an adaframe checkpoint (no safetensors header)"),
        (
            b"\x10\0\0\0\0\0\0\0" + b"no json at all!!" + b"\0" * 64,
            "not an adaframe checkpoint (its header is no JSON)",
        ),
        (b"\x02\0\0\0\0\0\0\0{}", "safetensors, but not an adaframe checkpoint"),
        (b"\xff" * 4096, "not an adaframe checkpoint (no safetensors header)"),
    ],
)
def test_a_file_that_is_no_checkpoint(
    tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)

    assert main(["classify", str(good), "--checkpoint", str(tmp_path / "model.safetensors")]) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"adaframe: error: {tmp_path}/model.safetensors: {says}")
    assert len(captured.err.splitlines()) == 1


def test_a_video_and_a_folder_are_no_checkpoints(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for checkpoint in (good, tmp_path, tmp_path / "none"):
        assert main(["classify", str(good), "--checkpoint", str(checkpoint)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(f"adaframe: error: {checkpoint}: ")
        assert len(captured.err.splitlines()) == 1


def test_a_checkpoint_that_was_cut_off(
    tiny_checkpoint: Path, tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(tiny_checkpoint.read_bytes()[:-100])

    assert main(["classify", str(good), "--checkpoint", str(cut), "--device", "cpu"]) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith(f"adaframe: error: {cut}: damaged or cut off")
    assert len(captured.err.splitlines()) == 2  # what it knows, and the error


def test_a_zip_with_the_suffix_of_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "model.pth", "w") as archive:
        archive.writestr("data.pkl", b"")

    assert main(["info", str(tmp_path / "model.pth")]) == 1

    assert capsys.readouterr().err.startswith(f"adaframe: error: {tmp_path}/model.pth: a pickle or zip")


def test_a_baseline_has_nothing_to_bench(make_checkpoint: MakeCheckpoint, capsys: pytest.CaptureFixture[str]) -> None:
    baseline = make_checkpoint("baseline", plan="uniform")

    assert main(["bench", "--checkpoint", str(baseline), "--device", "cpu"]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f"adaframe: error: {baseline}: a baseline (uniform) has no policy; try: an adaptive checkpoint"
    ]


# -- wrong usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["classify", "a.mp4", "--budget", "7"], "argument --budget: must be above 0 and at most 1"),
        (["classify", "a.mp4", "--budget", "0"], "argument --budget: must be above 0 and at most 1"),
        (["classify", "a.mp4", "--budget", "-1"], "argument --budget: "),
        (["classify", "a.mp4", "--budget=-1"], "argument --budget: must be above 0 and at most 1"),
        (["classify", "a.mp4", "--budget", "nan"], "argument --budget: must be above 0 and at most 1"),
        (["classify", "a.mp4", "--bugdet", "0.5"], "unknown option --bugdet; did you mean --budget?"),
        (["classify"], "the following arguments are required: PATH"),
        (["clasify", "a.mp4"], "unknown command clasify; did you mean classify?"),
        (["evaluate", "--data.root", "x", "--budget", "0.5,0"], "argument --budget: must be above 0 and at most 1"),
    ],
)
def test_wrong_usage_is_said_before_torch_is_imported(words: list[str], says: str) -> None:
    code = (
        "import sys; from adaframe.cli.main import main; code = main(sys.argv[1:]); "
        "print({'torch', 'numpy', 'av'} & set(sys.modules)); sys.exit(code)"
    )

    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert done.stdout == "set()\n"
    assert done.stderr.startswith(f"adaframe: error: {says}")
    assert "Traceback" not in done.stderr


def test_a_budget_that_the_model_cannot_keep_to(classify: Classify, good: Path) -> None:
    code, out, err = classify(good, "--budget", "0.01")

    assert (code, out, len(err)) == (1, [], 1)
    assert "budget 0.01 is below what this model can do: its cheapest answers cost 0." in err[0]
    floor = err[0].partition("try: --budget ")[2].partition(",")[0]
    assert classify(good, "--budget", floor)[0] == 0  # what it tells to try works


def test_a_device_that_is_not_there(tiny_checkpoint: Path, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(good), "--checkpoint", str(tiny_checkpoint), "--device", "gpu"]) == 2

    assert capsys.readouterr().err.splitlines() == [
        KNOWS,
        "adaframe: error: device gpu: not known; try: auto, cpu, cuda or mps",
    ]


def test_a_figure_of_two_files(classify: Classify, good: Path, tmp_path: Path) -> None:
    code, out, err = classify(good, good, "--figure", tmp_path / "strip.png")

    assert (code, out) == (2, [])
    assert err == ["adaframe: error: --figure draws one video, but there are 2; try: classify one file"]
    assert not (tmp_path / "strip.png").exists()


def test_a_figure_where_none_can_be_written(classify: Classify, good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")

    code, out, err = classify(good, "--figure", tmp_path / "file" / "strip.png")

    assert (code, len(out), len(err)) == (1, 1, 1)  # the answer was given
    assert err[0].startswith(f"adaframe: error: {tmp_path}/file/strip.png: cannot be written")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_figure_of_a_bad_file(classify: Classify, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"")

    code, out, err = classify(tmp_path / "bad.mp4", "--figure", tmp_path / "strip.png")

    assert (code, out, len(err)) == (1, [], 1)
    assert not (tmp_path / "strip.png").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--data.root", "none"], 1, "none: there is no such folder"),
        (["--data.manifest", "none.csv"], 1, "none.csv: there is no such manifest"),
        (["--data.root", "."], 1, ".: holds nothing to learn from"),
    ],
)
def test_data_that_are_not_there(
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["evaluate", "--checkpoint", str(tiny_checkpoint), "--device", "cpu", *words]) == code

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"adaframe: error: {says}")
    assert len(captured.err.splitlines()) == 1


# -- the outside world -------------------------------------------------------------------------------------------------


def adaframe(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "adaframe", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, errors="replace", **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_a_reader_that_leaves_after_a_line_is_no_error(tiny_checkpoint: Path, good: Path) -> None:
    files = " ".join([f"'{good}'"] * 30)
    script = f"'{sys.executable}' -m adaframe classify {files} --checkpoint '{tiny_checkpoint}' --json --device cpu | head -n 1"

    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0
    assert json.loads(done.stdout)["path"] == str(good)
    assert done.stderr.splitlines() == [KNOWS]


def test_the_command_as_installed(tiny_checkpoint: Path, good: Path, tmp_path: Path) -> None:
    done = adaframe("classify", str(good), str(tmp_path / "none.mp4"), "--checkpoint", str(tiny_checkpoint), "--json")

    assert done.returncode == 1
    assert [sorted(json.loads(line))[0] for line in done.stdout.splitlines()] == ["confidence", "error"]
    assert done.stderr.splitlines() == [KNOWS]
