"""What was picked automatically, kept as comments at the head of a run's config.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_LEAD = "# picked: "


def with_picked(yaml: str, picked: Sequence[str]) -> str:
    """A configuration's text with a comment line for each choice."""
    return "".join(f"{_LEAD}{' '.join(reason.split())}\n" for reason in picked) + yaml


def picked_before(out: Path) -> tuple[str, ...]:
    """The choices of the run in a folder; none where it has none."""
    try:
        lines = (out / "config.yaml").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(line.removeprefix(_LEAD) for line in lines if line.startswith(_LEAD))
