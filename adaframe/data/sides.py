"""Labels that a mirrored picture would make wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SIDE = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)


def sided(labels: Iterable[str]) -> list[str]:
    """Those that speak of left or right (`Pushing something from left to right`), sorted."""
    return sorted({label for label in labels if _SIDE.search(label)})
