"""The configuration's dataclasses to plain values (for YAML and JSON) and back, with strict types and clear errors.

Free of torch. What the values mean is checked in `config_check`.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from adaframe.config import Config
from adaframe.errors import UsageError

T = TypeVar("T")


class _Loader(yaml.SafeLoader):
    """YAML 1.2's floats: PyYAML reads `1e-3` as a string."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def to_dict(obj: Any) -> dict[str, Any]:
    """A configuration dataclass as dicts, lists, strings, numbers, bools and None: ready for JSON and YAML."""
    return {field.name: _plain(getattr(obj, field.name)) for field in dataclasses.fields(obj)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def from_dict(cls: type[T], data: Mapping[str, Any], *, where: str = "") -> T:
    """The reverse of `to_dict`; keys that are left out keep their defaults.

    Args:
        cls: a dataclass of `adaframe.config`.
        data: plain values, as from YAML or JSON.
        where: starts the error messages: a file, a key.

    Raises:
        UsageError: an unknown key (the closest known one is named), a missing one, or a value of another type.
    """
    result: T = _build(cls, data, (where,) if where else ())
    return result


def config_from_dict(data: Mapping[str, Any], *, where: str = "") -> Config:
    """`from_dict` for the whole configuration of a training run."""
    return from_dict(Config, data, where=where)


def to_yaml(config: Any) -> str:
    """A configuration dataclass as YAML, in the order of its fields; `read_yaml` and `from_dict` read it back."""
    return yaml.safe_dump(to_dict(config), sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; an empty file is an empty mapping.

    Raises:
        UsageError: the file is missing, no YAML, or no mapping.
    """
    try:
        data = yaml.load(Path(path).read_text(encoding="utf-8-sig"), _Loader)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not text in UTF-8, so no configuration") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise UsageError(
            f"{path}{place}: is not valid YAML ({getattr(error, 'problem', None) or 'odd character'})"
        ) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"{path}: holds {_name(data)}, not keys with values like `budget: 0.5`")
    return data


def read_layered(path: str | Path) -> dict[str, Any]:
    """As `read_yaml`, over the file that its key `base` names, beside it: what it says itself replaces what that one says.

    Keys of keys are merged; a list replaces a whole list.

    Raises:
        UsageError: as of `read_yaml`; or files that are each other's base.
    """
    layers: list[dict[str, Any]] = []
    seen: list[Path] = []
    following: str | Path | None = path
    while following is not None:
        file = Path(following)
        if file.resolve() in seen:
            raise UsageError(f"{path}: base: {file.name} comes up twice, so these files have no first one")
        seen.append(file.resolve())
        layers.append(read_yaml(file))
        base = layers[-1].pop("base", None)
        if base is not None and not isinstance(base, str):
            raise UsageError(f"{file}: base: must be the name of a file, not {_name(base)}")
        following = None if base is None else file.parent / base
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        merged = _over(merged, layer)
    return merged


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def closest(word: str, known: list[str]) -> str:
    """` (did you mean 'x'?)` when a known word is near, else nothing."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _build(cls: Any, data: Any, where: tuple[str, ...]) -> Any:
    if not isinstance(data, Mapping):
        raise _wrong(where, f"needs keys with values, not {_name(data)}")
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in data:
        if key not in fields:
            names = list(fields)
            raise _wrong(where, f"unknown key {str(key)!r}{closest(str(key), names)}; known: {', '.join(names)}")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in data:
            raise _wrong(where, f"the key {name!r} is missing")
    return cls(**{key: _convert(hints[key], value, (*where, key)) for key, value in data.items()})


def _convert(kind: Any, value: Any, where: tuple[str, ...]) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        return value if type(value) is kind else _build(kind, value, where)
    if origin in (Union, types.UnionType):
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return None if value is None else _convert(inner, value, where)
    if origin is Literal:
        if value not in arguments:
            raise _wrong(where, f"must be one of {', '.join(map(str, arguments))}, not {_name(value)}")
        return value
    if origin is tuple:
        return _convert_tuple(arguments, value, where)
    # A YAML file cannot tell that `fold: 3` is meant as a name; a bool or a float for a name is a mistake.
    if kind is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        quotes = "; write it in quotes" if kind is str and isinstance(value, bool) else ""
        raise _wrong(where, f"must be {_KINDS[kind]}, not {_name(value)}{quotes}")
    return value


def _convert_tuple(arguments: tuple[Any, ...], value: Any, where: tuple[str, ...]) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(where, f"must be a list, not {_name(value)}")
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(value) != len(arguments):
        raise _wrong(where, f"must be a list of {len(arguments)} values, not of {len(value)}")
    return tuple(
        _convert(kind, item, (*where[:-1], f"{where[-1]}[{index}]"))
        for index, (kind, item) in enumerate(zip(arguments, value, strict=True))
    )


_KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _name(value: Any) -> str:
    if isinstance(value, Mapping):
        return "keys with values"
    return "nothing (null)" if value is None else f"a list of {len(value)}" if isinstance(value, list) else repr(value)


def _wrong(where: tuple[str, ...], what: str) -> UsageError:
    # The first part may be a file's name, which no dot joins to the keys.
    head = [where[0]] if where and ("/" in where[0] or "." in where[0]) else []
    return UsageError(": ".join([*head, *filter(None, [".".join(where[len(head) :])]), what]))
