"""The ledger and its exports: filters, totals, history of a voucher, CSV and worksheets."""

import csv
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook
from time_machine import travel

from claims.models import Compensation, Entry, Step, Undoing, Voucher
from claims.operations import redeem_voucher
from claims.queries.ledger import Wanted, entries, totals
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry as TrailEntry
from sla_portal.customers.models import Customer
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Notice
from sla_portal.staff import exports
from sla_portal.staff.exports import safe
from tests.support.builders import at
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted, support, undone
from tests.support.desk import Opened, a_member, filled, signed_in, text_of

pytestmark = pytest.mark.django_db
LEDGER = reverse("admin:ledger")
CHARGE = Decimal("43200.00")
"""A minute of September 2026 is worth 1.00."""


@pytest.fixture(autouse=True)
def now():
    with travel(OPEN, tick=False):
        yield


@pytest.fixture
def desk():
    return signed_in(a_member("Support"))


@pytest.fixture
def given() -> Compensation:
    """37 counted minutes, 12 of them as a voucher and 25 as extension."""
    a_missed_september()
    return granted(a_claim(a_claimant(monthly_charge=CHARGE)), voucher_minutes=12)


def csv_of(response) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text, newline="")))


def sheet_of(response) -> list[dict]:
    sheet = load_workbook(BytesIO(b"".join(response.streaming_content))).active
    columns, *rows = ([cell.value for cell in row] for row in sheet.iter_rows())
    return [dict(zip(columns, row, strict=True)) for row in rows]


def taken(client, form: str, **asked: str):
    url = reverse("admin:export_ledger", args=[form])
    return client.post(f"{url}?{'&'.join(f'{name}={value}' for name, value in asked.items())}")


# What is shown


def test_the_ledger_shows_entries_with_total_and_cap(desk, given):
    said = text_of(desk.get(LEDGER))
    voucher = Voucher.objects.get()
    assert "✓ contract extended" in said
    assert f"voucher issued {voucher.code}" in said
    assert "25 25.00 EUR 25.00 EUR / 490.00 EUR" in said
    assert "12 12.00 EUR 37.00 EUR / 490.00 EUR" in said


def test_the_totals_are_by_currency_and_step(given):
    voucher = Voucher.objects.get()
    redeem_voucher(actor=a_clerk(), voucher=voucher, reference="R-1", now=OPEN)
    found = {total.step: (total.entries, total.minutes, str(total.amount)) for total in totals(entries(Wanted()))}
    assert found == {Step.EXTENDED: (1, 25, "25.00"), Step.ISSUED: (1, 12, "12.00"), Step.REDEEMED: (1, 0, "12.00")}
    assert list(found) == [Step.ISSUED, Step.REDEEMED, Step.EXTENDED]
    undone(Entry.objects.latest("id"))
    undone(Entry.objects.latest("id"))
    found = {total.step: str(total.amount) for total in totals(entries(Wanted()))}
    assert (found[Step.RETURNED], found[Step.VOIDED]) == ("-12.00", "-12.00")


def a_clerk() -> Actor:
    return Actor.staff(support())


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", 2),
        ("?month=2026-10", 2),
        ("?month=2026-09", 0),
        ("?month=", 2),
        ("?step=issued", 1),
        ("?contract={contract}", 2),
        ("?contract=none", 0),
        ("?code={code}", 1),
        ("?code={lower}%20", 1),
        ("?code=nothing", 0),
        ("?month=2026-10&step=extended&contract={contract}", 1),
    ],
)
def test_entries_are_found_by_month_contract_step_and_code(desk, given, asked, shown):
    code = Voucher.objects.get().code
    asked = asked.format(contract=given.contract.reference, code=code, lower=code.lower())
    assert len(desk.get(LEDGER + asked).context["rows"]) == shown


def test_without_filter_the_ledger_shows_all_months_and_an_empty_month_explains_how_to_see_them(given):
    with travel(at("2026-11-02 00:00"), tick=False):
        desk = signed_in(a_member("Support"))
        assert len(desk.get(LEDGER).context["rows"]) == 2
        response = desk.get(LEDGER + "?month=2026-11")
    assert response.context["rows"] == []
    assert "Leave the month empty to see all months" in text_of(response)


@pytest.mark.parametrize(
    "asked",
    ["?month=2026-13", "?month=abc", "?step=stolen", "?before=0", "?before=x", "?code=%00", "?contract=" + "x" * 50],
)
def test_an_invalid_filter_is_refused_and_nothing_is_shown_or_exported(desk, given, asked):
    response = desk.get(LEDGER + asked)
    assert response.status_code == 422
    assert "rows" not in response.context
    assert desk.post(reverse("admin:export_ledger", args=["csv"]) + asked).status_code == 404


@pytest.mark.parametrize("before", ["999999999", "9223372036854775807"])
def test_an_unknown_entry_starts_the_list_at_the_first_page(desk, given, before):
    assert len(desk.get(f"{LEDGER}?month=&before={before}").context["rows"]) == 2


def many_vouchers(number: int) -> None:
    """Further vouchers on the one compensation's contract, entered a second after another."""
    first = Entry.objects.get(step=Step.ISSUED)
    given = first.compensation
    decisions = type(given.decision).objects
    for n in range(number):
        wanted = given.claim.recommendations.create(
            outcome="grant", clause="3.2", reason="-", letter_subject="-", letter_text="-", facts={},
            recommended_by=given.decision.recommended_by, recommended_at=OPEN,
        )  # fmt: skip
        decision = decisions.create(
            recommendation=wanted, key=f"00000000-0000-0000-0000-{n:012}", agreed=True, decided_at=OPEN,
            recommended_by=given.decision.recommended_by, decided_by=given.decision.decided_by,
        )  # fmt: skip
        made = Compensation.objects.create(
            **{name: getattr(given, name) for name in ("claim", "contract", "counted_minutes", "total_minutes", "currency",
               "granted_at", "granted_by", "extension_minutes", "cut_minutes", "cut_value", "voucher_minutes")},
            decision=decision,
        )  # fmt: skip
        voucher = Voucher.objects.create(
            compensation=made, code=f"CODE-{n}", value="0.10", currency="EUR", expires_on=at("2027-10-01 00:00")
        )
        Entry.objects.create(
            contract=made.contract, number=100 + n, compensation=made, step=Step.ISSUED, voucher=voucher, minutes=1,
            value="0.10", currency="EUR", total=first.total, cap=first.cap, at=OPEN + timedelta(seconds=n), by=first.by,
        )  # fmt: skip


def test_the_number_of_queries_does_not_depend_on_the_number_of_entries(desk, given, django_assert_max_num_queries):
    desk.get(LEDGER)
    with django_assert_max_num_queries(13) as few:
        desk.get(LEDGER)
    many_vouchers(30)
    with django_assert_max_num_queries(len(few)):
        assert len(desk.get(LEDGER).context["rows"]) == 32


def test_too_many_entries_are_shown_without_totals(desk, given, monkeypatch):
    monkeypatch.setattr("sla_portal.staff.claims.ledger.MOST_ADDED_UP", 1)
    response = desk.get(LEDGER)
    assert "Totals are shown for up to 1 entries." in text_of(response)
    assert (len(response.context["rows"]), response.context["totals"]) == (2, [])


def test_every_entry_is_on_one_page(desk, given, monkeypatch):
    many_vouchers(9)
    monkeypatch.setattr("sla_portal.staff.claims.ledger.SHOWN", 4)
    seen, following = [], "?month="
    while following:
        response = desk.get(LEDGER + following)
        seen += [row["entry"].pk for row in response.context["rows"]]
        following = response.context["next"]
    assert len(seen) == 11
    assert seen == list(Entry.objects.order_by("-at", "-id").values_list("pk", flat=True))


# What billing takes


def test_ledger_email_and_exports_agree_to_the_cent(desk, given):
    """The report's twin of this stands with the reports."""
    value, extended = Decimal("12.00"), Decimal("25.00")
    shown = {row["entry"].step: row["value"] for row in desk.get(LEDGER).context["rows"]}
    assert shown == {"issued": "12.00 EUR", "extended": "25.00 EUR"}
    assert Voucher.objects.get().value == value
    rows = {row["step"]: row for row in csv_of(taken(desk, "csv", month="2026-10"))}
    assert (Decimal(rows["issued"]["value"]), Decimal(rows["extended"]["value"])) == (value, extended)
    assert rows["issued"]["value"] == "12.00"
    cells = {row["step"]: row for row in sheet_of(taken(desk, "xlsx", month="2026-10"))}
    assert {step: Decimal(str(row["value"])) for step, row in cells.items()} == {"issued": value, "extended": extended}
    assert {step: str(row["total"]) for step, row in rows.items()} == {"extended": "25.00", "issued": "37.00"}
    letter = Notice.objects.filter(about=given.claim.number).latest("id").wording("en").text
    assert "12.00 EUR" in letter
    totals_shown = {row["total"].step: row["amount"] for row in desk.get(LEDGER).context["totals"]}
    assert totals_shown == {Step.ISSUED: "12.00 EUR", Step.EXTENDED: "25.00 EUR"}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_has_the_filtered_entries_and_the_audit_log_records_it(given, form):
    member = a_member("Auditor")
    response = taken(signed_in(member), form, month="2026-10", step="issued")
    rows = csv_of(response) if form == "csv" else sheet_of(response)
    (row,) = rows
    voucher = Voucher.objects.get()
    assert (row["step"], row["voucher"], row["claim"]) == ("issued", voucher.code, given.claim.number)
    entered_at = "2026-10-20T08:00:00Z" if form == "csv" else datetime(2026, 10, 20, 8)  # noqa: DTZ001  # no zone in a sheet
    assert (row["month"], row["entered_at"], row["currency"]) == ("2026-09", entered_at, "EUR")
    assert response["Content-Disposition"].startswith(f'attachment; filename="ledger-2026-10.{form}"')
    noted = TrailEntry.objects.latest("id")
    assert (noted.actor_name, noted.action) == ("Auditor", "exported the ledger as")
    assert noted.changes == {"format": [None, form], "month": [None, "2026-10"], "step": [None, "issued"]}


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝"])
def test_a_text_that_looks_like_a_formula_is_escaped(desk, given, first):
    Customer.objects.update(name=f"{first}HYPERLINK(1)")
    row = csv_of(taken(desk, "csv", step="issued"))[0]
    assert row["customer_name"] == f"'{first}HYPERLINK(1)"
    row = sheet_of(taken(desk, "xlsx", step="issued"))[0]
    assert row["customer_name"].startswith("'")


def test_a_worksheet_holds_no_formula_and_numbers_are_numbers(desk, given):
    undone(Entry.objects.get(step=Step.ISSUED), reason="=1+1")
    book = load_workbook(BytesIO(b"".join(taken(desk, "xlsx", month="").streaming_content)))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"inlineStr", "s", "n", "d"}
    row = next(row for row in csv_of(taken(desk, "csv", month="")) if row["step"] == "voided")
    assert (row["value"], row["minutes"], row["reason"]) == ("-12.00", "-12", "'=1+1")


def test_a_worksheet_has_dates_widths_and_a_frozen_head(desk, given):
    sheet = load_workbook(BytesIO(b"".join(taken(desk, "xlsx", month="").streaming_content))).active
    assert (sheet.freeze_panes, sheet["A1"].font.bold, sheet["A2"].number_format) == ("A2", True, "yyyy-mm-dd hh:mm:ss")
    assert sheet.column_dimensions["A"].width == len("2026-10-20T08:00:00Z") + 2


def test_csv_is_exported_with_decimal_commas_on_request(desk, given):
    response = taken(desk, "csv-comma", month="", step="issued")
    (row,) = csv.DictReader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig")), delimiter=";")
    assert (row["value"], row["cap"], row["minutes"], row["entered_at"]) == (
        "12,00",
        "490,00",
        "12",
        "2026-10-20T08:00:00Z",
    )
    assert response["Content-Disposition"] == 'attachment; filename="ledger.csv"'


@pytest.mark.parametrize(
    ("value", "safely"),
    [("K-1", "K-1"), ("", ""), (Decimal("-12.00"), Decimal("-12.00")), (-12, -12), ("a=b", "a=b"), ("\x00=1", "'=1")],
)
def test_other_texts_are_unchanged(value, safely):
    assert safe(value) == safely


def test_more_than_a_worksheet_holds_is_refused_with_a_message(desk, given, monkeypatch):
    monkeypatch.setattr("sla_portal.staff.claims.ledger.MOST_IN_A_SHEET", 1)
    refused = desk.post(reverse("admin:export_ledger", args=["xlsx"]) + "?month=", follow=True)
    assert "A worksheet can hold at most 1 entries." in text_of(refused)
    assert len(csv_of(taken(desk, "csv", month=""))) == 2


def test_a_currency_without_decimals_is_exported_without_decimals():
    a_missed_september()
    of = a_claimant(monthly_charge=Decimal(43200), currency="JPY", paid="1000")
    granted(a_claim(of), voucher_minutes=37)
    (row,) = csv_of(taken(signed_in(a_member("Support")), "csv", month=""))
    assert (row["value"], row["currency"]) == ("37", "JPY")


def test_billing_exports_up_to_here_once_and_downloads_it_as_often_as_it_likes(desk, given):
    url = reverse("admin:billing")
    assert "Nothing was exported for billing yet." in text_of(desk.get(url))
    assert "Export 1 is ready." in text_of(desk.post(url, follow=True))
    assert "Every entry was exported for billing already." in text_of(desk.post(url, follow=True))
    for _n in range(2):
        rows = csv_of(desk.post(reverse("admin:export_billing", args=[1, "csv"])))
        assert [row["step"] for row in rows] == ["extended", "issued"]
    auditor = signed_in(a_member("Auditor"))
    assert "Export up to here" not in text_of(auditor.get(url))
    assert auditor.post(url).status_code == 403


def test_balances_are_shown_by_customer_and_currency_and_exported(desk, given):
    redeem_voucher(actor=a_clerk(), voucher=given.voucher, reference="R-1", part=Decimal(5), now=OPEN)
    said = "12.00 EUR 5.00 EUR 0.00 EUR 0.00 EUR 7.00 EUR"
    assert "partly redeemed" in text_of(desk.get(page_of(given.voucher)))
    assert said in text_of(desk.get(reverse("admin:balances")))
    assert said in text_of(desk.get(f"{LEDGER}?contract={given.contract.reference}"))
    assert said not in text_of(desk.get(LEDGER))
    (row,) = csv_of(desk.post(reverse("admin:export_balances", args=["csv"])))
    assert (row["currency"], row["redeemed"], row["outstanding"]) == ("EUR", "5.00", "7.00")


# A voucher's life, and an extension's


def page_of(voucher: Voucher) -> str:
    return reverse("admin:voucher", args=[voucher.pk])


def test_a_voucher_is_redeemed_reversed_and_voided_each_by_an_entry(desk, given):
    voucher = Voucher.objects.get()
    url = page_of(voucher)
    desk.post(url, {"act": "redeem", "redeem-reference": "R-2026-17", "redeem-sure": "on"})
    assert "✓ voucher redeemed" in text_of(desk.get(url)) and "R-2026-17" in text_of(desk.get(url))
    other = signed_in(a_member("Support", "cora"))
    for reason in ("Wrong order", "Not owed after all"):
        Opened(desk, url).fill("reverse-reason", **{"reverse-reason": reason, "act": "reverse"})
        said = text_of(other.get(url))
        assert (
            reason in said and "Confirm the reversal" in said and "Confirm the reversal" not in text_of(desk.get(url))
        )
        assert ("E-mail to the customer, as it goes" in said) is (reason == "Not owed after all")
        assert other.post(url, {"act": "confirm", "seen": Opened(other, url).seen}).status_code == 302
    letter = Notice.objects.filter(about=given.claim.number).latest("id").wording("en").text
    assert f"The voucher {voucher.code} over 12.00 EUR is no longer valid." in letter
    assert "Not owed after all" not in letter
    assert list(voucher.entries.order_by("id").values_list("step", "value")) == [
        ("issued", 12), ("redeemed", 0), ("returned", 0), ("voided", -12),
    ]  # fmt: skip
    assert "No further action is possible." in text_of(desk.get(url))
    assert Entry.objects.latest("id").total == 25


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"act": "redeem", "redeem-sure": "on"}, "Enter the order or invoice on which the voucher was redeemed."),
        ({"act": "redeem", "redeem-reference": "R-1"}, "Compare the code and amount with the order"),
        ({"act": "redeem", "redeem-reference": "  ", "redeem-sure": "on"}, "Enter the order or invoice"),
        ({"act": "reverse"}, "Give the reason for the reversal."),
        ({"act": "reverse", "reverse-reason": "Wrong", "reverse-letter_text": " "}, "Write the e-mail that tells"),
        ({"act": "burn"}, "Redeem voucher"),
        ({"act": "redeem", "redeem-reference": "\0", "redeem-sure": "on"}, "Null characters"),
    ],
)
def test_without_reason_and_confirmation_nothing_happens_to_a_voucher(desk, given, sent, sentence):
    of_entry = {"reverse-entry": str(Entry.objects.get(step=Step.ISSUED).pk)} if sent["act"] == "reverse" else {}
    refused = desk.post(page_of(Voucher.objects.get()), sent | of_entry)
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    assert (Entry.objects.count(), Undoing.objects.count()) == (2, 0)


def test_the_letter_of_a_reversal_is_drafted_for_what_is_ticked_and_nothing_typed_is_lost(desk, given):
    url = page_of(Voucher.objects.get())
    ticked = {"act": "draft", "reverse-both": "on", "reverse-reason": "Typed twice", "reverse-letter_text": "Mine"}
    drafted = Opened(desk, url).fill("reverse-reason", **ticked)
    said = drafted.content.decode()
    assert "The extension of contract" in said and "by 25 minutes is reversed." in said
    assert "Your claim is under review again." in said
    assert "Typed twice" in said
    assert Undoing.objects.count() == 0
    filled(desk, drafted, url, "reverse-reason", act="reverse")
    assert [entry.step for entry in Undoing.objects.get().entries.order_by("step")] == ["extended", "issued"]
    extension = reverse("admin:extension", args=[given.pk])
    assert "Proposed reversal" in text_of(desk.get(extension))
    said = text_of(desk.get(LEDGER))
    assert "1 proposed reversal" in said


def test_a_voucher_just_redeemed_by_someone_else_is_refused(desk, given):
    voucher = Voucher.objects.get()
    redeem_voucher(actor=a_clerk(), voucher=voucher, reference="R-1", now=OPEN)
    refused = desk.post(page_of(voucher), {"act": "redeem", "redeem-reference": "R-2", "redeem-sure": "on"})
    assert refused.status_code == 422
    assert voucher.entries.count() == 2


def test_a_redemption_taken_back_on_a_stale_page_does_not_void_the_voucher(desk, given):
    voucher = Voucher.objects.get()
    redeem_voucher(actor=a_clerk(), voucher=voucher, reference="R-1", now=OPEN)
    mine = Opened(desk, page_of(voucher))
    undone(voucher.entries.latest("id"))
    refused = mine.fill("reverse-reason", **{"reverse-reason": "Wrong order", "act": "reverse"})
    assert refused.status_code == 409
    assert "reversed a redemption on" in text_of(refused)
    # Sent again, it still means the entry that was shown as the last.
    again = filled(desk, refused, page_of(voucher), "reverse-reason", act="reverse")
    assert "This entry has already been reversed or followed by another." in text_of(again)
    assert list(voucher.entries.order_by("id").values_list("step", flat=True)) == ["issued", "redeemed", "returned"]


def test_who_decided_the_claim_reads_that_another_redeems_its_voucher(given):
    voucher = Voucher.objects.get()
    page = signed_in(given.decision.decided_by).get(page_of(voucher))
    assert "You recommended or decided this claim. Another person redeems its voucher." in text_of(page)
    assert page.context["redeem"] is None
    sent = {"act": "redeem", "redeem-reference": "R-1", "redeem-sure": "on"}
    assert signed_in(given.decision.recommended_by).post(page_of(voucher), sent).status_code == 422
    assert voucher.entries.count() == 1


def test_an_expired_voucher_cannot_be_redeemed_and_says_why(desk, given):
    voucher = Voucher.objects.get()
    with travel(at("2027-10-21 00:00"), tick=False):
        page = signed_in(a_member("Support", "later")).get(page_of(voucher))
    assert "expired" in text_of(page)
    assert "Redeem voucher" not in text_of(page)


def test_an_extension_is_reversed_and_the_contracts_end_moves_back(desk, given):
    contract = given.contract
    contract.refresh_from_db()
    assert str(contract.last_day) == "2027-01-01"
    url = reverse("admin:extension", args=[given.pk])
    assert "now ends on 2027-01-01" in text_of(desk.get(url))
    Opened(desk, url).fill("reverse-reason", **{"reverse-reason": "Given twice", "act": "reverse"})
    other = signed_in(a_member("Support", "cora"))
    Opened(other, url).fill("decline-answer", **{"decline-answer": "It is owed", "act": "decline"})
    assert Entry.objects.count() == 2
    Opened(desk, url).fill("reverse-reason", **{"reverse-reason": "Given twice", "act": "reverse"})
    other.post(url, {"act": "confirm", "seen": Opened(other, url).seen})
    contract.refresh_from_db()
    assert (str(contract.last_day), contract.extended_minutes) == ("2026-12-31", 0)
    assert Entry.objects.latest("id").value == -25


def test_what_is_not_there_is_not_found(desk, given):
    assert desk.get(reverse("admin:voucher", args=[0])).status_code == 404
    assert desk.get(reverse("admin:extension", args=[999])).status_code == 404
    assert desk.post(reverse("admin:export_ledger", args=["pdf"])).status_code == 404


# Rights


@pytest.mark.parametrize(("role", "allowed"), [("Support", 200), ("Legal", 200), ("Auditor", 200), ("NOC", 403)])
def test_the_ledger_needs_the_permission(given, role, allowed):
    client = signed_in(a_member(role, f"the-{role}"))
    for url in (LEDGER, page_of(Voucher.objects.get()), reverse("admin:extension", args=[given.pk])):
        assert client.get(url).status_code == allowed
    assert taken(client, "csv", month="").status_code == allowed


@pytest.mark.parametrize("act", ["redeem", "reverse", "confirm", "decline", "withdraw"])
def test_roles_that_only_view_cannot_change_anything(given, act):
    auditor = signed_in(a_member("Auditor"))
    sent = {"act": act, "redeem-reference": "R-1", "redeem-sure": "on", "reverse-reason": "x",
            "reverse-entry": Entry.objects.get(step=Step.ISSUED).pk}  # fmt: skip
    assert auditor.post(page_of(Voucher.objects.get()), sent).status_code == 403
    assert Entry.objects.count() == 2


def test_voucher_codes_need_the_permission(given):
    member = a_member("Auditor")
    member.groups.clear()
    from django.contrib.auth.models import Permission

    member.user_permissions.add(Permission.objects.get(codename="view_entry", content_type__app_label="claims"))
    client = signed_in(member)
    code = Voucher.objects.get().code
    assert code not in text_of(client.get(LEDGER))
    assert code not in str(csv_of(taken(client, "csv", month="")))


def test_an_export_is_streamed(given):
    rows = exports.csv_response("x", ("a",), iter([(1,), (2,)]))
    assert rows.streaming
    assert [line.decode() for line in rows.streaming_content] == ["\ufeffa\r\n", "1\r\n", "2\r\n"]


def test_a_month_of_the_ledger_is_in_the_sla_time_zone(given):
    made = Entry.objects.latest("id")
    assert made in entries(Wanted(month=ServiceMonth(2026, 10)))
    assert made not in entries(Wanted(month=ServiceMonth(2026, 11)))
