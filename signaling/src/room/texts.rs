//! Texts and names fit to be shown to others. What is invisible could make a sentence or a name look
//! like another one.

use super::ports::Refused;
use crate::protocol::{ErrorCode, MAX_CHAT_CHARS, MAX_NAME_CHARS};

/// Turns the direction of writing, or takes no place: never shown, so never passed on. The joiners
/// stay, which some scripts and pictures need.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// A text that may be shown: not empty, not too long, no control characters but line breaks.
/// Invisible characters, which often come along with what is pasted, are left out.
pub(super) fn plain_text(text: &str) -> Result<String, Refused> {
    let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let text = seen.trim();
    let bad = |why: &str| Err(Refused::new(ErrorCode::BadMessage, why));
    if text.is_empty() {
        return bad("empty text");
    }
    if text.chars().count() > MAX_CHAT_CHARS {
        return bad("text too long");
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return bad("control characters in text");
    }
    Ok(text.to_owned())
}

/// A name as it is shown: one line, nothing that cannot be seen.
pub(super) fn shown_name(text: &str) -> String {
    let hidden = |c: &char| is_invisible(*c) || matches!(c, '\u{200c}' | '\u{200d}');
    let line = text.chars().filter(|c| !hidden(c)).map(|c| if c.is_control() { ' ' } else { c });
    line.collect::<String>().trim().to_owned()
}

/// A name that somebody writes in the room: not empty, not too long.
pub(super) fn name(text: &str) -> Result<String, Refused> {
    let shown = shown_name(text);
    let fits = !shown.is_empty()
        && shown.chars().count() <= MAX_NAME_CHARS
        && !text.trim().chars().any(char::is_control);
    fits.then_some(shown).ok_or_else(|| Refused::new(ErrorCode::BadMessage, "not a name"))
}
