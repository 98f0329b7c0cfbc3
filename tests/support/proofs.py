"""Uploaded files made in code: valid, broken and hostile ones."""

from __future__ import annotations

import io
import zlib
from email.message import EmailMessage
from zipfile import ZipFile

import pikepdf
import pillow_heif
from PIL import Image, TiffImagePlugin

pillow_heif.register_heif_opener()

PDF_HEAD = b"%PDF-1.7\n"


def a_picture(
    kind: str = "PNG", size: tuple[int, int] = (40, 30), mode: str = "RGB", transparent: bool = False, **values
) -> bytes:
    made = io.BytesIO()
    picture = Image.linear_gradient("L").resize(size).convert(mode)
    if transparent:
        picture.putalpha(0)
    picture.save(made, kind, **values)
    return made.getvalue()


def a_photo_with_position(kind: str = "JPEG") -> bytes:
    """A picture on its side, as phones take it: with orientation, maker and the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "Phone of Ms Example"
    rational = TiffImagePlugin.IFDRational
    exif.get_ifd(0x8825).update({1: "N", 2: (rational(31), rational(14), rational(15)), 3: "E"})
    # Bytes: of an object this one format takes the values and leaves the turn out
    return a_picture(kind, exif=exif.tobytes() if kind == "HEIF" else exif)


def a_plain_picture(colour: str, kind: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(made, kind)
    return made.getvalue()


def a_pdf(pages: int = 1, change=None, **values) -> bytes:
    """A PDF; `change` may do to it what it likes."""
    made = io.BytesIO()
    with pikepdf.new() as pdf:
        for number in range(pages):
            page = pdf.add_blank_page(page_size=(300, 400))
            page.Contents = pdf.make_stream(b"%d 0 0 rg 20 20 100 100 re f" % (number % 2))
        if change:
            change(pdf)
        pdf.save(made, **values)
    return made.getvalue()


def an_archive(name: str = "evil.js") -> bytes:
    made = io.BytesIO()
    with ZipFile(made, "w") as archive:
        archive.writestr(name, "alert(1)")
    return made.getvalue()


def a_mail(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    given = {"From": "Ops <ops@example.com>", "To": "support@example.com", "Subject": "No calls since two",
             "Date": "Thu, 10 Sep 2026 02:10:00 +0000", "Message-ID": "<1@example.com>", **headers}  # fmt: skip
    for name, value in given.items():
        mail[name] = value
    mail.set_content("Nobody could call from 02:00 to 02:30.\n")
    return mail


def png_chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def png_with(chunk: bytes, content: bytes) -> bytes:
    """A PNG that carries one more chunk in front of its last."""
    picture = a_picture()
    return picture[:-12] + png_chunk(chunk, content) + picture[-12:]


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that unpacks to `width` × `height` pixels."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * width)
    packed = b"".join(packer.compress(row) for _row in range(min(height, 200))) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")


def jpeg_with_comment(comment: bytes) -> bytes:
    picture = a_picture("JPEG")
    return picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture[2:]


def heif_claiming(width: int, height: int) -> bytes:
    """A small picture whose header says another size."""
    picture = a_picture("HEIF", size=(64, 64))
    said = b"ispe" + bytes(4) + (64).to_bytes(4, "big") * 2
    assert said in picture
    return picture.replace(said, said[:8] + width.to_bytes(4, "big") + height.to_bytes(4, "big"))


def jpeg_claiming(width: int, height: int, **values) -> bytes:
    """A small picture whose header says another size."""
    said = (30).to_bytes(2, "big") + (40).to_bytes(2, "big")
    picture = a_picture("JPEG", **values)
    assert picture.count(said) == 1
    return picture.replace(said, height.to_bytes(2, "big") + width.to_bytes(2, "big"))


def jpeg_with_scans(count: int) -> bytes:
    return with_scans(a_picture("JPEG", progressive=True), count)


def with_scans(picture: bytes, count: int) -> bytes:
    """The progressive picture with its last scan repeated."""
    last = picture.rindex(b"\xff\xda")
    return picture[:-2] + picture[last:-2] * (count - picture.count(b"\xff\xda")) + picture[-2:]
