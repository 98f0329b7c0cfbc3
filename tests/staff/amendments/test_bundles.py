"""Legal asks for the proof of an amendment at its desk, follows it and takes it home; an auditor looks."""

import hashlib
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from sla_portal.audit.models import Entry
from sla_portal.customers.models import Contact
from sla_portal.reports.models import Bundle, Status
from sla_portal.reports.operations import make_bundle
from tests.support.amendments import a_draft, announced
from tests.support.builders import a_contract, a_customer, a_region
from tests.support.desk import a_member, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]


@pytest.fixture(autouse=True)
def files(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def version():
    customer = a_customer(a_region(), "C-1", name="Riverside")
    Contact.objects.create(customer=customer, email="ann@example.com", name="Ann Lee")
    a_contract(customer, "2026-01-01", "2027-06-30", reference="K-1")
    return announced()


@pytest.fixture
def legal():
    return signed_in(a_member("Legal"))


def address(version) -> str:
    return reverse("admin:bundles", args=[version.pk])


def asked(**said) -> dict[str, str]:
    return {"key": str(uuid.uuid4()), "language": "en", "email": "", **said}


def test_legal_asks_follows_and_takes_it_home(legal, version):
    assert "Evidence bundle" in text_of(legal.get(reverse("admin:amendment", args=[version.pk])))
    assert "None yet." in text_of(legal.get(address(version)))
    done = legal.post(address(version), asked(email="ann@example.com"))
    assert (done.status_code, done["Location"]) == (302, address(version))
    bundle = Bundle.objects.get()
    page = legal.get(address(version))
    assert "in progress" in text_of(page)
    assert 'data-part="?part=progress"' in page.content.decode()
    assert "with the e-mails to ann@example.com" in text_of(legal.get(f"{address(version)}?part=progress"))
    assert make_bundle(pk=bundle.pk, clock=timezone.now)
    bundle.refresh_from_db()
    page = legal.get(address(version))
    assert bundle.sha256 in text_of(page)
    assert 'data-part=""' in page.content.decode()
    saved = legal.get(reverse("admin:bundle_file", args=[bundle.pk]))
    assert hashlib.sha256(b"".join(saved.streaming_content)).hexdigest() == bundle.sha256
    assert saved["Content-Disposition"] == f'attachment; filename="amendment-2.0-evidence-{bundle.pk}.zip"'
    assert "no-store" in saved["Cache-Control"]
    entry = Entry.objects.get(action="downloaded a bundle of proof")
    assert (entry.actor, entry.subject_id) == (bundle.requested_by, str(bundle.pk))


def test_a_double_click_asks_once(legal, version):
    said = asked()
    for _click in range(2):
        assert legal.post(address(version), said).status_code == 302
    assert Bundle.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"email": "nobody@example.com"}, "No e-mail about version 2.0 was sent to nobody@example.com."),
        ({"email": "no e-mail address"}, "Enter a valid email address."),
        ({"email": "a\0@example.com"}, "Null characters are not allowed."),
        ({"language": "tlh"}, "Select a valid choice."),
        ({"key": "x"}, "Nothing was saved. Correct the errors below."),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_a_sentence(legal, version, said, told):
    response = legal.post(address(version), asked(**said))
    assert response.status_code == 422
    assert told in text_of(response)
    assert not Bundle.objects.exists()


def test_an_auditor_looks_and_takes_it_home_but_asks_for_none(legal, version):
    legal.post(address(version), asked())
    bundle = Bundle.objects.get()
    assert make_bundle(pk=bundle.pk, clock=timezone.now)
    auditor = signed_in(a_member("Auditor"))
    assert "Generate" not in text_of(auditor.get(address(version)))
    assert auditor.post(address(version), asked()).status_code == 403
    file = auditor.get(reverse("admin:bundle_file", args=[bundle.pk]))
    assert file.status_code == 200
    file.close()


@pytest.mark.parametrize("role", ["NOC", "Support"])
def test_other_desks_see_none_of_it(version, role):
    desk = signed_in(a_member(role))
    assert desk.get(address(version)).status_code == 403
    bundle = Bundle.objects.create(version=version, language="en", requested_at=timezone.now(), requested_by_name="x")
    assert desk.get(reverse("admin:bundle_file", args=[bundle.pk])).status_code == 403


def test_there_is_no_proof_of_what_was_not_announced(legal, version):
    assert legal.get(address(a_draft("3.0"))).status_code == 404
    assert legal.get(reverse("admin:bundle_file", args=[99])).status_code == 404


def test_a_damaged_file_is_not_handed_out(legal, version, settings):
    legal.post(address(version), asked())
    bundle = Bundle.objects.get()
    assert legal.get(reverse("admin:bundle_file", args=[bundle.pk])).status_code == 404
    assert make_bundle(pk=bundle.pk, clock=timezone.now)
    bundle.refresh_from_db()
    stored = settings.MEDIA_ROOT / bundle.file.name
    stored.write_bytes(stored.read_bytes()[:-1])
    assert legal.get(reverse("admin:bundle_file", args=[bundle.pk])).status_code == 410
    stored.unlink()
    assert legal.get(reverse("admin:bundle_file", args=[bundle.pk])).status_code == 410


def test_a_failure_says_why(legal, version):
    Bundle.objects.create(
        version=version, language="en", requested_at=timezone.now(), requested_by_name="x", status=Status.FAILED,
        error="No space left on device",
    )  # fmt: skip
    assert "No space left on device" in text_of(legal.get(address(version)))
