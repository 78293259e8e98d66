"""What the same signature costs with pyHanko: beside_pyhanko.py FOLDER SECONDS

Signs document.pdf of the folder with each key there (NAME.key.pem, NAME.chain.pem): PAdES B-B, the
same field, the same appearance. In its quickest way: key and certificates read once, the size of the
signature given, written in place. Prints JSON: signatures a second of processor time, by NAME.
"""
import importlib.metadata
import io
import json
import pathlib
import sys
import time

from asn1crypto.algos import SignedDigestAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pyhanko import stamp
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD = "client"
WARM_UP = 5

folder, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
document = (folder / "document.pdf").read_bytes()
style = stamp.StaticStampStyle.from_pdf_file(
    str(folder / "appearance.pdf"), border_width=0, background_opacity=1
)


class Keeper(signers.Signer):
    """Keeps the key that it has read: pyHanko's own signer reads and checks it for each signature."""

    def __init__(self, key, own, others):
        rsa_key = isinstance(key, rsa.RSAPrivateKey)
        self.arguments = (PKCS1v15(), SHA256()) if rsa_key else (ec.ECDSA(SHA256()),)
        self.key = key
        mechanism = "sha256_rsa" if rsa_key else "sha256_ecdsa"
        super().__init__(
            signing_cert=own,
            cert_registry=SimpleCertificateStore.from_certs(others),
            signature_mechanism=SignedDigestAlgorithm({"algorithm": mechanism}),
        )

    async def async_sign_raw(self, data, digest_algorithm, dry_run=False):
        return self.key.sign(data, *self.arguments)


def signer_of(name):
    key = load_pem_private_key((folder / f"{name}.key.pem").read_bytes(), password=None)
    own, *others = load_certs_from_pemder([str(folder / f"{name}.chain.pem")])
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        name="Anna Rossi",
        reason="Sottoscrizione del verbale",
        location="Roma",
    )
    return signers.PdfSigner(metadata, signer=Keeper(key, own, others), stamp_style=style)


def sign(signer):
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    return signer.sign_pdf(
        writer, existing_fields_only=True, bytes_reserved=32768, in_place=True
    )


found = {}
for key in sorted(folder.glob("*.key.pem")):
    name = key.name.removesuffix(".key.pem")
    signer = signer_of(name)
    for _ in range(WARM_UP):
        signed = sign(signer)
    (folder / f"{name}.pyhanko.pdf").write_bytes(signed.getvalue())
    began, busy, count = time.monotonic(), time.process_time(), 0
    while time.monotonic() - began < seconds:
        sign(signer)
        count += 1
    found[name] = round(count / (time.process_time() - busy), 1)
print(json.dumps({"version": importlib.metadata.version("pyhanko"), "per_second": found}))
