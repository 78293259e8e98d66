//! The signature of a list: an enveloped XAdES signature (ETSI TS 119 612 §5.7) and no more of XML
//! signatures than such a one needs.
//!
//! What a caller gets are the bytes that were digested, and those alone: nothing can be read from a
//! list that its signature does not cover, however the file around it is built.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::nodeset::NodeSet;
use openssl::x509::X509;
use uppsala::{Document, NodeId, NodeKind, Parser};

use crate::{
    ListError,
    algorithm::{Algorithm, Sha},
    bounds,
};

pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
pub(crate) const SIGNED_PROPERTIES: &str = "http://uri.etsi.org/01903#SignedProperties";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
/// The document, the signed properties, perhaps the key.
const MAX_REFERENCES: usize = 3;

/// The canonical bytes of the list without its signature, if one of `signers` signed them.
///
/// # Errors
/// [`ListError`] for whatever is not as required.
pub(crate) fn open(file: &[u8], signers: &[X509]) -> Result<Vec<u8>, ListError> {
    let document = parse(bounds::text(file)?)?;
    let seal = Seal::find(&document)?;
    let signer = seal.signer(signers)?;
    seal.check_value(&signer)?;
    seal.check_references(&signer)
}

/// The canonical bytes of a list whose seal nobody checked: what a fuzzer reaches the reader with.
#[cfg(any(test, fuzzing))]
pub(crate) fn octets(text: &str) -> Result<Vec<u8>, ListError> {
    let document = parse(text)?;
    let seal = Seal::find(&document)?;
    let mut set = NodeSet::tree_without_comments(seal.root, seal.document);
    for inside in document.descendants(seal.signature) {
        set.remove_id(inside);
    }
    seal.write(&set, C14nMode::Exclusive, &[])
}

pub(crate) fn parse(text: &str) -> Result<Document<'_>, ListError> {
    let parser = Parser::new().with_forbid_dtd(true).with_max_depth(bounds::MAX_DEPTH);
    parser.parse(text).map_err(|error| ListError::Xml(error.to_string()))
}

pub(crate) struct Seal<'a, 'd> {
    document: &'a Document<'d>,
    root: NodeId,
    signature: NodeId,
    signed_info: NodeId,
}

impl<'a, 'd> Seal<'a, 'd> {
    /// The one signature, a child of the document element.
    pub(crate) fn find(document: &'a Document<'d>) -> Result<Self, ListError> {
        let root =
            document.document_element().ok_or(ListError::Signature("there is no document"))?;
        let [signature] = document.get_elements_by_tag_name_ns(DS, "Signature")[..] else {
            return Err(ListError::Signature("there is not exactly one signature"));
        };
        if document.parent(signature) != Some(root) {
            return Err(ListError::Signature("it is not the list that holds the signature"));
        }
        let signed_info = child(document, signature, DS, "SignedInfo")?;
        Ok(Self { document, root, signature, signed_info })
    }

    /// The canonical bytes that the signature value is made over.
    pub(crate) fn signed_info(&self) -> Result<Vec<u8>, ListError> {
        let method = self.child(self.signed_info, "CanonicalizationMethod")?;
        let set = NodeSet::tree_without_comments(self.signed_info, self.document);
        self.canonical(&set, method)
    }

    /// The canonical bytes of the signed properties.
    pub(crate) fn signed_properties(&self) -> Result<Vec<u8>, ListError> {
        let set = NodeSet::tree_without_comments(self.properties()?, self.document);
        self.write(&set, C14nMode::Exclusive, &[])
    }

    fn properties(&self) -> Result<NodeId, ListError> {
        let object = self.child(self.signature, "Object")?;
        let qualifying = child(self.document, object, XADES, "QualifyingProperties")?;
        child(self.document, qualifying, XADES, "SignedProperties")
    }

    fn child(&self, parent: NodeId, name: &str) -> Result<NodeId, ListError> {
        child(self.document, parent, DS, name)
    }

    fn algorithm(&self, id: NodeId) -> Result<&'a str, ListError> {
        let missing = ListError::Signature("an algorithm is missing");
        self.document.get_attribute(id, "Algorithm").ok_or(missing)
    }

    /// The certificate in the signature that is also among `signers`.
    fn signer(&self, signers: &[X509]) -> Result<X509, ListError> {
        let known: Vec<_> = signers.iter().filter_map(|signer| signer.to_der().ok()).collect();
        let key_info = self.child(self.signature, "KeyInfo")?;
        for data in self.document.child_elements_by_name_ns(key_info, DS, "X509Data") {
            for held in self.document.child_elements_by_name_ns(data, DS, "X509Certificate") {
                let der = base64(&self.document.text_content_deep(held))?;
                if let Some(place) = known.iter().position(|known| *known == der) {
                    return Ok(signers[place].clone());
                }
            }
        }
        Err(ListError::Signer)
    }

    fn check_value(&self, signer: &X509) -> Result<(), ListError> {
        let method = self.algorithm(self.child(self.signed_info, "SignatureMethod")?)?;
        let algorithm = Algorithm::from_uri(method)
            .ok_or_else(|| ListError::Algorithm(method.chars().take(100).collect()))?;
        let value = self.child(self.signature, "SignatureValue")?;
        let value = base64(&self.document.text_content_deep(value))?;
        let key = signer.public_key().map_err(|_| ListError::Value)?;
        let right = algorithm.verify(&key, &self.signed_info()?, &value);
        if right { Ok(()) } else { Err(ListError::Value) }
    }

    /// Every reference leads to the whole list or to a part of the signature itself; gives the bytes
    /// of the list.
    fn check_references(&self, signer: &X509) -> Result<Vec<u8>, ListError> {
        let references = self.document.child_elements_by_name_ns(self.signed_info, DS, "Reference");
        if references.len() > MAX_REFERENCES {
            return Err(ListError::Signature("it refers to too much"));
        }
        let (mut list, mut properties) = (None, false);
        for reference in references {
            let uri = self.document.get_attribute(reference, "URI");
            let uri = uri.ok_or(ListError::Signature("a reference leads nowhere"))?;
            let target = match uri.strip_prefix('#') {
                None if uri.is_empty() => self.root,
                Some(id) => self.by_id(id)?,
                None => return Err(ListError::Signature("a reference leads outside")),
            };
            let octets = if target == self.root {
                self.list(reference)?
            } else {
                properties |= target == self.properties()?;
                if target != self.properties()?
                    && target != self.child(self.signature, "KeyInfo")?
                {
                    return Err(ListError::Signature("a reference leads to a part of the list"));
                }
                self.part(reference, target)?
            };
            self.check_digest(reference, &octets)?;
            if target == self.root && list.replace(octets).is_some() {
                return Err(ListError::Signature("the list is referred to twice"));
            }
        }
        if !properties {
            return Err(ListError::Signature("its properties are not signed"));
        }
        self.check_signing_certificate(signer)?;
        list.ok_or(ListError::Signature("the list as a whole is not signed"))
    }

    /// The list without its signature, as the transforms of this reference leave it.
    fn list(&self, reference: NodeId) -> Result<Vec<u8>, ListError> {
        let mut set = NodeSet::tree_without_comments(self.root, self.document);
        set.remove_id(self.signature);
        for inside in self.document.descendants(self.signature) {
            set.remove_id(inside);
        }
        match self.transforms(reference)?.as_slice() {
            [first] if self.algorithm(*first)? == ENVELOPED => {
                self.write(&set, C14nMode::Inclusive, &[])
            }
            [first, method] if self.algorithm(*first)? == ENVELOPED => {
                self.canonical(&set, *method)
            }
            _ => Err(ListError::Signature("the list is transformed in an unusual way")),
        }
    }

    fn part(&self, reference: NodeId, target: NodeId) -> Result<Vec<u8>, ListError> {
        let set = NodeSet::tree_without_comments(target, self.document);
        match self.transforms(reference)?.as_slice() {
            [] => self.write(&set, C14nMode::Inclusive, &[]),
            [method] => self.canonical(&set, *method),
            _ => Err(ListError::Signature("a part is transformed in an unusual way")),
        }
    }

    fn transforms(&self, reference: NodeId) -> Result<Vec<NodeId>, ListError> {
        let lists = self.document.child_elements_by_name_ns(reference, DS, "Transforms");
        match lists[..] {
            [] => Ok(Vec::new()),
            [list] => Ok(self.elements(list)),
            _ => Err(ListError::Signature("there are two lists of transforms")),
        }
    }

    fn elements(&self, parent: NodeId) -> Vec<NodeId> {
        let children = self.document.children_iter(parent);
        children.filter(|id| self.document.element(*id).is_some()).collect()
    }

    fn canonical(&self, set: &NodeSet, method: NodeId) -> Result<Vec<u8>, ListError> {
        const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
        let uri = self.algorithm(method)?;
        let mode = C14nMode::from_uri(uri).filter(|mode| !mode.with_comments());
        let mode = mode.ok_or(ListError::Signature("it is not brought to a canonical form"))?;
        let parameters = self.elements(method);
        let prefixes: Vec<&str> = match parameters[..] {
            [] => Vec::new(),
            [one]
                if mode.is_exclusive()
                    && self.document.element(one).is_some_and(|element| {
                        element.matches_name_ns(EXCLUSIVE, "InclusiveNamespaces")
                    }) =>
            {
                let list = self.document.get_attribute(one, "PrefixList").unwrap_or_default();
                list.split_ascii_whitespace().collect()
            }
            _ => return Err(ListError::Signature("a canonical form with unknown parameters")),
        };
        self.write(set, mode, &prefixes)
    }

    fn write(
        &self,
        set: &NodeSet,
        mode: C14nMode,
        prefixes: &[&str],
    ) -> Result<Vec<u8>, ListError> {
        canonicalize_doc(self.document, mode, Some(set), prefixes)
            .map_err(|error| ListError::Xml(error.to_string()))
    }

    fn by_id(&self, id: &str) -> Result<NodeId, ListError> {
        let named = |node: &NodeId| match self.document.node_kind(*node) {
            Some(NodeKind::Element(element)) => ["Id", "ID", "id"].iter().any(|name| {
                element
                    .attributes
                    .iter()
                    .any(|attribute| attribute.name.local_name == *name && attribute.value == id)
            }),
            _ => false,
        };
        let all: Vec<_> =
            self.document.descendants(self.document.root()).into_iter().filter(named).collect();
        match all[..] {
            [one] if !id.is_empty() => Ok(one),
            _ => Err(ListError::Signature("a reference does not lead to exactly one element")),
        }
    }

    fn check_digest(&self, parent: NodeId, octets: &[u8]) -> Result<(), ListError> {
        let method = self.algorithm(self.child(parent, "DigestMethod")?)?;
        let sha = Sha::from_uri(method)
            .ok_or_else(|| ListError::Algorithm(method.chars().take(100).collect()))?;
        let claimed = self.child(parent, "DigestValue")?;
        let claimed = base64(&self.document.text_content_deep(claimed))?;
        let right = sha.digest(octets).is_ok_and(|digest| digest == claimed);
        if right { Ok(()) } else { Err(ListError::Altered) }
    }

    /// The signed properties name the certificate (ETSI EN 319 132-1 §5.2.2), and no other.
    fn check_signing_certificate(&self, signer: &X509) -> Result<(), ListError> {
        let der = signer.to_der().map_err(|_| ListError::Signer)?;
        let properties =
            child(self.document, self.properties()?, XADES, "SignedSignatureProperties")?;
        let named = ["SigningCertificateV2", "SigningCertificate"]
            .into_iter()
            .flat_map(|name| self.document.child_elements_by_name_ns(properties, XADES, name));
        let Some(named) = named.into_iter().next() else {
            return Err(ListError::Signature("its properties do not name the certificate"));
        };
        let first = self.document.child_elements_by_name_ns(named, XADES, "Cert");
        let first = first.first().ok_or(ListError::Signature("no certificate is named"))?;
        let digest = child(self.document, *first, XADES, "CertDigest")?;
        let method = self.algorithm(self.child(digest, "DigestMethod")?)?;
        if method != SHA1 {
            return self.check_digest(digest, &der);
        }
        // Many lists in use name their certificate in this old way. It proves nothing, and need not:
        // the certificate is, byte for byte, one that is allowed to sign.
        let claimed = self.child(digest, "DigestValue")?;
        let claimed = base64(&self.document.text_content_deep(claimed))?;
        if claimed == openssl::sha::sha1(&der) { Ok(()) } else { Err(ListError::Altered) }
    }
}

/// The one child element of this name.
fn child(
    document: &Document<'_>,
    parent: NodeId,
    namespace: &str,
    name: &str,
) -> Result<NodeId, ListError> {
    match document.child_elements_by_name_ns(parent, namespace, name)[..] {
        [one] => Ok(one),
        _ => Err(ListError::Signature("a part of it is missing or there twice")),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, ListError> {
    let letters: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(letters).map_err(|_| ListError::Signature("something in it is not base64"))
}
