"""Register the closings of builds that registered none; they are sealed as from now, and name the time of the closing."""

from hashlib import sha256

from django.db import migrations

from sla_portal.audit.documents import new_check_code
from sla_portal.audit.rules import canonical
from sla_portal.kernel.instants import instant_text


def register(apps, _editor):
    Document, Seal = apps.get_model("audit", "Document"), apps.get_model("audit", "Seal")
    known = set(Document.objects.filter(kind="closing").values_list("about", "revision"))
    for closing in apps.get_model("availability", "MonthClosing").objects.order_by("pk"):
        about = f"{closing.month:%Y-%m}"
        if (about, closing.revision) not in known:
            document = Document.objects.create(
                kind="closing", about=about, number=about, revision=closing.revision, issued_at=closing.closed_at,
                sha256=sha256(content(closing)).hexdigest(), check_code=new_check_code(), pdf="",
            )
            Seal.objects.create(document=document, next_attempt_at=closing.closed_at)


def content(closing):
    stated = {
        "month": f"{closing.month:%Y-%m}",
        "revision": closing.revision,
        "closed_at": instant_text(closing.closed_at),
        "closed_by": closing.closed_by_name,
        "requested_by": closing.requested_by_name,
        "one_person": bool(closing.one_person),
        "reason": closing.reason,
    }
    return (closing.statement or canonical(stated)).encode()


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0009_reports_told_of_by_email"),
        ("availability", "0009_what_a_closing_states"),
    ]
    operations = [migrations.RunPython(register, migrations.RunPython.noop)]
