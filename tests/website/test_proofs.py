"""Hostile files at the public form and the staff page get a message, and nothing is stored."""

import pytest
from django.urls import reverse
from time_machine import travel

from claims.models import Proof
from tests.support.claim_form import Stranger, a_customer_on_record
from tests.support.desk import a_member, signed_in, text_of
from tests.support.proofs import a_pdf, a_picture, an_archive, png_claiming
from tests.support.sealing import a_claim, stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proof_storage")]
BOUNDARY = "the-line-between"

HOSTILE = [
    (b"evil.svg", b"<svg><script>alert(1)</script></svg>", "This file type is not accepted"),
    (b"svg.png", b"<svg><script>alert(1)</script></svg>", "The content of this file does not match its file extension"),
    (b"zip.png", a_picture() + an_archive(), "This file contains a second file"),
    (b"bomb.png", png_claiming(60_000, 60_000), "more pixels than can be checked"),
    (b"half.pdf", a_pdf()[:200], "This file is damaged or incomplete"),
    (b"empty.txt", b"", "This file is empty"),
    (b"../../../tmp/evil.exe", b"MZ", "This file type is not accepted"),
    ("\u202egnp.exe".encode(), a_picture(), "This file type is not accepted"),
]


def sent(name: bytes, content: bytes, **fields: str) -> dict:
    """A form as a program sends it that cares for no rule."""
    line = f"--{BOUNDARY}".encode()
    parts = [
        line + f'\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = (
        b'\r\nContent-Disposition: form-data; name="files"; filename="' + name + b'"\r\nContent-Type: image/png\r\n\r\n'
    )
    body = b"".join([*parts, line, head, content, b"\r\n", line, b"--\r\n"])
    return {"data": body, "content_type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture
def stranger():
    with travel("2026-10-20 08:00Z", tick=False):
        a_customer_on_record()
        visitor = Stranger()
        assert visitor.name_contract().status_code == 302
        assert visitor.give_times().status_code == 302
        yield visitor


@pytest.mark.parametrize(("name", "content", "sentence"), HOSTILE)
def test_the_public_form_refuses_with_a_message_and_stores_nothing(name, content, sentence, stranger):
    answer = stranger.client.post(stranger.at("proof"), **sent(name, content, go="next"))
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert "alert(1)" not in answer.content.decode()
    assert (Proof.objects.count(), stored()) == (0, set())


@pytest.mark.parametrize(("name", "content", "sentence"), HOSTILE)
def test_the_staff_page_refuses_with_a_message_and_stores_nothing(name, content, sentence):
    support = signed_in(a_member("Support"))
    answer = support.post(reverse("admin:bring_proof", args=[a_claim().pk]), **sent(name, content))
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert (Proof.objects.count(), stored()) == (0, set())


@pytest.mark.parametrize(
    "name", [b"a\0b.png", b"x" * 300 + b".png", b".png", b"../../a.png", b"..", b"\xff\xfe.png", b"<script>.png"]
)
def test_a_hostile_name_on_a_good_file_does_no_harm(name, stranger):
    answer = stranger.client.post(stranger.at("proof"), **sent(name, a_picture(), go="next"))
    assert answer.status_code in {302, 422}
    kept = list(Proof.objects.all())
    assert len(kept) == (answer.status_code == 302)
    assert len(stored()) == 2 * len(kept)
    for proof in kept:
        assert proof.name.isprintable()
        assert proof.name.endswith(".png")
        page = stranger.see("proof").content.decode()
        assert "<script>.png" not in page
