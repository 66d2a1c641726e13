"""A report as one page that needs nothing else: pictures and style are in it, no scripts, nothing is fetched."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

from PIL import Image

from adaframe.evaluation.report.blocks import (
    Block,
    Code,
    Document,
    Facts,
    Heading,
    Headlines,
    Inline,
    Items,
    Picture,
    Shares,
    Strong,
    Table,
    Text,
    in_words,
    percent,
)

# Whatever a label or a path may hold: a browser fetches nothing for this page, and runs nothing in it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_QUALITY = 84  # of frames in JPEG: letters on white stay crisp, in a fifth of the bytes


def html_page(document: Document, pictures: Mapping[str, bytes]) -> str:
    """The whole document.

    Args:
        document: the report.
        pictures: PNG of each of its pictures, by name.
    """
    style = files("adaframe.evaluation.report").joinpath("page.css").read_text(encoding="utf-8")
    body = "\n".join(_block(block, pictures) for block in document.blocks)
    title = _words(document.title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style.strip()}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def _block(block: Block, pictures: Mapping[str, bytes]) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{_words(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"{'<p class=lead>' if block.lead else '<p>'}{_inline(block.parts)}</p>"
    if isinstance(block, Items):
        return "<ul>\n" + "\n".join(f"<li>{_inline(item)}</li>" for item in block.items) + "\n</ul>"
    if isinstance(block, Headlines):
        cells = (f"<div><b>{_words(value)}</b><span>{_words(what)}</span></div>" for value, what in block.numbers)
        return '<div class="headlines">\n' + "\n".join(cells) + "\n</div>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Shares):
        return _shares(block)
    if isinstance(block, Picture):
        return _picture(block, pictures[block.name])
    if isinstance(block, Facts):
        rows = (f"<dt>{_words(term)}</dt><dd>{_inline(parts)}</dd>" for term, parts in block.rows)
        return "<dl>\n" + "\n".join(rows) + "\n</dl>"
    return f"<pre><code>{escape(block.text)}</code></pre>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_words(cell)}</th>' for cell in table.header)
    lines = []
    for at, (first, *rest) in enumerate(table.rows):
        cells = "".join(f"<td>{_words(cell)}</td>" for cell in rest)
        row = "<tr class=main>" if at in table.main else "<tr>"
        lines.append(f'{row}<th scope="row">{_words(first)}</th>{cells}</tr>')
    body = "\n".join(lines)
    # A wide table is scrolled by itself, and can be reached and moved by keyboard.
    return (
        f'<div class="scroll" tabindex="0">\n<table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _shares(shares: Shares) -> str:
    used = [name for name in shares.colours if any(row.get(name, 0) >= 0.005 for _, row in shares.rows)]
    legend = "".join(
        f'<span><svg viewBox="0 0 1 1" aria-hidden="true"><rect width="1" height="1" fill="{escape(shares.colours[name])}"/>'
        f"</svg>{_words(name)}</span>"
        for name in used
    )
    rows = []
    for label, parts in shares.rows:
        said, x, bars = in_words(parts, list(shares.colours)), 0.0, []
        for name in shares.colours:
            width = 100 * parts.get(name, 0.0)
            if width > 0:
                title = f"<title>{_words(name)} {percent(width / 100)}</title>"
                colour = escape(shares.colours[name])
                bars.append(f'<rect x="{x:.2f}" width="{width:.2f}" height="10" fill="{colour}">{title}</rect>')
                x += width
        rows.append(
            f"<div><b>{_words(label)}</b>"
            f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{_words(said)}">{"".join(bars)}</svg>'
            f"<small>{_words(said)}</small></div>"
        )
    return f'<p class="legend">{legend}</p>\n<div class="shares">\n' + "\n".join(rows) + "\n</div>"


def _picture(picture: Picture, png: bytes) -> str:
    with Image.open(io.BytesIO(png)) as image:
        width, height = image.size
        kind, data = ("jpeg", _as_jpeg(image)) if picture.photo else ("png", png)
    if len(data) >= len(png):
        kind, data = "png", png
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    caption = f"\n<figcaption>{_inline(picture.caption)}</figcaption>" if picture.caption else ""
    return (
        f'<figure class="{"photo" if picture.photo else "chart"}">{caption}\n<div class="scroll" tabindex="0">'
        f'<img src="{source}" width="{width}" height="{height}" alt="{_words(picture.alt)}"></div>\n</figure>'
    )


def _as_jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return out.getvalue()


def _inline(parts: Sequence[Inline]) -> str:
    written = []
    for part in parts:
        if isinstance(part, str):
            written.append(re.sub(r"(?<=\d) (?=(%|ms|GMACs)(\W|$))", "\N{NO-BREAK SPACE}", escape(part)))
        else:
            tag = "code" if isinstance(part, Code) else "strong"
            assert isinstance(part, (Code, Strong))
            written.append(f"<{tag}>{_words(part.text)}</{tag}>")
    return "".join(written)


def _words(text: str) -> str:
    """On one line, every sign that means something to a browser escaped."""
    return escape(" ".join(text.split()))
