"""AdES-LTA validation by pyHanko, offline: ades_lta.py ROOT.pem FILE.pdf

Prints one line per signature; fails when one is not AdESPassed.OK.
"""
import asyncio
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.ades.report import AdESPassed
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

root, document = sys.argv[1:]
trust = SimpleTrustManager.build([load_cert_from_pemder(root)])
revocation = CertRevTrustPolicy(RevocationCheckingPolicy.from_legacy("require"))
offline = RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY)
specification = PdfSignatureValidationSpec(
    SignatureValidationSpec(
        cert_validation_policy=CertValidationPolicySpec(
            trust_manager=trust, revinfo_policy=revocation
        ),
        revinfo_gathering_policy=offline,
    )
)
passed = True
with open(document, "rb") as file:
    for signature in PdfFileReader(file).embedded_regular_signatures:
        result = asyncio.run(ades_lta_validation(signature, specification))
        valid = result.ades_subindic is AdESPassed.OK
        print(signature.field_name, result.ades_subindic, "" if valid else result.failure_msg)
        passed = passed and valid
sys.exit(0 if passed else 1)
