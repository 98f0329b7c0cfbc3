"""Invisible characters are found wherever they stand, and no script is refused."""

import sys
import unicodedata

import pytest

from sla_portal.kernel.characters import character_name, hidden_character, with_turning_shown, without_hidden

SEEN = [
    "",
    "Login fails: 401 after 30 s\r\n\tsee INC-7",
    "登录失败，客户端无法连接（华东）。",
    "ログイン障害・全クライアント",
    "로그인 실패",
    "تعذر تسجيل الدخول منذ الساعة 10:00",
    "می\N{ZERO WIDTH NON-JOINER}خواهم",
    "क्\N{ZERO WIDTH JOINER}ष",
    "ക്\N{ZERO WIDTH JOINER}",
    "👩\N{ZERO WIDTH JOINER}🔧 ❤\N{VARIATION SELECTOR-16} 🇨🇳",
    "Ångström, naïve, e\N{COMBINING ACUTE ACCENT}",
    "10\N{NO-BREAK SPACE}000 € – “so”…",
    "\N{ARABIC NUMBER SIGN}١٢",
]
HIDDEN = [
    "\0", "\x07", "\b", "\v", "\f", "\x1b", "\x7f", "\x85", "\xad", "\u061c", "\u180e", "\u200b", "\u200e", "\u200f", "\u202a",
    "\u202e", "\u2028", "\u2029", "\u2060", "\u2063", "\u2066", "\u2069", "\u2800", "\u3164", "\ufeff", "\ufff9", "\ufffe", "\uffff",
    "\U000e0041", "\U0001fffe",
]  # fmt: skip


@pytest.mark.parametrize("text", SEEN)
def test_what_people_write_is_no_hidden_character(text):
    assert hidden_character(text) is None
    assert without_hidden(text) == text


@pytest.mark.parametrize("character", HIDDEN)
@pytest.mark.parametrize("before", ["", "Login ", "登录", "می"])
def test_a_hidden_character_is_found_where_it_stands(character, before):
    assert hidden_character(f"{before}{character} fails") == len(before)
    assert hidden_character(f"{before}{character}") == len(before)
    assert without_hidden(f"{before}{character} fails") == f"{before}  fails"


@pytest.mark.parametrize("joiner", ["\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"])
def test_a_joiner_joins_nothing_in_latin_text(joiner):
    assert hidden_character(f"pass{joiner}word") == 4
    assert hidden_character(joiner) == 0


def test_every_control_and_every_format_character_is_either_seen_or_found():
    """A table against the whole of Unicode: nothing of these kinds passes except what is drawn, joins or ends a line."""
    passing = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and hidden_character(f"é{chr(code)}") is None
    }
    assert {"\t", "\n", "\r", "\u200c", "\u200d"} <= passing
    assert passing <= set(
        "\t\n\r\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    )


def test_a_character_is_named():
    assert character_name("\u202e") == "U+202E RIGHT-TO-LEFT OVERRIDE"
    assert character_name("\f") == "U+000C FORM FEED"
    assert character_name("\x81") == "U+0081"


def test_what_turns_a_line_round_or_breaks_it_is_shown_by_its_code_point():
    assert with_turning_shown("Login \u202edetceridder\u202c") == "Login ⟨U+202E⟩detceridder⟨U+202C⟩"
    assert with_turning_shown("One\fTwo\u2028Three\x85") == "One⟨U+000C⟩Two⟨U+2028⟩Three⟨U+0085⟩"


def test_everything_with_a_direction_of_its_own_and_no_shape_is_shown():
    """Also what ends a paragraph, where the direction of the next begins anew; not what only joins or separates letters."""
    turning = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.bidirectional(chr(code)) in ("LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B")
    } | {"\u061c", "\u200e", "\u200f"}
    shown = {character for character in turning if with_turning_shown(character) != character}
    assert turning - shown == {"\n", "\r"}
    assert (
        with_turning_shown("Zoë \u200bשלום 客户端\u00ad\t\r\n 👨\u200d👩")
        == "Zoë \u200bשלום 客户端\u00ad\t\r\n 👨\u200d👩"
    )
