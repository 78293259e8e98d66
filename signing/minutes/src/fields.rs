//! Finds the signature fields in the laid-out document.

use signing::ports::TypesetError;
use typst::{
    foundations::{Label, Selector, Str, Value},
    introspection::{Introspector as _, MetadataElem, PagedPosition},
    utils::PicoStr,
};
use typst_layout::PagedDocument;

/// Label of the marks in the corners of a field (`base.typ`).
const MARK: &str = "signature-field";

/// Where a field is.
#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    /// Page, from 1.
    pub(crate) page: u32,
    /// Left, bottom, right, top in PDF points.
    pub(crate) rect: [f32; 4],
}

/// Place of the field `name`: between its marks `start` (top left) and `end` (bottom right).
pub(crate) fn find(document: &PagedDocument, name: &str) -> Result<Place, TypesetError> {
    let start = corner(document, name, "start")?;
    let end = corner(document, name, "end")?;
    if start.page != end.page {
        return Err(fault(name, "is broken over two pages"));
    }
    let height = document.pages()[start.page.get() - 1].frame.height();
    // Typst counts from the top of the page, PDF from its bottom.
    let rect = [
        start.point.x.to_pt() as f32,
        (height - end.point.y).to_pt() as f32,
        end.point.x.to_pt() as f32,
        (height - start.point.y).to_pt() as f32,
    ];
    if rect[2] - rect[0] < 1.0 || rect[3] - rect[1] < 1.0 {
        return Err(fault(name, "has no extent"));
    }
    Ok(Place { page: u32::try_from(start.page.get()).expect("few pages"), rect })
}

fn corner(
    document: &PagedDocument,
    name: &str,
    which: &str,
) -> Result<PagedPosition, TypesetError> {
    let mark = Label::new(PicoStr::intern(MARK)).expect("the name is not empty");
    let introspector = document.introspector();
    let mut found = introspector.query(&Selector::Label(mark)).into_iter().filter(|element| {
        element.to_packed::<MetadataElem>().is_some_and(|mark| match &mark.value {
            Value::Dict(dict) => {
                let is = |key: &str, expected: &str| {
                    matches!(dict.get(key), Ok(Value::Str(text)) if *text == Str::from(expected))
                };
                is("field", name) && is("corner", which)
            }
            _ => false,
        })
    });
    let (first, second) = (found.next(), found.next());
    if second.is_some() {
        return Err(fault(name, "is placed twice"));
    }
    first
        .and_then(|element| element.location())
        .and_then(|location| introspector.position(location))
        .ok_or_else(|| fault(name, "is not placed"))
}

fn fault(name: &str, what: &str) -> TypesetError {
    TypesetError::Template(format!("the signature field `{name}` {what}"))
}
