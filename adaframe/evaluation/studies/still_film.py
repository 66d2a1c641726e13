"""A scene that stands still with an event in it: the empty scene, its light, its sensor's noise, and how the event comes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Picture = NDArray[np.uint8]

SAME_SCENE = 8.0  # of 255: two clips whose empty pictures differ by less in half of the pixels are of one camera
MOVES = 10.0  # of 255: where half of the frames are further than this from their median nothing stands still
_OF_OTHERS = 6  # frames that another clip of the same camera gives to the empty scene
_NOISES = 4  # fields of noise that are drawn; every frame gets one of them, rolled anywhere and mirrored or not
_DRIFT, _DRIFT_S = 0.05, (15.0, 60.0)  # share of the light that comes and goes slowly, and in how many seconds
_STEP, _STEP_EVERY_S, _STEP_TAKES_S = (
    0.06,
    10.0,
    0.5,
)  # clouds, lamps, auto exposure: at most so much, so often, so fast


@dataclass(frozen=True)
class Film:
    """How a scene is filmed.

    Args:
        fps: frames a second.
        noise: standard deviation of the sensor's noise, of 255.
        fade_s: seconds that who takes part in the event take to come up, and to vanish; both lie within the event.
        light: factor on all changes of light; 0: it never changes.
    """

    fps: float = 8.0
    noise: float = 3.0
    fade_s: float = 0.25
    light: float = 1.0


@dataclass(frozen=True)
class Event:
    """Where in a film something happens: seconds from its start; the film is `length_s` long."""

    start_s: float
    end_s: float
    length_s: float


def draw_event(random: np.random.Generator, length_s: tuple[float, float], event_s: float) -> Event:
    """A film's length, and a place for the event in it: both anywhere in their range alike."""
    length = max(float(random.uniform(*length_s)), event_s)
    start = float(random.uniform(0.0, length - event_s))
    return Event(start, start + event_s, length)


def empty_scenes(clips: Sequence[Sequence[Picture]]) -> list[tuple[Picture, int]]:
    """The scene of each clip without those who move: medians over time, of it and of others by the same camera.

    A clip's own median keeps the smear of those who fight on one spot, which would tell the label; the more clips of one
    camera, of whatever label, the less is left of it. What moves all the same is filled in from what is around it. Others are
    first brought to a clip's own light, by channel.

    Args:
        clips: some frames of each clip of one source and size, RGB, uint8, (H, W, 3).

    Returns:
        The picture, and how many other clips are in it, for each clip.
    """
    frames = [np.stack(pictures).astype(np.float32) for pictures in clips]
    medians = [np.median(one, axis=0) for one in frames]
    scenes = []
    for n, own in enumerate(frames):
        pool = [own]
        for m, theirs in enumerate(frames):
            shift = np.median(medians[n] - medians[m], axis=(0, 1))
            if m != n and np.median(np.abs(medians[m] + shift - medians[n])) < SAME_SCENE:
                pool.append(theirs[:: max(len(theirs) // _OF_OTHERS, 1)] + shift)
        together = np.concatenate(pool)
        picture = medians[n] if len(pool) == 1 else np.median(together, axis=0)
        moves = np.median(np.abs(together - picture).max(axis=3), axis=0) > MOVES
        scene = np.clip(np.rint(filled(picture, ~_wider(moves))), 0, 255)
        scenes.append((scene.astype(np.uint8), len(pool) - 1))
    return scenes


def _wider(mask: NDArray[np.bool_], by: int = 3) -> NDArray[np.bool_]:
    """A mask with its surroundings: the edge of what moves is blurred."""
    square = np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(2 * by + 1)))
    return square > 0


def filled(picture: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A picture (H, W, 3) whose unknown pixels are taken from around them, in ever coarser pictures of what is known."""
    if known.all() or not known.any():
        return picture
    height, width = known.shape
    rows, columns = -(-height // 2), -(-width // 2)
    edge = ((0, 2 * rows - height), (0, 2 * columns - width))
    weight = np.pad(known, edge).astype(np.float32).reshape(rows, 2, columns, 2)
    values = np.pad(np.where(known[..., None], picture, 0.0), (*edge, (0, 0))).reshape(rows, 2, columns, 2, 3)
    count = weight.sum(axis=(1, 3))
    coarse = filled(values.sum(axis=(1, 3)) / np.maximum(count, 1)[..., None], count > 0)
    channels = [
        np.asarray(
            Image.fromarray(coarse[..., c].astype(np.float32)).resize(
                (2 * columns, 2 * rows), Image.Resampling.BILINEAR
            )
        )
        for c in range(3)
    ]
    return np.where(known[..., None], picture, np.stack(channels, axis=2)[:height, :width])


def light_of(times_s: NDArray[np.float64], random: np.random.Generator, strength: float) -> NDArray[np.float64]:
    """The light at each time, as a factor about 1, (N,): it drifts, and now and then it changes within half a second."""
    period, phase = random.uniform(*_DRIFT_S), random.uniform(0, 2 * np.pi)
    light = _DRIFT * np.sin(2 * np.pi * times_s / period + phase)
    for _ in range(random.poisson(times_s[-1] / _STEP_EVERY_S)):
        at, step = random.uniform(0, times_s[-1]), random.uniform(-_STEP, _STEP)
        light = light + step * np.clip((times_s - at) / _STEP_TAKES_S, 0, 1)
    return np.asarray(1 + strength * np.clip(light - light.mean(), -0.25, 0.25))


def film(
    scene: Picture, pictures: Sequence[Picture], event: Event, how: Film, random: np.random.Generator
) -> Iterator[Picture]:
    """All frames: the scene, and while the event lasts its pictures, in the same light and under the same noise.

    Args:
        scene: standing still, RGB, uint8, (H, W, 3).
        pictures: of the event, as many as its seconds have frames; fewer are spread over them.
        event: when.
        how: it is filmed.
        random: of light and noise.
    """
    times = np.arange(round(event.length_s * how.fps)) / how.fps
    light = light_of(times, random, how.light).astype(np.float32)
    noises = [random.normal(0, how.noise, scene.shape).astype(np.float32) for _ in range(_NOISES)]
    still = scene.astype(np.float32)
    for t, time_s in enumerate(times.tolist()):
        picture = still
        if event.start_s <= time_s < event.end_s:
            share = (time_s - event.start_s) / (event.end_s - event.start_s)
            present = min(time_s - event.start_s, event.end_s - time_s) / how.fade_s if how.fade_s else 1.0
            shown = pictures[min(int(share * len(pictures)), len(pictures) - 1)].astype(np.float32)
            picture = still + min(present, 1.0) * (shown - still)
        noise = noises[int(random.integers(_NOISES))]
        noise = np.roll(noise, tuple(random.integers(0, n) for n in scene.shape[:2]), axis=(0, 1))
        yield np.clip(picture * light[t] + noise + 0.5, 0, 255).astype(np.uint8)
