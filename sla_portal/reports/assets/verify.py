"""Verify this evidence bundle with nothing but Python 3.8 or later, without the portal and without the network.

    python3 verify.py [FOLDER] [--checkpoint NUMBER:HASH …]

FOLDER is the unpacked bundle, by default the folder of this file. NUMBER and HASH are those of the newest entry of a
checkpoint as others hold it: from the portal's website or from an e-mail. Exit status: 0 where nothing failed, 1
otherwise. Lines that begin with "not checked" say what remains to be done by hand; verify.en.html and
verify.zh-hans.html say how.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

MANIFEST, CHECKPOINT, NEWEST_ENTRY = "SHA256SUMS", "checkpoint.json", "checkpoint-entry.txt"
BESIDE = (MANIFEST, CHECKPOINT, NEWEST_ENTRY)
"""What follows from the manifest, so that the manifest cannot list it."""
BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
TIME_STAMP_TOKEN = bytes.fromhex("060b2a864886f70d0109100104")
"""The type of what a time-stamping authority signs (RFC 3161)."""
TIME_STAMP_INSIDE = bytes.fromhex("060b2a864886f70d010910020e")
"""The attribute of a signature that holds a time stamp."""


class Verification:
    """One pass over a bundle; it prints a line for each check."""

    def __init__(self, folder: Path, published: dict[int, str]) -> None:
        self.folder, self.published = folder, published
        self.failed = self.not_checked = 0
        self.hashes: dict[int, str] = {}
        """The hashes of the audit log that are known here, by number of the entry."""

    def say(self, kind: str, sentence: str) -> None:
        print(f"{kind:<12} {sentence}")

    def check(self, holds: bool, passed: str, failed: str) -> bool:
        self.say("passed" if holds else "FAILED", passed if holds else failed)
        self.failed += not holds
        return holds

    def fail(self, sentence: str) -> None:
        self.check(False, "", sentence)

    def leave(self, sentence: str) -> None:
        self.say("not checked", sentence)
        self.not_checked += 1

    def read(self, name: str) -> bytes | None:
        """Return a file of the bundle; None, and a failure, where it is not there."""
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            self.fail(f"{name} is missing")
            return None

    def run(self) -> int:
        manifest = self.read(MANIFEST)
        if manifest is not None:
            self.check_files(manifest)
        self.check_audit_log()
        self.check_checkpoints()
        if manifest is not None:
            self.check_newest_checkpoint(manifest)
        self.check_published()
        self.check_seals()
        print(f"{self.failed} failed, {self.not_checked} not checked")
        return 1 if self.failed else 0

    # Files

    def check_files(self, manifest: bytes) -> None:
        lines = (line.partition("  ") for line in manifest.decode().splitlines())
        listed = {name: digest for digest, _, name in lines}
        for name, digest in listed.items():
            if name.startswith("/") or ".." in name.split("/"):
                self.fail(f"{name} in the manifest lies outside the bundle")
                continue
            content = self.read(name)
            if content is not None and sha256(content) != digest:
                self.fail(f"{name} differs from the manifest: it was changed or exchanged")
        if not self.failed:
            self.say("passed", f"all {len(listed)} files are those of the manifest")
        for name in self.names():
            if name in listed or name in BESIDE or name.endswith((".p7s", ".tsr")) or name.startswith("certificates/"):
                continue
            self.say("note", f"{name} is not in the manifest: it is no part of the evidence")

    def names(self) -> list[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    # Audit log

    def check_audit_log(self) -> None:
        log = self.read("audit.jsonl")
        if log is None:
            return
        faults = self.failed
        before: dict[str, Any] | None = None
        gaps: list[tuple[int, int]] = []
        entries = [json.loads(line) for line in log.decode().splitlines()]
        for entry in entries:
            number, previous = entry["id"], entry["previous_hash"]
            if sha256(hashed(previous, entry["content"])) != entry["hash"]:
                self.fail(f"entry {number} of the audit log was altered: its hash does not fit its content")
            if before and number <= before["id"]:
                self.fail(f"entry {number} of the audit log stands behind entry {before['id']}")
            elif before and number == before["id"] + 1 and previous != before["hash"]:
                self.fail(f"entry {number} of the audit log does not follow from entry {before['id']}")
            elif before and number > before["id"] + 1:
                gaps.append((before["id"] + 1, number - 1))
            before = entry
            self.hashes[number] = entry["hash"]
        if self.failed == faults:
            self.say(
                "passed", f"the hashes of {len(entries)} entries of the audit log, and the links between neighbours"
            )
        if gaps:
            self.say("note", f"numbers between them that are not in this bundle: {ranges(gaps)}")

    def check_checkpoints(self) -> None:
        stored = self.read("checkpoints.json")
        if stored is None:
            return
        for one in json.loads(stored):
            self.check(
                self.hashes.get(one["entry"], one["hash"]) == one["hash"],
                f"checkpoint {one['number']} of {one['made_at']} names entry {one['entry']} with the hash it has here",
                f"checkpoint {one['number']} names another hash for entry {one['entry']}: the entry was altered",
            )
            self.hashes.setdefault(one["entry"], one["hash"])

    def check_newest_checkpoint(self, manifest: bytes) -> None:
        """The entry that the newest checkpoint names states the SHA-256 of the manifest, and so of every file."""
        stored, text = self.read(CHECKPOINT), self.read(NEWEST_ENTRY)
        if stored is None or text is None:
            return
        newest = json.loads(stored)
        try:
            content = json.loads(text.decode().partition("\n")[2])
            stated = content["changes"]["manifest"][1]
        except (KeyError, TypeError, ValueError):
            stated = None
        self.check(
            stated == sha256(manifest),
            f"the audit log states the SHA-256 of {MANIFEST}",
            f"{MANIFEST} is not the one whose SHA-256 the audit log states",
        )
        self.check(
            sha256(text) == newest["hash"] and self.hashes.get(newest["entry"], newest["hash"]) == newest["hash"],
            f"checkpoint {newest['number']} of {newest['made_at']} names this entry: number {newest['entry']}",
            f"{NEWEST_ENTRY} is not the entry that checkpoint {newest['number']} names: it was altered",
        )
        if self.hashes and max(self.hashes) > newest["entry"]:
            self.fail(f"entry {max(self.hashes)} of the audit log is newer than the newest checkpoint")
        self.hashes.setdefault(newest["entry"], newest["hash"])
        if newest["entry"] not in self.published:
            self.leave(
                f"whether checkpoint {newest['number']} is the published one. Compare {newest['hash']} with "
                f"{newest['published']}, its feed {newest['feed']}, or an e-mail with checkpoints; then run: "
                f"python3 verify.py --checkpoint {newest['entry']}:HASH-FROM-THERE"
            )

    def check_published(self) -> None:
        for number, digest in self.published.items():
            if number in self.hashes:
                self.check(
                    self.hashes[number] == digest,
                    f"entry {number} has the hash that you gave",
                    f"entry {number} has another hash than you gave: the audit log, or this bundle, was altered",
                )
            else:
                self.leave(f"entry {number}: it is not in this bundle")

    # Seals

    def check_seals(self) -> None:
        names = self.names()
        sealed = [name for name in names if name.endswith(".p7s")]
        signed = {name: signatures(self.read(name) or b"") for name in names if name.endswith(".pdf")}
        stamped = [name for name in names if name.endswith(".tsr")]
        if not sealed and not stamped and not any(signed.values()):
            self.say("note", "nothing here is sealed: who issued it follows from the published checkpoint alone")
            return
        with tempfile.TemporaryDirectory() as folder:
            tools = Tools(Path(folder), sorted((self.folder / "certificates").glob("*.pem")))
            for name in sealed:
                self.check_seal(tools, name, self.read(name), self.read(name[: -len(".p7s")]))
            for name in stamped:
                self.tell(f"time stamp {name}", tools.time_stamp(self.read(name), self.read(name[:-4]), answer=True))
            for name, found in signed.items():
                for number, signature in enumerate(found, start=1):
                    self.check_seal(tools, f"signature {number} in {name}", signature.seal, signature.content)
                    if not signature.whole:
                        self.fail(f"{name}: signature {number} leaves out more than its own place")
                    if signature.rest and number == len(found):
                        self.fail(f"{name}: {signature.rest} bytes were added after the last signature")

    def check_seal(self, tools: Tools, name: str, seal: bytes | None, content: bytes | None) -> None:
        if seal is None or content is None:
            return
        if TIME_STAMP_TOKEN in seal[:100]:
            self.tell(f"time stamp {name}", tools.time_stamp(seal, content, answer=False))
            return
        self.tell(f"seal {name}", tools.signature(seal, content))
        if TIME_STAMP_INSIDE in seal:
            self.tell(f"time stamp in {name}", tools.stamp_inside(seal, content))

    def tell(self, name: str, result: tuple[bool | None, str]) -> None:
        holds, sentence = result
        if holds is None:
            self.leave(f"{name}: {sentence}")
        else:
            self.check(holds, f"{name}: {sentence}", f"{name}: {sentence}")


class Tools:
    """OpenSSL and pyHanko, where they are installed."""

    def __init__(self, folder: Path, certificates: list[Path]) -> None:
        self.folder = folder
        self.openssl = shutil.which("openssl")
        self.trusted = folder / "trusted.pem"
        self.trusted.write_bytes(b"\n".join(path.read_bytes() for path in certificates))
        self.has_certificates = bool(certificates)

    def _file(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def _openssl(self, *arguments: str) -> tuple[bool, str, str]:
        done = subprocess.run([self.openssl or "openssl", *arguments], capture_output=True, check=False)  # noqa: S603  # no shell
        return done.returncode == 0, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def signature(self, seal: bytes, content: bytes) -> tuple[bool | None, str]:
        """Return whether a detached CMS signature is of `content` (None: not checked), and a sentence."""
        if not self.openssl:
            return None, "openssl is not installed here"
        signer = self.folder / "signer.pem"
        form = "PEM" if seal.startswith(b"-----BEGIN") else "DER"
        trust = ["-CAfile", str(self.trusted), "-partial_chain", "-purpose", "any", "-no_check_time"]
        holds, _out, error = self._openssl(
            "cms", "-verify", "-binary", "-inform", form, "-in", self._file("seal", seal), "-content",
            self._file("content", content), "-out", os.devnull, "-signer", str(signer),
            *(trust if self.has_certificates else ["-noverify"]),
        )  # fmt: skip
        if not holds:
            return False, "does not fit, or is not by a certificate of this bundle. " + last_line(error)
        _holds, said, _error = self._openssl(
            "x509", "-in", str(signer), "-noout", "-subject", "-dates", "-fingerprint", "-sha256"
        )
        return True, "fits. Compare the certificate with the one that the operator publishes: " + one_line(said)

    def time_stamp(self, stamp: bytes | None, content: bytes | None, *, answer: bool) -> tuple[bool | None, str]:
        """Check an RFC 3161 time stamp; `answer`: as the authority's whole answer, otherwise its token alone."""
        if stamp is None or content is None:
            return False, "the stamped file is missing"
        if not self.openssl or not self.has_certificates:
            return None, "openssl and the authority's certificate are needed"
        inside = self._file("stamp", stamp)
        holds, _out, error = self._openssl(
            "ts", "-verify", "-data", self._file("content", content), "-in", inside,
            *([] if answer else ["-token_in"]), "-CAfile", str(self.trusted), "-partial_chain",
        )  # fmt: skip
        if not holds:
            return False, "does not fit, or is not by an authority whose certificate is here. " + last_line(error)
        form = ["ts", "-reply", "-in", inside, *([] if answer else ["-token_in"]), "-text"]
        said = re.search(r"Time stamp: *(.+)", self._openssl(*form)[1])
        return True, "fits, of " + (said[1] if said else "an unknown time")

    def stamp_inside(self, seal: bytes, content: bytes) -> tuple[bool | None, str]:
        """Check the time stamp that a signature holds."""
        try:
            import asyncio

            from asn1crypto import pem, x509
            from asn1crypto.cms import ContentInfo
            from pyhanko.pdf_utils.misc import PdfError
            from pyhanko.sign.validation.errors import SignatureValidationError
            from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
            from pyhanko_certvalidator import ValidationContext
        except ImportError:
            return None, "pyHanko is not installed here"
        stored = self.trusted.read_bytes()
        roots = (
            [x509.Certificate.load(der) for _kind, _headers, der in pem.unarmor(stored, multiple=True)]
            if stored
            else []
        )

        def trusting() -> ValidationContext:
            return ValidationContext(trust_roots=roots, allow_fetching=False)

        der = pem.unarmor(seal)[2] if seal.startswith(b"-----BEGIN") else seal
        signed = ContentInfo.load(der)["content"]
        try:
            found = asyncio.run(
                async_validate_detached_cms(
                    content, signed, signer_validation_context=trusting(), ts_validation_context=trusting()
                )
            )
        except (PdfError, SignatureValidationError, ValueError) as error:
            return False, f"does not fit: {error}"
        stamp = found.timestamp_validity
        if stamp is None or not (stamp.valid and stamp.intact):
            return False, "does not fit"
        trusted = "" if stamp.trusted else ", by an authority whose certificate is not here"
        return True, f"fits, of {stamp.timestamp.isoformat()}{trusted}"


class Signature(NamedTuple):
    """A signature in a PDF, and what it signs."""

    seal: bytes
    content: bytes
    whole: bool
    """It signs all from the start of the file on, except its own place."""
    rest: int
    """Bytes that follow what it signs."""


def signatures(pdf: bytes) -> list[Signature]:
    """Return the signatures in a PDF in their order."""
    found = []
    for place in BYTE_RANGE.finditer(pdf):
        start, length, start_again, length_again = map(int, place.groups())
        left_out, end = pdf[start + length : start_again], start_again + length_again
        written = re.sub(rb"[^0-9A-Fa-f]", b"", left_out)
        seal = bytes.fromhex(written[: len(written) // 2 * 2].decode())
        found.append(
            Signature(
                without_padding(seal),
                pdf[start : start + length] + pdf[start_again:end],
                start == 0 and end <= len(pdf) and re.fullmatch(rb"<[0-9A-Fa-f]*>", left_out) is not None,
                len(pdf) - end,
            )
        )
    return found


def without_padding(der: bytes) -> bytes:
    """Return a DER structure without the zeros that fill the place kept for it."""
    if len(der) < 2 or der[1] < 0x80:
        return der[: 2 + der[1]] if len(der) > 1 else der
    size = der[1] & 0x7F
    return der[: 2 + size + int.from_bytes(der[2 : 2 + size], "big")] if size else der


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def hashed(previous: str, content: Any) -> bytes:
    """Return what the hash of an entry covers: the hash before, and its content as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{previous}\n{text}".encode()


def ranges(gaps: Iterable[tuple[int, int]]) -> str:
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in gaps)


def one_line(text: str) -> str:
    return "; ".join(text.split("\n")).strip("; ")


def last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1][:200]


def checkpoint(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(":")
    if not number.isdigit() or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise argparse.ArgumentTypeError("write NUMBER:HASH, the hash with 64 digits")
    return int(number), digest.lower()


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify an evidence bundle.")
    here = Path(__file__).resolve().parent
    parser.add_argument("folder", nargs="?", type=Path, default=here, help="the unpacked bundle")
    parser.add_argument(
        "--checkpoint", type=checkpoint, action="append", default=[], metavar="NUMBER:HASH",
        help="number and hash of the newest entry of a published checkpoint",
    )  # fmt: skip
    given = parser.parse_args()
    return Verification(given.folder, dict(given.checkpoint)).run()


if __name__ == "__main__":
    raise SystemExit(main())
