"""Clips as a manifest can hold them; what had to be changed or left out is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from adaframe.data.clips import Clip
from adaframe.errors import DataError


def tidy(clips: Sequence[Clip]) -> tuple[list[Clip], list[str]]:
    """Clips with plain labels, in one place once, whose groups are on one side.

    Returns:
        The clips, and what was done, as lines for people.

    Raises:
        DataError: a label is empty, or two become one.
    """
    named = [clip for clip in clips if _is_text(clip.path)]
    notes = []
    if len(named) < len(clips):
        notes.append(
            f"{len(clips) - len(named)} files are left out: their names are no text in UTF-8, as a manifest is"
        )
    labels = _plain({label for clip in named for label in clip.labels})
    odd = sorted(label for label in labels if "|" in label)
    if odd:
        notes.append(f"in {len(odd)} labels, / stands for |, which joins labels in a manifest: {', '.join(odd[:5])}")
    plain = [replace(clip, labels=tuple(labels[label] for label in clip.labels)) for clip in named]
    once = _once(plain)
    if len(once) < len(plain):
        notes.append(
            f"{len(plain) - len(once)} clips are left out: an earlier one is of the same file and overlaps in time"
        )
    return _one_sided(once, notes), notes


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(labels: set[str]) -> dict[str, str]:
    """Each label as a manifest can hold it: without line breaks, white space around it, and bars."""
    plain = {
        label: " ".join(label.encode("utf-8", "replace").decode().split()).replace("|", "/") for label in sorted(labels)
    }
    if "" in plain.values():
        raise DataError("a label is empty")
    for name, count in Counter(plain.values()).items():
        if count > 1:
            meant = " and ".join(repr(label) for label in plain if plain[label] == name)
            raise DataError(f"the labels {meant} would be the same in a manifest; rename one of them")
    return plain


def _once(clips: list[Clip]) -> list[Clip]:
    """Without those that overlap with an earlier clip of their file, which would count twice."""
    kept: list[Clip] = []
    spans: dict[str, list[tuple[float, float]]] = {}
    for clip in clips:
        start, end = clip.start_s or 0.0, float("inf") if clip.end_s is None else clip.end_s
        known = spans.setdefault(clip.path, [])
        if all(end <= other_start or other_end <= start for other_start, other_end in known):
            known.append((start, end))
            kept.append(clip)
    return kept


def _one_sided(clips: list[Clip], notes: list[str]) -> list[Clip]:
    """Groups that the data set itself has in two splits are none: a manifest refuses them."""
    sides: dict[str, set[str]] = {}
    for clip in clips:
        sides.setdefault(clip.group, set()).add(clip.split)
    both = {group for group, splits in sides.items() if group and len(splits) > 1}
    if both:
        notes.append(f"{len(both)} groups are in more than one official split; their clips are not marked as a group")
    return [replace(clip, group="") if clip.group in both else clip for clip in clips]
