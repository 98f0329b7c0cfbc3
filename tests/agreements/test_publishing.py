"""Publishing an amendment: two persons, one notice for everyone concerned, and a text that stands still (5.2)."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sla_portal.agreements.models import AgreementVersion, Clause
from sla_portal.agreements.operations import (
    AlreadyPublished,
    AlreadyWithdrawn,
    BasisOutdated,
    EveryoneNotified,
    LaterVersionPublished,
    NotAcceptable,
    NoticeTooShort,
    NotPending,
    NotSubmitted,
    NotTheRequester,
    SecondPersonNeeded,
    TextLocked,
    WithdrawalDecided,
    WithdrawalRequested,
    cancel_withdrawal,
    confirm_withdrawal,
    load_wording,
    notify_missed,
    publish_version,
    request_withdrawal,
    return_withdrawal,
    send_back_draft,
    sign_contract,
    submit_draft,
)
from sla_portal.agreements.operations import withdraw_version as withdraw_alone
from sla_portal.agreements.queries import (
    acceptance,
    customers_not_notified,
    notices_of,
    pending_versions,
    published_versions,
    reached,
    version_in_force,
)
from sla_portal.agreements.wording import ClauseText
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import NotAllowed
from sla_portal.customers.models import Contact, Customer
from sla_portal.notices.models import Delivery, Notice
from tests.support.amendments import ANNOUNCED, EFFECTIVE, a_draft, announced, legal, submitted, withdraw_version
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.desk import a_member, signed_in

pytestmark = pytest.mark.django_db
LATER = at("2026-06-10 04:00")
SYSTEM = Actor.system("test")


def customer_with(email: str, starts_on: str = "2026-01-01", ends_on: str = "2026-12-31", **values) -> Customer:
    customer = a_customer(a_region(), **values)
    customer.contacts.create(email=email)
    a_contract(customer, starts_on, ends_on)
    return customer


def addresses(notice: Notice) -> set[str]:
    return set(notice.deliveries.values_list("email", flat=True))


# Two persons


def test_whoever_asked_for_the_publication_does_not_publish():
    version = submitted()
    with pytest.raises(SecondPersonNeeded):
        publish_version(actor=legal("ann"), version=version, now=ANNOUNCED)
    assert not Notice.objects.exists()
    publish_version(actor=legal("bob"), version=version, now=ANNOUNCED)
    assert (version.submitted_by, version.published_by) == (legal("ann").user, legal("bob").user)


def test_nothing_is_published_that_nobody_asked_for():
    with pytest.raises(NotSubmitted):
        publish_version(actor=legal("bob"), version=a_draft(), now=ANNOUNCED)


@pytest.mark.parametrize("role", ["NOC", "Support", "Auditor", "Administrator"])
def test_other_desks_publish_nothing(role):
    version = submitted()
    with pytest.raises(NotAllowed):
        publish_version(actor=Actor.staff(a_member(role)), version=version, now=ANNOUNCED)


def test_a_draft_that_was_returned_can_be_changed_and_asked_for_again():
    version = submitted()
    send_back_draft(actor=legal("bob"), draft=version, reason="The Chinese text lacks a word", now=LATER)
    assert (version.stage.value, version.effective_on) == ("draft", None)
    with pytest.raises(NotSubmitted):
        publish_version(actor=legal("bob"), version=version, now=LATER)
    submit_draft(actor=legal("bob"), draft=version, effective_on=on("2026-08-01"), now=LATER)
    publish_version(actor=legal("ann"), version=version, now=LATER)
    assert version.effective_on == on("2026-08-01")


def test_clicked_twice_it_is_published_once():
    customer_with("ops@example.com")
    version = announced()
    with pytest.raises(AlreadyPublished):
        publish_version(actor=legal("bob"), version=version, now=LATER)
    assert (Notice.objects.count(), Delivery.objects.count()) == (1, 1)


# On what it stands


def test_a_draft_whose_basis_is_no_longer_the_newest_version_is_drafted_anew():
    first, second = submitted(a_draft("2.0")), a_draft("2.1")
    publish_version(actor=legal("bob"), version=first, now=ANNOUNCED)
    with pytest.raises(BasisOutdated, match=r"based on version 1\.0, but the newest version is now 2\.0"):
        submit_draft(actor=legal("ann"), draft=second, effective_on=on("2026-09-01"), now=LATER)


def test_of_two_that_wait_for_publication_only_one_is_published():
    first, second = submitted(a_draft("2.0")), submitted(a_draft("2.1"), on("2026-08-01"))
    publish_version(actor=legal("bob"), version=first, now=ANNOUNCED)
    with pytest.raises(BasisOutdated):
        publish_version(actor=legal("bob"), version=second, now=ANNOUNCED)


def test_a_version_takes_effect_after_the_one_it_starts_from():
    announced(effective_on=on("2026-09-01"))
    draft = a_draft("3.0", voucher_valid_months=6)
    with pytest.raises(NoticeTooShort, match=r"2026-09-01\. The next version can take effect on the following day"):
        submit_draft(actor=legal("ann"), draft=draft, effective_on=on("2026-09-01"), now=ANNOUNCED)
    submit_draft(actor=legal("ann"), draft=draft, effective_on=on("2026-09-02"), now=ANNOUNCED)


# Who is told


def test_every_contact_of_every_customer_under_contract_before_the_effective_date_is_told_once():
    running = customer_with("running@example.com")
    running.contacts.create(email="second@example.com")
    customer_with("starts-the-day-before@example.com", "2026-07-01", "2027-06-30")
    customer_with("starts-on-the-day@example.com", "2026-07-02", "2027-06-30")
    customer_with("ends-today@example.com", "2026-01-01", "2026-06-01")
    customer_with("ended-yesterday@example.com", "2026-01-01", "2026-05-31")
    a_customer(a_region()).contacts.create(email="never@example.com")
    told = announced().notice
    assert addresses(told) == {
        "running@example.com", "second@example.com", "starts-the-day-before@example.com", "ends-today@example.com",
    }  # fmt: skip


def test_the_announcement_says_what_changes_from_when_and_where_everything_stands():
    customer_with("ops@example.com", language="zh-hans")
    version = announced()
    english, chinese = (version.notice.wording(language) for language in ("en", "zh-hans"))
    assert (version.notice.public, version.notice.kind, version.notice.about) == (True, "amendment", "2.0")
    assert english.subject == "The service level agreement changes on 2026-07-02: version 2.0"
    assert "The target rises." in english.text
    assert "目标提高。" in chinese.text
    for wording in (english, chinese):
        assert version.address in wording.text
        assert f'href="{version.address}"' in wording.html
        assert "%%private-link:/agreement/answer/%%" in wording.text
        assert "%%private-link:/agreement/answer/%%" in wording.html


def test_what_legal_writes_cannot_become_markup():
    draft = a_draft()
    AgreementVersion.objects.filter(pk=draft.pk).update(summary_of_changes="<script>alert(1)</script> & more")
    wording = announced(draft).notice.wording("en")
    assert "<script>alert(1)</script> & more" in wording.text
    assert "&lt;script&gt;" in wording.html
    assert "<script" not in wording.html


def test_all_that_publishing_writes_stands_or_falls_together():
    customer_with("ops@example.com")
    version = submitted()
    before = Entry.objects.count()
    # Who may publish but give no notice is refused when everything else is written.
    half = User.objects.create_user("half")
    half.user_permissions.add(Permission.objects.get(codename="publish_version"))
    with pytest.raises(NotAllowed, match="give_notice"):
        publish_version(actor=Actor.staff(half), version=version, now=ANNOUNCED)
    version.refresh_from_db()
    assert (version.published_at, version.notice, version.sha256) == (None, None, "")
    assert not Clause.objects.filter(frozen=True).exists()
    assert (Notice.objects.count(), Delivery.objects.count(), Entry.objects.count()) == (0, 0, before)


def test_publishing_asks_as_often_for_many_recipients_as_for_few():
    def queries_with(recipients: int, version: str, day: str) -> int:
        customers = Customer.objects.bulk_create(
            Customer(code=f"{version}-{number}", name="Customer", region=region) for number in range(recipients)
        )
        Contact.objects.bulk_create(
            Contact(customer=customer, email=f"{customer.code}@example.com") for customer in customers
        )
        for customer in customers:
            a_contract(customer, "2026-01-01", "2027-12-31")
        draft = submitted(a_draft(version, voucher_valid_months=int(version[0])), on(day))
        with CaptureQueriesContext(connection) as captured:
            publish_version(actor=legal("bob"), version=draft, now=ANNOUNCED)
        return len(captured)

    region = a_region()
    announced()
    few = queries_with(2, "3.0", "2026-08-01")
    assert queries_with(200, "4.0", "2026-09-01") == few
    assert Notice.objects.get(about="4.0").deliveries.count() == 202


# A text that stands still


def test_text_and_terms_are_hashed_as_they_were_published():
    version = announced()
    assert len(version.sha256) == 64
    assert version.sha256 == AgreementVersion.objects.get(version="2.0").expected_sha256()
    entry = Entry.objects.get(action="published")
    assert entry.changes["sha256"] == [None, version.sha256]
    assert entry.changes["notice"] == [None, version.notice.number]


@pytest.mark.parametrize(
    "field", ["availability_target", "effective_on", "published_at", "sha256", "summary_of_changes"]
)
def test_the_database_refuses_to_edit_a_version_that_was_announced(field):
    version = announced()
    with pytest.raises(DatabaseError, match="agreements_agreementversion_is_only_added_to"), transaction.atomic():
        AgreementVersion.objects.filter(pk=version.pk).update(**{field: getattr(version, field)})


def test_the_database_refuses_to_edit_or_delete_an_announced_clause_or_version():
    version = announced()
    for refused in (
        lambda: version.clauses.update(wording="Otherwise"),
        lambda: version.clauses.filter(number="5.2").delete(),
        lambda: AgreementVersion.objects.filter(pk=version.pk)._raw_delete(DEFAULT_DB_ALIAS),
    ):
        with pytest.raises(DatabaseError, match="is_only_added_to"), transaction.atomic():
            refused()


def test_the_database_lets_no_clause_slip_into_an_announced_version():
    version, draft = announced(), a_draft("3.0", voucher_valid_months=6)
    for refused in (
        lambda: Clause.objects.create(agreement_version=version, number="5.3", wording="And another thing"),
        lambda: draft.clauses.filter(number="5.2").update(agreement_version=version, number="5.3"),
    ):
        with pytest.raises(DatabaseError, match="a_told_version_has_its_clauses"), transaction.atomic():
            refused()


def test_the_operators_wording_is_loaded_into_1_0_and_into_no_version_that_was_submitted_or_announced():
    text = [ClauseText("5.2", "Changes are told.")]
    version = announced(a_draft(first_is_worded=False))
    waiting = submitted(a_draft("3.0", first_is_worded=False, voucher_valid_months=6), on("2026-08-01"))
    assert load_wording(actor=SYSTEM, version=AgreementVersion.objects.get(version="1.0"), clauses=text, now=LATER) == 1
    for still in (version, waiting):
        with pytest.raises(TextLocked):
            load_wording(actor=SYSTEM, version=still, clauses=text, now=LATER)


# Signing in between


def sign(customer: Customer, reference: str = "K-new", starts_on: str = "2026-06-15"):
    return sign_contract(
        actor=SYSTEM, customer=customer, reference=reference, starts_on=on(starts_on), ends_on=on("2027-06-14"),
        monthly_charge=49, currency="EUR", now=LATER,
    )  # fmt: skip


def test_who_signs_in_between_is_told_at_signing():
    version = announced()
    customer = a_customer(a_region())
    customer.contacts.create(email="new@example.com")
    sign(customer)
    notice = notices_of(version).exclude(pk=version.notice_id).get()
    assert addresses(notice) == {"new@example.com"}
    assert "You signed contract K-new." in notice.wording("en").text
    assert not notice.public


def test_who_was_told_already_is_not_told_again_at_signing():
    customer = customer_with("ops@example.com")
    announced()
    sign(customer)
    assert Notice.objects.count() == 1


def test_at_signing_only_what_has_not_taken_effect_and_was_not_withdrawn_is_told():
    announced(effective_on=on("2026-07-02"))
    announced(a_draft("3.0", voucher_valid_months=6), on("2026-08-01"))
    withdraw_version(actor=legal("bob"), version=AgreementVersion.objects.get(version="3.0"), reason="No", now=LATER)
    customer = a_customer(a_region())
    customer.contacts.create(email="new@example.com")
    sign(customer)
    assert list(Delivery.objects.filter(email="new@example.com").values_list("notice__about", flat=True)) == ["2.0"]


def test_a_contract_added_by_an_administrator_tells_its_customer():
    announced(effective_on=on("2099-01-01"))
    customer = a_customer(a_region())
    customer.contacts.create(email="new@example.com")
    posted = {
        "customer": customer.pk, "reference": "K-new", "starts_on": "2026-06-15", "ends_on": "2098-06-14",
        "ends_on-meant": "2098-06-14", "monthly_charge": "49", "currency": "EUR", "trial_days": "0", "extended_minutes": "0",
        "suspensions-TOTAL_FORMS": "0", "suspensions-INITIAL_FORMS": "0",
        "payments-TOTAL_FORMS": "0", "payments-INITIAL_FORMS": "0",
    }  # fmt: skip
    response = signed_in(a_member("Administrator")).post(reverse("admin:agreements_contract_add"), posted)
    assert response.status_code == 302
    assert Delivery.objects.filter(email="new@example.com", notice__about="2.0").count() == 1


# Withdrawal


def test_a_withdrawal_tells_everyone_who_was_told():
    customer_with("ends-before@example.com", ends_on="2026-06-05")
    customer_with("running@example.com")
    version = announced()
    signer = a_customer(a_region())
    signer.contacts.create(email="signer@example.com")
    sign(signer)
    moved = Contact.objects.get(email="running@example.com")
    moved.email = "corrected@example.com"
    moved.save()
    notice = withdraw_version(actor=legal("ann"), version=version, reason="A number was wrong", now=LATER)
    assert addresses(notice) == {"ends-before@example.com", "corrected@example.com", "signer@example.com"}
    assert "A number was wrong" in notice.wording("en").text
    assert notice.public


def test_a_withdrawal_tells_whoever_was_told_and_is_off_record_by_now():
    customer = customer_with("gone@example.com")
    customer.contacts.create(email="wrong@example.com")
    customer.contacts.create(email="stays@example.com")
    version = announced()
    version.notice.deliveries.filter(email="wrong@example.com").update(status="bounced")
    customer.contacts.exclude(email="stays@example.com").delete()
    customer.contacts.create(email="GONE@example.com")
    a_customer(a_region()).contacts.create(email="gone@example.com")
    first = withdraw_version(actor=legal("ann"), version=version, reason="A number was wrong", now=LATER)
    assert addresses(first) == {"GONE@example.com", "stays@example.com"}
    second = announced(a_draft("2.1"), on("2026-08-01"), LATER)
    customer.contacts.filter(email="GONE@example.com").delete()
    notice = withdraw_version(actor=legal("ann"), version=second, reason="Again", now=LATER)
    assert addresses(notice) == {"GONE@example.com", "stays@example.com"}


def test_a_withdrawn_version_never_governs():
    version = announced()
    withdraw_version(actor=legal("ann"), version=version, reason="A number was wrong", now=LATER)
    assert version_in_force(on("2026-12-01")).version == "1.0"
    assert [one.version for one in published_versions()] == ["1.0"]
    assert pending_versions(on("2026-06-02")) == []
    successor = announced(a_draft("2.1"), on("2026-08-01"), LATER)
    assert (successor.based_on.version, version_in_force(EFFECTIVE).version) == ("1.0", "1.0")


def test_a_version_that_has_taken_effect_is_not_withdrawn():
    version = announced()
    withdraw = {"actor": legal("ann"), "version": version, "reason": "A number was wrong"}
    with pytest.raises(NotPending):
        withdraw_version(**withdraw, now=at("2026-07-01 16:00"))
    withdraw_version(**withdraw, now=at("2026-07-01 15:59:59"))
    with pytest.raises(AlreadyWithdrawn):
        withdraw_version(**withdraw, now=at("2026-07-01 15:59:59"))


def test_version_1_0_of_which_nobody_was_told_is_not_withdrawn():
    with pytest.raises(NotPending):
        withdraw_version(
            actor=legal("ann"), version=AgreementVersion.objects.get(version="1.0"), reason="Old", now=LATER
        )


@pytest.mark.parametrize(("reason", "reason_zh", "field"), [(" ", "有误。", "reason"), ("A slip", "", "reason_zh")])
def test_a_withdrawal_says_why_in_every_language(reason, reason_zh, field):
    with pytest.raises(NotAcceptable) as refused:
        request_withdrawal(actor=legal("ann"), version=announced(), reason=reason, reason_zh=reason_zh, now=LATER)
    assert list(refused.value.errors) == [field]


def test_a_version_is_withdrawn_by_another_person_and_the_letter_speaks_the_language_of_its_reader():
    version = announced()
    asked = request_withdrawal(actor=legal("ann"), version=version, reason="A slip", reason_zh="笔误", now=LATER)
    with pytest.raises(WithdrawalRequested):
        request_withdrawal(actor=legal("bob"), version=version, reason="A slip", reason_zh="笔误", now=LATER)
    with pytest.raises(SecondPersonNeeded):
        confirm_withdrawal(actor=legal("ann"), withdrawal=asked, now=LATER)
    with pytest.raises(SecondPersonNeeded):
        return_withdrawal(actor=legal("ann"), withdrawal=asked, reason="No", now=LATER)
    with pytest.raises(NotTheRequester):
        cancel_withdrawal(actor=legal("bob"), withdrawal=asked, now=LATER)
    return_withdrawal(actor=legal("bob"), withdrawal=asked, reason="Say which number", now=LATER)
    with pytest.raises(WithdrawalDecided):
        confirm_withdrawal(actor=legal("bob"), withdrawal=asked, now=LATER)
    again = request_withdrawal(
        actor=legal("ann"), version=version, reason="A wrong number", reason_zh="数字有误", now=LATER
    )
    notice = confirm_withdrawal(actor=legal("bob"), withdrawal=again, now=LATER)
    said = {wording.language: wording.text for wording in notice.wordings.all()}
    assert "A wrong number" in said["en"] and "数字有误" not in said["en"]
    assert "数字有误" in said["zh-hans"] and "A wrong number" not in said["zh-hans"]


def test_one_person_publishes_and_withdraws_where_the_second_is_switched_off(settings):
    version = submitted()
    with pytest.raises(SecondPersonNeeded):
        publish_version(actor=legal("ann"), version=version, now=ANNOUNCED)
    settings.PUBLISHING_NEEDS_SECOND_PERSON = False
    publish_version(actor=legal("ann"), version=version, now=ANNOUNCED)
    assert (version.published_by.username, version.submitted_by) == ("ann", None)
    assert Entry.objects.filter(action="published").get().changes["by_one_person"] == [None, True]
    withdraw = {"actor": legal("ann"), "version": version, "reason": "A slip", "reason_zh": "笔误", "now": LATER}
    withdraw_alone(**withdraw)
    assert version.withdrawals.get().one_person
    assert Entry.objects.filter(action="withdrew").get().changes["by_one_person"] == [None, True]
    settings.PUBLISHING_NEEDS_SECOND_PERSON = True
    with pytest.raises(SecondPersonNeeded):
        withdraw_alone(**withdraw)


def test_what_a_later_version_starts_from_is_not_withdrawn_before_that():
    first = announced()
    later = announced(a_draft("3.0", voucher_valid_months=6), on("2026-08-01"))
    with pytest.raises(LaterVersionPublished, match=r"3\.0"):
        withdraw_version(actor=legal("ann"), version=first, reason="A slip", now=LATER)
    withdraw_version(actor=legal("ann"), version=later, reason="A slip", now=LATER)
    withdraw_version(actor=legal("ann"), version=first, reason="A slip", now=LATER)
    assert [one.version for one in published_versions()] == ["1.0"]


def test_a_withdrawal_stands_for_good():
    version = announced()
    withdraw_version(actor=legal("ann"), version=version, reason="A slip", now=LATER)
    with pytest.raises(DatabaseError, match="is_only_added_to"), transaction.atomic():
        AgreementVersion.objects.filter(pk=version.pk).update(withdrawn_at=None, withdrawal_reason="")


# What became of it


def test_the_ledger_counts_what_became_of_the_mails_by_occasion():
    customer_with("a@example.com")
    customer_with("b@example.com")
    version = announced()
    version.notice.deliveries.filter(email="a@example.com").update(status="sent", sent_at=LATER)
    signer = a_customer(a_region())
    signer.contacts.create(email="signer@example.com")
    sign(signer)
    withdraw_version(actor=legal("ann"), version=version, reason="A slip", now=at("2026-06-20 04:00"))
    found = {one.occasion: one for one in reached(version)}
    assert list(found) == ["announcement", "signing", "withdrawal"]
    assert (found["announcement"].progress.total, found["announcement"].progress.sent) == (2, 1)
    assert (found["signing"].notices, found["withdrawal"].progress.total) == (1, 3)


def test_customers_whom_no_mail_could_reach_are_listed():
    customer_with("ops@example.com")
    silent = a_customer(a_region(), "C-silent")
    a_contract(silent, "2026-01-01", "2026-12-31")
    version = announced()
    assert list(customers_not_notified(version)) == [silent]
    assert acceptance(version, LATER).count() == 2


def test_an_address_that_two_customers_share_tells_both():
    customer_with("installer@example.com")
    customer_with("Installer@example.com", code="C-second")
    version = announced()
    assert version.notice.deliveries.count() == 1
    assert not customers_not_notified(version).exists()


def test_whoever_was_left_out_is_told_later_once():
    customer_with("ops@example.com")
    silent = a_customer(a_region(), "C-silent")
    a_contract(silent, "2026-01-01", "2026-12-31")
    version = announced()
    with pytest.raises(EveryoneNotified):
        notify_missed(actor=legal("ann"), version=version, now=LATER)
    silent.contacts.create(email="silent@example.com")
    notice = notify_missed(actor=legal("ann"), version=version, now=LATER)
    assert addresses(notice) == {"silent@example.com"}
    assert not notice.public
    assert not customers_not_notified(version).exists()
    assert [one.occasion for one in reached(version)] == ["announcement", "later"]
    with pytest.raises(EveryoneNotified):
        notify_missed(actor=legal("ann"), version=version, now=LATER)


def test_nobody_is_told_later_of_what_is_in_force_or_withdrawn_nor_by_another_desk():
    version = announced()
    customer_with("late@example.com")
    with pytest.raises(NotAllowed):
        notify_missed(actor=Actor.staff(a_member("Support")), version=version, now=LATER)
    with pytest.raises(NotPending):
        notify_missed(actor=legal("ann"), version=version, now=at("2026-07-01 16:00"))
    withdraw_version(actor=legal("ann"), version=version, reason="A slip", now=LATER)
    with pytest.raises(NotPending):
        notify_missed(actor=legal("ann"), version=version, now=LATER)
