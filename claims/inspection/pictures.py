"""Pictures: read as the one format that they begin as, and drawn anew without anything but their pixels."""

from __future__ import annotations

import io
import zlib

from PIL import Image, ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from .reasons import Reason, Unfit

# Loaded now, for later nothing can be opened: cameras put pictures together (MPO) and say how they were held (TIFF)
READERS = (PngImagePlugin, JpegImagePlugin, WebPImagePlugin, MpoImagePlugin, TiffImagePlugin)
Image.preinit()

MOST_PIXELS = 64_000_000
SIDE = 2000
"""Pixels of the longer side of a preview."""
FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}

Image.MAX_IMAGE_PIXELS = None  # counted here, before a pixel is unpacked


def read(content: bytes, kind: str) -> tuple[str, bytes]:
    """The media type and the bytes of a preview; of a moving picture, its first frame."""
    ENDS[kind](content)
    with Image.open(io.BytesIO(content), formats=(FORMATS[kind],)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise Unfit(Reason.TOO_MANY_PIXELS)
        picture.draft("RGB", (SIDE, SIDE))  # a JPEG unpacks smaller: less memory, the same bytes read
        picture.load()
        small = _plain(picture)
    small.thumbnail((SIDE, SIDE), reducing_gap=3)
    return written(ImageOps.exif_transpose(small), as_png=kind == "png")


def _plain(picture: Image.Image) -> Image.Image:
    """Eight bits a colour: a palette, or black and white, cannot be made smaller without loss."""
    if picture.mode.startswith("I"):  # sixteen bits of grey
        picture = picture.point(lambda value: value / 256).convert("L")
    see_through = "A" in picture.getbands() or "transparency" in picture.info
    return picture.convert("RGBA" if see_through else "RGB")


def written(picture: Image.Image, *, as_png: bool) -> tuple[str, bytes]:
    """Put the pixels into a new picture, which takes over nothing else: no position, no profile, no comment."""
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    made = io.BytesIO()
    if as_png or picture.mode == "RGBA":
        bare.save(made, "PNG")
        return "image/png", made.getvalue()
    bare.save(made, "JPEG", quality=85)
    return "image/jpeg", made.getvalue()


def _png_ends(content: bytes) -> None:
    """Walk from chunk to chunk, each with its sum, up to the last; the file ends there."""
    at = 8
    while True:
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(content) or zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise Unfit(Reason.DAMAGED)
        at = end
        if name == b"IEND":
            break
    if at != len(content):
        raise Unfit(Reason.TWO_IN_ONE)


def _jpeg_ends(content: bytes) -> None:
    """Walk from segment to segment to the end of the picture; only whole pictures of the same kind may follow.

    Phones put a depth map or a second exposure there, and cameras fill up with zeros.
    """
    at = _after_jpeg(content, 0)
    while content[at:].strip(b"\0"):
        if content[at : at + 3] != b"\xff\xd8\xff":
            raise Unfit(Reason.TWO_IN_ONE)
        at = _after_jpeg(content, at)


def _after_jpeg(content: bytes, at: int) -> int:
    at += 2
    while True:
        if content[at : at + 1] != b"\xff" or at + 2 > len(content):
            raise Unfit(Reason.DAMAGED)
        marker = content[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF:  # filling
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if length < 2:
            raise Unfit(Reason.DAMAGED)
        at += 2 + length
        if marker == 0xDA:
            at = _after_scan(content, at)


def _after_scan(content: bytes, at: int) -> int:
    """The next marker behind packed pixels, in which `FF 00` is a byte and `FF D0` to `FF D7` begin anew."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise Unfit(Reason.DAMAGED)
        if content[at + 1] != 0 and not 0xD0 <= content[at + 1] <= 0xD7:
            return at
        at += 2


def _webp_ends(content: bytes) -> None:
    if content[8:12] != b"WEBP":
        raise Unfit(Reason.OTHER_KIND)
    end = 8 + int.from_bytes(content[4:8], "little")
    if end > len(content):
        raise Unfit(Reason.DAMAGED)
    if end != len(content):
        raise Unfit(Reason.TWO_IN_ONE)


ENDS = {"png": _png_ends, "jpg": _jpeg_ends, "webp": _webp_ends}
