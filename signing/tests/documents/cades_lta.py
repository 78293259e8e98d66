"""Archive time stamps of a signed file, worked out anew on asn1crypto: cades_lta.py FILE.p7m FOLDER

Follows ETSI EN 319 122-1 §5.5.2 and §5.5.3. For each stamp the token and what it must stamp are put into
FOLDER as N.token and N.data, for `openssl ts -verify`; fails when an imprint or a digest is another.
"""
import hashlib
import sys
from pathlib import Path

from asn1crypto import cms, core, tsp  # noqa: F401 (tsp teaches cms what a token holds)

ARCHIVE_TIME_STAMP_V3 = "0.4.0.1733.2.4"
ATS_HASH_INDEX_V3 = "0.4.0.19122.1.5"
FIELDS = ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature")


class Digests(core.SequenceOf):
    _child_spec = core.OctetString


class HashIndex(core.Sequence):
    _fields = [
        ("algorithm", cms.DigestAlgorithm),
        ("certificates", Digests),
        ("revocation", Digests),
        ("attributes", Digests),
    ]


def sha256(data):
    return hashlib.sha256(data).digest()


def unsigned(signer, kind):
    return [a for a in signer["unsigned_attrs"] if a["type"].dotted == kind]


file, folder = sys.argv[1], Path(sys.argv[2])
data = cms.ContentInfo.load(Path(file).read_bytes(), strict=True)["content"]
inside = data["encap_content_info"]
certificates = {sha256(choice.dump()) for choice in data["certificates"]}
revocation = {sha256(choice.dump()) for choice in data["crls"]}
count = 0
for signer in data["signer_infos"]:
    values = {
        sha256(a["type"].dump() + value.dump())
        for a in signer["unsigned_attrs"]
        for value in a["values"]
    }
    for attribute in unsigned(signer, ARCHIVE_TIME_STAMP_V3):
        (value,) = attribute["values"]
        token = cms.ContentInfo.load(value.dump(), strict=True)
        (authority,) = token["content"]["signer_infos"]
        (index,) = unsigned(authority, ATS_HASH_INDEX_V3)
        index = HashIndex.load(index["values"][0].dump(), strict=True)
        assert index["algorithm"]["algorithm"].native == "sha256"
        for name, held in (
            ("certificates", certificates),
            ("revocation", revocation),
            ("attributes", values),
        ):
            assert all(digest.native in held for digest in index[name]), name
        assert len(index["certificates"]) and len(index["revocation"]), "nothing is archived"
        stamped = inside["content_type"].dump() + sha256(inside["content"].native)
        stamped += b"".join(signer[field].dump() for field in FIELDS) + index.dump()
        info = token["content"]["encap_content_info"]["content"].native
        assert info["message_imprint"]["hashed_message"] == sha256(stamped), "imprint"
        (folder / f"{count}.token").write_bytes(value.dump())
        (folder / f"{count}.data").write_bytes(stamped)
        count += 1
print(f"{count} archive time stamps")
