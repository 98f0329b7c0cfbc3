"""The sandboxed child process that inspects one file: file on stdin, answer on stdout, nothing else can be opened."""

from __future__ import annotations

import encodings
import importlib
import io
import json
import pkgutil
import resource
import sys
import zipfile
import zoneinfo
from contextlib import suppress

from . import mails, pdfs, pictures, texts
from .kinds import LARGEST
from .reasons import Reason, Unfit

MEMORY = 1024 * 1024 * 1024
"""Bytes of address space."""
CPU_SECONDS = 20
LARGEST_ANSWER = 64 * 1024 * 1024
SIGNATURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "webp", b"%PDF-": "pdf"}


def confine() -> None:
    """Limit the resources of this process; only root could raise the limits again.

    All modules that reading may need are imported before: afterwards no file, folder or socket can be opened, because no
    descriptor is left, and no process can be started, unless as root.
    """
    # The portal's own zone data, as in its other processes.
    zoneinfo.reset_tzpath(to=[])
    for codec in pkgutil.iter_modules(encodings.__path__):
        with suppress(ImportError):  # two exist on Windows only
            importlib.import_module(f"encodings.{codec.name}")
    for limit, most in {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: LARGEST_ANSWER,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 3,
    }.items():
        allowed = resource.getrlimit(limit)[1]
        least = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(limit, (least, least))


def look(content: bytes, named: str, side: int = pictures.SIDE) -> tuple[str, str, int | None, bytes]:
    """Return type, preview type, pages and preview of a file by its content; `named` distinguishes e-mail from text.

    `side`: pixels of the longer side of a picture's preview.
    """
    kind = next((kind for signature, kind in SIGNATURES.items() if content.startswith(signature)), "")
    if _is_archive(content) or (kind != "pdf" and b"%PDF-" in content[:1024]):
        raise Unfit(Reason.TWO_IN_ONE if kind else Reason.OTHER_KIND)
    if kind == "pdf":
        pages, preview = pdfs.read(content)
        return kind, "image/jpeg", pages, preview
    if kind:
        preview_kind, preview = pictures.read(content, kind, side)
        return kind, preview_kind, None, preview
    if named == "eml" or (not named and mails.is_mail(content)):
        return "eml", "text", None, mails.read(content).encode()
    if named and named != "txt":
        raise Unfit(Reason.FORGED)
    return "txt", "text", None, texts.read(content).encode()


def _is_archive(content: bytes) -> bool:
    """Whether an archiver would find files in the content; archivers read from the end."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return bool(archive.infolist())
    except (NotImplementedError, UnicodeError):
        # An archive that this reader does not support; another may.
        return True
    except (zipfile.BadZipFile, ValueError):
        return False


def main() -> None:
    confine()
    try:
        kind, preview_kind, pages, preview = look(
            sys.stdin.buffer.read(LARGEST), sys.argv[1], int(sys.argv[2] or pictures.SIDE)
        )
        answer = {"kind": kind, "preview_kind": preview_kind, "pages": pages}
    except Unfit as unfit:
        answer, preview = {"refused": unfit.reason.value}, b""
    except RecursionError:
        answer, preview = {"refused": Reason.TOO_LARGE_INSIDE.value}, b""
    except MemoryError:
        answer, preview = {"refused": Reason.OVERRAN.value}, b""
    except Exception:  # noqa: BLE001  untrusted bytes raise unrelated exceptions in five libraries
        answer, preview = {"refused": Reason.DAMAGED.value}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + preview)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
