//! The evidence log as people read it: one sentence for each event, and the form that the typesetter
//! takes (R-SIGN-38).

use std::collections::BTreeMap;

use chrono_tz::Europe::Rome;
use signing::evidence::EvidenceLog;
use signing::ports::{EvidenceForm, EvidenceLine};
use signing::process::{Event, Format, Method};
use uuid::Uuid;

use super::store::SignerRow;

/// The form of a log. `signers` name the fields, `people` who did something.
pub fn form(
    log: &EvidenceLog,
    body: &str,
    signers: &[SignerRow],
    people: &BTreeMap<Uuid, String>,
) -> EvidenceForm {
    let names: BTreeMap<&str, String> = signers
        .iter()
        .map(|one| (one.field.as_str(), format!("{} ({})", one.name, one.role)))
        .collect();
    let lines = log.entries.iter().map(|entry| EvidenceLine {
        seq: entry.seq,
        at: entry.recorded.at.with_timezone(&Rome).format("%d/%m/%Y %H:%M:%S %Z").to_string(),
        what: words(&entry.recorded.event, &names),
        who: entry.actor.and_then(|actor| people.get(&actor).cloned()).unwrap_or_default(),
        address: entry.address.map(|address| address.to_string()).unwrap_or_default(),
        document: entry.document.to_string(),
        hash: entry.hash.to_string(),
    });
    EvidenceForm {
        title: format!("Registro delle evidenze – {}", log.title),
        body: body.to_owned(),
        process: log.process.0.to_string(),
        document: log.entries.last().map(|last| last.document.to_string()).unwrap_or_default(),
        lines: lines.collect(),
        log: log.to_json(),
        made_at: log.entries.last().map(|last| last.recorded.at).unwrap_or_default(),
    }
}

/// One event in words.
fn words(event: &Event, names: &BTreeMap<&str, String>) -> String {
    let name = |field: &str| names.get(field).cloned().unwrap_or_else(|| field.to_owned());
    match event {
        Event::Frozen { plan } => {
            let count = plan.groups.iter().flatten().count();
            let place = match plan.format {
                Format::Pades => "",
                Format::Cades => " in un file a parte (CAdES)",
            };
            match &plan.on_paper {
                None => format!("Documento congelato, con {count} firme da raccogliere{place}"),
                Some(reason) => format!(
                    "Documento congelato per la stampa, con {count} firme a mano da raccogliere. \
                     Motivo: {reason}"
                ),
            }
        }
        Event::Sent => "Documento inviato ai firmatari".to_owned(),
        Event::Opened { field } => format!("{}: documento aperto", name(field)),
        Event::Identified { field, identification } => {
            let how = match identification.method {
                Method::Spid => "SPID",
                Method::Cie => "CIE",
                Method::Video => "identificazione video",
            };
            let at = identification.at.with_timezone(&Rome).format("%d/%m/%Y %H:%M");
            format!("{}: identificato con {how} il {at}", name(field))
        }
        Event::ConditionsAccepted { field, versions } => {
            let texts: Vec<String> =
                versions.iter().map(|one| format!("{} {}", one.document, one.version)).collect();
            format!("{}: condizioni accettate ({})", name(field), texts.join(", "))
        }
        Event::ContactsConfirmed { field } => format!("{}: recapiti confermati", name(field)),
        Event::CertificateIssued { field, certificate, .. } => {
            format!("{}: certificato emesso, impronta {certificate}", name(field))
        }
        Event::LeaveAsked { field, digest } => format!(
            "{}: inviato al sito del prestatore per autorizzare la firma dell'impronta {digest}",
            name(field)
        ),
        Event::LeaveRefused { field, reason } => {
            format!("{}: firma non autorizzata presso il prestatore ({reason})", name(field))
        }
        Event::OtpSent { field } => format!("{}: codice di firma inviato", name(field)),
        Event::LeaseTaken { field, .. } => {
            format!("{}: codice inserito, firma avviata", name(field))
        }
        Event::OtpWrong { field, .. } => format!("{}: codice errato", name(field)),
        Event::AttemptFailed { field, .. } => {
            format!("{}: tentativo di firma non riuscito", name(field))
        }
        Event::CredentialDropped { field, .. } => {
            format!("{}: certificato non più utilizzabile", name(field))
        }
        Event::Signed { field, .. } => format!("{}: firma apposta e verificata", name(field)),
        Event::SignedElsewhere { field, certificate, file, .. } => format!(
            "{}: firma con dispositivo proprio ricevuta e verificata, certificato {certificate}{}",
            name(field),
            file.map(|file| format!(", file ricevuto {file}")).unwrap_or_default()
        ),
        Event::SignedOnPaper { scan } => {
            format!("Ricevuta la scansione del documento firmato a mano da tutti, impronta {scan}")
        }
        Event::SignaturesChecked { field, signatures, .. } => {
            format!("{}: verificate le {signatures} firme presenti", name(field))
        }
        Event::Reminded { field } => format!("{}: sollecito inviato", name(field)),
        Event::Refused { field, reason } => {
            format!("{}: firma rifiutata. Motivo: {reason}", name(field))
        }
        Event::Replaced { field, .. } => format!("{}: firmatario sostituito", name(field)),
        Event::Completed { .. } => "Tutte le firme sono apposte".to_owned(),
        Event::Preserved { .. } => {
            "Documento completato con stato dei certificati e marca temporale d'archivio".to_owned()
        }
        Event::Cancelled { .. } => "Raccolta annullata: le firme apposte non valgono".to_owned(),
        Event::Expired => "Termine scaduto".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use signing::Digest;
    use signing::evidence::Entry;
    use signing::process::{ProcessId, Recorded};

    use super::*;

    #[test]
    fn r_sign_38_the_log_names_people_and_says_what_they_did() {
        let actor = Uuid::from_u128(7);
        let signer = SignerRow {
            field: "client".to_owned(),
            person: actor,
            role: "Cliente".to_owned(),
            name: "Anna Rossi".to_owned(),
            width: 1.0,
            height: 1.0,
            step: "opened".to_owned(),
            signed_at: None,
        };
        let refused = Event::Refused { field: "client".to_owned(), reason: "importo".to_owned() };
        let log = EvidenceLog {
            process: ProcessId(Uuid::nil()),
            title: "Verbale".to_owned(),
            entries: [(1, Event::Opened { field: "client".to_owned() }), (2, refused)]
                .map(|(seq, event)| Entry {
                    seq,
                    recorded: Recorded { v: 1, at: DateTime::UNIX_EPOCH, event },
                    actor: Some(actor),
                    address: Some([192, 0, 2, 7].into()),
                    document: Digest::of(b"x"),
                    hash: Digest::of(b"y"),
                })
                .into(),
        };
        let people = BTreeMap::from([(actor, "Anna Rossi".to_owned())]);
        let form = form(&log, "Servizio", &[signer], &people);
        let what: Vec<&str> = form.lines.iter().map(|line| line.what.as_str()).collect();
        assert_eq!(
            what,
            [
                "Anna Rossi (Cliente): documento aperto",
                "Anna Rossi (Cliente): firma rifiutata. Motivo: importo"
            ]
        );
        assert_eq!(
            (form.lines[0].who.as_str(), form.lines[0].address.as_str()),
            ("Anna Rossi", "192.0.2.7")
        );
        assert!(form.log.contains("accordo-evidence"));
    }
}
