"""Uploaded files are accepted with a clean preview or refused with a reason."""

import io
import re
import tempfile
import unicodedata
import zlib
from base64 import b64encode

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String
from PIL import Image

from claims.inspection import Inspected, Reason, Remark, Unfit, _read, inspect
from claims.inspection.child import answer_about
from claims.inspection.kinds import kind_of_name
from claims.inspection.pdfs import MOST_UNPACKED, PIECE
from claims.inspection.pictures import MOST_SCANS
from claims.operations.proofs import SENTENCES
from tests.support.proofs import (
    PDF_HEAD,
    a_mail,
    a_pdf,
    a_photo_with_position,
    a_picture,
    a_plain_picture,
    an_archive,
    heif_claiming,
    jpeg_claiming,
    jpeg_with_comment,
    jpeg_with_scans,
    png_chunk,
    png_claiming,
    png_with,
)

PICTURE, PHOTO, WEBP, PDF = a_picture(), a_picture("JPEG"), a_picture("WEBP"), a_pdf()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
A_FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\x01\0mdat" + b"film" * 62
CAMERA_TRAILER = b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1757469600000" + b"SEFHk\0\0\0\x01\0\0\0" + b"SEFT"
OLE_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def look_into(content: bytes, name: str) -> Inspected:
    """Inspect a file in this process: the sandbox has tests of its own."""
    named = kind_of_name(name)
    return _read(answer_about(content, named or "", ours=False), named)


def look_from_outside(content: bytes, name: str) -> Inspected:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return inspect(file, name)


def assert_clean(found: Inspected) -> None:
    """The preview is one plain picture without anything beside its pixels, or text that only says what can be seen."""
    if found.preview_kind == "text":
        assert all(unicodedata.category(c) not in {"Cc", "Cs"} or c in "\t\n" for c in found.preview.decode())
        return
    with Image.open(io.BytesIO(found.preview)) as drawn:
        assert f"image/{drawn.format.lower()}" == found.preview_kind
        drawn.load()
        assert not drawn.getexif()
        assert not drawn.info.keys() - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    ends = {"image/png": b"IEND\xaeB`\x82", "image/jpeg": b"\xff\xd9"}[found.preview_kind]
    assert found.preview.endswith(ends)


ACCEPTED = [
    ("screen.png", a_picture(), "png", "image/png"),
    ("SCREEN.PNG", a_picture(), "png", "image/png"),
    ("screen", a_picture(), "png", "image/png"),
    ("screen 10.31", a_picture(), "png", "image/png"),
    ("grey.png", a_picture(mode="L"), "png", "image/png"),
    ("bits.png", a_picture(mode="1"), "png", "image/png"),
    ("deep.png", a_picture(mode="I;16"), "png", "image/png"),
    ("palette.png", a_picture(mode="P"), "png", "image/png"),
    ("glass.png", a_picture(transparent=True), "png", "image/png"),
    ("one dot.png", a_picture(size=(1, 1)), "png", "image/png"),
    ("long.png", a_picture(size=(9000, 2)), "png", "image/png"),
    ("photo.jpg", a_picture("JPEG"), "jpg", "image/jpeg"),
    ("photo.jpeg", a_picture("JPEG", progressive=True), "jpg", "image/jpeg"),
    ("print.jpg", a_picture("JPEG", mode="CMYK"), "jpg", "image/jpeg"),
    ("saved by a browser.jfif", a_picture("JPEG"), "jpg", "image/jpeg"),
    ("padded.jpg", a_picture("JPEG") + bytes(100), "jpg", "image/jpeg"),
    ("depth map.jpg", a_picture("JPEG") + a_picture("JPEG"), "jpg", "image/jpeg"),
    ("photo.webp", a_picture("WEBP"), "webp", "image/jpeg"),
    ("glass.webp", a_picture("WEBP", transparent=True), "webp", "image/png"),
    ("two exposures.jpg", a_picture("MPO", save_all=True, append_images=[Image.new("RGB", (40, 30))]), "jpg", "image/jpeg"),
    ("rows missing.png", png_claiming(3_000, 2_000), "png", "image/png"),
    ("moving.webp", a_picture("WEBP", save_all=True, append_images=[Image.new("RGB", (40, 30))]), "webp", "image/jpeg"),
    ("photo.heic", a_picture("HEIF"), "heic", "image/jpeg"),
    ("photo.HEIF", a_picture("HEIF"), "heic", "image/jpeg"),
    ("photo.avif", a_picture("AVIF"), "avif", "image/jpeg"),
    ("IMG_0001", a_picture("HEIF"), "heic", "image/jpeg"),
    ("glass.avif", a_picture("AVIF", transparent=True), "avif", "image/png"),
    ("samsung.jpg", a_picture("JPEG") + CAMERA_TRAILER, "jpg", "image/jpeg"),
    ("motion.jpg", a_picture("JPEG") + A_FILM, "jpg", "image/jpeg"),
    ("stray.png", a_picture() + b"\r\n", "png", "image/png"),
    ("stray.webp", a_picture("WEBP") + b"stray", "webp", "image/jpeg"),
    ("html.png", PICTURE + HTML, "png", "image/png"),
    ("half a depth map.jpg", PHOTO + PHOTO[:-40], "jpg", "image/jpeg"),
    ("moving.png", a_picture(save_all=True, append_images=[Image.new("RGB", (40, 30))]), "png", "image/png"),
    ("letter.pdf", a_pdf(), "pdf", "image/jpeg"),
    ("letter", a_pdf(), "pdf", "image/jpeg"),
    ("packed.pdf", a_pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate), "pdf", "image/jpeg"),
    ("quick.pdf", a_pdf(linearize=True), "pdf", "image/jpeg"),
    ("narrow.pdf", a_pdf(change=lambda pdf: pdf.pages[0].obj.update({"/MediaBox": [0, 0, 2, 14400]})), "pdf", "image/jpeg"),
    ("log.txt", b"02:00 down\r\n02:30 up\n", "txt", "text"),
    ("device.log", b"02:00 down", "txt", "text"),
    ("mark.txt", "\ufeff02:00 gestört".encode(), "txt", "text"),
    ("windows.txt", "02:00 gestört".encode("utf-16"), "txt", "text"),
    ("中文.txt", "两点到两点半，无法呼叫".encode("gb18030"), "txt", "text"),
    ("curl.txt", b"HTTP/1.1 503\n\n<html><script>alert(1)</script></html>", "txt", "text"),
    ("huge line.txt", b"x" * 5_000_000, "txt", "text"),
    ("mail.eml", bytes(a_mail()), "eml", "text"),
    ("mail", bytes(a_mail()), "eml", "text"),
    ("mail.txt", bytes(a_mail()), "txt", "text"),
    # It carries harm where no preview and no reader of its kind looks; what is shown is drawn anew
    ("javascript.jpg", jpeg_with_comment(b"*/=alert(1)/*"), "jpg", "image/jpeg"),
    ("page.png", png_with(b"tEXt", b"Comment\0<html><script>alert(1)</script>"), "png", "image/png"),
    ("words.png", png_with(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 500_000)), "png", "image/png"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "kind", "preview_kind"), ACCEPTED)
def test_an_accepted_file_has_a_clean_preview(name, content, kind, preview_kind):
    found = look_into(content, name)
    assert (found.kind, found.preview_kind) == (kind, preview_kind)
    assert_clean(found)


def script(pdf):
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("alert-alert"))


def script_by_name(pdf):
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), Dictionary(JS=String("1"))])))


def script_in_a_field(pdf):
    pdf.Root.AcroForm = Dictionary(Fields=Array([Dictionary(AA=Dictionary(K=Dictionary(JS=String("1"))))]))


def link(action):
    def change(pdf):
        annotation = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=Dictionary(action))
        pdf.pages[0].Annots = Array([pdf.make_indirect(annotation)])

    return change


def embedded(pdf):
    pdf.attachments["evil.exe"] = pikepdf.AttachedFileSpec(pdf, b"MZ")


def media(subtype):
    def change(pdf):
        pdf.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name(subtype), Rect=[0, 0, 9, 9])])

    return change


def deep(pdf):
    inner = Dictionary()
    for _level in range(150):
        inner = Dictionary(A=inner)
    pdf.Root.Deep = inner


def unpacks_to(size):
    """A stream that unpacks to so many bytes, which no page uses."""

    def change(pdf):
        packer, block = zlib.compressobj(1), bytes(PIECE)
        # Between full flushes equal blocks are packed equally
        first, again = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _once in range(2))
        packed = first + again * (size // PIECE - 1)
        pdf.Root.Unused = pdf.make_indirect(pikepdf.Stream(pdf, packed, Filter=Name.FlateDecode))

    return change


def many_objects(pdf):
    pdf.Root.Many = Array([pdf.make_indirect(Dictionary(N=number)) for number in range(50_001)])


def many_parts(count):
    mail = a_mail()
    for number in range(count):
        mail.add_attachment(b"x", maintype="application", subtype="pdf", filename=f"{number}.pdf")
    return bytes(mail)


def nested_parts(depth):
    head = b"From: a@example.com\nDate: Thu, 10 Sep 2026 02:10:00 +0000\n"
    for level in range(depth):
        head += b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (level, level)
    return head + b"Content-Type: text/plain\n\nhello\n"


REFUSED = [
    # of another kind than any that is taken
    ("evil.svg", SVG, Reason.OTHER_KIND),
    ("evil.html", HTML, Reason.OTHER_KIND),
    ("evil.js", b"alert(1)", Reason.OTHER_KIND),
    ("evil.bat", b"del *", Reason.OTHER_KIND),
    ("evil.php", b"<?php system('id');", Reason.OTHER_KIND),
    ("evil.png.exe", PICTURE, Reason.OTHER_KIND),
    ("table.csv", b"a,b", Reason.TABLE),
    ("table.xlsx", an_archive("xl/workbook.xml"), Reason.TABLE),
    ("table", an_archive("xl/workbook.xml"), Reason.TABLE),
    ("data.json", b"{}", Reason.DATA),
    ("letter.docx", an_archive("word/document.xml"), Reason.DOCUMENT),
    ("letter", an_archive("word/document.xml"), Reason.DOCUMENT),
    ("old letter", OLE_HEAD, Reason.DOCUMENT),
    ("mail.msg", OLE_HEAD, Reason.OUTLOOK),
    ("mail", OLE_HEAD + "__properties_version1.0".encode("utf-16-le"), Reason.OUTLOOK),
    ("invoice.ofd", an_archive("OFD.xml"), Reason.OFD),
    ("invoice", an_archive("OFD.xml"), Reason.OFD),
    ("pages.zip", an_archive(), Reason.ARCHIVE),
    ("pages", an_archive(), Reason.ARCHIVE),
    ("pages.7z", b"7z\xbc\xaf\x27\x1c", Reason.ARCHIVE),
    ("pages.txt", an_archive(), Reason.ARCHIVE),
    ("picture.gif", a_picture("GIF"), Reason.MOVING),
    ("picture", a_picture("GIF"), Reason.MOVING),
    ("gif.png", a_picture("GIF"), Reason.MOVING),
    ("screen.mp4", A_FILM, Reason.RECORDING),
    ("screen", A_FILM, Reason.RECORDING),
    ("screen.jpg", A_FILM, Reason.RECORDING),
    ("screen.webm", b"\x1a\x45\xdf\xa3", Reason.RECORDING),
    ("screen.ogv", b"OggS", Reason.RECORDING),
    ("voice", b"#!AMR\n", Reason.RECORDING),
    ("scan.tiff", b"II*\0", Reason.PICTURE),
    ("raw", b"MM\0*", Reason.PICTURE),
    ("session.har", b"{}", Reason.DATA),
    ("sound", b"RIFF\x04\0\0\0WAVE", Reason.RECORDING),
    ("unknown", b"RIFF\x04\0\0\0ACON", Reason.OTHER_KIND),
    ("offset.txt", b"hello\n" + PDF, Reason.OTHER_KIND),
    # forged
    ("svg.png", SVG, Reason.FORGED),
    ("html.pdf", HTML, Reason.FORGED),
    ("jpeg.png", PHOTO, Reason.FORGED),
    ("png.jpg", PICTURE, Reason.FORGED),
    ("pdf.png", PDF, Reason.FORGED),
    ("png.pdf", PICTURE, Reason.FORGED),
    ("pdf.txt", PDF, Reason.FORGED),
    ("png.eml", PICTURE, Reason.FORGED),
    ("text.webp", b"hello", Reason.FORGED),
    # two files in one
    ("zip.png", PICTURE + an_archive(), Reason.TWO_IN_ONE),
    ("zip inside.png", png_with(b"tEXt", b"Comment\0" + an_archive()), Reason.TWO_IN_ONE),
    ("pdf.jpg", jpeg_with_comment(PDF[:200]), Reason.TWO_IN_ONE),
    ("pdf behind.jpg", PHOTO + PDF, Reason.TWO_IN_ONE),
    ("zip.heic", a_picture("HEIF") + an_archive(), Reason.TWO_IN_ONE),
    ("zip.pdf", PDF + an_archive(), Reason.TWO_IN_ONE),
    ("zip inside.pdf", a_pdf(change=lambda pdf: pdf.make_indirect(pdf.make_stream(an_archive())) and setattr(
        pdf.Root, "Hidden", pdf.make_stream(an_archive())), compress_streams=False), Reason.TWO_IN_ONE),
    ("html.pdf", PDF + HTML, Reason.TWO_IN_ONE),
    # damaged
    ("half.png", PICTURE[: len(PICTURE) // 2], Reason.DAMAGED),
    ("no end.png", PICTURE[:-12], Reason.DAMAGED),
    ("wrong sum.png", PICTURE[:-20] + b"\0" + PICTURE[-19:], Reason.DAMAGED),
    ("head.png", PICTURE[:8], Reason.DAMAGED),
    ("no pixels.png", PICTURE[:33] + PICTURE[-12:], Reason.DAMAGED),
    ("half.jpg", PHOTO[: len(PHOTO) // 2], Reason.DAMAGED),
    ("no end.jpg", PHOTO[:-2], Reason.DAMAGED),
    ("head.jpg", PHOTO[:3], Reason.DAMAGED),
    ("empty segments.jpg", b"\xff\xd8\xff\xe0\0\0\xff\xd9", Reason.DAMAGED),
    ("nothing.jpg", b"\xff\xd8\xff\xd9", Reason.DAMAGED),
    ("half.webp", WEBP[: len(WEBP) // 2], Reason.DAMAGED),
    ("head.webp", WEBP[:12], Reason.DAMAGED),
    ("half.pdf", PDF[: len(PDF) // 2], Reason.DAMAGED),
    ("no end.pdf", PDF[:-6], Reason.DAMAGED),
    ("head.pdf", PDF_HEAD, Reason.DAMAGED),
    ("end.pdf", PDF_HEAD + b"%%EOF\n", Reason.DAMAGED),
    ("no pages.pdf", a_pdf(pages=0), Reason.DAMAGED),
    # bombs
    ("bomb.png", png_claiming(60_000, 60_000), Reason.TOO_MANY_PIXELS),
    ("bomb.heic", heif_claiming(60_000, 60_000), Reason.TOO_MANY_PIXELS),
    ("line.png", png_claiming(65_536, 1), Reason.TOO_LONG),
    ("column.png", png_claiming(1, 65_536), Reason.TOO_LONG),
    ("progressive.jpg", jpeg_claiming(8_001, 8_000, progressive=True), Reason.TOO_MANY_PIXELS),
    ("ordinary.jpg", jpeg_claiming(16_001, 16_000), Reason.TOO_MANY_PIXELS),
    ("scans.jpg", jpeg_with_scans(MOST_SCANS + 1), Reason.TOO_LARGE_INSIDE),
    ("pages.pdf", a_pdf(pages=501), Reason.TOO_LARGE_INSIDE),
    ("objects.pdf", a_pdf(change=many_objects), Reason.TOO_LARGE_INSIDE),
    ("deep.pdf", a_pdf(change=deep), Reason.TOO_LARGE_INSIDE),
    ("parts.eml", many_parts(1000), Reason.TOO_LARGE_INSIDE),
    ("nested.eml", nested_parts(30), Reason.TOO_LARGE_INSIDE),
    ("deeply nested.eml", nested_parts(5000), Reason.TOO_LARGE_INSIDE),
    # papers that act, carry or hide something
    ("script.pdf", a_pdf(change=script), Reason.ACTIVE),
    ("packed script.pdf", a_pdf(change=script, object_stream_mode=pikepdf.ObjectStreamMode.generate), Reason.ACTIVE),
    ("disguised script.pdf", a_pdf(change=script).replace(b"alert-alert", b"alert").replace(
        b"/JavaScript", b"/J#61#76aSc#72ipt"), Reason.ACTIVE),
    ("named script.pdf", a_pdf(change=script_by_name), Reason.ACTIVE),
    ("field.pdf", a_pdf(change=script_in_a_field), Reason.ACTIVE),
    ("launch.pdf", a_pdf(change=link({"/S": Name.Launch, "/F": "cmd.exe"})), Reason.ACTIVE),
    ("send.pdf", a_pdf(change=link({"/S": Name.SubmitForm, "/F": "http://example.com"})), Reason.ACTIVE),
    ("film.pdf", a_pdf(change=media("/RichMedia")), Reason.ACTIVE),
    ("xfa.pdf", a_pdf(change=lambda pdf: setattr(pdf.Root, "AcroForm", Dictionary(XFA=Array([])))), Reason.ACTIVE),
    ("opens a page of the web.pdf", a_pdf(change=lambda pdf: setattr(
        pdf.Root, "OpenAction", Dictionary(S=Name.URI, URI=String("http://example.com")))), Reason.ACTIVE),
    ("embedded.pdf", a_pdf(change=embedded), Reason.ATTACHED),
    ("pinned.pdf", a_pdf(change=media("/FileAttachment")), Reason.ATTACHED),
    ("password.pdf", a_pdf(encryption=pikepdf.Encryption(owner="a", user="b")), Reason.ENCRYPTED),
    ("locked.pdf", a_pdf(encryption=pikepdf.Encryption(owner="a", user="")), Reason.ENCRYPTED),
    # text that is none
    ("zero.txt", b"down\0up", Reason.NOT_TEXT),
    ("bell.txt", b"down\x07up", Reason.NOT_TEXT),
    ("half.txt", b"\xff\xfed\0o", Reason.NOT_TEXT),
    ("bytes.txt", bytes(range(256)), Reason.NOT_TEXT),
    ("svg.txt", SVG, Reason.MARKUP),
    ("svg", b"\n  " + SVG, Reason.MARKUP),
    ("page.txt", HTML, Reason.MARKUP),
    ("page.log", "\ufeff<HTML>".encode(), Reason.MARKUP),
    ("page.txt", HTML.decode().encode("utf-16"), Reason.MARKUP),
    ("program.txt", b"#!/bin/sh\nrm -rf ~", Reason.MARKUP),
    ("server page.txt", b"<%@ page language='java' %>", Reason.MARKUP),
    ("shortcut.txt", b"[InternetShortcut]\r\nURL=https://example.com", Reason.MARKUP),
    ("other shortcut.txt", b"[{000214A0-0000-0000-C000-000000000046}]\nProp3=19,11", Reason.MARKUP),
    ("noted starter.txt", b"# of mine\n\n; and yours\n[Desktop Entry]", Reason.MARKUP),
    ("marked twice.txt", "\ufeff[InternetShortcut]".encode("utf-16"), Reason.MARKUP),
    ("starter.txt", b"[Desktop Entry]\nExec=true", Reason.MARKUP),
    ("registry.txt", "Windows Registry Editor Version 5.00\r\n".encode("utf-16"), Reason.MARKUP),
    ("old registry.txt", b"REGEDIT4\r\n", Reason.MARKUP),
    ("blank.txt", b" \r\n\t\n", Reason.BLANK),
    ("unseen.txt", "\u200b\u2800\u3164\u00ad\ufeff".encode(), Reason.BLANK),
    ("shortcut.url", b"[InternetShortcut]", Reason.OTHER_KIND),
    ("text.eml", b"nobody could call", Reason.NOT_A_MAIL),
    ("nobody.eml", b"Subject: hello\n\nhello", Reason.NOT_A_MAIL),
    ("zero.eml", bytes(a_mail()) + b"\0", Reason.NOT_A_MAIL),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED, ids=[name for name, _content, _reason in REFUSED])
def test_a_file_that_is_not_accepted_is_refused_with_its_reason(name, content, reason):
    with pytest.raises(Unfit) as refused:
        look_into(content, name)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("unpacks.pdf", a_pdf(change=unpacks_to(MOST_UNPACKED + PIECE)), Reason.TOO_LARGE_INSIDE),
        # WeasyPrint, where it is loaded, has Pillow read on past what is damaged
        ("words.png", png_with(b"zTXt", b"a\0\0" + zlib.compress(bytes(90_000_000))), Reason.DAMAGED),
        ("empty.png", b"", Reason.EMPTY),
        ("large.txt", b"x" * (20 * 1024 * 1024 + 1), Reason.TOO_LARGE),
        ("zip.png", PICTURE + an_archive(), Reason.TWO_IN_ONE),
    ],
)
def test_the_sandbox_gives_the_same_reasons(name, content, reason):
    assert len(content) < 21_000_000
    with pytest.raises(Unfit) as refused:
        look_from_outside(content, name)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.heic", a_picture("HEIF")), ("a.avif", a_picture("AVIF")), ("a.webp", WEBP), ("a.jpg", PHOTO), ("a.pdf", PDF)],
)
def test_the_sandbox_gives_the_same_preview(name, content):
    assert look_from_outside(content, name) == look_into(content, name)


def test_a_jpeg_of_two_hundred_megapixels_is_scaled_while_it_is_decoded():
    made = io.BytesIO()
    Image.new("L", (16_320, 12_240), 128).save(made, "JPEG")
    found = look_from_outside(made.getvalue(), "photo.jpg")
    with Image.open(io.BytesIO(found.preview)) as drawn:
        assert drawn.size == (2000, 1500)


@pytest.mark.parametrize(
    ("name", "content", "remarks"),
    [
        ("a.jpg", PHOTO, ()),
        ("a.jpg", PHOTO + bytes(64), ()),
        ("a.jpg", PHOTO + CAMERA_TRAILER, (Remark.AFTER_END,)),
        ("a.png", PICTURE + b"stray", (Remark.AFTER_END,)),
        ("a.png", a_plain_picture("black"), (Remark.ONE_COLOUR,)),
        ("a.jpg", a_plain_picture("#808080", "JPEG"), (Remark.ONE_COLOUR,)),
        ("a.png", a_picture(transparent=True), (Remark.ONE_COLOUR,)),
        ("a.pdf", a_pdf(change=link({"/S": Name.URI, "/URI": String("https://example.com/file:x")})), ()),
        ("a.pdf", a_pdf(change=link({"/S": Name.URI, "/URI": String("file:///C:/Windows/notepad.exe")})), (Remark.LINKS,)),
        ("a.pdf", a_pdf(change=link({"/S": Name.URI, "/URI": String(" JavaScript:alert(1)")})), (Remark.LINKS,)),
        ("a.pdf", a_pdf(change=link({"/S": Name.GoToR, "/F": String("other.pdf")})), (Remark.LINKS,)),
    ],
)  # fmt: skip
def test_the_agent_is_told_what_was_found(name, content, remarks):
    assert look_into(content, name).remarks == remarks


def test_a_paper_of_ours_may_carry_its_figures():
    paper = a_pdf(change=embedded)
    with pytest.raises(Unfit, match="attached"):
        look_into(paper, "a.pdf")
    found = _read(answer_about(paper, "pdf", ours=True), "pdf")
    assert (found.pages, found.remarks) == (1, (Remark.OURS,))


def test_every_reason_is_in_this_corpus_and_has_a_message():
    met = {reason for _name, _content, reason in REFUSED}
    assert met | {Reason.EMPTY, Reason.TOO_LARGE, Reason.OVERRAN, Reason.BUSY} == set(Reason) == set(SENTENCES)
    assert len({str(sentence) for sentence in SENTENCES.values()}) == len(Reason)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_the_place_where_a_photo_was_taken_never_reaches_the_preview(kind):
    photo = a_photo_with_position(kind)
    with Image.open(io.BytesIO(photo)) as taken:
        assert taken.getexif().get_ifd(0x8825)[2] == (31, 14, 15)
    found = look_into(photo, f"photo.{'jpg' if kind == 'JPEG' else kind.lower()}")
    assert_clean(found)
    assert b"Example" in photo
    assert b"Example" not in found.preview


@pytest.mark.parametrize(("kind", "name"), [("JPEG", "a.jpg"), ("HEIF", "a.heic"), ("AVIF", "a.avif")])
def test_a_photo_is_rotated_by_its_orientation_once(kind, name):
    found = look_into(a_photo_with_position(kind), name)
    with Image.open(io.BytesIO(found.preview)) as drawn:
        assert drawn.size == (30, 40)


def test_a_large_picture_is_scaled_down_and_transparency_is_kept():
    found = look_into(a_picture(size=(4000, 1000)), "wide.png")
    with Image.open(io.BytesIO(found.preview)) as drawn:
        assert drawn.size == (2000, 500)
    with Image.open(io.BytesIO(look_into(a_picture(transparent=True), "glass.png").preview)) as drawn:
        assert drawn.getpixel((5, 5))[3] == 0


def test_sixteen_bits_of_grey_are_shown_as_grey():
    made = io.BytesIO()
    Image.new("I;16", (10, 10), 0x8000).save(made, "PNG")
    with Image.open(io.BytesIO(look_into(made.getvalue(), "deep.png").preview)) as drawn:
        assert drawn.getpixel((5, 5)) == (128, 128, 128)


@pytest.mark.parametrize("mode", ["1", "P"])
def test_a_scaled_bitmap_becomes_grey_and_not_transparent(mode):
    made = io.BytesIO()
    stripes = Image.frombytes("L", (4000, 8), bytes([0, 255, 255, 0]) * 8000).convert(mode)
    stripes.save(made, "PNG")
    with Image.open(io.BytesIO(look_into(made.getvalue(), "stripes.png").preview)) as drawn:
        assert drawn.size == (2000, 4)
        assert 100 < drawn.getpixel((1000, 2))[0] < 155


def test_the_first_ten_pages_of_a_pdf_are_rendered_one_below_the_other():
    found = look_into(a_pdf(pages=12), "letter.pdf")
    assert found.pages == 12
    with Image.open(io.BytesIO(found.preview)) as drawn:
        assert drawn.width == 1100
        assert drawn.height == 10 * round(1100 / 300 * 400) + 9 * 12
        first, second = drawn.getpixel((220, 1200)), drawn.getpixel((220, 1467 + 12 + 1200))
    assert first[0] < 40 < 200 < second[0]  # black on the first page, red on the second


def test_a_text_is_shown_unchanged_and_a_very_long_one_shortened():
    assert look_into(b"<b>x</b>"[1:] + b"\r\n\tup", "a.txt").preview == b"b>x</b>\n\tup"
    long = look_into(b"x" * 5_000_000, "a.txt").preview.decode()
    assert re.fullmatch(r"x{100000}\[…\]", long)


def test_bidirectional_control_characters_are_made_visible():
    preview = look_into("02:00 \u202edetceridder".encode(), "a.txt").preview.decode()
    assert preview == "02:00 ⟨U+202E⟩detceridder"


def test_headers_body_and_attachment_names_of_an_email_are_shown():
    mail = a_mail(Subject="呼叫失败", Bcc="hidden@example.com")
    mail.add_attachment(b"MZ", maintype="application", subtype="exe", filename="log\u202exe.exe")
    assert look_into(bytes(mail), "mail.eml").preview.decode() == (
        "From: Ops <ops@example.com>\nTo: support@example.com\nDate: Thu, 10 Sep 2026 02:10:00 +0000\nSubject: 呼叫失败\n"
        "\nNobody could call from 02:00 to 02:30.\n\n\n+ log⟨U+202E⟩xe.exe (application/exe)\n"
    )


def test_only_the_text_of_an_html_email_is_shown():
    mail = a_mail()
    mail.set_content(
        "<style>p{}</style><p>Down since <b>two</b></p><script>alert(1)</script><img src=http://x>", "html"
    )
    preview = look_into(bytes(mail), "mail.eml").preview.decode()
    assert preview.endswith("\n\nDown since two\n")
    assert "alert" not in preview


@pytest.mark.parametrize(
    ("charset", "text", "codec"),
    [
        ("gb2312", "喆玥镕——", "gb18030"),
        ("gbk", "㐂", "gb18030"),
        ("iso-8859-1", "“nine” – €", "windows-1252"),
        ("us-ascii", "’", "windows-1252"),
        ("shift_jis", "①髙", "cp932"),
        ("big5", "碁銹", "cp950"),
        ("ks_c_5601-1987", "똠방", "cp949"),
    ],
)
def test_a_mail_is_read_in_the_character_set_that_its_program_means(charset, text, codec):
    word = b64encode(text.encode(codec)).decode()
    quoted = "".join(f"%{byte:02X}" for byte in text.encode(codec))
    mail = (
        f"From: =?{charset}?B?{word}?= <a@example.com>\nSubject: =?{charset.upper()}?b?{word}?=\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="-"\n\n---\n'
        f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n{word}\n---\n"
        f"Content-Type: application/x-log\nContent-Disposition: attachment; filename*={charset}''{quoted}.log\n\nx\n-----\n"
    )
    shown = look_into(mail.encode(), "a.eml").preview.decode()
    assert shown == f"From: {text} <a@example.com>\nSubject: {text}\n\n{text}\n\n+ {text}.log (application/x-log)\n"


@pytest.mark.parametrize("charset", ["gb2312", "iso-2022-jp", "koi8-r", "cp037", "no-such-charset"])
def test_a_mail_in_any_character_set_is_shown(charset):
    body = b"hello" if charset != "cp037" else "hello".encode("cp037")
    head = f"From: a@example.com\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n"
    preview = look_into(head.encode() + b64encode(body), "a.eml").preview.decode()
    assert preview.endswith("\n\nhello\n")


def test_a_png_with_a_wrong_length_is_damaged():
    with pytest.raises(Unfit) as refused:
        look_into(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", bytes(13))[:-4] + b"\xff" * 4, "a.png")
    assert refused.value.reason == Reason.DAMAGED
