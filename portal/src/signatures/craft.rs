//! The work on the document itself: typeset, freeze, prepare, complete, check. No database; the
//! heavy parts run off the async threads.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use signing::Digest;
use signing::process::Format;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Rome;
use signing::{
    cades,
    pades::{self, DocumentError, Meta, SignerChain},
    ports::{EvidenceForm, FieldPlace, MinutesForm, SigningMode, TsaError, TypesetError},
    preservation::GatherError,
    verify::{Format as ReportFormat, Kind, Level, Report, SignatureReport, verify_file},
};

use tokio::time::timeout;

use super::ports::SigningPorts;
use crate::clock::Clock;

/// Names of the invisible fields that are reserved for the document time stamp and those that renew
/// it: with authorities that serve ten years, for decades.
pub(super) const TIMESTAMP_FIELDS: [&str; 4] =
    ["document_timestamp", "document_timestamp_2", "document_timestamp_3", "document_timestamp_4"];

/// How long a preview waits for others.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the document could not be made, signed or accepted.
#[derive(Debug, thiserror::Error)]
pub enum CraftError {
    /// It could not be typeset.
    #[error(transparent)]
    Typeset(#[from] TypesetError),
    /// The PDF or the signature is not as it must be.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// No time stamp for now; the signature waits for it.
    #[error(transparent)]
    Timestamp(#[from] TsaError),
    /// The status of a certificate is not known yet.
    #[error(transparent)]
    Status(#[from] GatherError),
    /// The new revision was not found valid; the text is for the log.
    #[error("the new revision is not valid: {0}")]
    Invalid(String),
    /// Too many previews at once.
    #[error("too many previews at once")]
    Busy,
    /// The worker thread died.
    #[error("the work was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// A document with all its fields reserved.
#[derive(Debug)]
pub struct Frozen {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// Where the signatures go.
    pub places: Vec<FieldPlace>,
}

/// One signature to be made.
#[derive(Debug)]
pub struct Order {
    /// The newest revision.
    pub document: Vec<u8>,
    /// The reserved field.
    pub field: String,
    /// Its size in points.
    pub size: (f32, f32),
    /// DER certificates, the signer's first.
    pub chain: Vec<Vec<u8>>,
    /// Full name of the signer.
    pub name: String,
    /// The seat in words.
    pub role: String,
    /// Claimed time.
    pub at: DateTime<Utc>,
    /// What the trust service makes.
    pub mode: SigningMode,
    /// Where the signature goes.
    pub format: Format,
}

/// A signature that waits for its value.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prepared {
    /// In the document.
    Pades(pades::Prepared),
    /// Beside it, in a signed file.
    Cades(cades::Prepared),
}

impl Prepared {
    /// What the trust service is asked to sign.
    pub fn to_sign(&self) -> Digest {
        match self {
            Self::Pades(prepared) => prepared.to_sign(),
            Self::Cades(prepared) => prepared.to_sign(),
        }
    }

    fn to_stamp(&self, given: &[u8]) -> Result<Digest, DocumentError> {
        match self {
            Self::Pades(prepared) => prepared.to_stamp(given),
            Self::Cades(prepared) => prepared.to_stamp(given),
        }
    }

    fn finish(self, given: &[u8], token: &[u8]) -> Result<Vec<u8>, DocumentError> {
        match self {
            Self::Pades(prepared) => pades::finish(prepared, given, Some(token)),
            Self::Cades(prepared) => cades::finish(&prepared, given, Some(token)),
        }
    }
}

/// Fields that must be signed, and by whom.
pub type Expected = BTreeMap<String, Signatory>;

/// Who must have signed in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatory {
    /// Codice fiscale in the certificate.
    pub fiscal_code: String,
    /// With a time stamp (R-SIGN-35); programs on people's own devices often add none (R-SIGN-29).
    pub stamped: bool,
}

/// The minutes as they would look.
pub async fn preview(ports: &SigningPorts, form: MinutesForm) -> Result<Vec<u8>, CraftError> {
    let permit = timeout(PATIENCE, Arc::clone(&ports.previews).acquire_owned()).await;
    let _permit = permit.map_err(|_| CraftError::Busy)?.map_err(|_| CraftError::Busy)?;
    let typesetter = Arc::clone(&ports.typesetter);
    let typeset = tokio::task::spawn_blocking(move || typesetter.minutes(&form)).await??;
    Ok(typeset.pdf)
}

/// An evidence log on paper.
pub async fn evidence(ports: &SigningPorts, form: EvidenceForm) -> Result<Vec<u8>, CraftError> {
    let permit = timeout(PATIENCE, Arc::clone(&ports.previews).acquire_owned()).await;
    let _permit = permit.map_err(|_| CraftError::Busy)?.map_err(|_| CraftError::Busy)?;
    let typesetter = Arc::clone(&ports.typesetter);
    Ok(tokio::task::spawn_blocking(move || typesetter.evidence(&form)).await??)
}

/// The minutes with every field reserved: from now on the bytes only grow (R-SIGN-04).
pub async fn freeze(ports: &SigningPorts, form: MinutesForm) -> Result<Frozen, CraftError> {
    let typesetter = Arc::clone(&ports.typesetter);
    tokio::task::spawn_blocking(move || {
        let typeset = typesetter.minutes(&form)?;
        let pdf = pades::add_signature_fields(&typeset.pdf, &typeset.fields, &TIMESTAMP_FIELDS)?;
        Ok(Frozen { pdf, places: typeset.fields })
    })
    .await?
}

/// The revision that waits for its signature.
pub async fn prepare(ports: &SigningPorts, order: Order) -> Result<Prepared, CraftError> {
    let typesetter = Arc::clone(&ports.typesetter);
    tokio::task::spawn_blocking(move || {
        let chain = SignerChain::from_der(order.chain)?;
        if order.format == Format::Cades {
            let prepared = cades::prepare(order.document, chain, order.mode, order.at)?;
            return Ok(Prepared::Cades(prepared));
        }
        let lines = [
            order.name.clone(),
            order.role,
            "Firma elettronica qualificata".to_owned(),
            order.at.with_timezone(&Rome).format("%d/%m/%Y %H:%M:%S").to_string(),
        ];
        let appearance = typesetter.appearance(&lines, order.size.0, order.size.1)?;
        let meta = Meta {
            name: order.name,
            reason: "Sottoscrizione del verbale".to_owned(),
            location: String::new(),
        };
        let prepared = pades::prepare(
            &order.document,
            &order.field,
            &chain,
            Some(&appearance),
            &meta,
            order.at,
        )?;
        Ok(Prepared::Pades(prepared.for_mode(order.mode)))
    })
    .await?
}

/// The new revision: time-stamped (R-SIGN-35), and verified before anybody relies on it.
pub async fn complete(
    ports: &SigningPorts,
    prepared: Prepared,
    signature: Vec<u8>,
    expected: &Expected,
    clock: &dyn Clock,
) -> Result<Vec<u8>, CraftError> {
    let to_stamp = prepared.to_stamp(&signature)?;
    let token = ports.tsa.timestamp(&to_stamp).await?;
    let finish = move || prepared.finish(&signature, &token);
    let pdf = tokio::task::spawn_blocking(finish).await??;
    let (pdf, report) = report_on(ports, pdf, clock.now()).await?;
    match fault(&report, expected) {
        None => Ok(pdf),
        Some(fault) => Err(CraftError::Invalid(fault)),
    }
}

/// The signed file with a time stamp for every signature that has none (R-SIGN-35).
pub(super) async fn time_stamped(
    ports: &SigningPorts,
    file: Vec<u8>,
) -> Result<Vec<u8>, CraftError> {
    let wanted = cades::unstamped(&file)?;
    let tokens = tokens(ports, &wanted).await?;
    let add = move || cades::add_time_stamps(&file, &tokens);
    Ok(tokio::task::spawn_blocking(add).await??)
}

/// A time stamp for each digest, in that order.
pub(super) async fn tokens(
    ports: &SigningPorts,
    wanted: &[Digest],
) -> Result<Vec<Vec<u8>>, CraftError> {
    let mut tokens = Vec::with_capacity(wanted.len());
    for digest in wanted {
        tokens.push(ports.tsa.timestamp(digest).await?);
    }
    Ok(tokens)
}

/// What is wrong with the signatures of `pdf`, if anything is (R-SIGN-36).
pub async fn check(
    ports: &SigningPorts,
    pdf: Vec<u8>,
    expected: &Expected,
    now: DateTime<Utc>,
) -> Result<Option<String>, CraftError> {
    let (_, report) = report_on(ports, pdf, now).await?;
    Ok(fault(&report, expected))
}

pub(super) async fn report_on(
    ports: &SigningPorts,
    pdf: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<(Vec<u8>, Report), CraftError> {
    let trust = ports.trust.anchors();
    let work = move || {
        let report = verify_file(&pdf, &trust, now);
        (pdf, report)
    };
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// Codice fiscale in the certificate.
fn signature_of(signature: &SignatureReport) -> Option<&String> {
    signature.signer.as_ref().and_then(|signer| signer.fiscal_code.as_ref())
}

/// Whether a signature in a signed file can be this person's, as it must be.
fn is_by(signature: &SignatureReport, whose: &Signatory) -> bool {
    let stamped = signature.level >= Some(Level::BT);
    signature_of(signature) == Some(&whose.fiscal_code) && (stamped || !whose.stamped)
}

/// A file cut back to an earlier revision is valid in itself: so who must have signed is compared
/// with who did.
pub(super) fn fault(report: &Report, expected: &Expected) -> Option<String> {
    if let Some(problem) = report.problems.first() {
        return Some(problem.clone());
    }
    let mut open = expected.clone();
    for signature in report.signatures.iter().filter(|one| one.kind == Kind::Signature) {
        let field = &signature.field;
        let signatory = match report.format {
            ReportFormat::Pdf => open.remove(field),
            // In a signed file there are no fields: it is somebody's who was to sign.
            ReportFormat::P7m => {
                let able = open.iter().filter(|(_, whose)| is_by(signature, whose));
                let whose = able.max_by_key(|(_, whose)| whose.stamped);
                whose.map(|(field, _)| field.clone()).and_then(|field| open.remove(&field))
            }
        };
        let Some(signatory) = signatory else {
            return Some(format!("{field}: nobody was to sign here"));
        };
        if signature_of(signature) != Some(&signatory.fiscal_code) {
            return Some(format!("{field}: signed by another person"));
        }
        if signatory.stamped && signature.level < Some(Level::BT) {
            return Some(format!("{field}: no time stamp"));
        }
    }
    if let Some(field) = open.keys().next() {
        return Some(format!("{field}: not signed"));
    }
    if report.accepted() {
        return None;
    }
    let explanation = report
        .signatures
        .iter()
        .find_map(|one| Some(format!("{}: {}", one.field, one.explanation.as_ref()?)));
    Some(explanation.unwrap_or_else(|| "not accepted".to_owned()))
}
