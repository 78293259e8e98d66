//! Moving about in the signed bytes: elements by name space and name.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use openssl::x509::X509;
use roxmltree::{Document, Node, ParsingOptions};

use crate::ListError;

/// Nodes of one tree, text included.
const MAX_NODES: u32 = 600_000;
/// Of a longer text, this many characters are told.
const MAX_TEXT: usize = 300;

/// The tree of `octets`, which a signature covers.
pub(crate) fn parse(octets: &[u8]) -> Result<Document<'_>, ListError> {
    let text = std::str::from_utf8(octets).map_err(|error| ListError::Xml(error.to_string()))?;
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| ListError::Xml(error.to_string()))
}

/// Ways from an element to those within.
pub(crate) trait Within<'a, 'd: 'a> {
    /// The children of this name.
    fn all(self, namespace: &str, name: &str) -> impl Iterator<Item = Node<'a, 'd>>;
    /// The first child of this name.
    fn first(self, namespace: &str, name: &str) -> Option<Node<'a, 'd>>;
    /// The one child of this name.
    fn only(self, namespace: &str, name: &'static str) -> Result<Node<'a, 'd>, ListError>;
    /// The text of the element, without the white space around it.
    fn says(self) -> String;
    /// The moment that it names.
    fn moment(self) -> Result<DateTime<Utc>, ListError>;
}

impl<'a, 'd: 'a> Within<'a, 'd> for Node<'a, 'd> {
    fn all(self, namespace: &str, name: &str) -> impl Iterator<Item = Node<'a, 'd>> {
        self.children().filter(move |child| {
            let tag = child.tag_name();
            child.is_element() && tag.name() == name && tag.namespace() == Some(namespace)
        })
    }

    fn first(self, namespace: &str, name: &str) -> Option<Node<'a, 'd>> {
        self.all(namespace, name).next()
    }

    fn only(self, namespace: &str, name: &'static str) -> Result<Node<'a, 'd>, ListError> {
        let mut all = self.all(namespace, name);
        match (all.next(), all.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(ListError::Shape(name)),
        }
    }

    fn says(self) -> String {
        self.text().unwrap_or_default().trim().chars().take(MAX_TEXT).collect()
    }

    fn moment(self) -> Result<DateTime<Utc>, ListError> {
        let at = DateTime::parse_from_rfc3339(self.text().unwrap_or_default().trim());
        at.map(|at| at.to_utc()).map_err(|_| ListError::Shape("a date"))
    }
}

/// The certificate in an element; those that cannot be read can sign nothing either.
pub(crate) fn certificate(node: Node<'_, '_>) -> Option<X509> {
    let letters: String = node.text()?.split_ascii_whitespace().collect();
    X509::from_der(&STANDARD.decode(letters).ok()?).ok()
}
