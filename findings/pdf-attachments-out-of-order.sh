#!/usr/bin/env bash
# A PDF/A-3a with two attached files, in the order of a report: statement first, annex second.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: WeasyPrint 70.0 with pydyf 0.13.0; reader pikepdf 10.18.0 (qpdf)'
echo 'Document: ISO 32000-1 section 7.9.6: the keys of a name tree are sorted. ISO 19005-3 section 6.8: AF associates each file.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile weasyprint==70.0 pydyf==0.13.0 pikepdf==10.18.0
"$dir/env/bin/python" - <<'PY'
import io, sys
import pikepdf
from weasyprint import HTML, Attachment

def read(*names):
    files = [Attachment(string=name, name=name, relationship="Data") for name in names]
    pdf = pikepdf.open(io.BytesIO(HTML(string="<html lang=en><title>Report</title><p>Report").write_pdf(pdf_variant="pdf/a-3a", attachments=files)))
    keys = [str(key) for key in pdf.Root.Names.EmbeddedFiles.Names[::2]]
    complaints = sum("keys are not sorted" in complaint for complaint in pdf.check_pdf_syntax())
    return keys, [str(file.F) for file in pdf.Root.AF], complaints

seen = read("statement.json", "annex.csv"), read("annex.csv", "statement.json")
for keys, associated, complaints in seen:
    print("Seen: name tree", keys, "| AF", associated, "| qpdf's complaints:", complaints)
if seen != ((["statement.json", "annex.csv"], ["statement.json", "annex.csv"] * 2, 1), (["annex.csv", "statement.json"], ["annex.csv", "statement.json"] * 2, 0)):
    sys.exit("CHANGED")
print("The tree is in the order of the call, so qpdf repairs it; each file is associated twice. One file, or names in order, avoid the first.")
PY
