"""Public data sets as their owners publish them -> manifests that `adaframe train` reads. Free of torch.

Each data set (or family) has a file that knows its annotation files; the rest is common: finding videos (`place`),
collecting clips (`gathering`), making them fit a manifest (`tidy`), opening each video beforehand (`verify`).
"""

from __future__ import annotations

from adaframe.prepare.catalogue import PREPARERS
from adaframe.prepare.run import prepare

__all__ = ["PREPARERS", "prepare"]
