"""How clauses and redlines are shown: as text that does nothing, and with marks that do not need colour."""

import re

import pytest
from django.template import Context, Template

from sla_portal.agreements.markdown import to_html
from sla_portal.agreements.redline import redline


def shown(old: str, new: str) -> str:
    return Template("{% load redline %}{{ runs|marked }}").render(Context({"runs": redline(old, new)}))


def test_what_came_is_an_insertion_and_what_went_a_deletion_and_both_say_so_in_words():
    assert shown("five days", "seven days") == (
        '<del><span class="unseen">[deleted: </span>five<span class="unseen"> end of deletion]</span></del>'
        '<ins><span class="unseen">[inserted: </span>seven<span class="unseen"> end of insertion]</span></ins> days'
    )


def test_text_that_looks_like_markup_is_shown_as_text():
    html = shown("<b>a</b>", "<script>a</script> & b")
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;" in html


def test_a_paragraph_that_was_parted_shows_its_break():
    assert "¶\n\n" in shown("one two", "one\n\ntwo")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One *word* and **another**.", "<p>One <em>word</em> and <strong>another</strong>.</p>"),
        ("One\n\nTwo\nthree", "<p>One</p>\n<p>Two<br>\nthree</p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("2. b", '<ol start="2">\n<li>b</li>\n</ol>'),
        ("# Not a heading", "<p># Not a heading</p>"),
        ("    not a program", "<p>not a program</p>"),
        ("(1 - U / T) × 100% < 99.99%", "<p>(1 - U / T) × 100% &lt; 99.99%</p>"),
        ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>"),
    ],
)
def test_markdown_is_shown_as_it_is_meant(text, html):
    assert to_html(text).strip() == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://example.com/x.png)",
        "[a](javascript:alert(1))",
        "[a](data:text/html;base64,AAAA)",
        "[a](https://example.com 'x\" onclick=alert(1)')",
        '<https://example.com/"onmouseover=alert(1)>',
        "a\n<style>*{display:none}</style>\n<iframe src=//x>",
        "`<svg onload=alert(1)>`",
    ],
)
def test_no_markdown_becomes_anything_that_runs_or_fetches(text):
    html = to_html(text)
    for tag in re.findall(r"<[^>]*>", html):
        assert re.fullmatch(
            r"</?(p|br|code|a( href=\"https://[^\"]*\")?( title=\"[^\"]*\")?( rel=\"[a-z ]*\")?)>", tag
        ), tag
