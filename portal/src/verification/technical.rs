//! The technical part of a report, with the names of ETSI EN 319 102-1. Pure.

use serde::Serialize;
use signing::verify::{Integrity, Level, SignatureReport};

/// What there is to say beside the plain words.
pub(super) fn details(signature: &SignatureReport) -> Vec<(String, String)> {
    let mut details = Vec::new();
    let mut add = |label: &str, value: String| details.push((label.to_owned(), value));
    add("Indicazione", key(signature.indication));
    if let Some(sub) = signature.sub_indication {
        add("Sotto-indicazione", key(sub));
    }
    if let Some(why) = &signature.explanation {
        add("Motivo (in inglese)", why.clone());
    }
    if let Some(level) = signature.level {
        add("Livello", format!("{}: {}", key(level), meaning(level)));
    }
    let integrity = match signature.integrity {
        Integrity::Intact => "i byte firmati sono quelli",
        Integrity::Broken => "i byte firmati non sono quelli, o non si può dire",
    };
    add("Integrità", integrity.to_owned());
    add("Firma n. o campo", signature.field.clone());
    if !signature.chain.names.is_empty() {
        add("Catena dei certificati", signature.chain.names.join(" ← "));
    }
    let trusted = match signature.chain.trusted {
        Some(true) => "porta a un'autorità riconosciuta",
        Some(false) => "non porta a un'autorità riconosciuta",
        None => "non verificata",
    };
    add("Fiducia", trusted.to_owned());
    if let Some(signer) = &signature.signer {
        add("Impronta SHA-256 del certificato", signer.certificate.to_string());
        let stated = &signer.qualified;
        let named = [
            (stated.compliance, "QcCompliance"),
            (stated.sscd, "QcSSCD"),
            (stated.esign, "QcType esign"),
            (stated.eseal, "QcType eseal"),
            (stated.web, "QcType web"),
        ];
        let named: Vec<_> = named.iter().filter(|(stated, _)| *stated).map(|(_, n)| *n).collect();
        if !named.is_empty() {
            add("Dichiarazioni QcStatements", named.join(", "));
        }
    }
    for later in &signature.later {
        for what in &later.forbidden {
            add("Modifica non ammessa (in inglese)", what.clone());
        }
    }
    details
}

fn meaning(level: Level) -> &'static str {
    match level {
        Level::BB => "firma semplice, senza marca temporale",
        Level::BT => "con marca temporale",
        Level::BLt => "con marca temporale e prove di validità",
        Level::BLta => "con prove di validità protette da una marca temporale",
    }
}

/// The name that the standard gives it.
fn key(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.as_ref().and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}
