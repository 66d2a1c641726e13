"""How the C library deals with the memory of feature maps."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT, _LARGEST = 1 << 30, 1 << 28  # bytes


def keep_freed_memory() -> bool:
    """Let the process keep up to 1 GB that it has freed, for the feature maps to come; whether the C library agreed.

    Otherwise glibc gives large blocks back to the system at once, and each new one is asked for and cleared page by page:
    that takes up to half of a MobileNetV2's time. Other C libraries than glibc are left alone.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT) and mallopt(_MMAP_THRESHOLD, _LARGEST))
