//! From the form to the data that a template reads.

use serde_json::{Value, json};
use signing::ports::{EvidenceForm, MinutesForm, Sheet, TypesetError};

use crate::world::fonts;

/// What a template finds in `/form.json`.
pub(crate) struct Data(pub(crate) Vec<u8>);

impl Data {
    /// Fields as in [`MinutesForm`]; `text` and `dispute` as paragraphs of lines.
    pub(crate) fn of_minutes(form: &MinutesForm) -> Result<Self, TypesetError> {
        let mut value = serde_json::to_value(form).expect("a form is plain data");
        value["text"] = paragraphs(&form.text);
        value["dispute"] = paragraphs(&form.dispute);
        for (index, annex) in form.annexes.iter().enumerate() {
            value["annexes"][index]["number"] = json!(index + 1);
            value["annexes"][index]["path"] = json!(path_of(index, &annex.name));
        }
        Self::new(value)
    }

    /// Fields as in [`EvidenceForm`]. What the log holds was checked when it was written; a character
    /// that cannot be shown must not keep the log from being read.
    pub(crate) fn of_evidence(form: &EvidenceForm) -> Result<Self, TypesetError> {
        let mut value = serde_json::to_value(form).expect("a form is plain data");
        for line in value["lines"].as_array_mut().into_iter().flatten() {
            let what = line["what"].as_str().unwrap_or_default();
            let shown =
                |c: char| if unprintable(c.encode_utf8(&mut [0; 4])).is_some() { '?' } else { c };
            line["what"] = json!(what.chars().map(shown).collect::<String>());
        }
        Self::new(value)
    }

    /// Fields as in [`Sheet`]; what cannot be printed becomes a question mark.
    pub(crate) fn of_sheet(sheet: &Sheet) -> Result<Self, TypesetError> {
        let mut value = serde_json::to_value(sheet).expect("a sheet is plain data");
        replace_unprintable(&mut value);
        Self::new(value)
    }

    /// `lines`, `width` and `height` in points.
    pub(crate) fn of_appearance(
        lines: &[String],
        width: f32,
        height: f32,
    ) -> Result<Self, TypesetError> {
        Self::new(json!({ "lines": lines, "width": width, "height": height }))
    }

    fn new(mut value: Value) -> Result<Self, TypesetError> {
        clean(&mut value)?;
        Ok(Self(serde_json::to_vec(&value).expect("a JSON value can be written")))
    }
}

/// Where a template finds an annex; the last part is its name in the document.
pub(crate) fn path_of(index: usize, name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || " ._-()".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    format!("/{:02} {}", index + 1, name.replace("..", "-"))
}

/// Paragraphs are separated by empty lines; a browser sends lines with CR LF.
fn paragraphs(text: &str) -> Value {
    let mut paragraphs: Vec<Vec<&str>> = vec![];
    let mut open = false;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            open = false;
        } else if open {
            paragraphs.last_mut().expect("open only after a push").push(line);
        } else {
            paragraphs.push(vec![line]);
            open = true;
        }
    }
    json!(paragraphs)
}

/// Drops what has no place on paper; refuses what the fonts cannot show, because PDF/A knows no
/// missing glyph and a silent gap would change what people sign.
fn clean(value: &mut Value) -> Result<(), TypesetError> {
    match value {
        Value::String(text) => {
            text.retain(|c| !is_invisible(c));
            match unprintable(text) {
                Some(character) => Err(TypesetError::Character(character)),
                None => Ok(()),
            }
        }
        Value::Array(values) => values.iter_mut().try_for_each(clean),
        Value::Object(map) => map.values_mut().try_for_each(clean),
        _ => Ok(()),
    }
}

fn replace_unprintable(value: &mut Value) {
    match value {
        Value::String(text) => {
            while let Some(character) = unprintable(text) {
                *text = text.replace(character, "?");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(replace_unprintable),
        Value::Object(map) => map.values_mut().for_each(replace_unprintable),
        _ => {}
    }
}

/// The first character that the fonts cannot show and that is not dropped.
pub(crate) fn unprintable(text: &str) -> Option<char> {
    text.chars().find(|c| !c.is_whitespace() && !is_invisible(*c) && !fonts().can_show(*c))
}

/// Control characters and marks of direction: with them a text can read otherwise than it is.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || (c.is_control() && c != '\t' && c != '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_end_at_empty_lines_of_any_kind() {
        let cases: &[(&str, Value)] = &[
            ("", json!([])),
            ("uno", json!([["uno"]])),
            ("uno\ndue", json!([["uno", "due"]])),
            ("uno\r\n\r\ndue\r\n", json!([["uno"], ["due"]])),
            ("\n\n  uno\n \t\n\ndue\n", json!([["  uno"], ["due"]])),
        ];
        for (text, expected) in cases {
            assert_eq!(&paragraphs(text), expected, "{text:?}");
        }
    }

    #[test]
    fn marks_that_reorder_a_text_are_dropped() {
        let mut value = json!({ "a": ["1.250\u{202e}€\u{0} \u{200b}però"] });
        clean(&mut value).expect("all can be shown");
        assert_eq!(value, json!({ "a": ["1.250€ però"] }));
    }

    #[test]
    fn a_character_without_glyph_is_named() {
        match clean(&mut json!(["va bene 👍"])) {
            Err(TypesetError::Character('👍')) => {}
            other => panic!("{other:?}"),
        }
    }
}
