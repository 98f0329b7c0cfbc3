"""The operator's identity: what is saved, what is refused, and where it is shown."""

from email import message_from_bytes
from email.policy import default
from functools import partial
from unittest.mock import patch

import pytest
from django.urls import reverse

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import NotAllowed
from sla_portal.customers.models import Contact, Customer
from sla_portal.notices.mail.message import MailMessage, sender
from sla_portal.notices.operations import Address, give_notice
from sla_portal.notices.wording import Words
from sla_portal.operator.models import Identity, Logo
from sla_portal.operator.operations import IdentityRefused, LogoFile, save_identity
from sla_portal.operator.queries import operator_in_force
from sla_portal.operator.rules import LARGEST_LOGO
from tests.conftest import forget_what_is_kept
from tests.support.builders import a_customer, a_region, at
from tests.support.desk import a_member, looking
from tests.support.operators import GMBH, a_logo, an_operator
from tests.support.races import outcomes

pytestmark = pytest.mark.django_db
NOW, LATER = at("2026-09-01 08:00"), at("2026-09-02 08:00")
SYSTEM = Actor.system("test")


def refused(**texts: str) -> dict[str, str]:
    with pytest.raises(IdentityRefused) as error:
        an_operator(**texts)
    return {one.field: one.sentence for one in error.value.objections}


def test_until_one_is_saved_the_settings_say_who_the_operator_is(settings):
    settings.OPERATOR_NAME, settings.OPERATOR_ADDRESS = "From settings", "A street"
    operator = operator_in_force()
    assert (operator.number, operator.name_in("zh-hans"), operator.address) == (None, "From settings", "A street")
    an_operator(address="")
    operator = operator_in_force()
    assert (operator.name_in("en"), operator.name_in("zh-hans"), operator.address_in("en")) == (
        GMBH["name"], GMBH["name_zh"], "",
    )  # fmt: skip


def test_each_saving_adds_a_row_and_an_entry_with_what_changed():
    first = an_operator(contact_email="help@example.com")
    assert an_operator(contact_email="help@example.com", now=LATER) == first
    second = an_operator(contact_email="", contact_phone="+49 40 1", logo=a_logo(), now=LATER)
    assert an_operator(contact_phone="+49 40 1", accent_light="#12405c", now=LATER).logo == second.logo
    entries = list(Entry.objects.filter(subject_type="operator.identity").order_by("pk"))
    assert [(entry.action, entry.subject_id) for entry in entries[:2]] == [
        ("added", str(first.pk)),
        ("changed", str(second.pk)),
    ]
    logo = Logo.objects.get()
    assert entries[1].changes == {
        "contact_email": ["help@example.com", None], "contact_phone": [None, "+49 40 1"], "logo": [None, str(logo)]
    }  # fmt: skip
    last = save_identity(actor=SYSTEM, texts=GMBH, without_logo=True, now=LATER)
    assert last.logo is None
    assert Identity.objects.first() == last


def test_only_who_may_change_it_saves_it():
    with pytest.raises(NotAllowed):
        save_identity(actor=Actor.staff(a_member("Legal")), texts=GMBH, now=NOW)
    saved = save_identity(actor=Actor.staff(a_member("Administrator")), texts=GMBH, now=NOW)
    assert saved.saved_by_name == "Administrator"


def test_what_is_wrong_is_refused_at_its_field():
    said = refused(
        name="", sender="nonsense", reply_to="SLA <sla@example.com>", contact_email="a b@example.com",
        imprint_url="http://example.com/imprint", privacy_url="https://user@example.com/", default_language="de",
    )  # fmt: skip
    assert set(said) == {
        "name", "sender", "reply_to", "contact_email", "imprint_url", "privacy_url", "default_language"
    }  # fmt: skip
    assert refused(accent_light="#0a7d32") == {
        "accent_light": "Too light: its contrast with #f9e7e6 is 4.40 : 1, and text needs 4.5 : 1. #0a7a31 is dark enough."
    }
    assert list(refused(accent_light="green")) == ["accent_light"]
    assert list(refused(accent_dark="#8cc3ea")) == ["accent_light"]
    assert "Too dark for the dark theme" in refused(accent_light="#12405c", accent_dark="#12405c")["accent_dark"]
    for logo in (LogoFile(b"x", "image/svg+xml", 9, 9), LogoFile(b"x", "image/png", 481, 9),
                 LogoFile(b"x" * (LARGEST_LOGO + 1), "image/png", 9, 9)):  # fmt: skip
        with pytest.raises(IdentityRefused) as error:
            an_operator(logo=logo)
        assert [one.field for one in error.value.objections] == ["logo"]
    assert not Identity.objects.exists()


def test_a_dark_accent_follows_from_the_light_one():
    assert an_operator(accent_light="#0a7a31").accent_dark == "#60a979"


def test_pages_feeds_and_the_api_name_the_operator(client):
    region = a_region()
    assert "· SLA portal</title>" in client.get("/").content.decode()
    an_operator(
        contact_email="help@example.com", imprint_url="https://example.com/imprint", accent_light="#0a7a31",
        privacy_url="https://example.com/privacy", logo=a_logo(),
    )  # fmt: skip
    forget_what_is_kept()
    html = client.get("/").content.decode()
    assert "· Example Intercom Cloud GmbH SLA portal</title>" in html
    assert 'alt="Example Intercom Cloud GmbH" width="48" height="12"' in html
    for link in ("mailto:help@example.com", "https://example.com/imprint", "https://example.com/privacy"):
        assert f'href="{link}"' in html
    assert "示例对讲云有限公司 SLA 门户" in client.get("/?lang=zh-hans").content.decode()
    feed = client.get(reverse("feed_incidents")).content.decode()
    assert "<title>Incidents · Example Intercom Cloud GmbH</title>" in feed
    assert "<name>Example Intercom Cloud GmbH SLA portal</name>" in feed
    calendar = client.get(reverse("region_calendar", args=[region.code])).content.decode().replace("\r\n ", "")
    assert "· Example Intercom Cloud GmbH\r\n" in calendar
    assert client.get("/api/v2/status.json").json()["page"]["name"] == "Example Intercom Cloud GmbH SLA portal"


def test_the_stylesheet_and_the_logo_are_cached_for_ever_and_nothing_else_is_there(client):
    identity = an_operator(accent_light="#0a7a31", logo=a_logo())
    operator = operator_in_force()
    styles = client.get(reverse("operator_colours", args=[operator.stylesheet]))
    assert "--accent:light-dark(#0a7a31,#60a979)" in styles.content.decode()
    assert (styles["Content-Type"], styles["Cache-Control"]) == ("text/css", "public, max-age=31536000, immutable")
    logo = client.get(reverse("operator_logo", args=[operator.logo.file_name]))
    assert (logo.content, logo["Content-Type"]) == (bytes(identity.logo.content), "image/png")
    assert logo["Content-Security-Policy"] == "sandbox; default-src 'none'"
    for name in (
        "0a7a31-60a979-000000000000.css",
        "red.css",
        "0a7a31-60a979.css",
        f"{operator.logo.sha256}.jpg",
        "a.png",
    ):
        assert client.get(f"/operator/{name}").status_code == 404, name


def test_who_asks_for_none_of_our_languages_reads_the_operators_first(client):
    an_operator(default_language="zh-hans")
    assert 'lang="zh-hans"' in client.get("/").content.decode()
    assert 'lang="zh-hans"' in client.get("/", headers={"accept-language": "fr"}).content.decode()
    for asked in ("en", "en-GB,fr;q=0.5"):
        assert 'html lang="en"' in client.get("/", headers={"accept-language": asked}).content.decode()
    assert 'html lang="en"' in client.get("/?lang=en").content.decode()
    client.cookies["django_language"] = "en"
    assert 'html lang="en"' in client.get("/").content.decode()


def mail(notice, language: str = "en"):
    message = MailMessage(notice, notice.wording(language), [])
    raw = message.source(notice.deliveries.get())
    return message_from_bytes(raw, policy=default), raw, message


def told():
    customer = Customer.objects.first() or a_customer(a_region())
    contact = Contact.objects.get_or_create(email="ops@example.com", customer=customer)[0]
    return give_notice(
        actor=SYSTEM, kind="announcement", about="", public=False, now=NOW,
        wordings=[Words("en", "A subject", "A text"), Words("zh-hans", "主题", "正文")],
        audience=Contact.objects.filter(pk=contact.pk),
    )  # fmt: skip


def test_an_e_mail_names_the_operator_in_force_when_it_was_given_and_keeps_it(settings):
    settings.DEFAULT_FROM_EMAIL = "SLA portal <sla@localhost>"
    before = told()
    unnamed = mail(before)[1]
    an_operator(name='Example, "Cloud" GmbH', sender="sla@例子.测试", reply_to="help@example.com",
                imprint_url="https://example.com/imprint", accent_light="#0a7a31")  # fmt: skip
    assert mail(before)[1] == unnamed
    assert before.identity is None
    notice = told()
    message, raw, built = mail(notice)
    assert message["From"].addresses[0].display_name == 'Example, "Cloud" GmbH'
    assert message["From"].addresses[0].addr_spec == "sla@xn--fsqu00a.xn--0zwm56d"
    assert message["Reply-To"] == "help@example.com"
    assert sender(notice.deliveries.get()) == "sla@xn--fsqu00a.xn--0zwm56d"
    said = message.get_body(("plain",)).get_content()
    assert 'Example, "Cloud" GmbH, Hafenstraße 12, Hamburg' in said
    assert "https://example.com/imprint" in said
    assert 'href="https://example.com/imprint" style="color: #0a7a31;"' in message.get_body(("html",)).get_content()
    assert mail(notice, "zh-hans")[0]["From"].addresses[0].display_name == GMBH["name_zh"]
    by_provider = built.message(notice.deliveries.get())
    assert by_provider.message()["From"] == '"Example, \\"Cloud\\" GmbH" <sla@xn--fsqu00a.xn--0zwm56d>'
    assert by_provider.extra_headers["Reply-To"] == "help@example.com"
    an_operator(sender="", now=LATER)
    assert mail(notice)[1] == raw
    assert str(mail(told())[0]["From"]) == "Example Intercom Cloud GmbH <sla@localhost>"


def two_savings():
    people = [looking(Actor.staff(a_member("Administrator", name))) for name in ("anna", "ben")]
    return [
        partial(save_identity, actor=actor, texts=GMBH | {"contact_phone": phone}, now=NOW)
        for actor, phone in zip(people, ("1", "2"), strict=True)
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_the_first_identity_at_once_one_is_refused():
    assert sorted(outcomes(*two_savings())) == ["ChangedMeanwhile", "done"]
    assert Identity.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_check_the_second_would_undo_the_first():
    doings = two_savings()
    with patch("sla_portal.audit.operations.entries_since", return_value=[]):
        assert sorted(outcomes(*doings)) == ["done", "done"]
    assert Identity.objects.count() == 2


# Languages


def test_at_least_one_language_is_offered_and_the_operators_own_are_among_them():
    assert refused(languages="") == {"languages": "Offer at least one language."}
    assert set(refused(languages="fr")) == {"languages"}
    assert set(refused(languages="zh-hans")) == {"default_language", "customer_language"}


ENGLISH_ONLY = {"languages": "en"}
CHINESE_ONLY = {"languages": "zh-hans", "default_language": "zh-hans", "customer_language": "zh-hans"}


@pytest.mark.parametrize(("offered", "language"), [(ENGLISH_ONLY, "en"), (CHINESE_ONLY, "zh-hans")])
@pytest.mark.parametrize("url", ["/?lang={asked}", "/admin/login/", "/feeds/notices.atom?lang={asked}"])
def test_pages_are_in_a_language_that_is_offered_whatever_is_asked_for(client, offered, language, url):
    other = {"en": "zh-hans", "zh-hans": "en"}[language]
    an_operator(**offered)
    forget_what_is_kept()
    client.cookies["django_language"] = other
    page = client.get(url.format(asked=other), headers={"accept-language": other}).content.decode()
    assert f'lang="{language}"' in page
    assert not [sign for sign in (f'hreflang="{other}"', 'name="language"', f"lang={other}") if sign in page]


def test_each_recipient_is_told_in_a_language_that_is_offered():
    region = a_region()
    for code, language in (("C-1", "en"), ("C-2", "zh-hans")):
        customer = a_customer(region, code, language=language)
        Contact.objects.create(customer=customer, email=f"{code}@example.com".lower())

    def told() -> list[str]:
        said = {
            "about": "",
            "public": False,
            "now": NOW,
            "wordings": [Words("en", "A", "a"), Words("zh-hans", "B", "b")],
        }
        notice = give_notice(
            actor=SYSTEM,
            kind="announcement",
            audience=Contact.objects.all(),
            addresses=[Address("x@example.com", "", "zh-hans")],
            **said,
        )
        return list(notice.deliveries.order_by("email").values_list("language", flat=True))

    assert told() == ["en", "zh-hans", "zh-hans"]
    an_operator(**ENGLISH_ONLY)
    assert told() == ["en", "en", "en"]
    an_operator(**CHINESE_ONLY)
    assert told() == ["zh-hans", "zh-hans", "zh-hans"]
