"""verify.py finds what was tampered with in an evidence bundle, without the portal. Each kind has a twin without its check.

The bundles are made by hand here; `test_bundle` verifies one that the portal made.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from django.test import override_settings

from sla_portal.audit.rules import GENESIS, canonical, link
from sla_portal.audit.sealing import ToSeal, opened_key, seal_batch
from tests.support.authority import services, written
from tests.support.statements import issued, quiet_month
from tests.support.verifying import PROGRAM, verify

LOG = [(4, "drafted"), (5, "submitted"), (6, "published"), (9, "gave"), (12, "registered")]
"""Numbers and verbs of the entries in the bundle; those between are about other records."""
PUBLISHED = 6
"""The entry that an older checkpoint names."""
NEWEST = 20


def entries() -> list[dict]:
    made, previous = [], sha256(b"entry 3").hexdigest()
    for number, action in LOG:
        if made and number != made[-1]["id"] + 1:
            previous = sha256(f"entry {number - 1}".encode()).hexdigest()
        content = {"action": action, "actor_name": "Lena 小李", "changes": {"notice": [None, "N-2026-0001"]}}
        made.append({"id": number, "content": content, "previous_hash": previous, "hash": link(previous, content)})
        previous = made[-1]["hash"]
    return made


def write_log(folder: Path, log: list[dict]) -> None:
    (folder / "audit.jsonl").write_text("".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in log))


def write_manifest(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir() if path.name not in verify.BESIDE)
    lines = (f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text("".join(lines))


def write_newest_entry(folder: Path) -> str:
    content = {"changes": {"manifest": [None, sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()]}}
    text = f"{GENESIS}\n{canonical(content)}".encode()
    (folder / "checkpoint-entry.txt").write_bytes(text)
    return sha256(text).hexdigest()


def write_newest_checkpoint(folder: Path, digest: str) -> None:
    stated = {"number": 2, "made_at": "2026-06-10T04:00:00Z", "entries": NEWEST, "entry": NEWEST, "hash": digest}
    where = {"published": "https://sla.example/checkpoints/#checkpoint-2", "feed": "https://sla.example/feed"}
    (folder / "checkpoint.json").write_text(json.dumps(stated | where))


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "bundle"
    made.mkdir()
    log = entries()
    write_log(made, log)
    published = next(entry for entry in log if entry["id"] == PUBLISHED)
    older = {"number": 1, "made_at": "2026-06-01T04:00:00Z", "entries": PUBLISHED, "entry": PUBLISHED}
    (made / "checkpoints.json").write_text(json.dumps([older | {"hash": published["hash"]}]))
    (made / "redline.pdf").write_bytes(b"%PDF-1.7 The target rises.")
    write_manifest(made)
    write_newest_checkpoint(made, write_newest_entry(made))
    return made


def newest(folder: Path) -> dict[int, str]:
    """The newest checkpoint as somebody else holds it."""
    return {NEWEST: json.loads((folder / "checkpoint.json").read_text())["hash"]}


def found(folder: Path, published=None, *, without: str = "") -> int:
    """How many checks fail, with the check `without` switched off."""
    run = verify.Verification(folder, published or {})
    if without:
        setattr(run, f"check_{without}", lambda *_given: None)
    run.run()
    return run.failed


def change_log(change: Callable[[list[dict]], None]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        log = [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]
        change(log)
        write_log(folder, log)

    return tamper


def hash_anew(log: list[dict], place: int, *, following: bool = False) -> None:
    """Alter an entry and compute its hash again; `following`: those of its neighbours after it, too."""
    log[place]["content"]["action"] = "withdrew"
    log[place]["hash"] = link(log[place]["previous_hash"], log[place]["content"])
    while following and place + 1 < len(log) and log[place + 1]["id"] == log[place]["id"] + 1:
        log[place + 1]["previous_hash"] = log[place]["hash"]
        place += 1
        log[place]["hash"] = link(log[place]["previous_hash"], log[place]["content"])


def swap(folder: Path) -> None:
    (folder / "redline.pdf").write_bytes(b"%PDF-1.7 The target falls.")


TAMPERED = {
    "a line deleted between others": change_log(lambda log: log.pop(3)),
    "the last line deleted": change_log(lambda log: log.pop()),
    "an entry altered and hashed anew": change_log(lambda log: hash_anew(log, 3)),
    "a PDF exchanged": swap,
}
"""What the entries that are left, and their neighbours, do not show."""


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_it_is_found_however_much_is_made_to_fit(folder, tamper, capsys):
    held = newest(folder)
    assert found(folder, held) == 0
    tamper(folder)
    # Nothing else is touched: the list of files shows it.
    assert found(folder)
    assert not found(folder, without="files")
    # The list of files is made anew: the audit log states another one.
    write_manifest(folder)
    assert found(folder)
    assert not found(folder, without="newest_checkpoint")
    # The entry that states it is written anew: the checkpoint names another hash.
    digest = write_newest_entry(folder)
    assert found(folder)
    assert not found(folder, without="newest_checkpoint")
    # The checkpoint is written anew: only what others hold shows it, and without that the program says so.
    write_newest_checkpoint(folder, digest)
    capsys.readouterr()
    assert not found(folder)
    assert "not checked  whether checkpoint 2 is the published one" in capsys.readouterr().out
    assert found(folder, held)


LINKED = {
    "altered": (
        change_log(lambda log: log[1]["content"].update(action="withdrew")),
        "entry 5 of the audit log was altered",
    ),
    "altered and hashed anew": (change_log(lambda log: hash_anew(log, 1)), "entry 6 of the audit log does not follow"),
    "altered, and all after it hashed anew": (
        change_log(lambda log: hash_anew(log, 1, following=True)),
        "checkpoint 1 names another hash for entry 6",
    ),
    "exchanged": (change_log(lambda log: log.insert(0, log.pop(1))), "entry 4 of the audit log stands behind entry 5"),
}


@pytest.mark.parametrize(("tamper", "said"), LINKED.values(), ids=LINKED)
def test_entries_and_their_links_show_it_alone(folder, tamper, said, capsys):
    tamper(folder)
    write_manifest(folder)
    assert found(folder, without="newest_checkpoint")
    assert f"FAILED       {said}" in capsys.readouterr().out


def test_gaps_are_named_and_are_no_fault(folder, capsys):
    assert found(folder) == 0
    said = capsys.readouterr().out
    assert "note         numbers between them that are not in this bundle: 7–8, 10–11" in said
    assert "passed       all 3 files are those of the manifest" in said
    assert "nothing here is sealed" in said
    assert said.endswith("0 failed, 1 not checked\n")


def test_what_is_missing_or_added_is_named(folder, capsys):
    (folder / "redline.pdf").rename(folder / "changes.pdf")
    assert found(folder) == 1
    said = capsys.readouterr().out
    assert "FAILED       redline.pdf is missing" in said
    assert "changes.pdf is not in the manifest" in said
    with (folder / "SHA256SUMS").open("a") as manifest:
        manifest.write(f"{'0' * 64}  ../passwords\n")
    assert found(folder) > 1
    assert "../passwords in the manifest lies outside the bundle" in capsys.readouterr().out


def test_a_newer_entry_than_the_newest_checkpoint_is_found(folder, capsys):
    change_log(lambda log: log[-1].update(id=NEWEST + 1))(folder)
    found(folder)
    assert f"entry {NEWEST + 1} of the audit log is newer than the newest checkpoint" in capsys.readouterr().out


def test_a_published_checkpoint_is_compared_where_its_entry_is_known(folder, capsys):
    assert found(folder, newest(folder) | {7: "0" * 64}) == 0
    said = capsys.readouterr().out
    assert f"passed       entry {NEWEST} has the hash that you gave" in said
    assert "not checked  entry 7: it is not in this bundle" in said
    assert found(folder, {PUBLISHED: "0" * 64}) == 1


def test_it_runs_with_python_alone(folder):
    program = folder / "verify.py"
    shutil.copy(PROGRAM, program)
    write_manifest(folder)
    write_newest_checkpoint(folder, write_newest_entry(folder))
    ((number, digest),) = newest(folder).items()

    def run(*given: str) -> subprocess.CompletedProcess:
        alone = {"PATH": os.environ["PATH"]}
        return subprocess.run(["python3", "-I", program, *given], env=alone, capture_output=True, text=True, cwd="/")

    assert run("--checkpoint", f"{number}:{digest}").stdout.endswith("0 failed, 0 not checked\n")
    assert run("--checkpoint", f"{number}:{'0' * 64}").returncode == 1


def test_a_checkpoint_is_given_as_number_and_hash():
    assert verify.checkpoint(f"7:{'AB' * 32}") == (7, "ab" * 32)
    for text in ("7", "7:ab", f"x:{'ab' * 32}"):
        with pytest.raises(verify.argparse.ArgumentTypeError):
            verify.checkpoint(text)


# Seals


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    """A key and its own certificate, made by OpenSSL."""
    made = tmp_path_factory.mktemp("keys")
    name = ["-subj", "/CN=SLA portal", "-days", "2"]
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "own.pem"]
    subprocess.run(["openssl", "req", "-x509", *new, *name], cwd=made, check=True, capture_output=True)
    return made


@pytest.fixture
def sealed(folder, keys) -> Path:
    """A bundle whose list of files has a detached CMS signature beside it."""
    subprocess.run(
        ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", keys / "own.pem", "-inkey",
         keys / "key.pem", "-in", "SHA256SUMS", "-out", "SHA256SUMS.p7s"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    (folder / "certificates").mkdir()
    shutil.copy(keys / "own.pem", folder / "certificates/operator.pem")
    return folder


def test_a_seal_is_checked_by_openssl(sealed, capsys):
    assert found(sealed) == 0
    said = capsys.readouterr().out
    assert "passed       seal SHA256SUMS.p7s: fits." in said
    assert "CN = SLA portal" in said or "CN=SLA portal" in said


def test_a_seal_of_other_content_or_by_another_key_fails(sealed, capsys):
    with (sealed / "SHA256SUMS").open("a") as manifest:
        manifest.write("\n")
    assert found(sealed, without="files")
    assert "FAILED       seal SHA256SUMS.p7s" in capsys.readouterr().out


def test_a_seal_is_not_checked_without_openssl_and_says_so(sealed, monkeypatch, capsys):
    monkeypatch.setattr(verify.shutil, "which", lambda _name: None)
    assert found(sealed) == 0
    assert "not checked  seal SHA256SUMS.p7s: openssl is not installed here" in capsys.readouterr().out


def test_without_a_certificate_only_the_fit_is_checked(sealed):
    shutil.rmtree(sealed / "certificates")
    assert found(sealed) == 0
    (sealed / "SHA256SUMS.p7s").write_bytes(b"no seal")
    assert found(sealed) == 1


AUTHORITY = """
[tsa]
default_tsa = one
[one]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
[req]
distinguished_name = name
prompt = no
x509_extensions = for_time_stamps
[name]
CN = Time
[for_time_stamps]
extendedKeyUsage = critical,timeStamping
"""


def test_a_time_stamp_beside_a_file_is_checked_by_openssl(folder, tmp_path, capsys):
    (tmp_path / "tsa.cnf").write_text(AUTHORITY)
    (tmp_path / "serial").write_text("01\n")
    new = (
        "-x509 -config tsa.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.pem -days 2"
    )
    for command in (
        f"req {new}",
        "ts -query -data bundle/SHA256SUMS -sha256 -cert -out asked",
        "ts -reply -config tsa.cnf -queryfile asked -inkey tsa.key -signer tsa.pem -out bundle/SHA256SUMS.tsr",
    ):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    assert found(folder) == 0
    assert "not checked  time stamp SHA256SUMS.tsr" in capsys.readouterr().out
    (folder / "certificates").mkdir()
    shutil.copy(tmp_path / "tsa.pem", folder / "certificates")
    assert found(folder) == 0
    assert "passed       time stamp SHA256SUMS.tsr: fits, of" in capsys.readouterr().out
    with (folder / "SHA256SUMS").open("a") as manifest:
        manifest.write("\n")
    assert found(folder, without="files")
    assert "FAILED       time stamp SHA256SUMS.tsr" in capsys.readouterr().out


def test_a_time_stamp_within_a_seal_is_not_checked_without_pyhanko(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyhanko.sign.validation.generic_cms", None)
    assert verify.Tools(tmp_path, []).stamp_inside(b"seal", b"") == (None, "pyHanko is not installed here")


def test_the_signatures_of_a_pdf_are_found_with_what_they_sign():
    seal = bytes.fromhex("30038001ff")
    body = b"%PDF-1.7 /ByteRange [0 44 62 5] /Contents    "[:44]
    pdf = body + b"<" + seal.hex().encode() + b"000000" + b">" + b"%%EOF" + b"added"
    assert verify.signatures(pdf) == [(seal, body + b"%%EOF", True, 5)]
    # What an attacker put before it, or into its place, is not signed.
    for forged in (pdf.replace(b"[0 44 62 5]", b"[1 43 62 5]"), pdf.replace(b"000000>", b"(  )0>")):
        ((_seal, _content, whole, _rest),) = verify.signatures(forged)
        assert not whole


@pytest.fixture(scope="module")
def signed_pdf(tmp_path_factory) -> tuple[bytes, str]:
    """A report as the portal seals it, and the certificates of key and authority."""
    from sla_portal.reports.pdf import render

    now = datetime.now(UTC)
    with services() as offered:
        held = offered.authority.issue("SLA portal")
        held_in = written(tmp_path_factory.mktemp("operator") / "key.pem", held.as_pem())
        paper = render(issued(quiet_month()))
        with override_settings(SEAL_KEY=held_in, SEAL_TIMESTAMP_URL=offered.timestamp_url), opened_key(now) as key:
            (made,) = seal_batch(key, [ToSeal(1, sha256(paper).hexdigest(), paper)], at=now)
            return paper + made.content, key.pem


@pytest.mark.pdf
class TestSignedPdf:
    """A report with the operator's signature and a time stamp in it."""

    @pytest.fixture
    def bundle(self, folder, signed_pdf) -> Path:
        (folder / "report.pdf").write_bytes(signed_pdf[0])
        write_manifest(folder)
        write_newest_checkpoint(folder, write_newest_entry(folder))
        (folder / "certificates").mkdir()
        (folder / "certificates/operator.pem").write_text(signed_pdf[1])
        return folder

    def test_openssl_checks_the_signature_and_pyhanko_its_time_stamp(self, bundle, capsys):
        assert found(bundle) == 0
        said = capsys.readouterr().out
        assert "passed       seal signature 1 in report.pdf: fits." in said
        assert "passed       time stamp in signature 1 in report.pdf: fits, of 20" in said
        assert "certificate is not here" not in said

    @pytest.mark.parametrize("missing", [["openssl"], ["pyHanko"], ["openssl", "pyHanko"]])
    def test_what_no_program_is_there_for_is_not_checked_and_says_so(self, bundle, missing, monkeypatch, capsys):
        if "openssl" in missing:
            monkeypatch.setattr(verify.shutil, "which", lambda _name: None)
        if "pyHanko" in missing:
            monkeypatch.setitem(sys.modules, "pyhanko.sign.validation.generic_cms", None)
        assert found(bundle) == 0
        said = capsys.readouterr().out
        for program, what in (
            ("openssl", "seal signature 1 in report.pdf"),
            ("pyHanko", "time stamp in signature 1 in report.pdf"),
        ):
            absent = f"not checked  {what}: {program} is not installed here"
            assert (absent in said, f"passed       {what}" in said) == (program in missing, program not in missing)

    @pytest.mark.parametrize(
        ("forge", "said"),
        [
            (lambda pdf: pdf[:1000] + bytes([pdf[1000] ^ 1]) + pdf[1001:], "seal signature 1 in report.pdf: does not fit"),
            (lambda pdf: pdf + b"1 0 obj\n<<>>\nendobj\n", "report.pdf: 20 bytes were added after the last signature"),
            (lambda pdf: b"%PDF-1.7" + pdf, "seal signature 1 in report.pdf: does not fit"),
        ],
        ids=["a byte altered", "objects added", "something put before it"],
    )  # fmt: skip
    def test_another_pdf_in_its_place_is_found_by_its_hash_and_by_its_signature(
        self, bundle, signed_pdf, forge, said, capsys
    ):
        (bundle / "report.pdf").write_bytes(forge(signed_pdf[0]))
        assert found(bundle)
        assert "report.pdf differs from the manifest: it was changed or exchanged" in capsys.readouterr().out
        # A twin that compares no hashes finds it by the signature.
        assert found(bundle, without="files")
        assert f"FAILED       {said}" in capsys.readouterr().out

    def test_an_unsigned_copy_is_found_by_its_hash_alone(self, bundle, signed_pdf):
        (bundle / "report.pdf").write_bytes(signed_pdf[0][: signed_pdf[0].index(b"%%EOF") + 6])
        assert found(bundle) == 1
        assert found(bundle, without="files") == 0
