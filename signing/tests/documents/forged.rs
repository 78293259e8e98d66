//! Signature containers that no signing program makes, in the place of a good one.

use const_oid::ObjectIdentifier as Oid;
use openssl::hash::MessageDigest;
use signing::{
    cms::{
        CONTENT_TYPE, Certificate, ID_DATA, ID_SIGNED_DATA, MESSAGE_DIGEST, SHA256,
        SIGNATURE_TIMESTAMP, SIGNING_CERTIFICATE_V2,
        asn1::{OCTET_STRING, SET, oid, sequence, set_of, tlv},
    },
    pades::finish,
};

use crate::{
    authority::{Authority, Identity},
    process::prepared,
    sample::{FIELDS, Layout, with_fields},
};

const ECDSA_WITH_SHA256: Oid = Oid::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA1: Oid = Oid::new_unwrap("1.2.840.10045.4.1");
const SHA1: Oid = Oid::new_unwrap("1.3.14.3.2.26");

/// What makes a time stamp token for a raw signature.
pub type Token = fn(&Authority, &[u8]) -> Vec<u8>;

/// How a container is built.
#[derive(Default)]
pub struct Forgery {
    /// Digest and signature with SHA-1.
    pub weak: bool,
    /// The signed attributes name no certificate.
    pub anonymous: bool,
    /// Content that travels inside.
    pub content: Option<(Oid, Vec<u8>)>,
    /// The signer's information twice.
    pub twice: bool,
    /// A time stamp token that may be any.
    pub token: Option<Token>,
    /// The whole container once more inside another.
    pub wrapped: bool,
}

/// Signs `digest` of the document as `forgery` says.
fn container(forgery: &Forgery, authority: &Authority, who: &Identity, covered: &[u8]) -> Vec<u8> {
    let attribute = |kind: Oid, value: &[u8]| sequence(&[&oid(kind), &tlv(SET, value)]);
    let (digest_oid, signature_oid, method, digest) = if forgery.weak {
        let digest = openssl::sha::sha1(covered).to_vec();
        (SHA1, ECDSA_WITH_SHA1, MessageDigest::sha1(), digest)
    } else {
        let digest = openssl::sha::sha256(covered).to_vec();
        (SHA256, ECDSA_WITH_SHA256, MessageDigest::sha256(), digest)
    };
    let kind = forgery.content.as_ref().map_or(ID_DATA, |(kind, _)| *kind);
    let mut values = vec![
        attribute(CONTENT_TYPE, &oid(kind)),
        attribute(MESSAGE_DIGEST, &tlv(OCTET_STRING, &digest)),
    ];
    if !forgery.anonymous {
        let hash = tlv(OCTET_STRING, &openssl::sha::sha256(&who.der()));
        let id = sequence(&[&sequence(&[&sequence(&[&hash])])]);
        values.push(attribute(SIGNING_CERTIFICATE_V2, &id));
    }
    let mut attributes = set_of(SET, values);
    let signature = who.sign_with(method, &attributes);
    attributes[0] = 0xa0;
    let certificate = Certificate::from_der(&who.der()).unwrap();
    let token = forgery.token.map(|token| token(authority, &signature));
    let unsigned =
        token.map_or_else(Vec::new, |token| tlv(0xa1, &attribute(SIGNATURE_TIMESTAMP, &token)));
    let algorithm = sequence(&[&oid(digest_oid)]);
    let signer = sequence(&[
        &[2, 1, 1],
        &sequence(&[certificate.issuer(), certificate.serial()]),
        &algorithm,
        &attributes,
        &sequence(&[&oid(signature_oid)]),
        &tlv(OCTET_STRING, &signature),
        &unsigned,
    ]);
    let inside = forgery
        .content
        .as_ref()
        .map_or_else(Vec::new, |(_, content)| tlv(0xa0, &tlv(OCTET_STRING, content)));
    let signers = if forgery.twice { [&signer[..], &signer].concat() } else { signer };
    let data = sequence(&[
        &[2, 1, 1],
        &tlv(SET, &algorithm),
        &sequence(&[&oid(kind), &inside]),
        &set_of(0xa0, vec![who.der(), authority.ca.der()]),
        &tlv(SET, &signers),
    ]);
    let info = sequence(&[&oid(ID_SIGNED_DATA), &tlv(0xa0, &data)]);
    if forgery.wrapped { sequence(&[&oid(ID_SIGNED_DATA), &tlv(0xa0, &info)]) } else { info }
}

/// A document whose only signature is the forgery of `who`.
pub fn document(forgery: &Forgery, authority: &Authority, who: &Identity) -> Vec<u8> {
    let honest = authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U");
    let prepared = prepared(authority, &with_fields(Layout::Table), FIELDS[0], &honest);
    let raw = honest.sign_digest(&prepared.to_sign());
    let pdf = finish(prepared, &raw, None).unwrap();
    in_place(&pdf, |covered| container(forgery, authority, who, covered))
}

/// Puts another container over the same bytes into the last signature.
pub fn in_place(pdf: &[u8], container: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let [_, start, end, rest] = crate::tampering::ranges(pdf);
    let covered = [&pdf[..start], &pdf[end..end + rest]].concat();
    let mut written = hex::encode(container(&covered)).into_bytes();
    written.resize(end - start - 2, b'0');
    let mut pdf = pdf.to_vec();
    pdf[start + 1..end - 1].copy_from_slice(&written);
    pdf
}
