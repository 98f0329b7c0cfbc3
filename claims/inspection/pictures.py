"""Pictures: read in their one format, and re-encoded with nothing but their pixels."""

from __future__ import annotations

import io
import zlib
from typing import cast

import pillow_heif
from PIL import (
    AvifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from .kinds import SIDE
from .reasons import Reason, Remark, Unfit

# Import before the sandbox closes: cameras join pictures (MPO) and store the orientation (TIFF).
READERS = (PngImagePlugin, JpegImagePlugin, WebPImagePlugin, AvifImagePlugin, MpoImagePlugin, TiffImagePlugin)
Image.preinit()
# The sandbox allows no thread.
pillow_heif.register_heif_opener(decode_threads=1)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

MOST_PIXELS = 64_000_000
MOST_PIXELS_REDUCED = 256_000_000
"""Of a JPEG that is decoded at reduced size: one that comes in several scans is held whole first."""
LONGEST_SIDE = 65_535
MOST_SCANS = 24
"""Scans of a JPEG; each is decoded over the whole picture, and programs write ten."""
SAME = 8
"""Levels of 256 by which the pixels of a picture of one colour may differ: cameras see noise in the dark."""
FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "heic": "HEIF", "avif": "AVIF"}

Image.MAX_IMAGE_PIXELS = None  # checked here, before decoding


def read(content: bytes, kind: str, side: int = SIDE) -> tuple[str, bytes, list[Remark]]:
    """Return media type and bytes of a preview, and remarks; of an animation, its first frame is shown."""
    end, scans = ENDS[kind](content) if kind in ENDS else (len(content), 1)
    with Image.open(io.BytesIO(content), formats=(FORMATS[kind],)) as picture:
        _check_size(
            picture.width, picture.height, most=MOST_PIXELS_REDUCED if kind == "jpg" and scans == 1 else MOST_PIXELS
        )
        picture.draft("RGB", (side, side))  # decode a JPEG at reduced size, to save memory
        picture.load()
        small = _plain(picture)
    small.thumbnail((side, side), reducing_gap=3)
    remarks = [Remark.AFTER_END] if content[end:].strip(b"\0") else []
    if all(highest - lowest <= SAME for lowest, highest in bounds(small)):
        remarks.append(Remark.ONE_COLOUR)
    return *written(ImageOps.exif_transpose(small), as_png=kind == "png"), remarks


def _check_size(width: int, height: int, *, most: int) -> None:
    if max(width, height) > LONGEST_SIDE:
        raise Unfit(Reason.TOO_LONG)
    if width * height > most:
        raise Unfit(Reason.TOO_MANY_PIXELS)


def bounds(picture: Image.Image) -> list[tuple[int, int]]:
    """Return the lowest and highest value of each channel, of what can be seen."""
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return cast("list[tuple[int, int]]", picture.getextrema())


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


def _png_ends(content: bytes) -> tuple[int, int]:
    """Walk the chunks with their checksums; return where the last ends, and one scan."""
    at = 8
    while True:
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(content) or zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise Unfit(Reason.DAMAGED)
        at = end
        if name == b"IEND":
            return at, 1


def _jpeg_ends(content: bytes) -> tuple[int, int]:
    """Walk the segments of the first picture; return where it ends, or those that follow it, and the number of its scans.

    Phones append a depth map or second exposure.
    """
    at, scans = _after_jpeg(content, 0)
    while content[at : at + 3] == b"\xff\xd8\xff":
        try:
            at = _after_jpeg(content, at)[0]
        except Unfit:
            break
    return at, scans


def _after_jpeg(content: bytes, at: int) -> tuple[int, int]:
    at, scans = at + 2, 0
    while True:
        if content[at : at + 1] != b"\xff" or at + 2 > len(content):
            raise Unfit(Reason.DAMAGED)
        marker = content[at + 1]
        if marker == 0xD9:
            return at + 2, scans
        if marker == 0xFF:  # padding
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if length < 2:
            raise Unfit(Reason.DAMAGED)
        at += 2 + length
        if marker == 0xDA:
            scans += 1
            if scans > MOST_SCANS:
                raise Unfit(Reason.TOO_LARGE_INSIDE)
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


def _webp_ends(content: bytes) -> tuple[int, int]:
    end = 8 + int.from_bytes(content[4:8], "little")
    if end > len(content):
        raise Unfit(Reason.DAMAGED)
    return end, 1


ENDS = {"png": _png_ends, "jpg": _jpeg_ends, "webp": _webp_ends}
"""Where a picture ends; the readers of the others follow their boxes."""
