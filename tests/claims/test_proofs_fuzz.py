"""Any mutated file ends with a clean preview or a reason."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.inspection import ENDINGS, Reason, Unfit
from claims.inspection.kinds import kind_of_name
from claims.operations.proofs import _cleaned
from tests.support.proofs import a_mail, a_pdf, a_photo_with_position, a_picture

from .test_proofs_corpus import assert_clean, look_from_outside

SEEDS = [
    a_picture(),
    a_picture("JPEG", progressive=True),
    a_picture("WEBP", lossless=True),
    a_picture("HEIF"),
    a_picture("AVIF"),
    a_photo_with_position(),
    a_pdf(pages=2),
    bytes(a_mail()),
    "02:00 gestört\n".encode(),
]


@st.composite
def mutated(draw) -> bytes:
    """A good file in which bytes are changed, taken out, doubled or put in."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _change in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(content)))
        upto = min(len(content), at + draw(st.integers(0, 40)))
        content[at:upto] = draw(st.one_of(
            st.binary(max_size=20), st.just(bytes(content[at:upto]) * 2), st.just(bytes(4)), st.just(b"\xff" * 4)
        ))  # fmt: skip
    return bytes(content)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(content=mutated(), name=st.sampled_from(["file", *(f"file{ending}" for ending in ENDINGS)]))
def test_a_mutated_file_has_a_clean_preview_or_is_refused(content, name):
    try:
        assert_clean(look_from_outside(content, name))
    except Unfit as unfit:
        assert unfit.reason


@settings(max_examples=300, derandomize=True)
@given(name=st.text(max_size=300))
def test_any_file_name_is_handled(name):
    shown = _cleaned(name)
    assert shown.isprintable()
    assert "/" not in shown
    try:
        assert kind_of_name(shown) in {None, *ENDINGS.values()}
    except Unfit as unfit:
        assert unfit.reason == Reason.OTHER_KIND
