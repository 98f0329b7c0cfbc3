#!/usr/bin/env bash
# A PDF/A-3a report, which declares PDF 1.7, is signed as PAdES and, for comparison, in the older form.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: pyHanko 0.38.0, WeasyPrint 70.0; reader pikepdf 10.18.0'
echo 'Document: ISO 19005-3 (PDF/A-3) rests on ISO 32000-1, PDF 1.7. ETSI EN 319 142-1 gives signatures for files of ISO 32000-1, too.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile pyhanko==0.38.0 weasyprint==70.0 pydyf==0.13.0 pikepdf==10.18.0
"$dir/env/bin/python" - <<'PY'
import datetime, io, logging, sys
import asn1crypto.keys, asn1crypto.x509, pikepdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import SimpleSigner, signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore
from weasyprint import HTML, Attachment

logging.disable(logging.ERROR)
key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Seal")])
day = datetime.datetime.now(datetime.UTC)
made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
certificate = made.not_valid_before(day).not_valid_after(day + datetime.timedelta(days=9)).sign(key, hashes.SHA256())
signer = SimpleSigner(
    signing_cert=asn1crypto.x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER)),
    signing_key=asn1crypto.keys.PrivateKeyInfo.load(key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())),
    cert_registry=SimpleCertificateStore(),
)
page = "<html lang=en><title>Report</title><p>Report"
report = HTML(string=page).write_pdf(pdf_variant="pdf/a-3a", attachments=[Attachment(string="{}", name="a.json", relationship="Data")])

def declared(pdf):
    found = pikepdf.open(io.BytesIO(pdf))
    return found.pdf_version, str(found.Root.get("/Version", "-")), found.open_metadata().pdfa_status

def signed(form):
    meta = signers.PdfSignatureMetadata(field_name="Seal", subfilter=form, md_algorithm="sha256")
    return signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(report)), meta, signer=signer).getvalue()

seen = [declared(report), declared(signed(SigSeedSubFilter.PADES)), declared(signed(SigSeedSubFilter.ADOBE_PKCS7_DETACHED))]
for what, (version, catalog, pdfa) in zip(("before", "PAdES", "adbe.pkcs7.detached"), seen):
    print(f"Seen, {what}: header {version}, /Version of the catalog {catalog}, PDF/A {pdfa}")
if seen != [("1.7", "-", "3A"), ("1.7", "/2.0", "3A"), ("1.7", "/2.0", "3A")]:
    sys.exit("CHANGED")
print("By its metadata the signed file is PDF/A-3 still; by its catalog it is PDF 2.0, on which only PDF/A-4 rests.")
PY
