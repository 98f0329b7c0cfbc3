#!/usr/bin/env bash
# One RFC 3161 token issued at 12:00:00.75 by a time stamping authority in memory, verified and read by two clients.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: rfc3161-client 1.0.9, rfc3161ng 2.1.3; issuer pyHanko 0.38.0'
echo 'Document: RFC 3161 section 2.4.2: genTime is the time at which the token was created and may have fractions of a second.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile rfc3161-client==1.0.9 rfc3161ng==2.1.3 pyHanko==0.38.0 cryptography==50.0.2
"$dir/env/bin/python" -W ignore - <<'PY'
import datetime, hashlib, sys
import rfc3161_client, rfc3161ng
from asn1crypto import keys, tsp, x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyasn1.codec.der import decoder
from pyhanko.sign.timestamps import DummyTimeStamper

UTC = datetime.UTC
key = rsa.generate_private_key(65537, 2048)
name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example TSA")])
certificate = (x509.CertificateBuilder(name, name, key.public_key(), 7, datetime.datetime(2026, 1, 1), datetime.datetime(2046, 1, 1))
               .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True).sign(key, hashes.SHA256()))
der, pkcs8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
authority = DummyTimeStamper(asn1.Certificate.load(certificate.public_bytes(der)),
                             keys.PrivateKeyInfo.load(key.private_bytes(der, pkcs8, serialization.NoEncryption())),
                             fixed_dt=datetime.datetime(2026, 11, 30, 12, 0, 0, 750000, UTC))
request = rfc3161_client.TimestampRequestBuilder().data(b"report").hash_algorithm(rfc3161_client.base.HashAlgorithm.SHA512).build()
response = authority.request_tsa_response(tsp.TimeStampReq.load(request.as_bytes()))
written = response["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed["gen_time"].contents.decode()

new = rfc3161_client.decode_timestamp_response(response.dump())
verifier = rfc3161_client.VerifierBuilder().add_root_certificate(certificate).tsa_certificate(certificate).nonce(request.nonce).build()
verified = verifier.verify(new, hashlib.sha512(b"report").digest())
old, _ = decoder.decode(response.dump(), asn1Spec=rfc3161ng.TimeStampResp())
seen = written, verified, new.tst_info.gen_time.isoformat(), rfc3161ng.get_timestamp(old.time_stamp_token, naive=False).isoformat()
print("Seen: token {}, verified {}, rfc3161-client {}, rfc3161ng {}".format(*seen))
if seen != ("20261130120000.75Z", True, "2026-11-30T12:00:00+00:00", "2026-11-30T12:00:00.750000+00:00"):
    sys.exit("CHANGED")
print("rfc3161-client returns a time before the token's own, with no sign that digits are missing.")
PY
