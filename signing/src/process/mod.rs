//! The signature process: leading the signers of one frozen document to its completion, as a state
//! machine without clock, network or database (R-SIGN-24…36, §4.8).
//!
//! **Invariant:** the document grows along one line. For each revision at most one next revision is
//! ever accepted, it holds the signature of a signer whose turn it was, and the process is complete
//! exactly when every signer has signed (R-SIGN-34). A signer of a later group never signs before
//! all of the earlier groups have, and only after checking that very revision (R-SIGN-36).
//!
//! A document that is signed by hand has the same process without turns: all sign the same paper, and
//! its scan completes it (R-SIGN-37).
//!
//! Signers take turns by nature, because each signature covers the one before: "in parallel" means
//! a short lease on the document. A lease that ran out may be taken by another; until somebody does,
//! its holder may still finish, so that a signature that was given is not thrown away.
//!
//! Deliberately absent: names, mobiles and addresses (the journal of events outlives them), the
//! text of the minutes, and, of what comes after completion, everything but the revisions that make
//! the document last.

mod event;
mod input;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use event::{AcceptedVersion, Event, Identification, Method, Recorded};
pub use input::{Input, Refusal};

use crate::Digest;

/// Names one signature process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessId(pub Uuid);

/// One attempt to sign: from the lease to the stored revision or to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub Uuid);

/// Terms and limits of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// When the process expires if it is not complete (R-SIGN-33).
    pub expires_at: DateTime<Utc>,
    /// Seconds that an attempt may hold the document.
    pub lease_seconds: u32,
    /// Wrong codes until a credential is dropped.
    pub codes: u8,
    /// Credentials that one signer may use up.
    pub credentials: u8,
}

impl Terms {
    /// Customary limits with the given end.
    pub fn until(expires_at: DateTime<Utc>) -> Self {
        Self { expires_at, lease_seconds: 60, codes: 3, credentials: 5 }
    }

    fn lease(&self) -> TimeDelta {
        TimeDelta::seconds(self.lease_seconds.into())
    }
}

/// A person and the field reserved for the signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Name of the signature field; the signer's key in the process.
    pub field: String,
    /// Who, as an id of the portal.
    pub person: Uuid,
}

/// What a process starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the process.
    pub process: ProcessId,
    /// SHA-256 of the frozen document with its reserved fields (R-SIGN-04).
    pub document: Digest,
    /// Groups in order; within a group people sign in any order, one at a time.
    pub groups: Vec<Vec<Signer>>,
    /// Terms and limits.
    pub terms: Terms,
    /// Why it is signed by hand, if it is (R-SIGN-37): the document is printed, nobody signs it
    /// digitally, and the process ends with the scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_paper: Option<String>,
    /// Where signatures stand.
    #[serde(default, skip_serializing_if = "Format::is_usual")]
    pub format: Format,
}

/// Where the signatures of a process stand, from its start to its end (R-SIGN-29).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// In the document (PAdES): each revision is the document with one signature more.
    #[default]
    Pades,
    /// Beside the document, which stays as it was frozen (CAdES): each revision is a signed file (P7M)
    /// that holds it, with one signature more.
    Cades,
}

impl Format {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a process is (§4.8; the draft before it belongs to the minutes, conservation follows).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Frozen and not yet sent.
    Assembled,
    /// Sent to the signers.
    Sent,
    /// Somebody has signed.
    PartiallySigned,
    /// Everybody has signed.
    Completed,
    /// A signer refused.
    Refused,
    /// The term is over.
    Expired,
    /// Cancelled, or replaced by a new version.
    Cancelled,
}

impl Status {
    /// Nothing can be signed any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Assembled | Self::Sent | Self::PartiallySigned)
    }
}

/// How far a signer is. Each step includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Invited to sign.
    Invited,
    /// Has seen the document.
    Opened,
    /// Identified (R-SIGN-06).
    Identified,
    /// Accepted every condition (R-SIGN-09, -20).
    ConditionsAccepted,
    /// Confirmed mobile and mail (R-SIGN-16).
    ContactsConfirmed,
    /// Has a certificate for this document (R-SIGN-19).
    CertificateIssued,
    /// The one-time code was sent (R-SIGN-30), or the signer was led to the trust service's page.
    OtpSent,
    /// Has signed.
    Signed,
    /// Refused.
    Refused,
    /// Did not sign in time.
    Expired,
}

/// One signer's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerState {
    /// Field and person.
    pub signer: Signer,
    /// Group, from 0.
    pub group: usize,
    /// How far.
    pub step: Step,
    /// The credential in use.
    pub credential: Option<String>,
    /// Credentials issued so far.
    pub credentials: u8,
    /// Wrong codes for the credential in use.
    pub wrong_codes: u8,
    /// When the signature was stored.
    pub signed_at: Option<DateTime<Utc>>,
    /// The signature was made on the signer's own device (R-SIGN-29).
    pub elsewhere: bool,
    /// What came back from there, where it is not the revision itself.
    pub file: Option<Digest>,
    /// When the signer was last told that the document waits.
    pub told_at: Option<DateTime<Utc>>,
}

/// The right to sign next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which attempt.
    pub attempt: AttemptId,
    /// Whose.
    pub field: String,
    /// The revision that will be signed.
    pub base: Digest,
    /// Until then nobody else can take it.
    pub until: DateTime<Utc>,
}

/// A signature process. Build it with [`Process::start`] or [`Process::replay`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    plan: Plan,
    status: Status,
    signers: BTreeMap<String, SignerState>,
    /// Signers in order, as keys.
    order: Vec<String>,
    current: Digest,
    /// The revision that was checked for the next group (R-SIGN-36).
    checked: Option<Digest>,
    lease: Option<Lease>,
    /// Every credential ever used: each signs once (R-SIGN-30).
    credentials: BTreeSet<String>,
}

/// Why events do not make a process.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The first event of every process is `frozen`.
    #[error("the journal does not begin with a frozen document")]
    NotFrozen,
    /// Written by a later version of this program.
    #[error("event version {0} is not known")]
    Version(u16),
    /// An event that names nobody of the process, or a second start.
    #[error("event {0} does not fit what was before it")]
    Misfit(usize),
}

impl Process {
    /// Freezes a document. Returns the process and its first event.
    pub fn start(plan: Plan, now: DateTime<Utc>) -> Result<(Self, Recorded), Refusal> {
        let fields: Vec<&str> =
            plan.groups.iter().flatten().map(|signer| signer.field.as_str()).collect();
        let unique: BTreeSet<&str> = fields.iter().copied().collect();
        if fields.is_empty() || plan.groups.iter().any(Vec::is_empty) || unique.len() < fields.len()
        {
            return Err(Refusal::BadPlan);
        }
        if plan.terms.expires_at <= now {
            return Err(Refusal::Over);
        }
        Ok((Self::frozen(plan.clone()), Recorded::new(now, Event::Frozen { plan })))
    }

    /// Rebuilds a process from its journal.
    pub fn replay(events: &[Recorded]) -> Result<Self, ReplayError> {
        let (first, rest) = events.split_first().ok_or(ReplayError::NotFrozen)?;
        if let Some(event) = events.iter().find(|event| event.v != Recorded::VERSION) {
            return Err(ReplayError::Version(event.v));
        }
        let Event::Frozen { plan } = &first.event else { return Err(ReplayError::NotFrozen) };
        let mut process = Self::frozen(plan.clone());
        for (index, recorded) in rest.iter().enumerate() {
            process.apply(recorded).ok_or(ReplayError::Misfit(index + 1))?;
        }
        Ok(process)
    }

    /// Decides on `input` and applies the decision. The events are to be made durable before anybody
    /// is told. Nothing changes on a refusal; no event means that it was already so.
    pub fn handle(&mut self, input: Input, now: DateTime<Utc>) -> Result<Vec<Recorded>, Refusal> {
        let events = rules::decide(self, input, now)?;
        let recorded: Vec<Recorded> =
            events.into_iter().map(|event| Recorded::new(now, event)).collect();
        for event in &recorded {
            self.apply(event).expect("a decision fits the state it was made from");
        }
        Ok(recorded)
    }

    /// When [`Input::Timeout`] is due: at the end of the term, or of the lease that runs over it.
    pub fn poll_timeout(&self) -> Option<DateTime<Utc>> {
        let end = self.plan.terms.expires_at;
        let end = self.lease.as_ref().map_or(end, |lease| end.max(lease.until));
        (!self.status.is_final()).then_some(end)
    }

    /// What it started from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where it is.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Digest of the newest revision.
    pub fn document(&self) -> Digest {
        self.current
    }

    /// The lease, running or run out.
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Signers in order.
    pub fn signers(&self) -> impl Iterator<Item = &SignerState> {
        self.order.iter().map(|field| &self.signers[field])
    }

    /// The signer of a field.
    pub fn signer(&self, field: &str) -> Option<&SignerState> {
        self.signers.get(field)
    }

    /// The group whose turn it is; `None` when everybody has signed.
    pub fn turn(&self) -> Option<usize> {
        self.signers().filter(|state| state.step != Step::Signed).map(|state| state.group).min()
    }

    /// The newest revision was checked for the next group.
    pub fn is_checked(&self) -> bool {
        self.checked == Some(self.current)
    }

    /// Who can sign, has not, and was not told so for a day (R-SIGN-33).
    pub fn to_remind(&self, now: DateTime<Utc>) -> Vec<String> {
        let waiting = self.signers().filter(|state| rules::is_to_be_told(self, state, now));
        waiting.map(|state| state.signer.field.clone()).collect()
    }

    /// A reminder is due so many days before the end of the term, once for each number.
    pub fn reminder_is_due(&self, days: &[u16], now: DateTime<Utc>) -> bool {
        let end = self.plan.terms.expires_at;
        let due = |days: &u16| end - TimeDelta::days((*days).into());
        let latest = days.iter().map(due).filter(|due| *due <= now).max();
        latest.is_some_and(|due| {
            let waiting = self.signers().filter(|state| rules::is_to_be_told(self, state, now));
            waiting.map(|state| state.told_at).any(|told_at| told_at.is_none_or(|told| told < due))
        })
    }

    /// It is signed by hand, for this reason (R-SIGN-37).
    pub fn on_paper(&self) -> Option<&str> {
        self.plan.on_paper.as_deref()
    }

    /// It is this signer's turn, checks included.
    pub fn may_sign(&self, field: &str) -> bool {
        self.signer(field).is_some_and(|state| {
            state.step != Step::Signed
                && self.turn() == Some(state.group)
                && (state.group == 0 || self.is_checked())
                && !self.status.is_final()
                && self.status != Status::Assembled
                && self.plan.on_paper.is_none()
        })
    }

    fn frozen(plan: Plan) -> Self {
        let mut signers = BTreeMap::new();
        let mut order = vec![];
        for (group, people) in plan.groups.iter().enumerate() {
            for signer in people {
                order.push(signer.field.clone());
                signers.insert(signer.field.clone(), SignerState::new(signer.clone(), group));
            }
        }
        let current = plan.document;
        Self {
            plan,
            status: Status::Assembled,
            signers,
            order,
            current,
            checked: None,
            lease: None,
            credentials: BTreeSet::new(),
        }
    }
}

impl SignerState {
    fn new(signer: Signer, group: usize) -> Self {
        Self {
            signer,
            group,
            step: Step::Invited,
            credential: None,
            credentials: 0,
            wrong_codes: 0,
            signed_at: None,
            elsewhere: false,
            file: None,
            told_at: None,
        }
    }
}
