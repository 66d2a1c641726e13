"""Many files: decoding in child processes beside the model, in order, errors as values.

Decoding starts before torch is imported: for one short clip the import takes longer than everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from adaframe.errors import VideoError
from adaframe.inference.many_files import recognise_paths
from adaframe.video import DecodePool

if TYPE_CHECKING:
    from adaframe.inference.prediction import Prediction
    from adaframe.inference.recognizer import Recognizer


def classify_paths(
    paths: Iterable[str | Path],
    *,
    checkpoint: str | Path | None = None,
    budget: float | None = None,
    window_s: float | None = None,
    stride_s: float | None = None,
    device: str = "auto",
    workers: int = 0,
    decode: str = "auto",
) -> Iterator[Prediction | VideoError]:
    """Recognise files, in order; a file that fails gives its error as a value.

    Args:
        paths: of the files.
        checkpoint: a model.safetensors; None for the bundled example model.
        budget: upper bound on cost as a fraction of uniform's; None for what the model was trained for.
        window_s: length of the windows that long files are cut into; None for the model's.
        stride_s: from the start of a window to the next; None spreads them evenly.
        device: auto, cpu, cuda, ….
        workers: decoding processes; 0 for one per core.
        decode: exact, fast or auto; see ClipRequest.

    Raises:
        CheckpointError: not an adaframe checkpoint.
        AdaframeError: the budget is below what the model can do.
    """
    from adaframe.bundled import checkpoint_path
    from adaframe.model.metadata import read_metadata

    path = Path(checkpoint) if checkpoint is not None else checkpoint_path("example.safetensors")
    metadata = read_metadata(path)
    beta = metadata.beta_for(budget)  # said before any file is read
    files = [str(p) for p in paths]

    def recognizer() -> Recognizer:
        from adaframe.inference.recognizer import load

        return load(path, device=device)

    with DecodePool(workers=1 if len(files) == 1 else workers) as pool:
        yield from recognise_paths(
            recognizer, metadata, files, pool, beta=beta, window_s=window_s, stride_s=stride_s, decode=decode
        )
