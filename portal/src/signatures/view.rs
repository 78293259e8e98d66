//! What a page shows of a signature process to everybody: how far it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use signing::process::{Event, Format, Process, SignerState, Status, Step};

use super::copies::Version;
use super::rules;
use super::store::{Locked, ProcessRow, SignerRow};
use super::{SignatureError, evidence, powers, steps, store};
use crate::accounts::UserId;
use crate::calendar;
use crate::portal::Portal;
use crate::powers::views::StandingView;

/// A process as everybody at the table sees it (R-SIGN-28).
pub struct ProcessView {
    pub title: String,
    pub status_key: &'static str,
    pub status_class: &'static str,
    pub status: &'static str,
    pub explanation: String,
    /// What its status means for a proposal (R-MEET-37).
    pub proposal: Option<&'static str>,
    /// How it is signed, if on paper (R-SIGN-37).
    pub by_hand: Option<String>,
    pub signers: Vec<SignerView>,
    /// Somebody who has not signed cannot, for want of powers.
    pub powers_missing: bool,
    pub completed: bool,
    /// From 1; each version cancels those before (R-SIGN-04).
    pub version: i64,
    pub may_see_document: bool,
    pub may_see_evidence: bool,
    /// Signatures stand beside the document (R-SIGN-29).
    pub beside: bool,
    /// There is a file with them.
    pub signed_file: bool,
}

/// One line of the table of signers.
pub struct SignerView {
    pub field: String,
    pub name: String,
    pub role: String,
    pub step_key: &'static str,
    pub step_class: &'static str,
    pub step: &'static str,
    pub signed_at: Option<Moment>,
    /// The visitor may have the signed file that came from this signer's device.
    pub own_file: bool,
    /// By what the signer acts for another, where that is needed (R-SIGN-05).
    pub powers: Option<StandingView>,
}

/// A time, for machines and for people.
pub struct Moment {
    pub machine: String,
    pub shown: String,
}

/// The copies of the minutes around the one on the page (R-SIGN-27).
pub struct CopiesView {
    pub number: i64,
    pub total: usize,
    pub recipient: String,
    pub done: usize,
    /// It was signed by all, and others of the version were not: it counts for nothing.
    pub void: bool,
    /// All of them, for who may look at each.
    pub all: Vec<CopyView>,
}

/// One copy in the list of all.
pub struct CopyView {
    pub number: i64,
    pub recipient: String,
    pub status: &'static str,
    pub status_key: String,
    pub status_class: &'static str,
    pub shown: bool,
}

impl CopiesView {
    /// The copies around `shown`; nothing where all share one document.
    pub fn of(version: &Version, shown: &ProcessRow, watches: bool) -> Option<Self> {
        let all: Vec<CopyView> = version
            .copies()
            .iter()
            .map(|one| {
                let status = rules::status_of(&one.process.status);
                CopyView {
                    number: one.process.copy,
                    recipient: one.recipient.clone(),
                    status: status.map_or("", rules::status_label),
                    status_class: status.map_or("", colour),
                    status_key: one.process.status.clone(),
                    shown: one.process.id == shown.id,
                }
            })
            .collect();
        let own = all.iter().find(|one| one.shown).filter(|_| shown.copy > 0)?;
        let completed = rules::status_key(Status::Completed);
        Some(Self {
            number: own.number,
            recipient: own.recipient.clone(),
            total: all.len(),
            void: !version.is_settled() && own.status_key == completed,
            done: all.iter().filter(|one| one.status_key == completed).count(),
            all: if watches { all } else { Vec::new() },
        })
    }
}

impl ProcessView {
    /// How far a process is. `counts`: what it belongs to is open or signed by all; `watches`: `visitor`
    /// may read the evidence log.
    pub async fn of(
        portal: &Portal,
        seen: &Seen,
        visitor: UserId,
        counts: bool,
        watches: bool,
    ) -> Result<Self, SignatureError> {
        let Seen { row, process } = seen;
        let status = process.status();
        let signers = store::signers(&portal.db, row.id).await?;
        let reason = if watches && status == Status::Refused {
            evidence::load(&portal.db, row).await?.entries.into_iter().find_map(|entry| match entry
                .recorded
                .event
            {
                Event::Refused { reason, .. } => Some(reason),
                _ => None,
            })
        } else {
            None
        };
        let mut powers = match row.open {
            true => powers::standings(portal, row, process).await?,
            false => BTreeMap::new(),
        };
        let signers: Vec<SignerView> = signers
            .into_iter()
            .filter_map(|one| {
                let powers = powers.remove(&one.field);
                Some(SignerView { powers, ..signer(process, one, watches, visitor)? })
            })
            .collect();
        Ok(Self {
            title: row.title.clone(),
            powers_missing: signers
                .iter()
                .any(|one| one.powers.as_ref().is_some_and(|it| it.missing)),
            status_key: rules::status_key(status),
            status_class: colour(status),
            status: rules::status_label(status),
            explanation: match process.on_paper() {
                Some(_) if status == Status::Completed => {
                    "Tutti hanno firmato: la scansione è tra i documenti della pratica.".to_owned()
                }
                _ => explanation(status, row.expires_at, reason),
            },
            proposal: row.is_proposal().then(|| proposal(status)),
            by_hand: process.on_paper().map(|reason| by_hand(status, watches.then_some(reason))),
            signers,
            completed: status == Status::Completed,
            version: store::version(&portal.db, row).await?,
            may_see_document: counts || watches,
            may_see_evidence: watches,
            beside: process.plan().format == Format::Cades,
            signed_file: has_signed_file(process),
        })
    }
}

/// Whether there is a signed file beside the document: signatures stand there, and somebody signed.
pub(super) fn has_signed_file(process: &Process) -> bool {
    let plan = process.plan();
    plan.format == Format::Cades && process.document() != plan.document
}

/// Whether somebody may have what this signer handed in: the signer, and who watches.
pub(super) fn may_have_file(state: &SignerState, visitor: UserId, watches: bool) -> bool {
    state.file.is_some() && (watches || state.signer.person == visitor.0)
}

fn signer(process: &Process, row: SignerRow, watches: bool, visitor: UserId) -> Option<SignerView> {
    let state = process.signer(&row.field)?;
    let step = state.step;
    Some(SignerView {
        own_file: may_have_file(state, visitor, watches),
        name: row.name,
        role: row.role,
        step_key: rules::step_key(step),
        step_class: match step {
            Step::Signed => "state-good",
            Step::Refused | Step::Expired => "state-bad",
            Step::Invited => "",
            _ => "state-open",
        },
        step: match step {
            Step::ContactsConfirmed if is_used_up(process, &row.field) => "Codici esauriti",
            Step::Signed if process.on_paper().is_some() => "Firmato a mano",
            _ => rules::step_label(step),
        },
        signed_at: row
            .signed_at
            .map(|at| Moment { machine: at.to_rfc3339(), shown: calendar::show(at) }),
        field: row.field,
        powers: None,
    })
}

pub(super) fn colour(status: Status) -> &'static str {
    match status {
        Status::Assembled => "",
        Status::Sent | Status::PartiallySigned => "state-open",
        Status::Completed => "state-good",
        Status::Refused | Status::Expired | Status::Cancelled => "state-bad",
    }
}

/// R-SIGN-37; `reason` for those who watch.
fn by_hand(status: Status, reason: Option<&str>) -> String {
    let what = match status {
        Status::Completed => {
            "Il verbale è stato firmato a mano, su carta; la scansione è agli atti."
        }
        _ => "Il verbale si firma a mano, su carta, davanti al mediatore.",
    };
    reason.map_or_else(|| what.to_owned(), |reason| format!("{what} Motivo: {reason}"))
}

/// D.lgs. 28/2010 art. 11: who does not answer in time has refused.
fn proposal(status: Status) -> &'static str {
    match status {
        Status::Assembled | Status::Sent | Status::PartiallySigned => {
            "È una proposta: chi la firma la accetta, chi non la accetta la rifiuta. Senza risposta \
             entro il termine si intende rifiutata."
        }
        Status::Completed => "La proposta è stata accettata da tutte le parti: è l'accordo.",
        Status::Refused | Status::Expired => "La proposta non è stata accettata.",
        Status::Cancelled => "La proposta è stata ritirata.",
    }
}

fn explanation(status: Status, expires_at: DateTime<Utc>, reason: Option<String>) -> String {
    match status {
        Status::Assembled | Status::Sent | Status::PartiallySigned => {
            format!("Si può firmare fino al {}.", calendar::show(expires_at))
        }
        Status::Completed => {
            "Tutti hanno firmato: il verbale è tra i documenti della pratica.".to_owned()
        }
        Status::Refused => match reason {
            Some(reason) => format!("Un firmatario ha rifiutato. Motivo: {reason}"),
            None => "Un firmatario ha rifiutato: la raccolta delle firme è chiusa.".to_owned(),
        },
        Status::Expired => "Il termine per firmare è scaduto.".to_owned(),
        Status::Cancelled => {
            "Chi conduce l'incontro ha annullato la raccolta per correggere il testo: le firme già apposte \
             decadono."
                .to_owned()
        }
    }
}

/// No certificate is issued any more for this signer.
pub(super) fn is_used_up(process: &Process, field: &str) -> bool {
    let issued = process.signer(field).map_or(0, |state| state.credentials);
    issued >= process.plan().terms.credentials
}

/// A process at one moment.
pub struct Seen {
    /// Its row.
    pub row: ProcessRow,
    /// The process itself.
    pub process: Process,
}

/// The process as it is now, with what the visitor's look at it brought on.
pub async fn looked_at(
    portal: &Portal,
    row: ProcessRow,
    visitor: UserId,
    who: store::Who,
) -> Result<Seen, SignatureError> {
    let process = store::replay(&portal.db, &row).await?;
    let Some(field) = steps::field_of(&process, visitor) else { return Ok(Seen { row, process }) };
    match steps::arrive(portal, &row, &process, field, who).await {
        Ok(Some(Locked { row, process })) => Ok(Seen { row, process }),
        // It ended between reading and looking: the next look tells.
        Ok(None) | Err(SignatureError::Refused(_)) => Ok(Seen { row, process }),
        Err(error) => Err(error),
    }
}
