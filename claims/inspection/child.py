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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from . import mails, pdfs, pictures, texts
from .kinds import LARGEST, SIDE, kind_of_archive, kind_of_content
from .processes import forbid_processes
from .reasons import Reason, Remark, Unfit

MEMORY = 1024 * 1024 * 1024
"""Bytes of address space."""
CPU_SECONDS = 20
LARGEST_ANSWER = 64 * 1024 * 1024


def confine() -> None:
    """Limit the resources of this process; only root could raise the limits again.

    All modules that reading may need are imported before: afterwards no file, folder or socket can be opened, because no
    descriptor is left, and no process can be started.
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
        resource.RLIMIT_NOFILE: 3,
        # Where the kernel cannot tell threads from processes both are forbidden, and no HEIC picture can be read.
        **({} if forbid_processes() else {resource.RLIMIT_NPROC: 0}),
    }.items():
        allowed = resource.getrlimit(limit)[1]
        least = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(limit, (least, least))


@dataclass(frozen=True)
class Seen:
    kind: str
    preview_kind: str
    preview: bytes
    pages: int | None = None
    remarks: Sequence[Remark] = ()


def look(content: bytes, named: str, *, ours: bool, side: int = SIDE) -> Seen:
    """Inspect a file by its content; `named` distinguishes e-mail from text. `side`: of a picture's preview, in pixels."""
    kind = kind_of_content(content)
    if archived := _archived(content):
        raise Unfit(Reason.TWO_IN_ONE if kind else kind_of_archive(archived))
    if kind != "pdf" and b"%PDF-" in content[:1024]:
        raise Unfit(Reason.TWO_IN_ONE if kind else Reason.OTHER_KIND)
    if kind == "pdf":
        pages, preview, remarks = pdfs.read(content, ours=ours)
        return Seen(kind, "image/jpeg", preview, pages, [Remark.OURS] if ours else remarks)
    if kind:
        preview_kind, preview, remarks = pictures.read(content, kind, side)
        return Seen(kind, preview_kind, preview, None, remarks)
    if named == "eml" or (not named and mails.is_mail(content)):
        return Seen("eml", "text", mails.read(content).encode())
    if named and named != "txt":
        raise Unfit(Reason.FORGED)
    return Seen("txt", "text", texts.read(content).encode())


def _archived(content: bytes) -> list[str]:
    """Return the names of the files that an archiver would find in the content; archivers read from the end."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.namelist()
    except (NotImplementedError, UnicodeError):
        # An archive that this reader does not support; another may.
        return [""]
    except (zipfile.BadZipFile, ValueError):
        return []


def answer_about(content: bytes, named: str, *, ours: bool, side: int = SIDE) -> bytes:
    """Return what the parent reads: a line of JSON, and the preview."""
    try:
        seen = look(content, named, ours=ours, side=side)
        answer = {
            "kind": seen.kind,
            "preview_kind": seen.preview_kind,
            "pages": seen.pages,
            "remarks": [remark.value for remark in seen.remarks],
        }
        preview = seen.preview
    except Unfit as unfit:
        answer, preview = {"refused": unfit.reason.value}, b""
    except RecursionError:
        answer, preview = {"refused": Reason.TOO_LARGE_INSIDE.value}, b""
    except MemoryError:
        answer, preview = {"refused": Reason.OVERRAN.value}, b""
    except Exception:  # noqa: BLE001  untrusted bytes raise unrelated exceptions in five libraries
        answer, preview = {"refused": Reason.DAMAGED.value}, b""
    return json.dumps(answer).encode() + b"\n" + preview


def main() -> None:
    confine()
    named, ours, side = sys.argv[1:]
    content = sys.stdin.buffer.read(LARGEST)
    sys.stdout.buffer.write(answer_about(content, named, ours=ours == "ours", side=int(side)))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
