"""Staff see previews and download originals of proof materials; each view is in the audit log."""

import io
from pathlib import Path

import pytest
from django.contrib.auth.context_processors import PermWrapper
from django.template.loader import render_to_string
from django.urls import reverse
from PIL import Image

from claims.queries.proofs import proofs_of
from sla_portal.audit.models import Entry
from tests.support.desk import a_member, signed_in, text_of
from tests.support.proofs import a_mail, a_pdf, a_photo_with_position, a_picture
from tests.support.sealing import a_claim, add, stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proof_storage")]


def preview_of(proof) -> str:
    return reverse("admin:proof_preview", args=[proof.pk])


def original_of(proof) -> str:
    return reverse("admin:proof_original", args=[proof.pk])


def looks() -> list[tuple[str, str]]:
    return list(Entry.objects.exclude(action="added proof to").order_by("id").values_list("actor_name", "action"))


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("screen.png", a_picture(), "image/png"),
        ("photo.jpg", a_picture("JPEG"), "image/jpeg"),
        ("letter.pdf", a_pdf(), "image/jpeg"),
        ("log.txt", b"<b>02:00</b> down"[1:], "text/plain; charset=utf-8"),
        ("mail.eml", bytes(a_mail()), "text/plain; charset=utf-8"),
    ],
)
def test_the_preview_is_inert_in_a_browser_and_not_cached(name, content, kind):
    answer = signed_in(a_member("Support")).get(preview_of(add(a_claim(), content, name)))
    assert answer.status_code == 200
    assert answer["Content-Type"] == kind
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'self'"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))
    assert looks() == [("Support", "viewed proof of")]


def test_the_preview_of_a_photo_has_no_location():
    answer = signed_in(a_member("Support")).get(preview_of(add(a_claim(), a_photo_with_position(), "photo.jpg")))
    with Image.open(io.BytesIO(answer.content)) as drawn:
        assert drawn.size == (30, 40)
        assert not drawn.getexif()


def test_the_original_is_always_a_download_with_its_name():
    content = a_photo_with_position()
    answer = signed_in(a_member("Auditor")).get(original_of(add(a_claim(), content, 'Foto "a"; 停机.jpg')))
    assert answer.content == content
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == ("attachment; filename*=UTF-8''Foto%20%22a%22%3B%20%E5%81%9C%E6%9C%BA.jpg")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))
    assert looks() == [("Auditor", "downloaded proof of")]


@pytest.mark.parametrize("address", [preview_of, original_of])
def test_viewing_a_file_needs_a_login_and_the_permission(address, client):
    proof = add(a_claim())
    assert signed_in(a_member("NOC")).get(address(proof)).status_code == 403
    assert client.get(address(proof)).status_code == 302
    assert signed_in(a_member("Support")).post(address(proof)).status_code == 405
    assert signed_in(a_member("Legal")).head(address(proof)).status_code == 405
    assert looks() == []


@pytest.mark.parametrize("address", ["admin:proof_preview", "admin:proof_original"])
def test_an_unknown_file_is_not_found(address):
    assert signed_in(a_member("Support")).get(reverse(address, args=[404])).status_code == 404


def test_a_missing_or_modified_file_is_not_served():
    proof = add(a_claim())
    support = signed_in(a_member("Support"))
    with Path(proof.file.path).open("ab") as kept:
        kept.write(b"!")
    answer = support.get(original_of(proof))
    assert answer.status_code == 410
    assert "The stored file log.txt does not match its recorded SHA-256" in text_of(answer)
    proof.file.storage.delete(proof.file.name)
    proof.preview.storage.delete(proof.preview.name)
    assert support.get(original_of(proof)).status_code == support.get(preview_of(proof)).status_code == 410
    assert stored() == set()
    assert looks() == []


def shown(claim, role: str = "Support") -> str:
    perms = PermWrapper(a_member(role))
    return "".join(
        render_to_string("staff/claims/_file.html", {"proof": proof, "perms": perms}) for proof in proofs_of(claim)
    )


def test_a_file_is_shown_with_its_type_and_hash():
    claim = a_claim()
    proof = add(claim, a_pdf(pages=12), "letter.pdf")
    html = shown(claim)
    for words in ["letter.pdf", "PDF, 12 pages", "the preview shows the first 10", proof.sha256, "not scanned for viruses",
                  f'src="{preview_of(proof)}"', f'href="{original_of(proof)}"', "claim form"]:  # fmt: skip
        assert words in html


def test_text_is_shown_in_a_sandboxed_frame():
    claim = a_claim()
    proof = add(claim)
    assert f'<iframe class="proof-text" src="{preview_of(proof)}" sandbox ' in shown(claim)


def test_a_scanned_file_says_so(scanner):
    claim = a_claim()
    add(claim)
    html = shown(claim)
    assert "scanned, no virus found" in html
    assert "not scanned" not in html


def test_the_same_file_in_another_claim_is_pointed_out_with_a_link():
    first, second = a_claim(), a_claim()
    add(first)
    assert "also in another claim" not in shown(first)
    add(second)
    html = shown(first, "Legal")
    assert "also in another claim" in html
    assert f'<a href="{reverse("admin:claim", args=[second.pk])}">{second.number}</a>' in html


def test_without_the_permission_only_the_existence_of_a_file_is_shown():
    claim = a_claim()
    proof = add(claim, name="<b>log.txt")
    html = shown(claim, "NOC")
    assert "&lt;b&gt;log.txt" in html
    assert preview_of(proof) not in html
    assert original_of(proof) not in html
