"""Pictures: read in their one format, and re-encoded with nothing but their pixels."""

from __future__ import annotations

import io
import zlib

from PIL import Image, ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from .reasons import Reason, Unfit

# Import before the sandbox closes: cameras join pictures (MPO) and store the orientation (TIFF).
READERS = (PngImagePlugin, JpegImagePlugin, WebPImagePlugin, MpoImagePlugin, TiffImagePlugin)
Image.preinit()

MOST_PIXELS = 64_000_000
SIDE = 2000
"""Pixels of the longer side of a preview."""
FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}

Image.MAX_IMAGE_PIXELS = None  # checked here, before decoding


def read(content: bytes, kind: str, side: int = SIDE) -> tuple[str, bytes]:
    """Return media type and bytes of a preview; of an animation, its first frame."""
    ENDS[kind](content)
    with Image.open(io.BytesIO(content), formats=(FORMATS[kind],)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise Unfit(Reason.TOO_MANY_PIXELS)
        picture.draft("RGB", (side, side))  # decode a JPEG at reduced size, to save memory
        picture.load()
        small = _plain(picture)
    small.thumbnail((side, side), reducing_gap=3)
    return written(ImageOps.exif_transpose(small), as_png=kind == "png")


def _plain(picture: Image.Image) -> Image.Image:
    """Convert to eight bits per channel, as palettes and bitmaps scale badly."""
    if picture.mode.startswith("I"):  # 16-bit greyscale
        picture = picture.point(lambda value: value / 256).convert("L")
    see_through = "A" in picture.getbands() or "transparency" in picture.info
    return picture.convert("RGBA" if see_through else "RGB")


def written(picture: Image.Image, *, as_png: bool) -> tuple[str, bytes]:
    """Copy the pixels into a new picture without metadata: no location, no profile, no comment."""
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    made = io.BytesIO()
    if as_png or picture.mode == "RGBA":
        bare.save(made, "PNG")
        return "image/png", made.getvalue()
    bare.save(made, "JPEG", quality=85)
    return "image/jpeg", made.getvalue()


def _png_ends(content: bytes) -> None:
    """Walk the chunks with their checksums; the file must end after the last."""
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
    """Walk the segments to the end of the picture; only complete JPEG pictures may follow.

    Phones append a depth map or second exposure, and cameras pad with zeros.
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
        if marker == 0xFF:  # padding
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if length < 2:
            raise Unfit(Reason.DAMAGED)
        at += 2 + length
        if marker == 0xDA:
            at = _after_scan(content, at)


def _after_scan(content: bytes, at: int) -> int:
    """Return the position of the next marker after entropy-coded data: `FF 00` is an escape, `FF D0` to `FF D7` restarts."""
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
