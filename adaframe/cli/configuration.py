"""The command line of `adaframe train` -> a checked Config: defaults, then the file, then the flags."""

from __future__ import annotations

import dataclasses
import re
from argparse import HelpFormatter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, get_origin, get_type_hints

from jsonargparse import ArgumentParser, Namespace

from adaframe import bundled
from adaframe.cli.parser import check_options, usage_error
from adaframe.config import Config, Look
from adaframe.config_check import check
from adaframe.config_io import config_from_dict, read_layered
from adaframe.errors import UsageError

USAGE = "adaframe train [--config FILE] [--data.root DIR] [--out DIR] [--budget F] [options]"
_ABOUT = """Trains all stages. Values come from --config, then from the flags, which are the keys of the configuration; without
--config they are picked by the number, size and length of the clips and by the device, and said. Leaves in DIR:
model.safetensors (what to use), last.ckpt (to resume), config.yaml (all values), metrics.csv and report.md."""


def parse_config(argv: Sequence[str]) -> tuple[Config, Path, bool]:
    """Parse the words after `adaframe train`.

    Returns:
        The checked configuration (of a run that is resumed without --config, its own), the folder for results, and
        whether to resume there.

    Raises:
        UsageError: an unknown flag or key, or a value that cannot be.
    """
    file = _value_of("--config", argv)
    path = find_config(file) if file else _begun(argv)
    config = config_from_dict(read_layered(path), where=str(path)) if path else Config()
    parser = _parser(config)
    check_options(argv, parser)
    values = _plain(parser.parse_args(list(argv)))
    del values["config"]
    out, resume = values.pop("out"), values.pop("resume")
    config = config_from_dict(values)
    check(config)
    return config, Path(out or Path("runs") / (Path(file).stem if file else "train")), resume


def given_keys(argv: Sequence[str]) -> frozenset[str] | None:
    """The keys that flags give where no configuration is named, so that the others are to be picked; else None."""
    if _value_of("--config", argv) or _begun(argv):
        return None
    return frozenset(word[2:].partition("=")[0] for word in argv if word.startswith("--"))


def _begun(argv: Sequence[str]) -> Path | None:
    """The config.yaml of the run that shall be resumed."""
    if "--resume" not in argv:
        return None
    path = Path(_value_of("--out", argv) or Path("runs") / "train") / "config.yaml"
    return path if path.is_file() else None


def read_config(name: str) -> Config:
    """The checked configuration in a file, or a bundled one; raises UsageError."""
    path = find_config(name)
    config = config_from_dict(read_layered(path), where=str(path))
    check(config)
    return config


def find_config(name: str) -> Path:
    """The file of that name, or else the bundled configuration: `demo`, `configs/demo.yaml` and `paper/fcvid-resnet` are found.

    Raises:
        UsageError: there is neither.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if path.parent in (Path("."), Path("configs"), Path("paper"), Path("configs/paper")):
        return bundled.config_path(path.name, paper=path.parent.name == "paper")
    raise UsageError(f"{name}: there is no such configuration file")


class _Parser(ArgumentParser):
    """jsonargparse's parser with one flag per value, and errors of our kind."""

    def error(self, message: str, *_: Any) -> NoReturn:
        raise usage_error("adaframe train", USAGE, _short(message))


def _parser(config: Config) -> _Parser:
    parser = _Parser(
        prog="adaframe train", usage=USAGE, description=_ABOUT, allow_abbrev=False, formatter_class=HelpFormatter
    )
    parser.add_argument("--config", metavar="FILE", help="a YAML file, or the name of a bundled one (demo)")
    parser.add_argument("--out", metavar="DIR", help="folder for the results (default: runs/<name of the config>)")
    parser.add_argument("--resume", action="store_true", help="go on where a run in --out stopped")
    groups = {}
    for key, kind, help_text in _leaves(Config):
        section = key.rpartition(".")[0]
        if section not in groups:
            groups[section] = parser.add_argument_group(section or "run")
        default: Any = config
        for part in key.split("."):
            default = getattr(default, part)
        help_text += f" (default: {_shown(default)})"
        groups[section].add_argument(f"--{key}", type=kind, default=default, help=help_text, metavar=_metavar(kind))
    return parser


def _leaves(cls: type, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Key, type and help of every value below a dataclass."""
    hints, texts = get_type_hints(cls), _field_help(cls)
    nested = [field for field in dataclasses.fields(cls) if dataclasses.is_dataclass(hints[field.name])]
    for field in dataclasses.fields(cls):
        if field not in nested:
            yield f"{prefix}{field.name}", hints[field.name], texts.get(field.name, "")
    for field in nested:
        yield from _leaves(hints[field.name], f"{prefix}{field.name}.")


def _field_help(cls: type) -> dict[str, str]:
    """The texts of the Args section of a dataclass's docstring, by field."""
    _, _, section = (cls.__doc__ or "").partition("Args:\n")
    found = re.findall(r"^ {8}(\w+): (.+(?:\n {9,}.+)*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _value_of(flag: str, argv: Sequence[str]) -> str:
    """The value of a flag that is needed before the others are parsed; empty where it is not given."""
    found = ""
    for word, following in zip(argv, [*argv, ""][1:], strict=True):
        name, equals, value = word.partition("=")
        if name == flag:
            found = value if equals else following
    return found


def _plain(value: Any) -> Any:
    """jsonargparse's namespaces, also those in lists, as dicts."""
    if isinstance(value, Namespace):
        return {name: _plain(item) for name, item in vars(value).items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _metavar(kind: Any) -> str | None:
    """Short words for the help; None leaves a choice's values to be shown."""
    if get_origin(kind) is Literal:
        return None
    return {int: "N", float: "X", str: "TEXT", bool: "true|false"}.get(
        kind, "[…]" if get_origin(kind) is tuple else "X"
    )


def _shown(default: Any) -> str:
    """A default value for the help, where % would start a placeholder."""
    if isinstance(default, tuple) and any(isinstance(item, Look) for item in default):
        return ", ".join(look.name for look in default)
    return {"": "none", "None": "none"}.get(str(default), str(default)).replace("%", "%%")


def _short(message: str) -> str:
    """jsonargparse's messages on one line, naming flags as the user wrote them."""
    message = re.sub(r'Parser key "([\w.]+)":', r"--\1:", message)
    message = re.sub(r"<class '(\w+)'>|typing\.", r"\1", message)
    return " ".join(message.split())
