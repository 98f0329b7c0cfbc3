#!/usr/bin/env bash
# A photo taken upright by a phone (EXIF orientation 6) is saved as HEIC: its EXIF given as Pillow's object, and as bytes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: pillow-heif 1.8.1, Pillow 13.0.0'
echo 'Document: ISO/IEC 23008-12, 6.5.10: the property irot of a picture tells readers by how much to turn it.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile pillow-heif==1.8.1 pillow==13.0.0
"$dir/env/bin/python" - <<'PY'
import io, sys
import pillow_heif
from PIL import Image, ImageOps

pillow_heif.register_heif_opener()
exif = Image.Exif()
exif[0x0112] = 6  # as phones write it: turn by a quarter to show it upright
seen = []
for format, given in (("JPEG", exif), ("HEIF", exif), ("HEIF", exif.tobytes())):
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, format, exif=given)
    with Image.open(file) as opened:
        shown = ImageOps.exif_transpose(opened)
        seen.append((format, type(given).__name__, b"irot" in file.getvalue(), opened.getexif().get(0x0112, 1), shown.size))
for format, given, turns, orientation, size in seen:
    print(f"Seen, {format} saved with exif as {given}: irot {turns}, orientation when opened {orientation}, shown {size[0]} x {size[1]}")
if seen != [
    ("JPEG", "Exif", False, 6, (30, 40)),
    ("HEIF", "Exif", False, 1, (40, 30)),
    ("HEIF", "bytes", True, 1, (30, 40)),
]:
    sys.exit("CHANGED")
print("Given as the object that Pillow's own formats take, the turn is neither done nor kept: nobody can tell that it was.")
PY
