"""A study: recipes that differ in a few keys, between which clips are to choose.

base: fight-example.yaml            # a configuration beside the study, of which every variant changes some keys
variants:                           # simpler ones first: a later one is chosen only where it is better beyond the noise
  - name: present
  - name: mixed
    set: {train.mixup: 0.4}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adaframe.config import Config, Data
from adaframe.config_check import check
from adaframe.config_io import config_from_dict, read_yaml, to_dict
from adaframe.errors import UsageError


@dataclass(frozen=True)
class Variant:
    """A recipe with a name."""

    name: str
    config: Config

    @property
    def key(self) -> str:
        """Changes with whatever changes what a training of this recipe gives, so not with where its clips and caches lie."""
        data = replace(self.config.data, root="", manifest="", cache="", cache_gb=0.0, workers=0)
        plain = json.dumps(to_dict(replace(self.config, data=data, fold="")), sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()[:12]


def read_study(path: Path, data: Data) -> tuple[Variant, ...]:
    """The variants of a study file, in its order.

    Args:
        path: of a YAML file (see above).
        data: says where the clips and the cache are; the rest of it is the study's.

    Raises:
        UsageError: the file is no study, or a variant's configuration makes no sense.
    """
    plain = read_yaml(path)
    if set(plain) != {"base", "variants"} or not isinstance(plain["variants"], list) or not plain["variants"]:
        raise UsageError(f"{path}: a study has two keys, base (a configuration's file) and variants (a list)")
    base = read_yaml(path.parent / str(plain["base"]))
    places = {f"data.{key}": getattr(data, key) for key in ("root", "manifest", "cache", "workers")}
    found: dict[str, Variant] = {}
    for n, variant in enumerate(plain["variants"]):
        if not isinstance(variant, dict) or not {"name"} <= set(variant) <= {"name", "set"}:
            raise UsageError(f"{path}: variants[{n}]: has a name, and in set what it changes; it is {variant!r}")
        name, changes = str(variant["name"]), variant.get("set", {})
        if name in found:
            raise UsageError(f"{path}: variants[{n}]: there is another one of the name {name!r}")
        if not isinstance(changes, dict):
            raise UsageError(f"{path}: {name}: set needs keys with values, such as train.lr: 0.01; it is {changes!r}")
        try:
            config = config_from_dict(with_keys(base, {**changes, **places}))
            check(config)
        except UsageError as error:
            raise UsageError(f"{path}: {name}: {error}") from None
        found[name] = Variant(name, config)
    return tuple(found.values())


def with_keys(plain: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings with other values, named as flags are: {"train.lr": 0.1}."""
    changed = dict(plain)
    for key, value in changes.items():
        first, _, rest = str(key).partition(".")
        inner = changed.get(first)
        changed[first] = with_keys(inner if isinstance(inner, dict) else {}, {rest: value}) if rest else value
    return changed
