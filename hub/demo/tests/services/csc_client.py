"""pyHanko's own CSC client (v1.0.4) signs a page through the demo provider and validates it.

Arguments: base address, access token, credential, one-time code, root certificate (PEM). With a client
id, its secret and the address to return to, leave is given on the provider's page (OAuth 2.0, PKCE).
"""

import asyncio
import base64
import hashlib
import io
import sys
from urllib.parse import parse_qs, urlsplit

import aiohttp
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import fields, signers, validation
from pyhanko.sign.signers import csc_signer
from pyhanko_certvalidator import ValidationContext

BASE, TOKEN, CREDENTIAL, CODE, ROOT, *PAGE = sys.argv[1:]


class Authorisation(csc_signer.CSCAuthorizationManager):
    """Exchanges the code for an authorisation of exactly these hashes."""

    def __init__(self, session, session_info, credential_info):
        super().__init__(session_info, credential_info)
        self.session = session

    async def authorize_signature(self, hash_b64s):
        request = self.format_csc_auth_request(hash_b64s=hash_b64s, otp=CODE)
        url = self.csc_session_info.endpoint_url("credentials/authorize")
        async with self.session.post(
            url, headers=self.auth_headers, json=request, raise_for_status=True
        ) as response:
            return self.parse_csc_auth_response(await response.json())


class Leave(Authorisation):
    """Goes to the provider's page as a browser does, and takes the token for the activation data."""

    async def authorize_signature(self, hash_b64s):
        client, secret, back = PAGE
        verifier = "pyhanko-" * 8
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": back,
            "scope": "credential",
            "state": "of pyHanko",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "credentialID": CREDENTIAL,
            "numSignatures": "1",
            "hash": hash_b64s[0].replace("+", "-").replace("/", "_").rstrip("="),
        }
        typed = {**asked, "otp": CODE, "action": "authorize"}
        async with self.session.post(
            f"{BASE}/oauth2/authorize", data=typed, allow_redirects=False
        ) as response:
            answer = parse_qs(urlsplit(response.headers["Location"]).query)
        assert answer["state"] == ["of pyHanko"], answer
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"][0],
            "redirect_uri": back,
            "code_verifier": verifier,
            "client_id": client,
            "client_secret": secret,
        }
        async with self.session.post(
            f"{BASE}/oauth2/token", data=form, raise_for_status=True
        ) as response:
            token = await response.json()
        assert token["token_type"] == "SAD", token
        return csc_signer.CSCAuthorizationInfo(sad=token["access_token"])


def blank():
    writer = PdfFileWriter()
    empty = writer.add_object(generic.StreamObject(stream_data=b""))
    writer.insert_page(PageObject(contents=empty, media_box=(0, 0, 595, 842)))
    document = io.BytesIO()
    writer.write(document)
    return document


async def main():
    session_info = csc_signer.CSCServiceSessionInfo(BASE, CREDENTIAL, oauth_token=TOKEN)
    async with aiohttp.ClientSession() as session:
        info = await csc_signer.fetch_certs_in_csc_credential(session, session_info)
        assert info.hash_pinning_required and info.max_batch_size == 1
        way = Leave if PAGE else Authorisation
        signer = csc_signer.CSCSigner(session, way(session, session_info, info))
        signed = await signers.async_sign_pdf(
            IncrementalPdfFileWriter(blank()),
            signers.PdfSignatureMetadata(
                field_name="client", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
            ),
            signer=signer,
        )
    context = ValidationContext(trust_roots=[load_cert_from_pemder(ROOT)])
    signature = PdfFileReader(signed).embedded_signatures[0]
    status = await validation.async_validate_pdf_signature(signature, context)
    assert status.bottom_line, status.pretty_print_details()
    print(status.signing_cert.subject.human_friendly)


asyncio.run(main())
