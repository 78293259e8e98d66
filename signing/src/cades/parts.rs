//! A signed file of ours, taken apart and put together again.

use const_oid::ObjectIdentifier as Oid;

use crate::{
    cms::{self, Container, SignedData},
    pades::{DocumentError, ValidationData},
};

/// A document with the signatures that it has so far.
pub(crate) struct Open<'a> {
    /// The document.
    pub content: &'a [u8],
    /// Who signed it; absent in a file that nobody signed.
    pub container: Option<Container<'a>>,
}

/// Opens a signed file of ours (DER), or a document that nobody signed.
pub(crate) fn open(file: &[u8]) -> Result<Open<'_>, DocumentError> {
    // Neither a PDF nor text begins like a SEQUENCE.
    if file.first() != Some(&0x30) {
        return Ok(Open { content: file, container: None });
    }
    let container = Container::read(file);
    let container = container.map_err(|_| DocumentError::Structure("no signed file"))?;
    let content = container.content.ok_or(DocumentError::Structure("no document inside"))?;
    Ok(Open { content, container: Some(container) })
}

impl<'a> Open<'a> {
    /// Everybody who signed so far.
    pub fn signers(&self) -> impl Iterator<Item = &SignedData<'a>> {
        self.container.iter().flat_map(|container| &container.signers)
    }

    /// What the file is made of, the document apart.
    pub(super) fn parts(&self) -> Parts {
        let mut parts = Parts::default();
        for signer in self.signers() {
            keep(&mut parts.infos, signer.raw.to_vec());
            keep(&mut parts.digests, signer.digest_algorithm);
        }
        if let Some(container) = &self.container {
            parts.certificates = container.certificates.iter().map(|der| der.to_vec()).collect();
            parts.revocation = container.revocation.iter().map(|der| der.to_vec()).collect();
        }
        parts
    }

    /// The signed file with one signature (DER `SignerInfo`) more, made with this digest algorithm, and
    /// the certificates that it needs.
    pub fn with<'b>(
        &self,
        info: &[u8],
        digest: Oid,
        chain: impl Iterator<Item = &'b [u8]>,
    ) -> Vec<u8> {
        let mut parts = self.parts();
        keep(&mut parts.infos, info.to_vec());
        keep(&mut parts.digests, digest);
        chain.for_each(|der| keep(&mut parts.certificates, der.to_vec()));
        parts.write(self.content)
    }
}

/// What a signed file is made of, the document apart; all DER.
#[derive(Default)]
pub(super) struct Parts {
    infos: Vec<Vec<u8>>,
    digests: Vec<Oid>,
    certificates: Vec<Vec<u8>>,
    revocation: Vec<Vec<u8>>,
}

impl Parts {
    /// Adds an unsigned attribute to the signature that stands in the file as `raw`.
    pub fn extend_signer(
        &mut self,
        raw: &[u8],
        kind: Oid,
        value: &[u8],
    ) -> Result<(), DocumentError> {
        let own = self.infos.iter_mut().find(|info| *info == raw);
        let own = own.ok_or(DocumentError::WrongSignature)?;
        let extended = cms::with_unsigned(own, kind, value);
        *own = extended.map_err(|_| DocumentError::Structure("a signature cannot be read"))?;
        Ok(())
    }

    pub fn add_data(&mut self, data: &ValidationData) {
        let certificates = data.certificates.iter().cloned();
        certificates.for_each(|der| keep(&mut self.certificates, der));
        let lists = data.crls.iter().cloned();
        let answers = data.ocsp.iter().map(|response| cms::ocsp_choice(response));
        lists.chain(answers).for_each(|choice| keep(&mut self.revocation, choice));
    }

    pub fn write(self, content: &[u8]) -> Vec<u8> {
        let Self { infos, digests, certificates, revocation } = self;
        cms::signed_data(Some(content), &digests, &certificates, &revocation, infos)
    }
}

fn keep<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}
