"""A report's blocks as Markdown: words from data are shown as they are, whatever signs they hold."""

from __future__ import annotations

from pathlib import Path

from adaframe.evaluation.report.blocks import (
    Code,
    Command,
    Document,
    Facts,
    Heading,
    Headlines,
    Items,
    Picture,
    Shares,
    Strong,
    Table,
    Text,
    literal,
    markdown,
)


def nothing(path: Path) -> None:
    """Draws nothing."""


def test_every_kind_of_block_is_written() -> None:
    blocks = [
        Heading("Part", 3),
        Text(("so ", Strong("it"), " is")),
        Items((("a",), (Code("b"), " c"))),
        Headlines((("9 %", "of x"),)),
        Table(("m", "n"), (("a", "1"), ("b", "2")), frozenset({1})),
        Picture("p.png", nothing, "a strip", ("of x",)),
        Facts((("data", (Code("d.csv"),)),)),
        Command("ls"),
    ]

    text = Document("Title", blocks).markdown()

    assert text == (
        "# Title\n\n### Part\n\nso **it** is\n\n- a\n- `b` c\n\n- **9 %** of x\n\n"
        "| m | n |\n| --- | ---: |\n| a | 1 |\n| **b** | 2 |\n\n"
        "of x\n\n![a strip](p.png)\n\n- data: `d.csv`\n\n```\nls\n```\n"
    )


def test_shares_are_named_in_the_order_of_their_colours_and_noughts_left_out() -> None:
    shares = Shares(
        "method", {"look": "#111111", "skip": "#222222"}, (("x", {"skip": 0.75, "look": 0.25, "odd": 0.001}),)
    )

    assert markdown(shares).splitlines()[-1] == "| x | look 25 %, skip 75 % |"


def test_signs_in_words_are_taken_literally() -> None:
    assert literal("a|b *c* _d_ <b> `e`\n~f~ $g$ &lt; [h](i)") == (
        r"a\|b \*c\* \_d\_ \<b\> \`e\` \~f\~ \$g\$ \&lt; [h\](i)"
    )
    assert literal("77.9 [70.9, 84.0]") == "77.9 [70.9, 84.0]"


def test_code_may_hold_backticks() -> None:
    assert markdown(Text((Code("a`b"), " ", Code("c\nd")))) == "`` a`b `` `c d`"
    assert markdown(Command("echo ```")) == "````\necho ```\n````"
