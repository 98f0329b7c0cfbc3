"""How customers stand to an amendment, and what they answer by letter or telephone, through the pages."""

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sla_portal.agreements.models import AgreementVersion, Answer, Contract
from sla_portal.customers.models import Customer
from sla_portal.staff.roles import ROLES
from tests.support.amendments import a_draft, announced
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db

NOW = at("2026-06-10 04:00")
ANSWER = {"kind": "objection", "channel": "letter", "received_on": "2026-06-09", "by_name": "Li Wei"}
ENDS = {**ANSWER, "kind": "termination"}


@pytest.fixture(autouse=True)
def the_present():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lea():
    return signed_in(a_member("Legal", "lea"))


def a_client(code: str, last: str = "2026-12-31", **values) -> Customer:
    who = a_customer(a_region(), code, **values)
    a_contract(who, "2026-01-01", last, reference=f"K-of-{code}")
    return who


@pytest.fixture
def harbour() -> Customer:
    return a_client("C-1", name="Harbour Homes")


@pytest.fixture
def version(harbour) -> AgreementVersion:
    return announced()


def list_of(version: AgreementVersion) -> str:
    return reverse("admin:amendment_customers", args=[version.pk])


def page_of(version: AgreementVersion, code: str = "C-1") -> str:
    return reverse("admin:amendment_answer", args=[version.pk, code])


def registered(client, version: AgreementVersion, told: dict[str, str]):
    """Send an answer, look at what follows, and send it again as it was shown."""
    shown = client.post(page_of(version), told)
    assert shown.status_code == 200, text_of(shown)
    return client.post(page_of(version), told | {"previewed": shown.context["form"]["previewed"].value()})


def test_each_customer_stands_under_how_it_stands(lea, version):
    a_client("C-2", "2026-06-20")
    a_client("C-3")
    Contract.objects.filter(reference="K-of-C-3").update(terminated_on=on("2026-06-25"))
    registered(lea, version, ANSWER)
    shown = text_of(lea.get(list_of(version)))
    assert "◔ objected 1" in shown
    assert "■ terminated 1" in shown
    assert "□ not concerned: contract expired before 1" in shown
    assert "C-2" not in text_of(lea.get(list_of(version), {"state": "objected"}))
    assert "Harbour Homes" in text_of(lea.get(list_of(version), {"state": "objected"}))
    assert "C-3" in text_of(lea.get(list_of(version), {"state": "terminated"}))
    assert "Harbour Homes" in text_of(lea.get(list_of(version), {"q": "harbour"}))
    assert "No customer matches this search." in text_of(lea.get(list_of(version), {"q": "nobody"}))


def test_from_the_day_on_whoever_goes_on_is_deemed_to_have_accepted(lea, version):
    assert "Until the effective date nobody is deemed to have accepted" in text_of(lea.get(list_of(version)))
    with time_machine.travel(at("2026-07-02 04:00"), tick=False):
        shown = text_of(signed_in(User.objects.get(username="lea")).get(list_of(version)))
    assert "✓ deemed accepted 1" in shown


def test_what_follows_from_a_termination_is_shown_before_it_is_registered(lea, version):
    shown = lea.post(page_of(version), ENDS)
    words = text_of(shown)
    assert "K-of-C-1 2026-12-31 2026-07-01 Register the response" in words
    assert not Answer.objects.exists()
    assert registered(lea, version, ENDS).status_code == 302
    answer = Answer.objects.get()
    assert (answer.last_day, answer.registered_by.username) == (on("2026-07-01"), "lea")
    assert answer.text == "By letter."
    assert Contract.objects.get().terminated_on == on("2026-07-01")
    assert "last service day 2026-07-01" in text_of(lea.get(page_of(version)))


def test_an_objection_ends_nothing_and_says_so(lea, version):
    words = text_of(lea.post(page_of(version), ANSWER | {"last_day": "2026-06-20", "text": "We object."}))
    assert "It terminates no contract" in words
    assert "K-of-C-1 2026-12-31 continues under the new version" in words
    assert registered(lea, version, ANSWER | {"text": "We object."}).status_code == 302
    answer = Answer.objects.get()
    assert (answer.kind, answer.text, answer.last_day) == ("objection", "By letter. We object.", None)
    assert Contract.objects.get().terminated_on is None


def test_what_was_changed_after_its_consequences_were_shown_is_shown_again(lea, version):
    shown = lea.post(page_of(version), ENDS)
    told = ENDS | {"previewed": shown.context["form"]["previewed"].value(), "last_day": "2026-06-20"}
    again = lea.post(page_of(version), told)
    assert again.status_code == 200
    assert "2026-12-31 2026-06-20 Register the response" in text_of(again)
    assert not Answer.objects.exists()


def test_one_contract_of_several_can_be_ended_alone(lea, harbour):
    second = a_contract(harbour, "2026-03-01", "2027-02-28", reference="K-second")
    version = announced()
    words = text_of(lea.post(page_of(version), ENDS | {"contract": str(second.pk)}))
    assert "K-of-C-1 2026-12-31 continues under the new version" in words
    assert "K-second 2027-02-28 2026-07-01" in words
    registered(lea, version, ENDS | {"contract": str(second.pk)})
    assert set(Contract.objects.filter(terminated_on__isnull=False)) == {second}


def test_what_came_on_the_day_of_the_announcement_came_after_it(lea, version):
    registered(lea, version, ANSWER | {"received_on": "2026-06-01"})
    assert Answer.objects.get().received_at == at("2026-06-01 04:00")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"kind": "praise"}, "not one of the available choices"),
        ({"channel": ""}, "This field is required"),
        ({"by_name": " "}, "This field is required"),
        ({"by_name": "x" * 201}, "at most 200"),
        ({"received_on": "soon"}, "Enter a valid date"),
        ({"received_on": "2026-06-11"}, "Enter the day it was received: today or earlier."),
        ({"received_on": "0001-01-01"}, "Enter the day it was received: today or earlier."),
        ({"received_on": "9999-12-31"}, "Enter the day it was received: today or earlier."),
        ({"kind": "termination", "contract": "999999999999999999999"}, "not one of the available choices"),
        ({"kind": "termination", "last_day": "2026-02-30"}, "Enter a valid date"),
        ({"text": "a\0b"}, "Null characters"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(lea, version, changed, sentence):
    refused = lea.post(page_of(version), ANSWER | changed)
    assert refused.status_code == 422
    assert sentence in text_of(refused)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (ANSWER | {"received_on": "2026-05-31"}, "The date of receipt must be after the announcement"),
        (ENDS | {"last_day": "2026-06-09"}, "The last service day must be between 2026-06-10 and 2026-07-01"),
        (ENDS | {"last_day": "9999-12-31"}, "The last service day must be between 2026-06-10 and 2026-07-01"),
    ],
)
def test_what_the_agreement_does_not_allow_is_refused_with_the_reason(lea, version, told, sentence):
    refused = registered(lea, version, told)
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    assert not Answer.objects.exists()


def test_an_answer_is_registered_once_and_taken_back_with_a_reason(lea, version):
    registered(lea, version, ANSWER)
    again = registered(lea, version, ANSWER)
    assert again.status_code == 422
    assert "has already given this response" in text_of(again)
    door = reverse("admin:withdraw_answer", args=[Answer.objects.get().pk])
    assert "Enter a reason." in text_of(lea.post(door, {"reason": ""}, follow=True))
    assert "The response was withdrawn." in text_of(lea.post(door, {"reason": "They agree now"}, follow=True))
    assert Answer.objects.get().withdrawal_reason == "They agree now"


def test_customers_not_concerned_and_versions_never_announced_have_no_page(lea, version):
    stranger = a_customer(a_region(), "C-9")
    assert lea.get(page_of(version, stranger.code)).status_code == 404
    assert lea.get(page_of(version, "nobody")).status_code == 404
    draft = a_draft("3.0", voucher_valid_months=6)
    assert lea.get(list_of(draft)).status_code == 404
    assert lea.get(list_of(draft.based_on.based_on)).status_code == 404


def test_support_registers_auditors_read_and_the_night_shift_sees_neither(version):
    for role in ROLES:
        client = signed_in(a_member(role))
        status = 403 if role == "NOC" else 200
        assert client.get(list_of(version)).status_code == client.get(page_of(version)).status_code == status, role
        posted = client.post(page_of(version), ANSWER).status_code
        assert posted == (200 if role in {"Support", "Legal"} else 403), role
    assert not Answer.objects.exists()


def test_a_page_has_fifty_customers_and_costs_the_same_however_many_there_are(lea, version):
    def cost(**asked: str) -> int:
        lea.get(list_of(version), asked)
        with CaptureQueriesContext(connection) as queries:
            assert lea.get(list_of(version), asked).status_code == 200
        return len(queries)

    first = cost()
    for number in range(60):
        a_client(f"D-{number:02}")
    assert cost() == cost(page="2") == cost(state="running") == first
    assert "1 to 50 Next page" in text_of(lea.get(list_of(version)))
    assert "51 to 61" in text_of(lea.get(list_of(version), {"page": "2"}))
    for nonsense in ("0", "-1", "x", "9" * 30, "²"):
        assert lea.get(list_of(version), {"page": nonsense}).status_code == 200
    assert "No customer matches this search." in text_of(lea.get(list_of(version), {"page": "999999999"}))
    for nonsense in ({"state": "mad"}, {"q": "\0"}, {"q": "%" * 300}):
        assert lea.get(list_of(version), nonsense).status_code == 200


def test_the_list_and_its_csv_say_how_everyone_stood_on_a_day(lea, version):
    registered(lea, version, ANSWER)
    with time_machine.travel(at("2026-06-12 04:00"), tick=False):
        luo = signed_in(a_member("Legal", "luo"))
        url = reverse("admin:export_responses", args=[version.pk])
        before, after = (
            b"".join(luo.get(url, {"on": day}).streaming_content).decode() for day in ("2026-06-09", "2026-06-10")
        )
        assert "no_response" in before and "Li Wei" not in before
        assert "C-1,Harbour Homes,objected,objected," in after and "Li Wei" in after
        shown = luo.get(list_of(version), {"on": "2026-06-09"})
        assert "As it was on record at the end of 2026-06-09" in text_of(shown)
        assert [line[1:] for line in shown.context["lines"]] == [("unknown", "no response yet")]
        for nothing in ("2026-13-01", "1", "2026-05-31", "2027-01-01", "\0"):
            assert luo.get(list_of(version), {"on": nothing}).context["day"] is None
