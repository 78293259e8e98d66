//! The identity document that was shown, as the operator writes it down. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::words::words;

/// Kinds of documents that identify (art. 35 d.P.R. 445/2000).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// Identity card, on paper or electronic.
    IdentityCard,
    /// Passport.
    Passport,
    /// Driving licence.
    DrivingLicence,
}

words!(DocumentKind {
    IdentityCard = "carta_identita", "Carta d'identità";
    Passport = "passaporto", "Passaporto";
    DrivingLicence = "patente", "Patente di guida";
});

/// A document that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityDocument {
    /// Which kind.
    pub kind: DocumentKind,
    /// Number, upper case, letters and digits.
    pub number: String,
    /// First day.
    pub issued_on: NaiveDate,
    /// Last day.
    pub expires_on: NaiveDate,
    /// Who issued it.
    pub issuer: String,
}

impl IdentityDocument {
    /// It was good until yesterday at most.
    pub fn expired(&self, today: NaiveDate) -> bool {
        today > self.expires_on
    }

    /// What the journal keeps: without salt and document it tells nothing.
    pub fn digest(&self, salt: &str) -> String {
        let Self { kind, number, issued_on, expires_on, issuer } = self;
        let text =
            format!("{salt}\n{}\n{number}\n{issued_on}\n{expires_on}\n{issuer}\n", kind.key());
        hex::encode(Sha256::digest(text))
    }
}

/// A document as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DocumentForm {
    /// The word of a [`DocumentKind`].
    pub tipo: String,
    /// Number.
    pub numero: String,
    /// First day.
    pub rilascio: String,
    /// Last day.
    pub scadenza: String,
    /// Who issued it.
    pub ente: String,
}

impl DocumentForm {
    /// As it was written down before.
    pub fn of(document: &IdentityDocument) -> Self {
        Self {
            tipo: document.kind.key().to_owned(),
            numero: document.number.clone(),
            rilascio: document.issued_on.to_string(),
            scadenza: document.expires_on.to_string(),
            ente: document.issuer.clone(),
        }
    }
}

/// What is wrong, beside each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of DocumentForm")]
pub struct Complaints {
    pub kind: Option<&'static str>,
    pub number: Option<&'static str>,
    pub issued_on: Option<&'static str>,
    pub expires_on: Option<&'static str>,
    pub issuer: Option<&'static str>,
}

/// The document that was typed, or what is wrong with it.
pub fn read(form: &DocumentForm, today: NaiveDate) -> Result<IdentityDocument, Complaints> {
    let mut wrong = Complaints::default();
    let kind = form.tipo.parse::<DocumentKind>().ok();
    if kind.is_none() {
        wrong.kind = Some("Scegli il tipo di documento dall'elenco.");
    }
    let number: String =
        form.numero.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    if !(5..=20).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_alphanumeric()) {
        wrong.number = Some("Scrivi il numero come sul documento: da 5 a 20 lettere e cifre.");
    }
    let issued_on = form.rilascio.parse::<NaiveDate>().ok();
    wrong.issued_on = match issued_on {
        None => Some("Scegli la data di rilascio."),
        Some(day) if day > today => Some("La data di rilascio è nel futuro."),
        Some(_) => None,
    };
    let expires_on = form.scadenza.parse::<NaiveDate>().ok();
    wrong.expires_on = match (expires_on, issued_on) {
        (None, _) => Some("Scegli la data di scadenza."),
        (Some(end), _) if today > end => {
            Some("Il documento è scaduto: chiedine un altro oppure interrompi la sessione.")
        }
        (Some(end), Some(begin)) if end <= begin => Some("La scadenza deve seguire il rilascio."),
        _ => None,
    };
    let issuer = form.ente.trim();
    if issuer.is_empty() || issuer.chars().count() > 80 || issuer.contains(char::is_control) {
        wrong.issuer = Some("Scrivi chi ha rilasciato il documento, al massimo 80 caratteri.");
    }
    match (kind, issued_on, expires_on) {
        (Some(kind), Some(issued_on), Some(expires_on)) if wrong == Complaints::default() => {
            Ok(IdentityDocument { kind, number, issued_on, expires_on, issuer: issuer.to_owned() })
        }
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> DocumentForm {
        DocumentForm {
            tipo: "carta_identita".to_owned(),
            numero: "ca 12345 ab".to_owned(),
            rilascio: "2020-05-04".to_owned(),
            scadenza: "2030-05-04".to_owned(),
            ente: " Comune di Roma ".to_owned(),
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn r_meet_31_what_an_operator_may_write_down() {
        let today = day("2026-12-01");
        let read_back = read(&form(), today).unwrap();
        assert_eq!(read_back.number, "CA12345AB");
        assert_eq!(read_back.issuer, "Comune di Roma");
        type Change = fn(&mut DocumentForm);
        type Complaint = fn(&Complaints) -> bool;
        let wrong: [(Change, Complaint); 9] = [
            (|f| f.tipo = "tessera".into(), |w| w.kind.is_some()),
            (|f| f.numero = "12".into(), |w| w.number.is_some()),
            (|f| f.numero = "CA-12345".into(), |w| w.number.is_some()),
            (|f| f.rilascio = "ieri".into(), |w| w.issued_on.is_some()),
            (|f| f.rilascio = "2026-12-02".into(), |w| w.issued_on.is_some()),
            (|f| f.scadenza = "2026-11-30".into(), |w| w.expires_on.is_some()),
            (|f| f.scadenza = String::new(), |w| w.expires_on.is_some()),
            (
                |f| (f.rilascio, f.scadenza) = ("2026-12-01".into(), "2026-12-01".into()),
                |w| w.expires_on.is_some(),
            ),
            (|f| f.ente = "\n".into(), |w| w.issuer.is_some()),
        ];
        for (n, (change, complains)) in wrong.into_iter().enumerate() {
            let mut form = form();
            change(&mut form);
            assert!(complains(&read(&form, today).unwrap_err()), "{n}");
        }
    }

    #[test]
    fn a_document_is_good_on_its_last_day() {
        let document = read(&form(), day("2030-05-04")).unwrap();
        assert!(!document.expired(day("2030-05-04")) && document.expired(day("2030-05-05")));
    }

    #[test]
    fn the_digest_needs_the_salt() {
        let document = read(&form(), day("2026-12-01")).unwrap();
        assert_ne!(document.digest("a"), document.digest("b"));
        let other = IdentityDocument { number: "CA12345AC".into(), ..document.clone() };
        assert_ne!(document.digest("a"), other.digest("a"));
    }
}
