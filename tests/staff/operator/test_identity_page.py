"""The page of the operator's identity."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse

from sla_portal.audit.actors import Actor
from sla_portal.operator.models import Identity
from sla_portal.operator.operations import note_basis
from tests.support.builders import at
from tests.support.desk import Opened, a_member, signed_in, text_of
from tests.support.operators import GMBH, a_picture, an_operator

pytestmark = pytest.mark.django_db
URL = "/admin/operator-identity/"


@pytest.fixture
def desk():
    return signed_in(a_member("Administrator", "ada"))


def test_an_administrator_previews_saves_and_changes_the_identity(desk):
    assert f'<a href="{URL}">' in desk.get("/admin/").content.decode()
    assert "No identity was saved yet" in text_of(desk.get(URL))
    sent = {**GMBH, "languages": ["en", "zh-hans"], "accent_light": "#0A7A31", "sender": "sla@example.com"}
    seen = desk.post(URL, {**sent, "preview": "1"})
    assert (seen.status_code, Identity.objects.count()) == (200, 0)
    assert "Preview: nothing is saved yet" in text_of(seen)
    assert "/operator/0a7a31-60a979-" in seen.content.decode()
    refused = desk.post(URL, {**sent, "sender": "nonsense", "accent_light": "#ffff00"})
    assert refused.status_code == 422
    assert "Sender address : Enter an e-mail address such as sla@example.com" in text_of(refused)
    assert "its contrast with #f7f8f7 is 1.00 : 1" in text_of(refused)
    logo = SimpleUploadedFile("logo.png", a_picture(size=(960, 240)))
    assert desk.post(URL, {**sent, "logo": logo}).status_code == 302
    saved = Identity.objects.get()
    assert (saved.saved_by_name, saved.accent_light, saved.logo.width) == ("Administrator", "#0a7a31", 480)
    html = desk.get(URL).content.decode()
    assert f'src="/operator/{saved.logo.sha256}.png"' in html
    assert "· Example Intercom Cloud GmbH SLA portal</title>" in html
    words = SimpleUploadedFile("logo.txt", b"a logo in words")
    assert "Upload a picture: PNG, JPEG or WebP." in text_of(desk.post(URL, {**sent, "logo": words}))
    assert desk.post(URL, {**sent, "without_logo": "on"}).status_code == 302
    assert Identity.objects.first().logo is None


def test_two_who_have_it_open_never_undo_each_other(desk):
    an_operator()
    page, other = Opened(desk, URL), Opened(signed_in(a_member("Administrator", "ben")), URL)
    assert other.fill("contact_phone", contact_phone="+49 40 1").status_code == 302
    refused = page.fill("contact_phone", contact_phone="+49 40 2")
    assert refused.status_code == 409
    assert "+49 40 1" in text_of(refused)
    assert 'value="+49 40 2"' in refused.content.decode()
    assert Identity.objects.first().contact_phone == "+49 40 1"


def test_who_may_view_it_reads_it_and_others_do_not(desk):
    an_operator(imprint_url="https://example.com/imprint")
    auditor = signed_in(a_member("Auditor"))
    page = text_of(auditor.get(URL))
    assert "https://example.com/imprint" in page
    assert "Save Preview" not in page
    assert auditor.post(URL, GMBH).status_code == 403
    assert signed_in(a_member("NOC")).get(URL).status_code == 403
    assert URL not in signed_in(a_member("Support")).get("/admin/").content.decode()


def test_administrators_see_by_which_time_zone_and_calendar_months_are_counted(desk):
    page = text_of(desk.get(URL))
    for fact in ("Asia/Shanghai", "CN", "IANA release", "holidays", "Nothing yet: it is recorded when the first month"):
        assert fact in page
    with transaction.atomic():
        note_basis(actor=Actor.system("test"), now=at("2026-10-10 02:00"))
    page = text_of(desk.get(URL))
    assert "Asia/Shanghai , CN · since 2026-10-10 10:00" in page
    assert "refuses to start until the change is accepted" in page


def test_a_new_customer_has_the_language_of_the_operators_choice(desk):
    url = reverse("admin:customers_customer_add")
    assert '<option value="en" selected>' in desk.get(url).content.decode()
    an_operator(customer_language="zh-hans", languages="zh-hans", default_language="zh-hans")
    assert 'value="en"' not in desk.get(url).content.decode()
    an_operator(customer_language="zh-hans", languages="zh-hans", default_language="zh-hans")
    assert 'value="en"' not in desk.get(url).content.decode()
    an_operator(customer_language="zh-hans")
    assert '<option value="zh-hans" selected>' in desk.get(url).content.decode()
