"""The command `adaframe`: finds the subcommand, runs it, and turns errors into a line and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from adaframe import __version__
from adaframe.errors import AdaframeError

COMMANDS = {
    "train": "train a model on a folder per class or a CSV manifest",
    "classify": "say what happens in videos",
    "evaluate": "accuracy beside executed compute and time, against the baselines",
    "info": "what a checkpoint (or a video) is",
    "bench": "speed on this machine: uniform against adaptive",
    "stream": "say what happens now in front of cameras",
    "prepare": "a public data set's own files -> a manifest",
}
USAGE = "adaframe COMMAND [options]"


def run() -> None:
    """The console script."""
    # Decoding processes share the cores with the model: threads of torch that spin while they wait would take them away.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # A file's name need not be Unicode; it is shown escaped then.
            stream.reconfigure(errors="backslashreplace")
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Args:
        argv: the words after `adaframe`.

    Returns:
        The exit code: 0 all went well, 1 something failed, 2 wrong usage, 130 interrupted.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            return _dispatch(argv)
        except SystemExit as stop:  # argparse after --help
            return stop.code if isinstance(stop.code, int) else 0
        except AdaframeError as error:
            _say(f"error: {error}")
            return error.exit_code
        except BrokenPipeError:
            # Whoever read our output has left (as `| head` does): nothing to tell, nobody to tell it to.
            forget_stdout()
            return 1
        except KeyboardInterrupt:
            _say("stopped")
            return 130
        except Exception as error:
            if os.environ.get("ADAFRAME_DEBUG") == "1":
                raise
            _say(f"internal error: {_one_line(error)}; set ADAFRAME_DEBUG=1 to see where, and please report it")
            return 1


def _dispatch(argv: Sequence[str]) -> int:
    from adaframe.cli.parser import did_you_mean, usage_error

    if not argv:
        print(_help(), file=sys.stderr)
        return 2
    name = argv[0]
    if name in ("-h", "--help", "help"):
        print(_help())
        return 0
    if name == "--version":
        print(f"adaframe {__version__}")
        return 0
    if name not in COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        hint = did_you_mean(name, [*COMMANDS, "--help", "--version"]) or f"; known: {', '.join(COMMANDS)}"
        raise usage_error("adaframe", USAGE, f"unknown {kind} {name}{hint}")
    # Only the command's own module is imported: others would cost start-up time.
    command: Any = import_module(f"adaframe.cli.{name}")
    code: int = command.run(command.parse(argv[1:]))
    return code


def _help() -> str:
    lines = [f"  {name:<10} {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {USAGE}",
            "",
            "Video recognition that computes only the frames it needs.",
            "",
            *lines,
            "",
            "adaframe COMMAND --help tells more; adaframe --version",
        ]
    )


def _say(text: str) -> None:
    from adaframe.video.masking import mask

    text = mask(text)  # a camera's address may stand in any message
    with contextlib.suppress(BrokenPipeError):
        print(f"adaframe: {text}", file=sys.stderr, flush=True)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    # Where in our code a warning arose tells a user nothing.
    _say(f"warning: {' '.join(str(message).split())}")


def forget_stdout() -> None:
    """Write the rest of what is printed to nowhere: whoever read it has left."""
    # Python flushes stdout once more at exit, which would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
