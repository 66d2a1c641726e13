"""What a report is made of, and how that reads as Markdown. `page` makes a page of the same blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Code:
    """Words to be taken letter by letter: a path, a hash."""

    text: str


@dataclass(frozen=True)
class Strong:
    """Words that matter most."""

    text: str


Inline = str | Code | Strong


@dataclass(frozen=True)
class Heading:
    """A section (level 2), or a part of one (3)."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph; `lead` is for the one that says it all."""

    parts: tuple[Inline, ...]
    lead: bool = False


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[tuple[Inline, ...], ...]


@dataclass(frozen=True)
class Headlines:
    """The few numbers that a reader takes along: a number, and what it is."""

    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Cells by row; the first column is words, the others are numbers.

    Args:
        header: of each column.
        rows: as wide as the header.
        main: numbers of the rows that the report is about.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    main: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Shares:
    """For each row, the parts (0..1) that a whole falls into.

    Args:
        head: what the rows are.
        colours: of each part, in the order to show them.
        rows: a label, and its parts by name.
    """

    head: str
    colours: Mapping[str, str]
    rows: tuple[tuple[str, Mapping[str, float]], ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure.

    Args:
        name: of its PNG, in the report's folder.
        draw: writes the PNG to a path.
        alt: what it shows, in words.
        caption: below it.
        photo: whether it holds frames of a video: its colours stay as they are.
    """

    name: str
    draw: Callable[[Path], None]
    alt: str
    caption: tuple[Inline, ...] = ()
    photo: bool = False


@dataclass(frozen=True)
class Facts:
    """Terms, and what is to say about each."""

    rows: tuple[tuple[str, tuple[Inline, ...]], ...]


@dataclass(frozen=True)
class Command:
    """What to type."""

    text: str


Block = Heading | Text | Items | Headlines | Table | Shares | Picture | Facts | Command


@dataclass(frozen=True, eq=False)
class Document:
    """A report."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)

    def pictures(self) -> list[Picture]:
        return [block for block in self.blocks if isinstance(block, Picture)]

    def markdown(self) -> str:
        """The report as (GitHub's) Markdown; whatever signs its words hold are shown, not obeyed."""
        return "\n\n".join([f"# {literal(self.title)}", *(markdown(block) for block in self.blocks)]) + "\n"


def percent(share: float, digits: int = 1) -> str:
    """A share of 0..1 in words."""
    return f"{100 * share:.{digits}f} %"


def in_words(shares: Mapping[str, float], order: Sequence[str] = ()) -> str:
    """Parts of a whole, those that round to something: look-160 25 %, skip 75 %."""
    named = {name: shares[name] for name in (*order, *shares) if name in shares}
    return ", ".join(f"{name} {percent(share, 0)}" for name, share in named.items() if share >= 0.005) or "–"


def markdown(block: Block) -> str:
    """One block as Markdown, without a line end."""
    if isinstance(block, Heading):
        return f"{'#' * block.level} {literal(block.text)}"
    if isinstance(block, Text):
        return _inline(block.parts)
    if isinstance(block, Items):
        return "\n".join(f"- {_inline(item)}" for item in block.items)
    if isinstance(block, Headlines):
        return "\n".join(f"- **{literal(value)}** {literal(what)}" for value, what in block.numbers)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Shares):
        rows = tuple((label, in_words(shares, list(block.colours))) for label, shares in block.rows)
        return _table(Table((block.head, "shares"), rows), numbers=False)
    if isinstance(block, Picture):
        image = f"![{_bracketed(block.alt)}]({block.name})"
        return f"{_inline(block.caption)}\n\n{image}" if block.caption else image
    if isinstance(block, Facts):
        return "\n".join(f"- {literal(term)}: {_inline(parts)}" for term, parts in block.rows)
    fence = "```"
    while fence in block.text:
        fence += "`"
    return f"{fence}\n{block.text}\n{fence}"


def literal(text: str) -> str:
    """On one line, with Markdown's signs taken literally."""
    signs = r"[\\`*_~$<>|]|\](?=[(\[:])|&(?=#?\w+;)"
    return re.sub(signs, r"\\\g<0>", " ".join(text.split()))


def _bracketed(text: str) -> str:
    return re.sub(r"(?<!\\)[\[\]]", r"\\\g<0>", literal(text))


def _inline(parts: Sequence[Inline]) -> str:
    """Spaces where two parts meet are kept."""
    written = []
    for part in parts:
        if isinstance(part, Code):
            text = " ".join(part.text.split())
            ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
            written.append(f"{ticks}{text}{ticks}" if len(ticks) == 1 else f"{ticks} {text} {ticks}")
        elif isinstance(part, Strong):
            written.append(f"**{literal(part.text)}**")
        else:
            before, after = (" " if part[at : at + 1 or None].isspace() else "" for at in (0, -1))
            written.append(f"{before}{literal(part)}{after}" if part.strip() else before)
    return "".join(written)


def _table(table: Table, *, numbers: bool = True) -> str:
    marks = ["---", *(["---:" if numbers else "---"] * (len(table.header) - 1))]
    lines = [[literal(cell) for cell in table.header], marks]
    for at, row in enumerate(table.rows):
        cells = [literal(cell) for cell in row]
        lines.append([f"**{cells[0]}**", *cells[1:]] if at in table.main else cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
