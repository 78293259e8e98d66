//! Archive time stamps of signed files: `archive-time-stamp-v3` with its `ats-hash-index-v3`
//! (ETSI EN 319 122-1 §5.5). Each signature has its own: it covers the document, the signature, and
//! every certificate, answer and unsigned attribute that its index names by digest.

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier as Oid;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::open;
use crate::{
    Digest,
    cms::{
        self, ARCHIVE_TIMESTAMP, ATS_HASH_INDEX, Container, SHA256, SignedData,
        asn1::{Item, OCTET_STRING, SEQUENCE, algorithm, oid, sequence, tlv},
    },
    pades::DocumentError,
    tsa::token::{self, Token},
};

/// More archive time stamps than this of one signature are taken for an attack: renewed every ten
/// years they serve for centuries.
const MAX_STAMPS: usize = 32;
/// Version, signer, digest algorithm, signed attributes, signature algorithm and signature.
const SIGNED_FIELDS: usize = 6;

/// A signed file that waits for its archive time stamps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedArchive {
    #[serde(with = "crate::pdf::base64_bytes")]
    file: Vec<u8>,
    /// DER `ATSHashIndexV3` of each signature.
    #[serde(with = "crate::der_list")]
    indexes: Vec<Vec<u8>>,
    imprints: Vec<Digest>,
}

/// Fixes what the archive time stamps of a signed file cover: everything that is in it now.
///
/// # Errors
/// No signed file of ours.
pub fn prepare_archive(file: Vec<u8>) -> Result<PreparedArchive, DocumentError> {
    let opened = open(&file)?;
    let (mut indexes, mut imprints) = (Vec::new(), Vec::new());
    let content = Digest::of(opened.content);
    if let Some(container) = &opened.container {
        for signer in &container.signers {
            let index = hash_index(container, signer);
            imprints.push(imprint(covered(signer, &content)?, &index));
            indexes.push(index);
        }
    }
    Ok(PreparedArchive { file, indexes, imprints })
}

impl PreparedArchive {
    /// What the authority stamps: one imprint for each signature.
    pub fn to_stamp(&self) -> &[Digest] {
        &self.imprints
    }
}

/// The signed file with its archive time stamps. `tokens`: one for each of
/// [`PreparedArchive::to_stamp`], in that order.
///
/// # Errors
/// Tokens that stamp something else, or too few of them.
pub fn finish_archive(
    prepared: &PreparedArchive,
    tokens: &[Vec<u8>],
) -> Result<Vec<u8>, DocumentError> {
    if tokens.len() != prepared.imprints.len() {
        return Err(DocumentError::Structure("a time stamp for each signature"));
    }
    let opened = open(&prepared.file)?;
    let mut parts = opened.parts();
    let places = opened.signers().zip(tokens).zip(prepared.indexes.iter().zip(&prepared.imprints));
    for ((signer, der), (index, imprint)) in places {
        token::check(der, imprint)?;
        let indexed = cms::token_with_unsigned(der, ATS_HASH_INDEX, index);
        let indexed = indexed.map_err(|_| DocumentError::Structure("a time stamp not in DER"))?;
        parts.extend_signer(signer.raw, ARCHIVE_TIMESTAMP, &indexed)?;
    }
    Ok(parts.write(opened.content))
}

/// DER `ATSHashIndexV3` (§5.5.2) of all that there is now.
fn hash_index(container: &Container<'_>, signer: &SignedData<'_>) -> Vec<u8> {
    let list = |digests: Vec<Digest>| {
        let digests: Vec<_> = digests.iter().map(|digest| tlv(OCTET_STRING, &digest.0)).collect();
        tlv(SEQUENCE, &digests.concat())
    };
    let of = |values: &[&[u8]]| list(values.iter().map(|value| Digest::of(value)).collect());
    sequence(&[
        &sequence(&[&oid(SHA256)]),
        &of(&container.certificates),
        &of(&container.revocation),
        &list(attribute_digests(signer)),
    ])
}

/// Digest of each value of each unsigned attribute (§5.5.2: its type and the value).
pub(crate) fn attribute_digests(signer: &SignedData<'_>) -> Vec<Digest> {
    let attributes = signer.unsigned.iter();
    let values = attributes.flat_map(|one| one.values.iter().map(|value| (one.kind, value)));
    values.map(|(kind, value)| value_digest(kind, value.raw)).collect()
}

/// As which an index names a value of an unsigned attribute.
pub(crate) fn value_digest(kind: Oid, value: &[u8]) -> Digest {
    Digest::of(&[&oid(kind), value].concat())
}

/// The beginning of what every archive time stamp of a signature covers (§5.5.3): its index follows.
fn covered(signer: &SignedData<'_>, content: &Digest) -> Result<Sha256, DocumentError> {
    let fields = Item::only(signer.raw).and_then(|info| info.items(SEQUENCE));
    let fields = fields.map_err(|_| DocumentError::Structure("a signature cannot be read"))?;
    let mut hash = Sha256::new();
    hash.update(oid(signer.content_type));
    hash.update(content.0);
    fields.iter().take(SIGNED_FIELDS).for_each(|field| hash.update(field.raw));
    Ok(hash)
}

fn imprint(covered: Sha256, index: &[u8]) -> Digest {
    Digest(covered.chain_update(index).finalize().into())
}

/// An archive time stamp as it stands in a signature; nothing of it is proven yet.
pub(crate) struct ArchiveStamp<'a> {
    /// The token, DER.
    pub raw: &'a [u8],
    pub token: Token,
    /// What it must stamp.
    pub imprint: Digest,
    /// Digests of the certificates and of the revocation data that it covers.
    pub data: BTreeSet<Digest>,
    /// Digests of the unsigned attributes that it covers.
    pub attributes: BTreeSet<Digest>,
}

/// The archive time stamps of a signature over content with this digest. One of an older kind, or over
/// another digest than SHA-256, proves nothing here: it is passed over.
pub(crate) fn archive_stamps<'a>(
    signer: &SignedData<'a>,
    content: &Digest,
) -> Vec<ArchiveStamp<'a>> {
    let Ok(covered) = covered(signer, content) else { return Vec::new() };
    let values = signer.unsigned_values(ARCHIVE_TIMESTAMP).take(MAX_STAMPS);
    values.filter_map(|value| read(value.raw, &covered)).collect()
}

fn read<'a>(raw: &'a [u8], covered: &Sha256) -> Option<ArchiveStamp<'a>> {
    let token = token::parse(raw).ok()?;
    let cms = SignedData::read(raw).ok()?;
    let index = cms.unsigned_values(ATS_HASH_INDEX).next()?;
    let [kind, certificates, revocation, attributes] = index.items(SEQUENCE).ok()?[..] else {
        return None;
    };
    if algorithm(kind).ok()? != SHA256 || !token.imprint.is_by(SHA256) {
        return None;
    }
    let mut data = digests(certificates)?;
    data.append(&mut digests(revocation)?);
    let imprint = imprint(covered.clone(), index.raw);
    Some(ArchiveStamp { raw, token, imprint, data, attributes: digests(attributes)? })
}

fn digests(list: Item<'_>) -> Option<BTreeSet<Digest>> {
    let digest = |item: Item<'_>| item.expect(OCTET_STRING).ok()?.value.try_into().ok().map(Digest);
    list.items(SEQUENCE).ok()?.into_iter().map(digest).collect()
}
