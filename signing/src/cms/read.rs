//! Reads a `SignedData`: each signer of it, and what is common to them.

use const_oid::ObjectIdentifier as Oid;

use super::{
    Certificate, ID_SIGNED_DATA, OCSP_RESPONSE,
    asn1::{INTEGER, Item, OCTET_STRING, SEQUENCE, SET, algorithm, tlv, unexpected},
};

const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;
const KEY_IDENTIFIER: u8 = 0x80;
/// More certificates than this in one signature are taken for an attack.
const MAX_CERTIFICATES: usize = 64;
/// More signers than this of one content are taken for an attack.
const MAX_SIGNERS: usize = 32;

/// One attribute.
#[derive(Clone, Debug)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: Oid,
    /// Its values.
    pub values: Vec<Item<'a>>,
}

/// A signature as it stands in the bytes.
#[derive(Clone, Debug)]
pub struct SignedData<'a> {
    /// Type of the signed content.
    pub content_type: Oid,
    /// Whether the content is inside (it is not, in a PAdES signature).
    pub has_content: bool,
    /// DER certificates.
    pub certificates: Vec<&'a [u8]>,
    /// Digest algorithm of the signer.
    pub digest_algorithm: Oid,
    /// Signature algorithm.
    pub signature_algorithm: Oid,
    /// The signature value.
    pub signature: &'a [u8],
    /// Signed attributes.
    pub signed: Vec<Attribute<'a>>,
    /// The bytes that the signature covers: the signed attributes as sent, as a `SET OF`.
    pub signed_bytes: Vec<u8>,
    /// Unsigned attributes.
    pub unsigned: Vec<Attribute<'a>>,
    /// The whole `SignerInfo`.
    pub raw: &'a [u8],
    signer: Item<'a>,
}

/// A whole `SignedData`: what was signed, if it is inside, and everybody who signed it.
#[derive(Clone, Debug)]
pub struct Container<'a> {
    /// The signed bytes, when they are inside.
    pub content: Option<&'a [u8]>,
    /// Each signature.
    pub signers: Vec<SignedData<'a>>,
    /// Everything that stands among the certificates, DER.
    pub certificates: Vec<&'a [u8]>,
    /// Everything that stands among the revocation data, DER.
    pub revocation: Vec<&'a [u8]>,
    /// DER revocation lists.
    pub crls: Vec<&'a [u8]>,
    /// DER OCSP responses (RFC 5940 §2.1).
    pub ocsp: Vec<&'a [u8]>,
}

impl<'a> Container<'a> {
    /// Reads the DER `ContentInfo` at the start of `padded`; only zero bytes may follow it, as in
    /// the `/Contents` of a PDF signature.
    ///
    /// # Errors
    /// Not DER, no signer or too many, no signed attributes, or something else after it.
    pub fn read(padded: &'a [u8]) -> der::Result<Self> {
        let (info, padding) = Item::first(padded)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(unexpected());
        }
        let info = info.items(SEQUENCE)?;
        let [kind, content] = info.as_slice() else { return Err(unexpected()) };
        if kind.oid()? != ID_SIGNED_DATA {
            return Err(unexpected());
        }
        let [signed_data] = content.items(CONTEXT_0)?[..] else { return Err(unexpected()) };
        let fields = signed_data.items(SEQUENCE)?;
        let [version, digests, content, rest @ .., signers] = fields.as_slice() else {
            return Err(unexpected());
        };
        one_of(*version, &[1, 3, 4, 5])?; // RFC 5652 §5.1
        let digests =
            digests.items(SET)?.into_iter().map(algorithm).collect::<der::Result<Vec<_>>>()?;
        let content = content.items(SEQUENCE)?;
        let set = |tag: u8| match rest.iter().find(|field| field.tag == tag) {
            Some(set) => set.items(tag),
            None => Ok(Vec::new()),
        };
        let certificates = set(CONTEXT_0)?;
        let signers = signers.items(SET)?;
        if certificates.len() > MAX_CERTIFICATES || !(1..=MAX_SIGNERS).contains(&signers.len()) {
            return Err(unexpected());
        }
        let choices = certificates.iter().map(|item| item.raw).collect();
        let certificates: Vec<_> = certificates
            .iter()
            .filter(|item| item.tag == SEQUENCE) // other choices than a certificate
            .map(|item| item.raw)
            .collect();
        let content_type = content.first().ok_or_else(unexpected)?.oid()?;
        let read = |signer: Item<'a>| {
            let mut read = SignedData::signer(&signer.items(SEQUENCE)?)?;
            if !digests.contains(&read.digest_algorithm) {
                return Err(unexpected());
            }
            read.raw = signer.raw;
            read.content_type = content_type;
            read.has_content = content.len() > 1;
            read.certificates.clone_from(&certificates);
            Ok(read)
        };
        let revocation = set(CONTEXT_1)?;
        Ok(Self {
            signers: signers.into_iter().map(read).collect::<der::Result<_>>()?,
            content: match content.as_slice() {
                [_, inside] => match inside.items(CONTEXT_0)?[..] {
                    [bytes] if bytes.tag == OCTET_STRING => Some(bytes.value),
                    _ => None,
                },
                _ => None,
            },
            certificates: choices,
            revocation: revocation.iter().map(|item| item.raw).collect(),
            crls: revocation
                .iter()
                .filter(|item| item.tag == SEQUENCE)
                .map(|item| item.raw)
                .collect(),
            ocsp: revocation.iter().filter_map(|item| ocsp_response(*item)).collect(),
        })
    }
}

/// The OCSP response in a value among the revocation data, if it is one (RFC 5652 §10.2.1, RFC 5940 §2.1).
pub(crate) fn ocsp_response(item: Item<'_>) -> Option<&[u8]> {
    match item.items(CONTEXT_1).ok()?[..] {
        [kind, response] if kind.oid().ok()? == OCSP_RESPONSE => Some(response.raw),
        _ => None,
    }
}

impl<'a> SignedData<'a> {
    /// Reads a [`Container`] with exactly one signer and one digest algorithm.
    ///
    /// # Errors
    /// As [`Container::read`], or another number of signers.
    pub fn read(padded: &'a [u8]) -> der::Result<Self> {
        let mut signers = Container::read(padded)?.signers;
        match (signers.pop(), signers.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(unexpected()),
        }
    }

    fn signer(fields: &[Item<'a>]) -> der::Result<Self> {
        let [version, signer, digest, signed, signature_algorithm, signature, unsigned @ ..] =
            fields
        else {
            return Err(unexpected());
        };
        one_of(*version, &[1, 3])?; // RFC 5652 §5.3
        Ok(Self {
            content_type: ID_SIGNED_DATA,
            has_content: false,
            certificates: Vec::new(),
            digest_algorithm: algorithm(*digest)?,
            signature_algorithm: algorithm(*signature_algorithm)?,
            signature: signature.expect(OCTET_STRING)?.value,
            signed: attributes(*signed, CONTEXT_0)?,
            signed_bytes: tlv(SET, signed.value),
            unsigned: match unsigned {
                [] => Vec::new(),
                [set] => attributes(*set, CONTEXT_1)?,
                _ => return Err(unexpected()),
            },
            raw: &[],
            signer: *signer,
        })
    }

    /// Whether `certificate` is the one that the signer names.
    pub fn is_signer(&self, certificate: &Certificate) -> bool {
        if self.signer.tag == KEY_IDENTIFIER {
            let id = certificate.x509.subject_key_id();
            return id.is_some_and(|id| id.as_slice() == self.signer.value);
        }
        self.signer.items(SEQUENCE).is_ok_and(|named| {
            matches!(named.as_slice(), [issuer, serial]
                if issuer.raw == certificate.issuer() && serial.raw == certificate.serial())
        })
    }

    /// The single value of the single signed attribute of this type.
    pub fn signed_value(&self, kind: Oid) -> Option<Item<'a>> {
        let mut found = self.signed.iter().filter(|attribute| attribute.kind == kind);
        let attribute = found.next()?;
        match (attribute.values.as_slice(), found.next()) {
            ([value], None) => Some(*value),
            _ => None,
        }
    }

    /// All values of the unsigned attributes of this type.
    pub fn unsigned_values(&self, kind: Oid) -> impl Iterator<Item = Item<'a>> {
        self.unsigned
            .iter()
            .filter(move |attribute| attribute.kind == kind)
            .flat_map(|attribute| attribute.values.iter().copied())
    }
}

fn one_of(number: Item<'_>, allowed: &[u8]) -> der::Result<()> {
    match number.expect(INTEGER)?.value {
        [value] if allowed.contains(value) => Ok(()),
        _ => Err(unexpected()),
    }
}

fn attributes(set: Item<'_>, tag: u8) -> der::Result<Vec<Attribute<'_>>> {
    set.items(tag)?
        .into_iter()
        .map(|attribute| match attribute.items(SEQUENCE)?.as_slice() {
            [kind, values] => Ok(Attribute { kind: kind.oid()?, values: values.items(SET)? }),
            _ => Err(unexpected()),
        })
        .collect()
}
