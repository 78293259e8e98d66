//! What a signer accepts before a certificate is issued (R-SIGN-09, R-SIGN-20). Each text is shown
//! as it stands here; the evidence log keeps its version and its hash.

use signing::{Digest, process::AcceptedVersion};

/// One text of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its word in forms, addresses and the evidence log.
    pub key: &'static str,
    /// Title as people read it.
    pub title: &'static str,
    /// Rises with every change of the text.
    pub version: &'static str,
    /// Plain text; the first line is the title, paragraphs are separated by empty lines.
    pub text: &'static str,
}

/// All texts in force; every one is mandatory.
pub const IN_FORCE: [Condition; 3] = [
    Condition {
        key: "privacy",
        title: "Informativa sul trattamento dei dati personali",
        version: "2026-11",
        text: include_str!("conditions/privacy.txt"),
    },
    Condition {
        key: "general",
        title: "Condizioni generali del servizio di firma",
        version: "2026-11",
        text: include_str!("conditions/general.txt"),
    },
    Condition {
        key: "certificate",
        title: "Contratto per il certificato di firma",
        version: "2026-11",
        text: include_str!("conditions/certificate.txt"),
    },
];

impl Condition {
    /// SHA-256 of the text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// As the evidence log keeps it.
    pub fn accepted(&self) -> AcceptedVersion {
        AcceptedVersion {
            document: self.key.to_owned(),
            version: self.version.to_owned(),
            digest: self.digest(),
        }
    }

    /// Paragraphs after the title.
    pub fn paragraphs(&self) -> impl Iterator<Item = &'static str> {
        self.text.split("\n\n").skip(1).map(str::trim)
    }
}

/// The text named `key`.
pub fn find(key: &str) -> Option<&'static Condition> {
    IN_FORCE.iter().find(|condition| condition.key == key)
}

/// The versions accepted by a form that ticked `ticked` and showed texts with these digests, or the
/// keys that are missing (R-SIGN-09). A text that changed since the page was made was not accepted.
pub fn accepted(ticked: &[(String, String)]) -> Result<Vec<AcceptedVersion>, Vec<&'static str>> {
    let missing: Vec<&'static str> = IN_FORCE
        .iter()
        .filter(|condition| {
            let digest = condition.digest().to_string();
            !ticked.iter().any(|(key, seen)| key == condition.key && *seen == digest)
        })
        .map(|condition| condition.key)
        .collect();
    if missing.is_empty() {
        Ok(IN_FORCE.iter().map(Condition::accepted).collect())
    } else {
        Err(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(keys: &[&str]) -> Vec<(String, String)> {
        let tick = |key: &&str| {
            let condition = find(key).unwrap();
            (condition.key.to_owned(), condition.digest().to_string())
        };
        keys.iter().map(tick).collect()
    }

    #[test]
    fn r_sign_09_every_box_must_be_ticked() {
        assert_eq!(accepted(&ticks(&["privacy", "general", "certificate"])).unwrap().len(), 3);
        assert_eq!(accepted(&ticks(&["privacy"])), Err(vec!["general", "certificate"]));
        assert_eq!(accepted(&[]).unwrap_err().len(), 3);
    }

    #[test]
    fn r_sign_20_a_text_that_changed_since_is_not_accepted() {
        let mut ticked = ticks(&["privacy", "general", "certificate"]);
        ticked[1].1 = Digest::of(b"an older text").to_string();
        assert_eq!(accepted(&ticked), Err(vec!["general"]));
    }

    #[test]
    fn every_text_begins_with_a_title_and_has_paragraphs() {
        for condition in IN_FORCE {
            assert!(condition.paragraphs().count() >= 2, "{}", condition.key);
        }
    }
}
