//! The report in plain words, with the names of ETSI EN 319 102-1 below. Pure.

use chrono::{DateTime, Utc};
use signing::ports::{Sheet, SheetSection};
use signing::verify::{
    Edition, Indication, Kind, LaterRevision, Qualification, Report, Revocation, SignatureReport,
    Signer, SubIndication, Timestamp, TrustSource,
};

use super::technical::details;
use crate::calendar;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    Unsure,
    Bad,
}

impl Standing {
    fn of(indication: Indication) -> Self {
        match indication {
            Indication::TotalPassed => Self::Good,
            Indication::Indeterminate => Self::Unsure,
            Indication::TotalFailed => Self::Bad,
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Good => "Valida",
            Self::Unsure => "Da accertare",
            Self::Bad => "Non valida",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "state-good",
            Self::Unsure => "state-waiting",
            Self::Bad => "state-bad",
        }
    }
}

/// One signature as the page shows it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) standing: Standing,
    pub(super) section: SheetSection,
}

/// What the page shows.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) standing: Standing,
    pub(super) verdict: SheetSection,
    pub(super) signatures: Vec<Told>,
}

impl Findings {
    /// What `report` says of the file called `name`.
    pub(super) fn of(report: &Report, name: &str) -> Self {
        let mut signatures = Vec::new();
        collect(report, "", &mut signatures);
        let (standing, text) = verdict(report, &signatures);
        let facts = vec![
            ("File".to_owned(), name.to_owned()),
            ("Verificato il".to_owned(), calendar::show(report.checked_at)),
        ];
        let mut details = vec![
            ("Impronta SHA-256 del file".to_owned(), report.document.to_string()),
            ("Dimensione".to_owned(), format!("{} byte", report.bytes)),
        ];
        let open = &report.open_fields;
        if !open.is_empty() {
            details.push(("Spazi per firma ancora vuoti".to_owned(), open.join(", ")));
        }
        if let Some(content) = &report.content {
            let label = "Impronta SHA-256 del documento contenuto".to_owned();
            details.push((label, content.digest.to_string()));
        }
        let heading = "Esito".to_owned();
        Self {
            standing,
            verdict: SheetSection { heading, text: vec![text.to_owned()], facts, details },
            signatures,
        }
    }

    /// The same as a document.
    pub(super) fn sheet(&self, report: &Report, body: &str) -> Sheet {
        let mut verdict = self.verdict.clone();
        verdict.details.push(("Regole applicate".to_owned(), "ETSI EN 319 102-1".to_owned()));
        let signatures = self.signatures.iter().map(|told| {
            let mut section = told.section.clone();
            section.heading = format!("{}: {}", section.heading, told.standing.label());
            section
        });
        Sheet {
            body: body.to_owned(),
            title: "Rapporto di verifica delle firme".to_owned(),
            made_at: report.checked_at,
            sections: std::iter::once(verdict).chain(signatures).collect(),
        }
    }
}

fn collect(report: &Report, place: &str, told: &mut Vec<Told>) {
    told.extend(report.signatures.iter().map(|signature| Told {
        standing: Standing::of(signature.indication),
        section: section(report, signature, place),
    }));
    let inside = report.content.as_ref().and_then(|content| content.report.as_ref());
    if let Some(inside) = inside {
        collect(inside, " (nel documento contenuto)", told);
    }
}

fn verdict(report: &Report, told: &[Told]) -> (Standing, &'static str) {
    let any = |standing| told.iter().any(|one| one.standing == standing);
    if told.is_empty() {
        (Standing::Unsure, "Il documento non contiene firme elettroniche.")
    } else if any(Standing::Bad) {
        (
            Standing::Bad,
            "Attenzione: almeno una firma non è valida. Non fare affidamento su questo documento.",
        )
    } else if report.accepted() && report.trust_given {
        (
            Standing::Good,
            "Tutte le firme sono valide e il documento è rimasto com'era quando è stato firmato.",
        )
    } else if any(Standing::Unsure) {
        (
            Standing::Unsure,
            "Non è stato possibile confermare tutte le firme: qui sotto è scritto che cosa manca.",
        )
    } else {
        (Standing::Unsure, "Il documento contiene marche temporali, ma nessuna firma.")
    }
}

fn section(report: &Report, signature: &SignatureReport, place: &str) -> SheetSection {
    let who = signature.signer.as_ref().map_or("firmatario sconosciuto", |signer| &signer.name);
    let heading = match signature.kind {
        Kind::Signature => format!("Firma di {who}{place}"),
        Kind::DocumentTimestamp => format!("Marca temporale di {who}{place}"),
        Kind::ArchiveTimestamp => {
            let number = signature.field.split('.').next().unwrap_or_default();
            let signed = report.signature(number).and_then(|one| one.signer.as_ref());
            let signed = signed.map_or("firmatario sconosciuto", |signer| &signer.name);
            format!("Marca temporale d'archivio per la firma di {signed}{place}")
        }
    };
    SheetSection {
        heading,
        text: vec![plain(signature, report.trust_given).to_owned()],
        facts: facts(report, signature),
        details: details(signature),
    }
}

fn plain(signature: &SignatureReport, trust_given: bool) -> &'static str {
    let stamp = signature.kind != Kind::Signature;
    let Some(sub) = signature.sub_indication else {
        return if stamp {
            "La marca temporale è valida: il documento esisteva già in quel momento, così com'è."
        } else {
            "La firma è valida: il documento è rimasto com'era quando è stato firmato, e chi ha \
             emesso il certificato è riconosciuto."
        };
    };
    match sub {
        SubIndication::FormatFailure if signature.modified_after => {
            "Dopo questa firma il documento è stato cambiato in un modo non ammesso: ciò che si \
             legge oggi può non essere ciò che è stato firmato."
        }
        SubIndication::FormatFailure => {
            "La firma non ha la forma prevista: non si può dire che cosa sia stato firmato."
        }
        SubIndication::HashFailure => {
            "Il contenuto firmato è stato alterato: la firma non vale per questo documento."
        }
        SubIndication::SigCryptoFailure => {
            "La firma non corrisponde al certificato: può essere stata falsificata."
        }
        SubIndication::Revoked => "Il certificato era già revocato quando la firma è stata messa.",
        SubIndication::RevokedNoPoe => {
            "Il certificato è stato revocato, e niente prova che la firma sia stata messa prima."
        }
        SubIndication::RevokedCaNoPoe => {
            "Il certificato dell'autorità da cui dipende la firma è stato revocato."
        }
        SubIndication::NotYetValid => {
            "La firma risulta precedente all'inizio della validità del certificato."
        }
        SubIndication::NoSigningCertificateFound => {
            "Nella firma manca il certificato di chi ha firmato."
        }
        SubIndication::NoCertificateChainFoundNoPoe => {
            "Chi ha emesso il certificato non è più tra i prestatori riconosciuti, e niente prova che \
             la firma sia stata messa quando lo era."
        }
        SubIndication::NoCertificateChainFound if withdrawn(signature) => {
            "Chi ha emesso il certificato non era tra i prestatori riconosciuti quando la firma è stata \
             messa."
        }
        SubIndication::NoCertificateChainFound if !trust_given => {
            "Il documento è integro, ma qui non sono indicate autorità riconosciute: non si può \
             dire se il certificato sia autentico."
        }
        SubIndication::NoCertificateChainFound => {
            "Il documento è integro, ma il certificato non viene da un'autorità che questo \
             servizio riconosce: non si può dire se sia autentico."
        }
        SubIndication::ChainConstraintsFailure => {
            "Uno dei certificati da cui dipende la firma non rispetta le regole."
        }
        SubIndication::SigConstraintsFailure => {
            "La firma, il suo certificato o la sua marca temporale non sono come richiesto."
        }
        SubIndication::CryptoConstraintsFailureNoPoe => {
            "La firma usa un metodo troppo debole o sconosciuto: non se ne può essere sicuri."
        }
        SubIndication::OutOfBoundsNoPoe => {
            "Il certificato non è valido nel solo momento che si può provare: manca una marca \
             temporale che dica quando la firma è stata messa."
        }
    }
}

/// Whether the chain ends at a service that is listed, but was not in good standing.
fn withdrawn(signature: &SignatureReport) -> bool {
    signature.chain.source.as_ref().is_some_and(|source| !source.granted)
}

/// From where the trust comes, or would come.
fn listed(source: &TrustSource) -> String {
    let standing = match (&source.status, source.since) {
        (Some(status), Some(since)) => format!("{status} dal {}", calendar::show(since)),
        _ => "non ancora in elenco".to_owned(),
    };
    format!(
        "{}, servizio «{}» ({standing}), {}",
        source.provider,
        source.service,
        told_edition(&source.edition, source.expired),
    )
}

/// A list that signatures are checked against.
pub(super) fn edition(edition: &Edition, now: DateTime<Utc>) -> String {
    told_edition(edition, edition.is_expired(now))
}

fn told_edition(edition: &Edition, expired: bool) -> String {
    let Edition { territory, sequence, issued, next_update } = edition;
    let due = match next_update {
        Some(due) if expired => {
            format!("; attenzione: l'elenco andava aggiornato entro il {}", calendar::show(*due))
        }
        _ => String::new(),
    };
    let issued = calendar::show(*issued);
    format!("elenco di fiducia {territory} n. {sequence} del {issued}{due}")
}

fn facts(report: &Report, signature: &SignatureReport) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |label: &str, value: String| facts.push((label.to_owned(), value));
    if let Some(signer) = &signature.signer {
        if let Some(code) = &signer.fiscal_code {
            add("Codice fiscale nel certificato", code.clone());
        }
        if signature.kind == Kind::Signature {
            add("Tipo di certificato", qualified(signer, signature.chain.trusted).to_owned());
        }
        add("Certificato emesso da", signer.issuer.clone());
        if let Some(source) = &signature.chain.source {
            let label = if source.granted { "Riconosciuto da" } else { "Non riconosciuto da" };
            add(label, listed(source));
        }
        if let Some(qualification) = signature.qualification {
            add("Valore secondo l'elenco di fiducia", worth(qualification).to_owned());
        }
        if let (Some(from), Some(to)) = (signer.not_before, signer.not_after) {
            let (from, to) = (calendar::show(from), calendar::show(to));
            add("Certificato valido", format!("dal {from} al {to}"));
        }
    }
    match (&signature.timestamp, signature.kind) {
        (Some(stamp), Kind::Signature) => {
            let time = calendar::show(stamp.time);
            add(
                "Firmato entro",
                format!("{time}, lo prova la marca temporale di {}", stamp.authority),
            );
        }
        (Some(stamp), Kind::DocumentTimestamp | Kind::ArchiveTimestamp) => {
            add("Momento", calendar::show(stamp.time));
        }
        (None, _) => {}
    }
    if let (Some(Timestamp { source: Some(source), .. }), Kind::Signature) =
        (&signature.timestamp, signature.kind)
    {
        add("Marca temporale di", listed(source));
    }
    if let Some(claimed) = signature.claimed_time {
        add("Ora indicata da chi ha firmato", calendar::show(claimed));
    }
    if let Some(reason) = &signature.reason {
        add("Motivo indicato", reason.clone());
    }
    match signature.chain.revocation {
        Revocation::Unknown => {
            add("Revoca", "nel file non ci sono prove: non è stata controllata".to_owned());
        }
        Revocation::Good { at } => {
            add(
                "Revoca",
                format!("il certificato non risultava revocato il {}", calendar::show(at)),
            );
        }
        Revocation::Revoked { since } => {
            add("Revoca", format!("certificato revocato dal {}", calendar::show(since)));
        }
    }
    if let Some(covered) = signature.covers_bytes {
        let whole = signature.later.is_empty();
        let text = match (whole, report.content.is_some()) {
            (true, true) => "tutto il documento contenuto".to_owned(),
            (true, false) => "tutto il file".to_owned(),
            (false, _) => format!("i primi {covered} byte, cioè il documento com'era allora"),
        };
        add("Che cosa copre", text);
    }
    let later: Vec<_> = signature.later.iter().flat_map(changes).collect();
    if !later.is_empty() {
        add("Aggiunto dopo", later.join("; "));
    }
    facts
}

fn qualified(signer: &Signer, trusted: Option<bool>) -> &'static str {
    let stated = &signer.qualified;
    match (stated.compliance, stated.sscd, trusted == Some(true)) {
        (true, true, true) => "qualificato, con chiave su dispositivo sicuro",
        (true, false, true) => "qualificato",
        (true, _, false) => "si dichiara qualificato, ma chi l'ha emesso non è riconosciuto",
        (false, ..) => "non qualificato",
    }
}

fn worth(qualification: Qualification) -> &'static str {
    match qualification {
        Qualification::QualifiedSignature => "firma elettronica qualificata (QESig)",
        Qualification::QualifiedSeal => "sigillo elettronico qualificato (QESeal)",
        Qualification::SignatureWithCertificate => {
            "firma elettronica avanzata con certificato qualificato (AdESig-QC)"
        }
        Qualification::SealWithCertificate => {
            "sigillo elettronico avanzato con certificato qualificato (AdESeal-QC)"
        }
        Qualification::Advanced => {
            "il certificato non è qualificato per firme o sigilli: al più una firma avanzata (AdES)"
        }
        Qualification::Open => "non si può dire: l'elenco è contraddittorio o non è stato compreso",
    }
}

fn changes(later: &LaterRevision) -> Vec<String> {
    let mut parts = Vec::new();
    for (field, kind) in &later.filled {
        parts.push(match kind {
            Kind::Signature => format!("la firma «{field}»"),
            Kind::DocumentTimestamp | Kind::ArchiveTimestamp => {
                "una marca temporale del documento".to_owned()
            }
        });
    }
    if later.validation_data {
        parts.push("dati per la conservazione della firma".to_owned());
    }
    if !later.forbidden.is_empty() {
        parts.push("modifiche non ammesse".to_owned());
    }
    parts
}

/// Why a file could not be read, for the person who sent it.
pub(super) fn unreadable(problem: &str) -> &'static str {
    let has = |word: &str| problem.contains(word);
    if has("not in the file") {
        "Il file contiene solo la firma, senza il documento firmato: chiedi il file completo, che \
         di solito finisce con «.pdf.p7m»."
    } else if has("encrypted") {
        "Il PDF è protetto da una password: così non si può verificare."
    } else if has("too ") || has("inside") {
        "Il file è costruito in un modo che richiederebbe troppo lavoro: non è stato verificato."
    } else {
        "Il file è danneggiato, oppure non è un PDF o un P7M regolare."
    }
}
