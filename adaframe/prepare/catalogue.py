"""The names of the data sets, and who reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from adaframe.prepare.activitynet import read_activitynet
from adaframe.prepare.arnet import read_arnet
from adaframe.prepare.charades import read_charades
from adaframe.prepare.fcvid import read_fcvid
from adaframe.prepare.fight_surv import read_fight_surv
from adaframe.prepare.folder import read_folder
from adaframe.prepare.gathering import Prepared
from adaframe.prepare.hmdb51 import read_hmdb51
from adaframe.prepare.kinetics import read_kinetics, read_mini_kinetics
from adaframe.prepare.moments import read_moments
from adaframe.prepare.something import read_something_v1, read_something_v2
from adaframe.prepare.ucf101 import read_ucf101


@dataclass(frozen=True)
class Preparer:
    """Who reads a data set.

    Args:
        read: of the source folder and the options, by their names.
        options: those of OPTIONS that the data set has.
    """

    read: Callable[..., Prepared]
    options: tuple[str, ...] = ("annotations",)


OPTIONS = {
    "annotations": "has no annotation files",
    "split_number": "has one official split",
    "segments": "has whole clips only",
}
"""What single data sets have, and why the others have not."""

PREPARERS: dict[str, Preparer] = {
    "activitynet1.2": Preparer(partial(read_activitynet, "1.2"), ("annotations", "segments")),
    "activitynet1.3": Preparer(partial(read_activitynet, "1.3"), ("annotations", "segments")),
    "arnet-activitynet": Preparer(partial(read_arnet, "activitynet")),
    "arnet-fcvid": Preparer(partial(read_arnet, "fcvid")),
    "arnet-mini-kinetics": Preparer(partial(read_arnet, "mini-kinetics")),
    "charades": Preparer(read_charades),
    "fcvid": Preparer(read_fcvid),
    "fight-surv": Preparer(read_fight_surv, ()),
    "folder": Preparer(read_folder, ()),
    "hmdb51": Preparer(read_hmdb51, ("annotations", "split_number")),
    "kinetics400": Preparer(partial(read_kinetics, "400")),
    "kinetics600": Preparer(partial(read_kinetics, "600")),
    "kinetics700": Preparer(partial(read_kinetics, "700")),
    "mini-kinetics200": Preparer(read_mini_kinetics),
    "moments": Preparer(read_moments),
    "something-v1": Preparer(read_something_v1),
    "something-v2": Preparer(read_something_v2),
    "ucf101": Preparer(read_ucf101, ("annotations", "split_number")),
}
