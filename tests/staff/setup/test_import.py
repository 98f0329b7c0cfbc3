"""Customers are imported from a table: first what each row would do, then all of them or the right ones."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook
from time_machine import travel

from sla_portal.agreements.models import Contract
from sla_portal.audit.models import Entry
from sla_portal.customers.models import Contact, Customer
from sla_portal.staff.setup.customers import planned
from sla_portal.staff.setup.table import NotATable, rows_of, text_of_file
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.desk import Forms, a_member, signed_in, text_of

NOW = at("2026-11-30 08:00")
HEAD = (
    "customer_code,name,region,language,contact_email,contact_name,contract_reference,first_service_day,"
    "last_service_day,monthly_charge,currency,trial_days"
)
ONE = "C-1,Hafen Residences,eu,en,ops@example.com,Ann,K-1,2027-01-01,2027-12-31,49.00,EUR,31"
TWO = "C-2,东塔,Europe,zh-hans,,,K-2,2027-02-01,2028-01-31,4900,JPY,"
SECOND_OF_ONE = "C-1,Hafen Residences,eu,en,bob@example.com,,K-3,2028-01-01,2028-12-31,59.00,EUR,"


@pytest.fixture
def desk(db):
    a_region("eu", name="Europe")
    with travel(NOW, tick=False):
        yield signed_in(a_member("Administrator"))


def send(desk, page, do, **typed):
    """Send the form of a page with a button."""
    sent = next(sent for _action, sent in Forms(page.content.decode()).forms if "table" in sent)
    return desk.post(reverse("admin:import_customers"), {**sent, **typed, "do": do})


def checked(desk, *lines: str):
    page = desk.get(reverse("admin:import_customers"))
    return send(desk, page, "check", table="\n".join((HEAD, *lines)))


def test_a_table_is_read_with_any_delimiter_and_heading():
    for table in (f"{HEAD}\n{ONE}\n", f"\ufeff{HEAD}\r\n\r\n{ONE}\r\n,,,\r\n", HEAD.replace("_", " ").upper() + f"\n{ONE}",
                  f"{HEAD}\n{ONE}".replace(",", ";"), f"{HEAD}\n{ONE}".replace(",", "\t")):  # fmt: skip
        ((_line, cells),) = rows_of(table)
        assert list(cells.values()) == ONE.split(",")
    assert rows_of("客户代码,名称,地区\nC-1,东塔,eu")[0][1]["name"] == "东塔"
    assert rows_of('customer code,name,region\nC-1,"Hafen, East",eu')[0][1]["name"] == "Hafen, East"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("code,name,region\n1,2,3", "“code” is unknown"),
        ("customer_code,name\n1,2", "Missing: region"),
        ("customer_code,name,region,name\n1,2,3,4", "occurs twice"),
        (HEAD, "no rows"),
        ("customer_code,name,region\nC-1,Hafen, East,eu", "Line 2 has more cells"),
        ('customer_code,name,region\nC-1,"Hafen,eu', "not closed"),
        ("customer_code,name,region\nC-1,a\x00,eu", "invisible"),
        ("customer_code,name,region\n" + "C,a,eu\n" * 1001, "more than 1000 rows"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(table, sentence):
    with pytest.raises(NotATable, match=sentence):
        rows_of(table)


def test_files_are_read_as_utf_8_or_as_a_worksheet():
    book = Workbook()
    book.active.append(["customer_code", "name", "region", "first_service_day", "monthly_charge", "trial_days"])
    book.active.append(["C-1", "东塔", "eu", on("2027-01-01"), 49.5, 31])
    file = io.BytesIO()
    book.save(file)
    assert list(rows_of(text_of_file("a.XLSX", file.getvalue()))[0][1].values()) == [
        "C-1", "东塔", "eu", "2027-01-01", "49.5", "31",
    ]  # fmt: skip
    assert text_of_file("a.csv", "\ufeff东塔".encode()) == "东塔"
    for name, content in (("a.csv", "东塔".encode("gb18030")), ("a.xlsx", b"PK\x03\x04nothing"), ("a.xlsx", b"")):
        with pytest.raises(NotATable):
            text_of_file(name, content)


def test_every_row_says_what_it_does_and_one_press_writes_all(desk):
    page = checked(desk, ONE, TWO, SECOND_OF_ONE)
    seen = text_of(page)
    assert page.status_code == 200
    assert (
        "Adds the customer in Europe. Adds the contact ops@example.com. Adds contract K-1, 2027-01-01 to 2027-12-31, "
        "49.00 EUR a month. 31 days of it are free."
    ) in seen
    assert "4900 JPY" in seen
    assert not Customer.objects.exists()
    done = send(desk, page, "all")
    assert done.status_code == 302
    assert [str(one) for one in Customer.objects.all()] == ["Hafen Residences (C-1)", "东塔 (C-2)"]
    assert list(Contact.objects.values_list("email", "name")) == [("bob@example.com", ""), ("ops@example.com", "Ann")]
    assert list(Contract.objects.values_list("reference", "customer__code", "trial_days")) == [
        ("K-1", "C-1", 31), ("K-2", "C-2", 0), ("K-3", "C-1", 0),
    ]  # fmt: skip
    assert Customer.objects.get(code="C-2").language == "zh-hans"
    assert [entry.action for entry in Entry.objects.order_by("id")] == [
        "enrolled",
        "signed",
        "signed",
        "enrolled",
        "signed",
    ]
    # The same table again writes nothing.
    assert "There is nothing to import." in text_of(checked(desk, ONE, TWO, SECOND_OF_ONE))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (ONE.replace("C-1", "C 1"), "Use letters, digits"),
        (ONE.replace(",eu,", ",mars,"), "There is no region “mars”."),
        (ONE.replace(",en,", ",fr,"), "Enter one of: en, zh-hans."),
        (ONE.replace("ops@example.com", "ops"), "Enter a valid email address."),
        (ONE.replace("ops@example.com", ""), "A contact needs an e-mail address."),
        (ONE.replace("2027-01-01", "1.1.2027"), "in the form 2026-12-31"),
        (ONE.replace("2027-12-31", "2027-01-15"), "A contract lasts at least one month"),
        (ONE.replace("49.00", "49,00").replace("49,00", '"49,00"'), "with a point"),
        (ONE.replace("49.00", "-1"), "greater than or equal to 0"),
        (ONE.replace("49.00,EUR", "49.50,JPY"), "JPY has no smaller unit than 1."),
        (ONE.replace("EUR", "euro"), "three letters"),
        (ONE.replace("EUR", ""), "A contract needs this."),
        (ONE.replace("K-1,", "K-9,"), "It is on record as a contract of customer C-9."),
        (ONE.replace("C-1,Hafen", "C-9,Hafen"), "This customer is on record."),
    ],
)
def test_the_sentence_stands_at_the_wrong_cell(desk, row, sentence):
    a_contract(a_customer(a_region(), "C-9"), "2026-01-01", "2026-12-31", reference="K-9")
    page = checked(desk, row, TWO)
    assert page.status_code == 422
    assert sentence in text_of(page)
    # Nothing of it is written by the button for all; the right rows are by choice.
    send(desk, page, "all")
    assert Customer.objects.count() == 1
    send(desk, page, "right")
    assert sorted(Customer.objects.values_list("code", flat=True)) == ["C-2", "C-9"]


@pytest.mark.django_db
def test_rows_are_checked_against_one_another():
    a_region("eu", name="Europe")
    plan = planned(
        "\n".join((HEAD, ONE, ONE.replace("Hafen", "Haven").replace("K-1", "K-2"), TWO.replace("K-2", "K-1")))
    )
    assert [list(row.errors) for row in plan.rows] == [[], ["name"], ["contract_reference"]]
    assert plan.right == []
    assert plan.left_out == 3


def test_a_table_that_changed_since_it_was_checked_is_shown_again(desk):
    page = checked(desk, ONE)
    again = send(desk, page, "all", table=f"{HEAD}\n{TWO}")
    assert "The table was changed since it was checked." in text_of(again)
    assert not Customer.objects.exists()
    assert send(desk, again, "all").status_code == 302
    assert Customer.objects.get().code == "C-2"


def test_a_file_is_uploaded_and_the_sample_can_be_imported(desk):
    sample = desk.get(reverse("admin:import_sample"))
    assert sample.content.startswith(b"\xef\xbb\xbfcustomer_code")
    page = desk.post(
        reverse("admin:import_customers"), {"file": SimpleUploadedFile("customers.csv", sample.content), "do": "check"}
    )
    assert page.status_code == 200
    assert send(desk, page, "all").status_code == 302
    assert Contract.objects.get().reference == "K-0001"
