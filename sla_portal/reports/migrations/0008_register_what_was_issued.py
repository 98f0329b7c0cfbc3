"""Register what was issued before there was a register; all but reports, which are printed unsealed, are sealed as from now."""

from hashlib import sha256

from django.db import migrations

from sla_portal.audit.documents import new_check_code
from sla_portal.audit.rules import canonical

AT_ONCE = 2000


def register(apps, _editor):
    for kind, rows in (
        ("checkpoint", checkpoints(apps)),
        ("announcement", announcements(apps)),
        ("agreement", versions(apps)),
        ("bundle", bundles(apps)),
        ("report", reports(apps)),
    ):
        add(apps, kind, rows)


def add(apps, kind, rows):
    Document, Seal = apps.get_model("audit", "Document"), apps.get_model("audit", "Seal")
    known = set(Document.objects.filter(kind=kind).values_list("about", "revision"))
    chunk = []
    for about, number, revision, issued_at, digest, pdf in rows:
        if (about, revision) not in known:
            chunk.append(
                Document(
                    kind=kind, about=about, number=number, revision=revision, issued_at=issued_at, sha256=digest, pdf=pdf,
                    check_code=new_check_code(),
                )
            )
        if len(chunk) == AT_ONCE:
            keep(Document, Seal, chunk)
            chunk = []
    keep(Document, Seal, chunk)


def keep(Document, Seal, chunk):
    Document.objects.bulk_create(chunk)
    Seal.objects.bulk_create(Seal(document=one, next_attempt_at=one.issued_at) for one in chunk if not one.pdf)


def hashed(content):
    return sha256(canonical(content).encode()).hexdigest()


def checkpoints(apps):
    for one in apps.get_model("audit", "Checkpoint").objects.order_by("number"):
        stated = {
            "checkpoint": one.number,
            "made_at": one.made_at.isoformat(),
            "entries": one.entries,
            "entry": one.entry,
            "hash": one.hash,
        }
        yield str(one.number), str(one.number), 1, one.made_at, hashed(stated), ""


def announcements(apps):
    notices = apps.get_model("notices", "Notice").objects.filter(public=True).order_by("pk")
    for one in notices.prefetch_related("wordings", "attachments").iterator(chunk_size=AT_ONCE):
        stated = {
            "number": one.number,
            "kind": one.kind,
            "about": one.about,
            "public": one.public,
            "given_at": one.given_at.isoformat(),
            "wordings": sorted([w.language, w.subject, w.text, w.html] for w in one.wordings.all()),
            "attachments": sorted(
                [a.name, a.content_type, sha256(a.content).hexdigest()] for a in one.attachments.all()
            ),
        }
        yield one.number, one.number, 1, one.given_at, hashed(stated), ""


def versions(apps):
    published = apps.get_model("agreements", "AgreementVersion").objects.filter(notice__isnull=False)
    for one in published.order_by("pk"):
        yield one.version, one.version, 1, one.published_at, one.sha256, ""


def bundles(apps):
    # Of that build every bundle is of a version.
    ready = apps.get_model("reports", "Bundle").objects.filter(status="ready", version__isnull=False)
    for one in ready.select_related("version").order_by("pk"):
        number = f"amendment-{one.version.version}-evidence-{one.pk}"
        yield number, number, 1, one.made_at, one.sha256, ""


def reports(apps):
    ready = apps.get_model("reports", "Report").objects.filter(status="ready").order_by("pk")
    for one in ready.defer("statement").iterator(chunk_size=AT_ONCE):
        subject = f"region {one.region_id}" if one.region_id else f"customer {one.customer_id}"
        about = f"{one.month:%Y-%m} {subject}"
        yield about, one.number, one.revision, one.issued_at, one.file_sha256, one.file.name


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0007_bundles_of_claims_and_months"),
        ("audit", "0009_documents_and_seals"),
        ("notices", "0009_what_was_sent_to_whom_stays"),
        ("agreements", "0010_tables_are_never_emptied"),
    ]
    operations = [migrations.RunPython(register, migrations.RunPython.noop)]
