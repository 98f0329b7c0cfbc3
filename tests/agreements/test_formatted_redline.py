"""A redline of Markdown shows as Markdown, and holds both texts to the word."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_portal.agreements.markdown import _blocks, changes_to_html, to_html
from sla_portal.agreements.redline import Kind, redline
from sla_portal.agreements.templatetags.redline import marked_text

HEAD = "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>"


def shown(old: str, new: str) -> str:
    tags = {Kind.INSERTED: "ins", Kind.DELETED: "del"}
    return changes_to_html(old, new, lambda kind, text: f"<{tags[kind]}>{text}</{tags[kind]}>").replace("\n", "")


@pytest.mark.parametrize(
    ("old", "new", "redlined"),
    [
        ("A **bold** word.", "A **bolder** word.", "<p>A <del><strong>bold</strong></del><ins><strong>bolder</strong></ins> word.</p>"),
        ("- one\n- two\n- three", "- one\n- three", "<ul><li>one</li><li><del>two</del></li><li>three</li></ul>"),
        ("x", "x\n\ny", "<p>x<ins>¶</ins></p><p><ins>y</ins></p>"),
        ("one\n\ntwo", "one two", "<p>one<del>¶</del><ins> </ins>two</p>"),
        ("|a|b|\n|-|-|\n|1|2|", "|a|b|\n|-|-|\n|1|9|", HEAD + "<tr><td>1</td><td><del>2</del><ins>9</ins></td></tr></tbody></table>"),
        ("so", "[so](javascript:alert(1)) <b>", "<p><ins>[</ins>so<ins>](javascript:alert(1)) &lt;b&gt;</ins></p>"),
    ],
)  # fmt: skip
def test_what_came_and_went_stands_in_its_formatting(old, new, redlined):
    assert shown(old, new) == redlined


def test_a_text_that_is_formatted_anew_says_so():
    assert "Only the formatting changed." in marked_text(redline("a b", "a **b**"))


pieces = st.sampled_from(
    [
        "alpha", "beta", "**gamma**", "*d*", "`e`", "-", "|", "1.", ">", "[l](http://x.y)", "服务", "、", "99.9", "%", "<b>", "&",
        "_", "\\", "\n", "\n\n", "\n- ", "\n1. ", "\n> ", "\n|a|b|\n|-|-|\n|1|2|\n",
    ]
)  # fmt: skip
texts = st.lists(pieces, max_size=12).map(" ".join)


def words(written: str, without: str = "") -> str:
    left = re.sub(rf"<{without}>.*?</{without}>", "", written, flags=re.DOTALL) if without else written
    return re.sub(r"\s|¶", "", html.unescape(re.sub(r"<[^>]*>", "", left)))


@settings(max_examples=60)
@given(texts, texts)
def test_without_what_went_it_is_the_new_text_and_without_what_came_the_old(old, new):
    written = shown(old, new)
    assert words(written, "del") == words(to_html(new)) == re.sub(r"\s", "", "".join(one.text for one in _blocks(new)))
    assert words(written, "ins") == words(to_html(old))
