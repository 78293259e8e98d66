//! The decisions. Each takes the state as it is and says what happens, or why not.

use chrono::{DateTime, TimeDelta, Utc};

use super::{AttemptId, Event, Input, Lease, Process, Refusal, SignerState, Status, Step};
use crate::Digest;

/// Nobody is told of the same document more often.
const BETWEEN_REMINDERS: TimeDelta = TimeDelta::hours(24);

type Decision = Result<Vec<Event>, Refusal>;

pub(super) fn decide(process: &Process, input: Input, now: DateTime<Utc>) -> Decision {
    if process.status.is_final() {
        return match input {
            Input::Timeout => Ok(vec![]),
            Input::Preserved { base, revision, field, renewal }
                if process.status == Status::Completed =>
            {
                if base != process.current || revision == base {
                    return Err(Refusal::Stale);
                }
                Ok(vec![Event::Preserved { base, revision, field, renewal }])
            }
            _ => Err(Refusal::Status(process.status)),
        };
    }
    let over = now >= process.plan.terms.expires_at;
    match input {
        Input::Timeout => {
            let due = process.poll_timeout().is_some_and(|at| now >= at);
            return Ok(if due { vec![Event::Expired] } else { vec![] });
        }
        Input::Cancel { reason } => return Ok(vec![Event::Cancelled { reason }]),
        // A signature that was given in time stays given.
        Input::Signed { attempt, base, revision } => {
            return signed(process, attempt, base, revision);
        }
        _ if over => return Err(Refusal::Over),
        _ => {}
    }
    match (process.status, &input) {
        (Status::Assembled, Input::Send) => return Ok(vec![Event::Sent]),
        (Status::Assembled, _) => return Err(Refusal::Status(process.status)),
        (_, Input::Send) => return Ok(vec![]),
        _ => {}
    }
    let by_hand = matches!(input, Input::SignedOnPaper { .. });
    let either = matches!(input, Input::Open { .. } | Input::Remind { .. });
    if !either && by_hand != process.plan.on_paper.is_some() {
        return Err(Refusal::OtherForm);
    }
    match input {
        Input::Open { field } => {
            step(process, &field, Step::Opened, |field| Event::Opened { field })
        }
        Input::Identify { field, identification } => {
            step(process, &field, Step::Identified, |field| Event::Identified {
                field,
                identification,
            })
        }
        Input::AcceptConditions { versions, .. } if versions.is_empty() => {
            Err(Refusal::NothingAccepted)
        }
        Input::AcceptConditions { field, versions } => {
            step(process, &field, Step::ConditionsAccepted, |field| Event::ConditionsAccepted {
                field,
                versions,
            })
        }
        Input::ConfirmContacts { field } => {
            step(process, &field, Step::ContactsConfirmed, |field| Event::ContactsConfirmed {
                field,
            })
        }
        Input::CheckSignatures { field, revision, signatures } => {
            check_signatures(process, field, revision, signatures)
        }
        Input::CertificateIssued { field, credential, certificate } => {
            certificate_issued(process, field, credential, certificate)
        }
        Input::OtpSent { field } => {
            let signer = active(process, &field)?;
            if signer.credential.is_none() {
                return Err(Refusal::StepMissing);
            }
            Ok(vec![Event::OtpSent { field }])
        }
        Input::AskLeave { field, digest } => {
            // In turn: what is signed holds every signature before it.
            let signer = in_turn(process, &field)?;
            if signer.credential.is_none() {
                return Err(Refusal::StepMissing);
            }
            Ok(vec![Event::LeaveAsked { field, digest }])
        }
        Input::LeaveRefused { field, reason } => {
            let signer = active(process, &field)?;
            if signer.step != Step::OtpSent {
                return Err(Refusal::StepMissing);
            }
            Ok(vec![Event::LeaveRefused { field, reason }])
        }
        Input::TakeLease { field, attempt, base } => take_lease(process, field, attempt, base, now),
        Input::SignedElsewhere { field, base, revision, certificate, file } => {
            signed_elsewhere(process, field, base, revision, certificate, file, now)
        }
        Input::OtpWrong { attempt } => otp_wrong(process, attempt),
        Input::AttemptFailed { attempt, reason } => {
            let lease = lease_of(process, attempt)?;
            let field = lease.field.clone();
            let mut events = vec![Event::AttemptFailed { field: field.clone(), attempt, reason }];
            events.extend(dropped(process, &field));
            Ok(events)
        }
        Input::RestartCode { field } => {
            active(process, &field)?;
            let mut events = close_attempt(process, &field, now)?;
            events.extend(dropped(process, &field));
            Ok(events)
        }
        Input::Remind { field } => {
            let signer = active(process, &field)?;
            if process.turn() != Some(signer.group) {
                return Err(Refusal::NotYourTurn);
            }
            let wanted = is_to_be_told(process, signer, now);
            Ok(if wanted { vec![Event::Reminded { field }] } else { vec![] })
        }
        Input::Refuse { field, reason } => {
            active(process, &field)?;
            let mut events = close_attempt(process, &field, now)?;
            events.push(Event::Refused { field, reason });
            Ok(events)
        }
        Input::Replace { field, person } => {
            if active(process, &field)?.signer.person == person {
                return Ok(vec![]);
            }
            let mut events = close_attempt(process, &field, now)?;
            events.push(Event::Replaced { field, person });
            Ok(events)
        }
        Input::SignedOnPaper { scan } if scan == process.current => Err(Refusal::Stale),
        Input::SignedOnPaper { scan } => {
            Ok(vec![Event::SignedOnPaper { scan }, Event::Completed { document: scan }])
        }
        // Only a complete document is made to last.
        Input::Preserved { .. } => Err(Refusal::Status(process.status)),
        Input::Send | Input::Cancel { .. } | Input::Signed { .. } | Input::Timeout => {
            unreachable!("decided above")
        }
    }
}

/// The steps up to the contacts come one after the other, in anybody's time.
fn step(process: &Process, field: &str, to: Step, event: impl FnOnce(String) -> Event) -> Decision {
    let signer = active(process, field)?;
    if signer.step >= to {
        return Ok(vec![]);
    }
    let before = match to {
        Step::Opened => Step::Invited,
        Step::Identified => Step::Opened,
        Step::ConditionsAccepted => Step::Identified,
        _ => Step::ConditionsAccepted,
    };
    if signer.step != before {
        return Err(Refusal::StepMissing);
    }
    Ok(vec![event(field.to_owned())])
}

/// Whose turn it is, and who was not told for a day.
pub(super) fn is_to_be_told(process: &Process, signer: &SignerState, now: DateTime<Utc>) -> bool {
    !process.status.is_final()
        && process.status != Status::Assembled
        && signer.step < Step::Signed
        && process.turn() == Some(signer.group)
        && signer.told_at.is_none_or(|told| now - told >= BETWEEN_REMINDERS)
}

/// R-SIGN-36: presence, validity and integrity of every signature so far.
fn check_signatures(
    process: &Process,
    field: String,
    revision: Digest,
    signatures: u32,
) -> Decision {
    let signer = active(process, &field)?;
    if process.turn() != Some(signer.group) {
        return Err(Refusal::NotYourTurn);
    }
    if revision != process.current {
        return Err(Refusal::Stale);
    }
    let given = process.signers.values().filter(|signer| signer.step == Step::Signed).count();
    if usize::try_from(signatures) != Ok(given) {
        return Err(Refusal::NotChecked);
    }
    if process.is_checked() {
        return Ok(vec![]);
    }
    Ok(vec![Event::SignaturesChecked { field, revision, signatures }])
}

fn certificate_issued(
    process: &Process,
    field: String,
    credential: String,
    certificate: Digest,
) -> Decision {
    let signer = in_turn(process, &field)?;
    if signer.step < Step::ContactsConfirmed {
        return Err(Refusal::StepMissing);
    }
    if process.credentials.contains(&credential) {
        return Err(Refusal::UsedCredential);
    }
    if signer.credentials >= process.plan.terms.credentials {
        return Err(Refusal::TooManyCodes);
    }
    let mut events: Vec<Event> = dropped(process, &field).into_iter().collect();
    events.push(Event::CertificateIssued { field, credential, certificate });
    Ok(events)
}

fn take_lease(
    process: &Process,
    field: String,
    attempt: AttemptId,
    base: Digest,
    now: DateTime<Utc>,
) -> Decision {
    let signer = in_turn(process, &field)?;
    if signer.step != Step::OtpSent {
        return Err(Refusal::StepMissing);
    }
    if base != process.current {
        return Err(Refusal::Stale);
    }
    let mut events = vec![];
    if let Some(lease) = &process.lease {
        if now < lease.until {
            return Err(Refusal::Held);
        }
        events = ran_out(lease);
        // Whether the trust service signed for that attempt is unknown: its credential is spent.
        events.extend(dropped(process, &lease.field));
        if lease.field == field {
            return Ok(events);
        }
    }
    let until = now + process.plan.terms.lease();
    events.push(Event::LeaseTaken { field, attempt, base, until });
    Ok(events)
}

fn otp_wrong(process: &Process, attempt: AttemptId) -> Decision {
    let field = lease_of(process, attempt)?.field.clone();
    let signer = &process.signers[&field];
    let mut events = vec![Event::OtpWrong { field: field.clone(), attempt }];
    if signer.wrong_codes.saturating_add(1) >= process.plan.terms.codes {
        events.extend(dropped(process, &field));
    }
    Ok(events)
}

fn signed(process: &Process, attempt: AttemptId, base: Digest, revision: Digest) -> Decision {
    let field = lease_of(process, attempt)?.field.clone();
    if base != process.current || revision == base {
        return Err(Refusal::Stale);
    }
    in_turn(process, &field)?;
    let mut events = vec![Event::Signed { field: field.clone(), attempt, base, revision }];
    events.extend(completed(process, &field, revision));
    Ok(events)
}

/// R-SIGN-29: needs neither identification nor contract nor code, because the certificate says who
/// signed; but the same turn, the same checks and the same line of revisions.
fn signed_elsewhere(
    process: &Process,
    field: String,
    base: Digest,
    revision: Digest,
    certificate: Digest,
    file: Option<Digest>,
    now: DateTime<Utc>,
) -> Decision {
    if in_turn(process, &field)?.step < Step::Opened {
        return Err(Refusal::StepMissing);
    }
    if base != process.current || revision == base {
        return Err(Refusal::Stale);
    }
    let mut events = vec![];
    if let Some(lease) = &process.lease {
        if now < lease.until {
            return Err(Refusal::Held);
        }
        events = ran_out(lease);
        events.extend(dropped(process, &lease.field).filter(|_| lease.field != field));
    }
    events.extend(dropped(process, &field));
    let done = completed(process, &field, revision);
    events.push(Event::SignedElsewhere { field, base, revision, certificate, file });
    events.extend(done);
    Ok(events)
}

/// R-SIGN-34: with this signature everybody has signed.
fn completed(process: &Process, field: &str, document: Digest) -> Option<Event> {
    let mut others = process.signers.values().filter(|signer| signer.signer.field != field);
    others.all(|signer| signer.step == Step::Signed).then_some(Event::Completed { document })
}

fn active<'a>(process: &'a Process, field: &str) -> Result<&'a SignerState, Refusal> {
    let signer = process.signers.get(field).ok_or(Refusal::UnknownSigner)?;
    if signer.step == Step::Signed {
        return Err(Refusal::AlreadySigned);
    }
    Ok(signer)
}

fn in_turn<'a>(process: &'a Process, field: &str) -> Result<&'a SignerState, Refusal> {
    let signer = active(process, field)?;
    if process.turn() != Some(signer.group) {
        return Err(Refusal::NotYourTurn);
    }
    if signer.group > 0 && !process.is_checked() {
        return Err(Refusal::NotChecked);
    }
    Ok(signer)
}

fn lease_of(process: &Process, attempt: AttemptId) -> Result<&Lease, Refusal> {
    process.lease.as_ref().filter(|lease| lease.attempt == attempt).ok_or(Refusal::NoSuchAttempt)
}

/// Ends an attempt of this signer that ran out; one that is under way cannot be ended.
fn close_attempt(process: &Process, field: &str, now: DateTime<Utc>) -> Decision {
    match process.lease.as_ref().filter(|lease| lease.field == field) {
        Some(lease) if now < lease.until => Err(Refusal::Held),
        Some(lease) => Ok(ran_out(lease)),
        None => Ok(vec![]),
    }
}

fn ran_out(lease: &Lease) -> Vec<Event> {
    vec![Event::AttemptFailed {
        field: lease.field.clone(),
        attempt: lease.attempt,
        reason: "the lease ran out".to_owned(),
    }]
}

fn dropped(process: &Process, field: &str) -> Option<Event> {
    let credential = process.signers[field].credential.clone()?;
    Some(Event::CredentialDropped { field: field.to_owned(), credential })
}
