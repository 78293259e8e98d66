//! The report for people, in Italian or English.

use chrono::{DateTime, Utc};

use super::{
    listed::{Edition, TrustSource},
    qualification::Qualification,
    report::{
        Indication, Integrity, Kind, LaterRevision, Report, Revocation, SignatureReport,
        SubIndication,
    },
};

/// Language of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Italian.
    Italian,
    /// English.
    English,
}

/// The report as lines of text. Times are UTC; technical reasons stay in English.
pub fn text(report: &Report, language: Language) -> String {
    let say = Say(language);
    let mut lines = vec![
        format!("{}: {}", say.of("Documento (SHA-256)", "Document (SHA-256)"), report.document),
        format!("{}: {}", say.of("Verificato il", "Checked at"), time(report.checked_at)),
    ];
    if !report.trust_given {
        let none = "Nessuna radice indicata: le catene dei certificati non sono state verificate";
        lines.push(say.of(none, "No trust anchors given: chains were not checked").to_owned());
    }
    if let Some(content) = &report.content {
        let place = if content.inside {
            say.of("Documento contenuto (SHA-256)", "Document inside (SHA-256)")
        } else {
            say.of("Documento a parte (SHA-256)", "Document beside it (SHA-256)")
        };
        lines.push(format!("{place}: {}", content.digest));
    }
    for problem in &report.problems {
        lines.push(format!("{}: {problem}", say.of("Problema", "Problem")));
    }
    for signature in &report.signatures {
        lines.push(String::new());
        say.signature(signature, &mut lines);
    }
    lines.push(String::new());
    if !report.open_fields.is_empty() {
        let open = say.of("Campi firma ancora vuoti", "Signature fields still empty");
        lines.push(format!("{open}: {}", report.open_fields.join(", ")));
    }
    lines.push(say.verdict(report).to_owned());
    let mut whole = lines.join("\n") + "\n";
    if let Some(inside) = report.content.as_ref().and_then(|content| content.report.as_ref()) {
        whole += &format!("\n{}\n", say.of("Dentro il file firmato:", "Inside the signed file:"));
        whole += &text(inside, language);
    }
    whole
}

struct Say(Language);

impl Say {
    fn of(&self, italian: &'static str, english: &'static str) -> &'static str {
        match self.0 {
            Language::Italian => italian,
            Language::English => english,
        }
    }

    fn verdict(&self, report: &Report) -> &'static str {
        let signed = report.signatures.iter().any(|signature| signature.kind == Kind::Signature);
        if report.accepted() {
            self.of("ESITO: documento accettato", "VERDICT: accepted")
        } else if report.problems.is_empty() && !signed {
            self.of("ESITO: documento senza firme", "VERDICT: no signature in the document")
        } else {
            self.of("ESITO: documento respinto", "VERDICT: refused")
        }
    }

    fn signature(&self, signature: &SignatureReport, lines: &mut Vec<String>) {
        let kind = match signature.kind {
            Kind::Signature => self.of("Firma", "Signature"),
            Kind::DocumentTimestamp => {
                self.of("Marca temporale del documento", "Document time stamp")
            }
            Kind::ArchiveTimestamp => self.of("Marca d'archivio", "Archive time stamp"),
        };
        lines.push(format!("{kind} «{}»: {}", signature.field, self.result(signature)));
        let mut line = |label: &str, value: String| lines.push(format!("  {label}: {value}"));
        if let Some(signer) = &signature.signer {
            let code = signer.fiscal_code.as_ref().map(|code| format!(" ({code})"));
            let name = format!("{}{}", signer.name, code.unwrap_or_default());
            line(self.of("Firmatario", "Signer"), name);
            line(self.of("Certificato di", "Certificate by"), signer.issuer.clone());
            let qualified = signer.qualified.compliance;
            let stated = match (qualified, signer.qualified.sscd) {
                (true, true) => {
                    self.of("qualificato, dispositivo sicuro", "qualified, secure device")
                }
                (true, false) => self.of("qualificato", "qualified"),
                (false, _) => self.of("non qualificato", "not qualified"),
            };
            line(self.of("Dichiarato", "Stated to be"), stated.to_owned());
        }
        if let Some(claimed) = signature.claimed_time {
            line(self.of("Ora dichiarata", "Claimed time"), time(claimed));
        }
        if let Some(stamp) = &signature.timestamp {
            let value = format!("{} – {}", time(stamp.time), stamp.authority);
            line(self.of("Marca temporale", "Time stamp"), value);
        }
        if let Some(level) = signature.level {
            let level = serde_json::to_value(level).ok();
            let level = level.as_ref().and_then(|level| level.as_str()).unwrap_or_default();
            line(self.of("Livello", "Level"), level.to_owned());
        }
        let integrity = match signature.integrity {
            Integrity::Intact => self.of("integra", "intact"),
            Integrity::Broken => self.of("NON integra", "BROKEN"),
        };
        line(self.of("Integrità", "Integrity"), integrity.to_owned());
        line(self.of("Catena", "Chain"), self.chain(signature));
        if let Some(source) = &signature.chain.source {
            line(self.of("Elenco di fiducia", "Trusted list"), self.source(source));
        }
        let stamp = signature.timestamp.as_ref().and_then(|stamp| stamp.source.as_ref());
        if let (Some(source), Kind::Signature) = (stamp, signature.kind) {
            let label = self.of("Elenco della marca", "Time stamp's list");
            line(label, self.source(source));
        }
        if let Some(qualification) = signature.qualification {
            let value = self.qualification(qualification).to_owned();
            line(self.of("Secondo l'elenco", "By the trusted list"), value);
        }
        for later in &signature.later {
            line(self.of("Dopo", "Afterwards"), self.later(later));
        }
    }

    fn result(&self, signature: &SignatureReport) -> String {
        let name = |value: serde_json::Result<serde_json::Value>| {
            let value = value.ok();
            value.as_ref().and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        let indication = name(serde_json::to_value(signature.indication));
        if signature.indication == Indication::TotalPassed {
            return indication;
        }
        let sub = signature.sub_indication.map(|sub| name(serde_json::to_value(sub)));
        let why = match signature.sub_indication {
            Some(SubIndication::FormatFailure) if signature.modified_after => {
                self.of("modificato dopo la firma", "modified after signature").to_owned()
            }
            _ => signature.explanation.clone().unwrap_or_default(),
        };
        format!("{indication} ({}) – {why}", sub.unwrap_or_default())
    }

    fn chain(&self, signature: &SignatureReport) -> String {
        let trusted = match signature.chain.trusted {
            Some(true) => self.of("attendibile", "trusted"),
            Some(false) => self.of("NON attendibile", "NOT trusted"),
            None => self.of("non verificata", "not checked"),
        };
        let revocation = match signature.chain.revocation {
            Revocation::Unknown => String::new(),
            Revocation::Good { at } => {
                format!("; {} {}", self.of("non revocato al", "not revoked as of"), time(at))
            }
            Revocation::Revoked { since } => {
                format!("; {} {}", self.of("REVOCATO dal", "REVOKED since"), time(since))
            }
        };
        format!("{trusted} ({}){revocation}", signature.chain.names.join(" ← "))
    }

    fn source(&self, source: &TrustSource) -> String {
        let Edition { territory, sequence, issued, next_update } = &source.edition;
        let standing = match (&source.status, source.since) {
            (Some(status), Some(since)) => {
                format!("{status} {} {}", self.of("dal", "since"), time(since))
            }
            _ => self.of("non ancora in elenco", "not yet listed").to_owned(),
        };
        let due = match next_update {
            Some(due) if source.expired => {
                format!("; {} {}", self.of("SCADUTO il", "EXPIRED on"), time(*due))
            }
            _ => String::new(),
        };
        format!(
            "{territory} n. {sequence} ({}){due} – {} – {} – {standing}",
            time(*issued),
            source.provider,
            source.service,
        )
    }

    fn qualification(&self, qualification: Qualification) -> &'static str {
        match qualification {
            Qualification::QualifiedSignature => {
                self.of("firma qualificata (QESig)", "qualified signature (QESig)")
            }
            Qualification::QualifiedSeal => {
                self.of("sigillo qualificato (QESeal)", "qualified seal (QESeal)")
            }
            Qualification::SignatureWithCertificate => self.of(
                "firma avanzata con certificato qualificato (AdESig-QC)",
                "advanced signature with a qualified certificate (AdESig-QC)",
            ),
            Qualification::SealWithCertificate => self.of(
                "sigillo avanzato con certificato qualificato (AdESeal-QC)",
                "advanced seal with a qualified certificate (AdESeal-QC)",
            ),
            Qualification::Advanced => self.of(
                "né firma né sigillo con certificato qualificato (AdES)",
                "neither a signature nor a seal with a qualified certificate (AdES)",
            ),
            Qualification::Open => self.of(
                "non si può dire: l'elenco si contraddice o non è compreso (Indeterminate)",
                "open: the list contradicts itself or is not understood (Indeterminate)",
            ),
        }
    }

    fn later(&self, later: &LaterRevision) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (field, kind) in &later.filled {
            let what = match kind {
                Kind::Signature => self.of("firma", "signature"),
                Kind::DocumentTimestamp | Kind::ArchiveTimestamp => {
                    self.of("marca del documento", "document time stamp")
                }
            };
            parts.push(format!("{what} «{field}»"));
        }
        if later.validation_data {
            parts.push(self.of("dati di validazione", "validation data").to_owned());
        }
        for what in &later.forbidden {
            parts.push(format!("{}: {what}", self.of("MODIFICA NON AMMESSA", "FORBIDDEN CHANGE")));
        }
        if parts.is_empty() {
            parts.push(self.of("revisione vuota", "empty revision").to_owned());
        }
        parts.join("; ")
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
