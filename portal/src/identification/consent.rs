//! The consent without which nobody is identified by video (R-MEET-31).

use signing::Digest;

/// Rises with every change of the text.
pub const VERSION: &str = "2026-11";
/// Plain text; the first line is the title, paragraphs are separated by empty lines.
pub const TEXT: &str = include_str!("consent.txt");

/// SHA-256 of the text, as the form carries it and the evidence keeps it.
pub fn digest() -> String {
    Digest::of(TEXT.as_bytes()).to_string()
}

/// Paragraphs after the title.
pub fn paragraphs() -> Vec<&'static str> {
    TEXT.split("\n\n").skip(1).map(str::trim).collect()
}

/// The text that stands was ticked, and not an older one.
pub fn given(ticked: &str) -> bool {
    ticked == digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_meet_31_consent_is_to_the_text_that_was_shown() {
        assert!(given(&digest()));
        for other in ["", "si", &Digest::of(b"an older text").to_string()] {
            assert!(!given(other), "{other}");
        }
        assert!(paragraphs().len() >= 3);
    }
}
