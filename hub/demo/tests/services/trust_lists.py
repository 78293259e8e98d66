"""The demo's trusted lists by pyHanko and signxml: trust_lists.py SIGNER.pem LOTL.xml LIST.xml

Prints what is found; fails when a signature does not hold.
"""
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.sign.validation.qualified import eutl_parse

signer, lotl, national = sys.argv[1:]
read = lambda path: open(path, encoding="utf-8").read()
lists = eutl_parse.validate_and_parse_lotl(read(lotl), [load_cert_from_pemder(signer)])
assert not lists.errors, lists.errors
for reference in lists.references:
    print("list", reference.territory, reference.location_uri)
[reference] = [one for one in lists.references if one.location_uri.endswith("/list.xml")]
registry, errors = eutl_parse.trust_list_to_registry(read(national), reference.tlso_certs)
assert not errors, errors
for authority in registry.known_certificate_authorities:
    print("authority", authority.name)
for authority in registry.known_timestamp_authorities:
    print("time", authority.name)
