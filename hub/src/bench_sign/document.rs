//! The document that is signed: real minutes with fields, and an annex that makes up its size.

use chrono::{DateTime, Utc};
use lopdf::{Dictionary, Document, Object, Stream, StringFormat, dictionary};
use signing::pades::add_signature_fields;
use signing::ports::{FieldPlace, MinutesForm, MinutesSigner, MinutesSubject, Typesetter as _};
use signing_minutes::TypstTypesetter;

use crate::error::HubError;

/// Three people, as in most minutes.
pub const FIELDS: [&str; 3] = ["client", "operator_delegate", "neutral"];
const NAMES: [(&str, &str); 3] = [
    ("Cliente", "Anna Rossi"),
    ("Delegato dell'Operatore", "Luca Bianchi"),
    ("Conciliatrice", "Maria Verdi"),
];
const TIMESTAMP_FIELD: &str = "document_timestamp";

/// What is to be signed.
pub struct Material {
    /// Minutes with an annex, without fields.
    pub bare: Vec<u8>,
    /// Where the fields go.
    pub places: Vec<FieldPlace>,
    /// The minutes with their fields, ready for the first signature.
    pub pdf: Vec<u8>,
    /// What is shown in the first field: a one-page PDF of its size.
    pub appearance: Vec<u8>,
}

impl Material {
    /// Minutes of at least `bytes` bytes.
    pub fn typeset(bytes: usize, at: DateTime<Utc>) -> Result<Self, HubError> {
        let failed = |error: &dyn std::fmt::Display| HubError::Failed(error.to_string());
        let typesetter = TypstTypesetter::shipped();
        let typeset = typesetter.minutes(&form(at)).map_err(|e| failed(&e))?;
        let missing = bytes.saturating_sub(typeset.pdf.len());
        let bare = with_annex(&typeset.pdf, missing).map_err(|e| failed(&e))?;
        let pdf = add_signature_fields(&bare, &typeset.fields, &[TIMESTAMP_FIELD]);
        let pdf = pdf.map_err(|e| failed(&e))?;
        let place = typeset.fields.first().expect("the form has signers");
        let [left, bottom, right, top] = place.rect;
        let lines = ["Anna Rossi".to_owned(), "RSSNNA80A41H501U".to_owned(), at.to_rfc3339()];
        let appearance = typesetter.appearance(&lines, right - left, top - bottom);
        let appearance = appearance.map_err(|e| failed(&e))?;
        Ok(Self { bare, places: typeset.fields, pdf, appearance })
    }

    /// The same minutes with their fields reserved anew.
    pub fn reserve(&self) -> Result<Vec<u8>, signing::pades::DocumentError> {
        add_signature_fields(&self.bare, &self.places, &[TIMESTAMP_FIELD])
    }
}

fn form(at: DateTime<Utc>) -> MinutesForm {
    let people = NAMES.iter().zip(FIELDS);
    let text = "L'operatore riconosce al cliente 1.250,00 euro entro trenta giorni dalla firma e \
                rinuncia a ogni altra pretesa sui consumi ricostruiti.";
    MinutesForm {
        template: "conciliazione/accordo".into(),
        house: String::new(),
        body: "Servizio di conciliazione".into(),
        case_number: "N/2026/000123".into(),
        title: "Verbale di accordo – pratica N/2026/000123".into(),
        meeting_day: "20 novembre 2026".into(),
        meeting_time: "10:00–11:12".into(),
        mode: "Stanza virtuale".into(),
        subjects: NAMES
            .iter()
            .map(|(role, name)| MinutesSubject {
                role: (*role).into(),
                name: (*name).into(),
                fiscal_code: String::new(),
                powers: String::new(),
            })
            .collect(),
        dispute: "Fatturazione di consumi ricostruiti.".into(),
        text: [text; 12].join("\n\n"),
        signers: people
            .map(|((role, name), field)| MinutesSigner {
                field: field.into(),
                role: (*role).into(),
                name: (*name).into(),
            })
            .collect(),
        annexes: Vec::new(),
        mark: String::new(),
        is_preview: false,
        by_hand: false,
        made_at: at,
    }
}

/// An associated file (PDF/A-3) of `bytes` bytes that do not compress, as scans do not.
fn with_annex(pdf: &[u8], bytes: usize) -> Result<Vec<u8>, lopdf::Error> {
    let mut document = Document::load_mem(pdf)?;
    let mut content = vec![0; bytes];
    openssl::rand::rand_bytes(&mut content)
        .map_err(|error| std::io::Error::other(error.to_string()))?;
    let file = Stream::new(
        dictionary! { "Type" => "EmbeddedFile", "Subtype" => "application/pdf" },
        content,
    )
    .with_compression(false);
    let file = document.add_object(file);
    let name = || Object::String(b"allegato-1.pdf".to_vec(), StringFormat::Literal);
    let specification = document.add_object(dictionary! {
        "Type" => "Filespec", "F" => name(), "UF" => name(), "AFRelationship" => "Supplement",
        "EF" => dictionary! { "F" => file },
    });
    let files = dictionary! { "Names" => vec![name(), specification.into()] };
    let catalog: &mut Dictionary = document.catalog_mut()?;
    catalog.set("Names", dictionary! { "EmbeddedFiles" => files });
    catalog.set("AF", vec![specification.into()]);
    let mut out = Vec::new();
    document.save_to(&mut out)?;
    Ok(out)
}
