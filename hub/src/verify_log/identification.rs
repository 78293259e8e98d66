//! The evidence of a video identification in words.

use std::fmt::Write as _;

use portal::identification::rules::{Contact, Event};
use portal::journal::{self, Entry};
use serde::Deserialize;
use uuid::Uuid;

use super::{shown, verdict};

/// As the portal exports it (`/identificazioni/{id}/evidenze.json`).
#[derive(Deserialize)]
pub(super) struct Evidence {
    identification: Uuid,
    person: Uuid,
    entries: Vec<Entry>,
}

/// The log in words, and whether its chain holds.
pub(super) fn report(log: &Evidence) -> (String, bool) {
    let Evidence { identification, person, entries } = log;
    let mut text = format!("Evidenze della video-identificazione {identification}\n");
    let _ = writeln!(text, "  persona {person}");
    let checked = journal::verify(entries);
    for entry in entries {
        let words = serde_json::from_str(&entry.event)
            .map_or_else(|_| "voce illeggibile".to_owned(), |event| words(&event));
        let _ = writeln!(text, "  {:>4}  {}  {words}", entry.seq, shown(entry.at));
    }
    let holds = checked.is_ok();
    text.push_str(&verdict(entries.len(), checked));
    (text, holds)
}

fn words(event: &Event) -> String {
    use Event as E;
    match event {
        E::Requested { consent_digest, .. } => {
            format!("richiesta, con il consenso (testo {consent_digest})")
        }
        E::Appointed { operator, at } => {
            format!("appuntamento alle {} con l'operatore {}", shown(*at), operator.0)
        }
        E::Taken { operator, .. } => format!("sessione aperta dall'operatore {}", operator.0),
        E::Met => "la persona è nella stanza".to_owned(),
        E::Document { digest } => format!("dati del documento scritti (impronta {digest})"),
        E::CodeSent { contact } => format!("codice inviato: {}", contact_words(*contact)),
        E::CodeWrong { contact, wrong } => {
            format!("codice errato: {}, tentativo {wrong}", contact_words(*contact))
        }
        E::Confirmed { contact } => format!("recapito confermato: {}", contact_words(*contact)),
        E::PutBack { by_time: true } => "di nuovo in coda: tempo scaduto".to_owned(),
        E::PutBack { by_time: false } => "di nuovo in coda: interrotta dall'operatore".to_owned(),
        E::Approved { statements, expires_at } => {
            let stated: Vec<_> = statements.iter().map(|statement| statement.label()).collect();
            format!("IDENTIFICATA, fino al {}: {}", shown(*expires_at), stated.join("; "))
        }
        E::Refused { cause } => format!("NON IDENTIFICATA: {}", cause.label()),
        E::Withdrawn => "la persona ha rinunciato".to_owned(),
        E::Lapsed => "richiesta decaduta".to_owned(),
        E::Erased => "dati del documento cancellati".to_owned(),
    }
}

fn contact_words(contact: Contact) -> &'static str {
    match contact {
        Contact::Mobile => "cellulare",
        Contact::Email => "posta elettronica",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    /// As `evidenze.json` of a short identification; its chain was made by the portal.
    const EVIDENCE: &str = include_str!("../../tests/data/evidenze-identificazione.json");

    fn report(log: &Value) -> (String, bool) {
        super::super::report(log.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn r_meet_32_exported_evidence_holds_and_changed_evidence_does_not() {
        let log: Value = serde_json::from_str(EVIDENCE).unwrap();
        let (text, holds) = report(&log);
        assert!(holds, "{text}");
        for words in ["con il consenso", "recapito confermato: cellulare", "IDENTIFICATA, fino al"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }

        let mut otherwise = log.clone();
        let last = otherwise["entries"].as_array_mut().unwrap().last_mut().unwrap();
        last["event"] = json!(r#"{"event":"refused","cause":"face"}"#);
        let (text, holds) = report(&otherwise);
        assert!(!holds && text.contains("NON IDENTIFICATA: Il volto"), "{text}");

        let mut cut = log;
        cut["entries"].as_array_mut().unwrap().remove(1);
        assert!(!report(&cut).1);
    }
}
