"""What methods, models and data are called in tables and titles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def file_names(paths: Sequence[str]) -> list[str]:
    """Short names that tell files apart: their own (their folder's, of model.safetensors), with more folders if need be."""
    parts = [Path(path).with_suffix("").parts for path in paths]
    parts = [names[:-1] if names[-1] == "model" and len(names) > 1 else names for names in parts]
    found = []
    for number, names in enumerate(parts):
        length = 1
        others = [other for n, other in enumerate(parts) if n != number]
        while length < len(names) and any(other[-length:] == names[-length:] for other in others):
            length += 1
        found.append("/".join(names[-length:]))
    return [name if found.count(name) == 1 else f"{name} #{n}" for n, name in enumerate(found, start=1)]


def name_apart(method: str, model: str, taken: Sequence[str], *, policy_runs: bool) -> str:
    """The name of a method of another model; a fixed plan's is short where no other plan has it.

    Args:
        method: as the model itself calls it.
        model: its short name.
        taken: names of methods that are in the table.
        policy_runs: whether it is no fixed plan.
    """
    if policy_runs:
        return f"{method} ({model})"
    alone = f"{method}, trained alone"
    return f"{alone} ({model})" if alone in taken else alone


def title(path: str) -> str:
    """Of a model or of data, for people: the last two names of its path; without the file's where all are called so."""
    names = [name for name in Path(path).with_suffix("").parts if name != Path(path).anchor]
    return "/".join(names[:-1][-2:] if names[-1:] == ["model"] and len(names) > 1 else names[-2:]) or path
