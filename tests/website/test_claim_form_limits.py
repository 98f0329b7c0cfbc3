"""The public claim form: its keys, its limits, and invalid input."""

import logging
import re
import runpy
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from claims.models import Application, Claim, Try
from claims.operations.applying import count_try, purge_applications
from claims.queries.applying import hashed
from sla_portal.website.logs import WithoutKeys
from tests.support.builders import at
from tests.support.claim_form import Stranger, a_customer_on_record, picture
from tests.support.desk import text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-11-22 10:00")
CHINESE = {"accept-language": "zh-hans"}


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def test_the_key_is_not_stored():
    stranger = Stranger()
    assert Application.objects.get().key_hash == hashed(stranger.key)
    assert stranger.key not in str(list(Application.objects.values()))


@pytest.mark.parametrize("key", ["x" * 32, "%00", "x" * 3000, "%ED%A0%80", "new-link"])
def test_a_wrong_key_gets_an_error_page(client, key):
    for step in ("contract", "check"):
        answered = client.get(f"/claim/{key}/{step}/")
        assert answered.status_code == 404
        assert "Form not found" in text_of(answered)
    assert client.get(f"/claim/{key}/tea/").status_code == 404


def test_a_form_is_saved_for_a_day_then_purged_with_its_files(today, django_capture_on_commit_callbacks):
    a_customer_on_record()
    stranger = Stranger()
    stranger.prove()
    sent = Stranger().confirmed(NOW)
    sent.submit()
    file = stranger.application.proofs.get().file
    today.move_to(NOW + timedelta(hours=24))
    answered = stranger.see("proof")
    assert answered.status_code == 410
    assert "This form has expired" in text_of(answered)
    with django_capture_on_commit_callbacks(execute=True):
        assert purge_applications(now=NOW + timedelta(hours=24)) == 2
    assert not Application.objects.exists()
    assert not Try.objects.exists()
    assert not file.storage.exists(file.name)
    assert Claim.objects.get().proofs.count() == 1
    assert stranger.see("proof").status_code == 404


def test_from_one_address_twenty_forms_an_hour_can_be_started(today):
    for _ in range(20):
        Stranger()
    answered = Client().post("/claim/", {"month": "2026-09"})
    assert answered.status_code == 429
    assert "Too many attempts within an hour." in text_of(answered)
    Stranger(client=Client(REMOTE_ADDR="192.0.2.7"))
    today.move_to(NOW + timedelta(hours=1))
    Stranger()


def test_from_one_address_sixty_files_an_hour_can_be_sent():
    stranger = Stranger()
    for _ in range(59):
        count_try("file", "127.0.0.1", 60, NOW)
    answered = stranger.prove(picture(), picture(colour="blue"))
    assert answered.status_code == 429
    assert stranger.application.proofs.count() == 1


def test_a_truncated_request_gets_a_message():
    stranger = Stranger()
    body = b"reference=%ED%A0%80&email=%ED%A0%80%40example.com&month=%ED%A0%80&zone=%ED%A0%80&from_day=%ED%A0%80"
    for step in ("contract", "times"):
        answered = stranger.client.post(stranger.at(step), body, content_type="application/x-www-form-urlencoded")
        assert answered.status_code == 422
    assert stranger.see("times").status_code == 200


def test_a_form_sent_from_another_site_is_refused(client):
    a_customer_on_record()
    stranger = Stranger()
    for site in ("cross-site", "same-site"):
        answered = stranger.client.post(stranger.at("contract"), {}, headers={"sec-fetch-site": site})
        assert answered.status_code == 403
        assert "sent from another website" in text_of(answered)
    assert client.post("/claim/", {"month": "2026-09"}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    same = stranger.client.post(
        stranger.at("contract"), {}, headers={"sec-fetch-site": "same-origin", "origin": "null"}
    )
    assert same.status_code == 422


def test_a_too_large_request_is_refused_with_a_message():
    stranger = Stranger()
    rows = {"from_day": ["2026-09-10"] * 10_000, **{name: ["03:00"] * 10_000 for name in ("from_time", "until_time")}}
    answered = stranger.send("times", zone="UTC", **rows)
    assert answered.status_code == 400
    assert "It contains too much data" in text_of(answered)
    huge = stranger.client.post(stranger.at("contract"), {"reference": "x" * 3_000_000})
    assert huge.status_code in {400, 422}
    told = stranger.client.post(stranger.at("proof"), {}, CONTENT_LENGTH=str(300 * 1024 * 1024))
    assert told.status_code == 413
    assert "at most ten files of 20 MB each" in text_of(told)
    for length in ("-1", "many"):
        assert stranger.client.post(stranger.at("proof"), {}, CONTENT_LENGTH=length).status_code < 500
    broken = stranger.client.post(
        stranger.at("proof"), b"--x\r\nContent-Dis", content_type="multipart/form-data; boundary="
    )
    assert broken.status_code == 400


def test_more_rows_than_fit_are_cut():
    stranger = Stranger()
    stranger.name_contract()
    many = {name: [""] * 200 for name in ("from_day", "from_time", "until_day", "until_time")}
    stranger.send("times", zone="UTC", rows="add", **many)
    page = stranger.see("times").content.decode()
    assert page.count('name="from_day"') == 30
    assert "You can enter at most 30 outages" in page


def test_a_page_of_the_form_is_not_cached_and_sends_no_referrer():
    stranger = Stranger()
    for step in ("contract", "times", "proof", "code"):
        page = stranger.see(step)
        assert page["Cache-Control"] == "no-store"
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["X-Robots-Tag"] == "noindex, nofollow"
        text = page.content.decode()
        assert not re.search(rf'(?:href|src|content)="[^"]*{stranger.key}', text), step
        assert not re.search(r"<style|style=|<script>|\son\w+=", text)


def test_a_key_is_not_logged(caplog, settings):
    caplog.handler.addFilter(WithoutKeys())
    stranger = Stranger()
    Client().get(stranger.at("contract").replace("contract", "tea"))
    Client().get(f"/claims/7-{stranger.key}/")
    caplog.handler.filters.clear()
    assert "Not Found: /claim/…/tea/" in caplog.text
    assert "Not Found: /claims/…/" in caplog.text
    assert stranger.key not in caplog.text
    assert settings.LOGGING["handlers"]["stderr"]["filters"]


def test_the_web_server_s_own_log_leaves_keys_out(caplog, settings):
    runpy.run_path(str(settings.BASE_DIR / "gunicorn.conf.py"))
    with caplog.at_level(logging.INFO, logger="gunicorn.access"):
        asked = {"h": "192.0.2.7", "r": "GET /claims/7-secret/proof/ HTTP/1.1"}
        logging.getLogger("gunicorn.access").info("%(h)s %(r)s", asked)
    assert "GET /claims/…/proof/ HTTP/1.1" in caplog.text


def test_the_largest_step_is_at_most_sixty_kilobytes(client, settings):
    stranger = Stranger()
    stranger.name_contract()
    stranger.send(
        "times", zone="UTC", rows="add",
        **{name: ["2026-09-10"] * 30 for name in ("from_day", "until_day")},
        **{name: ["03:00:00"] * 30 for name in ("from_time", "until_time")},
    )  # fmt: skip
    static = settings.BASE_DIR / "sla_portal/website/static"
    beside = sum(file.stat().st_size for folder in ("website", "claim") for file in (static / folder).iterdir())
    for language in ({}, CHINESE):
        weights = {
            step: len(stranger.client.get(stranger.at(step), headers=language).content) for step in ("times", "code")
        }
        weights["months"] = len(client.get("/claim/", headers=language).content)
        assert {step: weight + beside for step, weight in weights.items() if weight + beside > 60_000} == {}
