"""Legal asks for the evidence of a claim and of a month at its desk; auditors and administrators take it home."""

import uuid

import pytest
from django.urls import reverse
from time_machine import travel

from sla_portal.reports.models import Bundle
from sla_portal.reports.operations import make_bundle
from tests.support.claimants import OPEN, SEPTEMBER, a_claim, a_claimant, a_missed_september
from tests.support.desk import a_member, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]


def test_bundles_of_a_claim_and_of_a_month(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    claimant = a_claimant()
    a_missed_september()
    claim = a_claim(claimant)
    pages = {
        reverse("admin:claim", args=[claim.pk]): reverse("admin:claim_bundles", args=[claim.pk]),
        reverse("admin:close_month", args=[SEPTEMBER]): reverse("admin:month_bundles", args=[SEPTEMBER]),
    }
    with travel(OPEN, tick=False):
        legal, auditor, support = (signed_in(a_member(role)) for role in ("Legal", "Auditor", "Support"))
        for page, address in pages.items():
            assert f'href="{address}"' in legal.get(page).content.decode()
            assert "None yet." in text_of(legal.get(address))
            sent = {"key": str(uuid.uuid4()), "language": "en"}
            assert auditor.post(address, sent).status_code == 403
            for _click in range(2):
                assert legal.post(address, sent)["Location"] == address
            assert 'data-part="?part=progress"' in legal.get(address).content.decode()
            assert "Generate" not in text_of(auditor.get(address))
            assert support.get(address).status_code == 403
        assert "Evidence bundle" not in text_of(support.get(reverse("admin:claim", args=[claim.pk])))
        bundles = list(Bundle.objects.order_by("pk"))
        assert [bundle.file_name for bundle in bundles] == [
            f"claim-{claim.number}-evidence-{bundles[0].pk}.zip", f"month-2026-09-evidence-{bundles[1].pk}.zip"
        ]  # fmt: skip
        for bundle, address in zip(bundles, pages.values(), strict=True):
            assert make_bundle(pk=bundle.pk, clock=lambda: OPEN)
            bundle.refresh_from_db()
            assert bundle.sha256 in text_of(auditor.get(address))
            file = reverse("admin:bundle_file", args=[bundle.pk])
            assert support.get(file).status_code == 403
            taken = auditor.get(file)
            assert taken["Content-Disposition"] == f'attachment; filename="{bundle.file_name}"'
            assert b"".join(taken.streaming_content)
        for month, status in (("2026-13", 404), ("2027-01", 422), ("2020-01", 422)):
            url = reverse("admin:month_bundles", args=[month])
            assert legal.post(url, {"key": str(uuid.uuid4()), "language": "en"}).status_code == status
