"""Energy in the tables of reports: a column for each place, and notes that say what is measured and what assumed."""

from __future__ import annotations

from collections.abc import Sequence

from adaframe.energy.result import Energy, amount


def places(methods: Sequence[Sequence[Energy]]) -> list[Energy]:
    """The first energy of each place that any method has one of: what the columns are."""
    found: dict[str, Energy] = {}
    for energy in methods:
        for one in energy:
            found.setdefault(one.where, one)
    return list(found.values())


def headers(columns: Sequence[Energy]) -> list[str]:
    """Of the columns."""
    return [f"J/video, {one.where} ({one.kind})" for one in columns]


def cells(energy: Sequence[Energy], columns: Sequence[Energy]) -> list[str]:
    """Of one method; where it was not measured as the column was, that is said."""
    by_place = {one.where: one for one in energy}
    found = []
    for column in columns:
        one = by_place.get(column.where)
        text = "–" if one is None else amount(one.joules, "J")
        found.append(text if one is None or one.kind == column.kind else f"{text} ({one.kind})")
    return found


def notes(methods: Sequence[Sequence[Energy]]) -> list[str]:
    """What the columns mean, with how the first method's figure came about, and what they are in CO2."""
    columns = places(methods)
    if not columns:
        return []
    lines = ["energy is that of the model alone, without decoding, for one video; below, what the first line rests on"]
    for column in columns:
        grams = [one.gco2e for energy in methods for one in energy if one.where == column.where]
        lowest, highest = (amount(1000 * edge, "gCO2e") for edge in (min(grams), max(grams)))
        what = "measured" if column.kind == "measured" else "an estimate"
        lines.append(
            f"{column.where}: {what}, {column.how}; 1000 videos are {lowest} to {highest}, at {column.g_per_kwh:g} gCO2e/kWh"
        )
    return lines
