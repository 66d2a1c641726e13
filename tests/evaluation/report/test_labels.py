"""Names of points keep clear of each other and of what is drawn."""

from __future__ import annotations

import numpy as np

from adaframe.evaluation.report.labels import Box, along, place

FRAME = Box(0, 0, 400, 300)


def test_a_lone_label_goes_to_the_right_of_its_point() -> None:
    ((x, y),) = place(np.array([[200.0, 150.0]]), np.array([[30.0, 8.0]]), [], FRAME, 1.0)

    assert (x, y) == (38.0, 0.0)


def test_labels_of_neighbouring_points_do_not_overlap() -> None:
    anchors = np.array([[200.0, 150.0], [203.0, 152.0], [198.0, 149.0], [201.0, 155.0]])
    halves = np.full((4, 2), (30.0, 8.0))

    centres = anchors + place(anchors, halves, [], FRAME, 1.0)

    for i in range(4):
        for j in range(i):
            assert (np.abs(centres[i] - centres[j]) >= halves[i] + halves[j] - 1e-9).any()


def test_a_label_stays_inside_the_frame() -> None:
    ((x, _),) = place(np.array([[395.0, 150.0]]), np.array([[30.0, 8.0]]), [], FRAME, 1.0)

    assert x < 0


def test_a_label_is_not_cut_however_much_it_would_cover() -> None:
    """The name of a point at the edge, with everything on the other side taken."""
    wide, everything = np.array([[90.0, 8.0]]), [Box(0, 0, 390, 300, weight=100.0)]
    anchor = np.array([[395.0, 295.0]])

    (centre,) = anchor + place(anchor, wide, everything, FRAME, 1.0)

    assert (centre + wide[0] <= (400, 300)).all()
    assert (centre - wide[0] >= 0).all()


def test_a_label_avoids_a_line() -> None:
    line = np.array([[0.0, 150.0], [400.0, 150.0]])

    ((_, y),) = place(np.array([[200.0, 150.0]]), np.array([[30.0, 8.0]]), along(line, 4.0, 2.0), FRAME, 1.0)

    assert abs(y) >= 8 + 2
