"""adaframe stream: cameras and files as they run -> what happens now, as lines, in a window or on a web page."""

from __future__ import annotations

import argparse
import errno
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adaframe import bundled
from adaframe.cli.classify import knows
from adaframe.cli.parser import Parser, above_zero, fraction, positive, seconds
from adaframe.errors import UsageError

if TYPE_CHECKING:
    from adaframe.inference.moment import Event, Moment
    from adaframe.live.ending import Ending
    from adaframe.live.web import BrowserCamera
    from adaframe.model.metadata import Metadata

_TICK_S, _TICK_WINDOW_S = 0.25, 0.02
_END_S = 1.0  # for the model and the cameras, when the end was asked for
_COMMANDS_END_S = 0.5
_KEEP = 100
_BROWSER = "browser"


class Output(Protocol):
    """Where moments and events are shown."""

    def show(self, item: Moment | Event) -> None: ...

    def refresh(self) -> bool:
        """Called often, also where nothing new comes; False once nobody looks any more."""

    def say(self, text: str) -> None:
        """Tell people something; from any thread."""

    def close(self) -> None: ...


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe stream`; raises UsageError."""
    parser = Parser(
        "stream",
        "--source 0|URL|FILE… [--json | --show | --web [HOST:]PORT] [--budget F | --max-load F | --latency MS] [options]",
        description="Says what happens now in front of cameras. Ends by Ctrl-C; lost cameras are tried again until then.",
    )
    option = parser.add_argument
    option(
        "--source",
        nargs="+",
        action="extend",
        default=[],
        metavar="0|URL|FILE",
        help="a webcam's number, an address (rtsp://…, http://…) or a file at its own pace; several run side by side. "
        "$NAME in an address, in single quotes, is taken from the environment: a password is then seen by nobody",
    )
    option("--list", action="store_true", help="list the webcams, and end")
    option("--checkpoint", metavar="FILE", default="", help="model (default: the bundled example)")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="one JSON object per line, on stdout")
    shown.add_argument("--show", action="store_true", help="a window; q or Esc ends")
    shown.add_argument("--web", metavar="[HOST:]PORT", help="a page for browsers (HOST: 127.0.0.1)")
    held = parser.add_mutually_exclusive_group()
    held.add_argument(
        "--budget", type=fraction, metavar="F", help="most compute, as a fraction of uniform's (0.5: half)"
    )
    held.add_argument("--max-load", type=above_zero, metavar="F", help="most load, in cores (0.5: half of one core)")
    held.add_argument("--latency", type=above_zero, metavar="MS", help="most milliseconds from a frame to its answer")
    option("--on-event", metavar="CMD", help="run for each event, its JSON on stdin; no shell, 10 seconds at most")
    option("--snapshots", metavar="DIR", help="keep the frame of each event there, as JPEG")
    option("--keep", type=positive, metavar="N", help="snapshots to keep; older ones are deleted (default: 100)")
    option("--fast", action="store_true", help="files as fast as they can be recognised, every frame")
    option("--max-seconds", type=seconds, metavar="S", help="end after S seconds")
    option("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)")
    args = parser.parse(argv)
    if not args.source and not args.list:
        parser.error("no source given; try: --source 0 (the first webcam), an address or a file")
    if args.keep and not args.snapshots:
        parser.error("--keep is about snapshots; try: --snapshots DIR --keep N")
    return args


def run(args: argparse.Namespace) -> int:
    """Watch until the sources end, or the end is asked for; returns 0, or 1 where one of several files could not be used."""
    if args.list:
        return _list()
    from adaframe.live.ending import Ending

    stop = threading.Event()
    with Ending(stop) as ending:
        return _watch(args, stop, ending)


def _watch(args: argparse.Namespace, stop: threading.Event, ending: Ending) -> int:
    from adaframe.cli.main import forget_stdout
    from adaframe.inference.moment import Event
    from adaframe.live.commands import LIMIT_S, Commands
    from adaframe.live.pump import Pump
    from adaframe.live.snapshots import Snapshots
    from adaframe.live.watchdog import Watchdog
    from adaframe.model.metadata import read_metadata

    names = _names(args)
    checkpoint = args.checkpoint or str(bundled.checkpoint_path("example.safetensors"))
    metadata = read_metadata(checkpoint)
    metadata.beta_for(args.budget)  # too small a budget is said before anything starts
    with ExitStack() as stack:
        output = stack.enter_context(closing(_output(args, checkpoint, metadata, names)))
        snapshots = Snapshots(args.snapshots, keep=args.keep or _KEEP, say=output.say) if args.snapshots else None
        commands = Commands(args.on_event, say=output.say) if args.on_event else None
        if commands is not None:
            ending.at_last.append(commands.kill)
        output.say(knows(checkpoint, metadata))
        watchdog, pulse = Watchdog(), _Pulse(stop)
        items = _recognise(args, checkpoint, pulse, getattr(output, "visitor", None))
        pump = Pump(items, stop, tick_s=_TICK_WINDOW_S if args.show else _TICK_S, end_s=_END_S)

        def finish() -> None:
            wait_s = _COMMANDS_END_S if stop.is_set() else LIMIT_S
            stop.set()
            if not pump.close():
                ending.leave()
            if commands is not None:
                commands.close(wait_s)

        stack.callback(finish)
        failed = False
        for item in pump:
            if isinstance(item, Event):
                failed |= not item.retried
                item = snapshots.take(item) if snapshots is not None else item
                if commands is not None:
                    commands.run(item)
            try:
                if item is not None:
                    output.show(item)
                looked_at = stop.is_set() or output.refresh()
            except OSError as error:
                if error.errno not in (errno.EPIPE, errno.EIO):  # EIO: a terminal that was closed
                    raise
                forget_stdout()
                looked_at = False
            if not looked_at:
                stop.set()
            if pulse.felt():
                watchdog.alive()
        watchdog.ending()
    return int(failed)


def _recognise(
    args: argparse.Namespace, checkpoint: str, pulse: _Pulse, visitor: BrowserCamera | None
) -> Generator[Moment | Event, None, None]:
    """What is recognised. Runs in a thread; what is heavy is imported there, so that the end can be asked for meanwhile."""
    from adaframe.inference.recognizer import load
    from adaframe.inference.watch import watch
    from adaframe.live.visitor import WithVisitor
    from adaframe.video.cameras import Cameras

    own = [source for source in args.source if not (visitor and source == _BROWSER)]
    cameras = WithVisitor(visitor, Cameras(own)) if visitor and len(own) < len(args.source) else None
    yield from watch(
        lambda: load(checkpoint, device=args.device),
        args.source,
        budget=args.budget,
        max_load=args.max_load,
        latency_ms=args.latency,
        every_frame=args.fast,
        max_seconds=args.max_seconds,
        stop=pulse.asked,
        cameras=cameras,
    )


class _Pulse:
    """Whether the recognition still runs: then it asks again and again if it shall stop."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop, self._felt = stop, False

    def asked(self) -> bool:
        self._felt = True
        return self._stop.is_set()

    def felt(self) -> bool:
        """Whether it asked since the last call."""
        felt, self._felt = self._felt, False
        return felt


def _names(args: argparse.Namespace) -> list[str]:
    """The sources as they are shown, passwords masked; what cannot be is said before the model is loaded."""
    from adaframe.video.source import parse_source

    names = []
    for text in args.source:
        if args.web and text == _BROWSER:
            names.append(text)
            continue
        source = parse_source(text)
        if args.fast and source.kind != "file":
            raise UsageError(f"--fast is for files, but {source.name} runs at its own pace; try: without --fast")
        names.append(source.name)
    if len(set(names)) < len(names):
        raise UsageError("a source is named twice; try: each once")
    return names


def _output(args: argparse.Namespace, checkpoint: str, metadata: Metadata, names: list[str]) -> Output:
    looks = sorted(metadata.model.looks, key=lambda look: -look.pixels)
    sides = {look.name: look.pixels / looks[0].pixels for look in looks}
    sides["glance"] = metadata.model.glance.pixels / looks[0].pixels
    if args.show:
        from adaframe.live.window import Window

        return Window(names, sides)
    if args.web:
        from adaframe.live.page import Page

        return Page(args.web, classes=metadata.classes, sources=names, model_name=Path(checkpoint).name)
    from adaframe.live.lines import JsonLines, PlainLines

    return JsonLines() if args.json else PlainLines(list(sides))


def _list() -> int:
    from adaframe.live.lines import note
    from adaframe.video.webcam import list_cameras

    cameras = list_cameras()
    for index, name in cameras:
        print(f"{index:>3}  {name}")
    if not cameras:
        note("no webcam found; is it plugged in, and may this user open /dev/video*?")
    return 0
