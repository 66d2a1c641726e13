"""Many files: decoding in child processes beside the model, in order, errors as values.

Decoding starts before torch is imported: for one short clip the import takes longer than everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaframe.errors import VideoError
from adaframe.video import ClipFrames, ClipRequest, DecodePool, read_clip

if TYPE_CHECKING:
    from adaframe.inference.prediction import Prediction
    from adaframe.inference.recognizer import Recognizer
    from adaframe.model.metadata import Metadata


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
    metadata.beta_for(budget)
    files = [str(p) for p in paths]

    def recognizer() -> Recognizer:
        from adaframe.inference.recognizer import load

        return load(path, device=device)

    with DecodePool(workers=1 if len(files) == 1 else workers) as pool:
        yield from recognise_paths(
            recognizer, metadata, files, pool, budget=budget, window_s=window_s, stride_s=stride_s, decode=decode
        )


def recognise_paths(
    recognizer: Callable[[], Recognizer],
    metadata: Metadata,
    paths: Iterable[str | Path],
    pool: DecodePool,
    *,
    budget: float | None = None,
    window_s: float | None = None,
    stride_s: float | None = None,
    decode: str = "auto",
) -> Iterator[Prediction | VideoError]:
    """As classify_paths, with a pool that runs already; the recogniser is asked for once decoding has begun."""
    requests = (metadata.request(str(p), window_s=window_s, stride_s=stride_s, decode=decode) for p in paths)
    with ThreadPoolExecutor(1) as side:
        loading = side.submit(recognizer)
        for first in pool.map(read_clip, requests):
            if isinstance(first, VideoError):
                yield first
                continue
            request = metadata.request(first.path, window_s=window_s, stride_s=stride_s, decode=decode)
            try:
                yield loading.result().classify_parts(first.path, in_parts(first, request, pool), budget=budget)
            except VideoError as error:
                yield error


def in_parts(first: ClipFrames, request: ClipRequest, pool: DecodePool) -> Iterator[ClipFrames]:
    """A long file's windows, part by part; a part that fails later is a warning of the file, not its error."""
    yield first
    starts = range(request.max_windows, first.windows_total, request.max_windows)
    later = pool.map(read_clip, (replace(request, first_window=window) for window in starts))
    for window, part in zip(starts, later, strict=True):
        if isinstance(part, VideoError):
            lost = min(request.max_windows, first.windows_total - window)
            warning = f"{lost} windows are left out: {part.what}"
            yield replace(first, **_nothing(first), decode_s=0.0, warnings=(warning,))
        else:
            yield part


def _nothing(part: ClipFrames) -> dict[str, Any]:
    """No windows at all, in the shapes of a part."""
    arrays = ("images", "times_s", "indices", "valid", "start_s", "end_s")
    return {name: getattr(part, name)[:0] for name in arrays}
