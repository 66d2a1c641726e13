import itertools

import numpy as np
import pytest

from adaframe.evaluation.studies.still_film import Event, Film, draw_event, empty_scenes, filled, film, light_of

GREY = np.full((16, 24, 3), 100, dtype=np.uint8)
QUIET = Film(fps=8.0, noise=0.0, fade_s=0.25, light=0.0)


def walker(column: int) -> np.ndarray:
    """The grey scene with someone white in it, four columns wide."""
    picture = GREY.copy()
    picture[:, column : column + 4] = 255
    return picture


def test_the_event_lies_within_its_film_and_has_its_length() -> None:
    random = np.random.default_rng(0)
    events = [draw_event(random, (20.0, 60.0), 2.0) for _ in range(200)]

    assert all(20 <= e.length_s <= 60 and e.start_s >= 0 and e.end_s <= e.length_s for e in events)
    assert np.allclose([e.end_s - e.start_s for e in events], 2.0)
    assert min(e.start_s / (e.length_s - 2) for e in events) < 0.1
    assert max(e.start_s / (e.length_s - 2) for e in events) > 0.9


def test_who_walks_through_is_not_in_the_empty_scene() -> None:
    ((scene, others),) = empty_scenes([[walker(column) for column in (0, 4, 8, 12, 16)]])

    assert (scene == 100).all()
    assert others == 0


def test_who_fights_on_one_spot_is_filled_in_from_around() -> None:
    """A median over time would keep the mean of what flickers there."""
    pictures = [walker(8) if n % 2 else GREY for n in range(8)]

    ((scene, _),) = empty_scenes([pictures])

    assert (scene == 100).all()


def test_clips_of_one_camera_share_an_empty_scene_in_their_own_light() -> None:
    standing, empty = [walker(8)] * 6, [GREY + 40] * 6
    elsewhere = [np.random.default_rng(1).integers(0, 256, GREY.shape).astype(np.uint8)] * 6

    scenes = empty_scenes([standing, empty, empty, elsewhere])

    assert [others for _, others in scenes] == [2, 2, 2, 0]
    assert (scenes[0][0] == 100).all()
    assert (scenes[1][0] == 140).all()


def test_what_is_not_known_is_taken_from_what_is_around_it() -> None:
    picture = np.zeros((9, 9, 3), dtype=np.float32)
    picture[:, 5:] = 90.0
    known = np.ones((9, 9), dtype=bool)
    known[:, 4] = False

    whole = filled(picture, known)

    assert (whole[:, :4] == 0).all()
    assert (whole[:, 5:] == 90).all()
    assert ((whole[:, 4] > 0) & (whole[:, 4] < 90)).all()


def test_nothing_but_the_event_is_seen_to_change_without_noise_and_light() -> None:
    event = Event(2.0, 4.0, 10.0)

    frames = np.stack(list(film(GREY, [walker(8)] * 16, event, QUIET, np.random.default_rng(0))))

    assert frames.shape == (80, 16, 24, 3)
    changed = (frames != GREY).any(axis=(1, 2, 3))
    assert changed[17:32].all()
    assert not changed[:17].any()
    assert not changed[32:].any()


def test_the_event_comes_up_without_a_cut() -> None:
    frames = list(film(GREY, [walker(8)] * 16, Event(2.0, 4.0, 10.0), QUIET, np.random.default_rng(0)))

    brightness = [int(frame[0, 8, 0]) for frame in frames[15:20]]
    assert brightness == sorted(brightness)
    assert any(100 < value < 255 for value in brightness)


def test_noise_is_fresh_in_every_frame_and_light_changes_over_the_film() -> None:
    event = Event(29.0, 30.0, 30.0)
    frames = list(film(GREY, [GREY] * 8, event, Film(noise=3.0), np.random.default_rng(0)))

    assert all((a != b).mean() > 0.5 for a, b in itertools.pairwise(frames))
    means = [float(frame.mean()) for frame in frames]
    assert max(means) - min(means) > 3


@pytest.mark.parametrize("seed", range(5))
def test_light_without_strength_stands_still_and_is_never_far_from_one(seed: int) -> None:
    times = np.arange(0, 60, 0.125)

    assert (light_of(times, np.random.default_rng(seed), 0.0) == 1).all()
    assert np.abs(light_of(times, np.random.default_rng(seed), 1.0) - 1).max() <= 0.25
