//! Reads a `SignedData` with exactly one signer.

use const_oid::ObjectIdentifier as Oid;

use super::{
    Certificate, ID_SIGNED_DATA,
    asn1::{INTEGER, Item, OCTET_STRING, SEQUENCE, SET, algorithm, tlv, unexpected},
};

const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;
const KEY_IDENTIFIER: u8 = 0x80;
/// More certificates than this in one signature are taken for an attack.
const MAX_CERTIFICATES: usize = 64;

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
    signer: Item<'a>,
}

impl<'a> SignedData<'a> {
    /// Reads the DER `ContentInfo` at the start of `padded`; only zero bytes may follow it, as in
    /// the `/Contents` of a PDF signature.
    ///
    /// # Errors
    /// Not DER, not one signer, no signed attributes, or something else after it.
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
        let digests = digests.items(SET)?;
        let content = content.items(SEQUENCE)?;
        let certificates = match rest.first().filter(|field| field.tag == CONTEXT_0) {
            Some(set) => set.items(CONTEXT_0)?,
            None => Vec::new(),
        };
        if certificates.len() > MAX_CERTIFICATES {
            return Err(unexpected());
        }
        let [signer] = signers.items(SET)?[..] else { return Err(unexpected()) };
        let mut read = Self::signer(&signer.items(SEQUENCE)?)?;
        for digest in digests {
            if algorithm(digest)? != read.digest_algorithm {
                return Err(unexpected());
            }
        }
        read.content_type = content.first().ok_or_else(unexpected)?.oid()?;
        read.has_content = content.len() > 1;
        read.certificates = certificates
            .iter()
            .filter(|item| item.tag == SEQUENCE) // other choices than a certificate
            .map(|item| item.raw)
            .collect();
        Ok(read)
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
