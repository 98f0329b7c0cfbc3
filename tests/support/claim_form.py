"""Submit the steps of the claim form as its pages do."""

import re
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from claims.models import Application
from claims.operations.applying import mail_requested
from claims.queries.applying import application_behind
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery
from sla_portal.notices.private import code

from .builders import a_contract, a_customer, a_region

SEPTEMBER_TIMES = {
    "zone": "Europe/Berlin",
    "from_day": ["2026-09-10", "2026-09-12"], "from_time": ["03:00", "04:00:10"],
    "until_day": ["", "2026-09-12"], "until_time": ["03:37", "04:10"],
    "functions": ["door"], "clients": ["app", "web"], "description": "No door opened.",
}  # fmt: skip


def a_customer_on_record(reference: str = "K-2026-7", email: str = "mia@example.com", **contract) -> Contact:
    customer = a_customer(a_region(name="Europe"), name="Harbour Residences")
    given = {"starts_on": "2026-01-01", "ends_on": "2027-12-31", "reference": reference, **contract}
    a_contract(customer, given.pop("starts_on"), given.pop("ends_on"), **given)
    return Contact.objects.create(customer=customer, email=email, name="Mia")


def picture(name: str = "door.png", colour: str = "red") -> SimpleUploadedFile:
    content = BytesIO()
    Image.new("RGB", (40, 30), colour).save(content, "PNG")
    return SimpleUploadedFile(name, content.getvalue(), "image/png")


class Stranger:
    """Goes through the steps of one application."""

    def __init__(self, month: str = "2026-09", client: Client | None = None) -> None:
        self.client = client or Client()
        started = self.client.post("/claim/", {"month": month})
        assert started.status_code == 302, started.content.decode()
        self.key = re.fullmatch(r"/claim/([\w-]{32})/contract/", started["Location"])[1]
        self.month = month

    @property
    def application(self) -> Application:
        return application_behind(self.key)

    def at(self, step: str) -> str:
        return f"/claim/{self.key}/{step}/"

    def see(self, step: str):
        return self.client.get(self.at(step))

    def send(self, step: str, **data):
        return self.client.post(self.at(step), {"go": "next", **data})

    def name_contract(self, reference: str = "K-2026-7", email: str = "mia@example.com", **data):
        return self.send("contract", **{"reference": reference, "email": email, "month": self.month, **data})

    def give_times(self, **data):
        return self.send("times", **{**SEPTEMBER_TIMES, **data})

    def prove(self, *files):
        return self.send("proof", files=list(files or [picture()]))

    def fetch_code(self, now) -> str:
        """Ask for the code and read it in the mail; empty if there came none."""
        self.send("code", go="send")
        before = set(Delivery.objects.values_list("pk", flat=True))
        mail_requested(now=now)
        mailed = Delivery.objects.exclude(pk__in=before).filter(notice__kind="code").last()
        return code(mailed) if mailed else ""

    def confirmed(self, now) -> "Stranger":
        """At the last step: only sending is left."""
        for answered in (self.name_contract(), self.give_times(), self.prove()):
            assert answered.status_code == 302, answered.content.decode()
        assert self.send("code", code=self.fetch_code(now))["Location"] == self.at("check")
        return self

    def confirmed_without_times(self, now) -> "Stranger":
        """With the e-mail address confirmed before anything else is entered, as by a link of the customer's own."""
        self.name_contract()
        assert self.send("code", code=self.fetch_code(now)).status_code == 302
        return self

    def submit(self):
        return self.send("check", go="send")
