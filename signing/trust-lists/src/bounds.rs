//! What a file may cost before anybody builds a tree of it.

use crate::ListError;

/// The largest lists in use take about three megabytes.
pub(crate) const MAX_BYTES: usize = 8 << 20;
/// Elements within elements; lists in use reach about twenty.
pub(crate) const MAX_DEPTH: u32 = 64;
/// Tags, comments and instructions of one file; the largest lists in use have some tens of thousands.
const MAX_PIECES: usize = 200_000;
/// Attributes and name space declarations of one element.
const MAX_ATTRIBUTES: usize = 32;

/// The file as text, if it declares no document type and stays within the limits. Whether it is XML
/// at all is left to the parser.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, ListError> {
    if bytes.len() > MAX_BYTES {
        return Err(ListError::Limit("size"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ListError::Xml("not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rest, mut pieces, mut depth) = (text, 0_usize, 0_u32);
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let end = if rest.starts_with("<!--") {
            after(rest, "-->")?
        } else if rest.starts_with("<![CDATA[") {
            after(rest, "]]>")?
        } else if rest.starts_with("<?") {
            after(rest, "?>")?
        } else if rest.starts_with("<!") {
            return Err(ListError::DocumentType);
        } else {
            let end = end_of_tag(rest)?;
            let tag = &rest[..end];
            if tag.starts_with("</") {
                depth = depth.saturating_sub(1);
            } else if !tag.ends_with("/>") {
                depth += 1;
            }
            end
        };
        pieces += 1;
        if pieces > MAX_PIECES {
            return Err(ListError::Limit("number of elements"));
        }
        if depth > MAX_DEPTH {
            return Err(ListError::Limit("depth"));
        }
        rest = &rest[end..];
    }
    Ok(text)
}

fn unfinished() -> ListError {
    ListError::Xml("it ends too early".to_owned())
}

fn after(text: &str, end: &str) -> Result<usize, ListError> {
    text.find(end).map(|at| at + end.len()).ok_or_else(unfinished)
}

/// Length of the tag that `text` begins with.
fn end_of_tag(text: &str) -> Result<usize, ListError> {
    let (mut quote, mut attributes) = (None, 0);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                attributes += 1;
                if attributes > MAX_ATTRIBUTES {
                    return Err(ListError::Limit("number of attributes"));
                }
            }
            (None, b'>') => return Ok(at + 1),
            (None, _) => {}
        }
    }
    Err(unfinished())
}
