//! What a signer has to do next, and what the states are called. Pure.

use chrono::{DateTime, Utc};
use signing::Digest;
use signing::process::{Format, Plan, Process, ProcessId, Signer, Status, Step, Terms};
use uuid::Uuid;

use crate::{accounts::UserId, procedures::SeatKind};

/// The next thing a signer has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Be identified.
    Identify,
    /// Accept the conditions.
    Conditions,
    /// Confirm mobile and mail.
    Contacts,
    /// Others sign before.
    Others,
    /// Check the signatures of the others (R-SIGN-36).
    Check,
    /// Ask for certificate and code.
    Request,
    /// Enter the code.
    Code,
    /// The signature is being applied at this moment.
    Busy,
    /// Nothing: signed, or the process is over.
    Nothing,
}

/// What the signer of `field` has to do next.
pub fn need(process: &Process, field: &str, now: DateTime<Utc>) -> Need {
    let Some(state) = process.signer(field) else { return Need::Nothing };
    let closed = process.status().is_final() || process.status() == Status::Assembled;
    if closed || process.on_paper().is_some() {
        return Need::Nothing;
    }
    let in_turn = process.turn() == Some(state.group);
    match state.step {
        Step::Signed | Step::Refused | Step::Expired => Need::Nothing,
        Step::Invited | Step::Opened => Need::Identify,
        Step::Identified => Need::Conditions,
        Step::ConditionsAccepted => Need::Contacts,
        _ if !in_turn => Need::Others,
        _ if !process.may_sign(field) => Need::Check,
        _ if process.lease().is_some_and(|it| it.field == field && now < it.until) => Need::Busy,
        Step::ContactsConfirmed | Step::CertificateIssued => Need::Request,
        Step::OtpSent => Need::Code,
    }
}

/// What a signer with an own device can do now (R-SIGN-29).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnDevice {
    /// Nothing.
    No,
    /// Check the signatures of the others first (R-SIGN-36).
    Check,
    /// Download the document and hand it in signed.
    Ready,
}

/// What the signer of `field` can do with an own device. The certificate says who signs, so
/// neither identification nor conditions nor contacts are asked for.
pub fn on_own_device(process: &Process, field: &str, now: DateTime<Utc>) -> OwnDevice {
    let held = process.lease().is_some_and(|lease| now < lease.until);
    let Some(state) = process.signer(field) else { return OwnDevice::No };
    let over = process.status().is_final() || now >= process.plan().terms.expires_at;
    let over = over || process.on_paper().is_some();
    if over || held || state.step == Step::Invited || process.turn() != Some(state.group) {
        OwnDevice::No
    } else if process.may_sign(field) {
        OwnDevice::Ready
    } else if state.step < Step::Signed {
        OwnDevice::Check
    } else {
        OwnDevice::No
    }
}

/// The groups of the profile's signers: the parties in any order, the neutral person last
/// (R-SIGN-36).
pub fn groups(signers: &[(SeatKind, UserId)]) -> Vec<Vec<Signer>> {
    let (neutral, parties): (Vec<_>, Vec<_>) =
        signers.iter().partition(|(seat, _)| *seat == SeatKind::Neutral);
    let group = |people: Vec<(SeatKind, UserId)>| -> Vec<Signer> {
        people
            .into_iter()
            .map(|(seat, user)| Signer { field: seat.key().to_owned(), person: user.0 })
            .collect()
    };
    [group(parties), group(neutral)].into_iter().filter(|group| !group.is_empty()).collect()
}

/// The plan of a process for a frozen document.
pub fn plan(
    id: Uuid,
    document: Digest,
    signers: &[(SeatKind, UserId)],
    expires_at: DateTime<Utc>,
) -> Plan {
    // The trust service and the time stamp answer within ten seconds each or not at all.
    let terms = Terms { lease_seconds: 30, ..Terms::until(expires_at) };
    let (on_paper, format) = (None, Format::default());
    Plan { process: ProcessId(id), document, groups: groups(signers), terms, on_paper, format }
}

/// The word of a format in forms.
pub fn format_key(format: Format) -> &'static str {
    match format {
        Format::Pades => "pades",
        Format::Cades => "cades",
    }
}

/// The format that a word stands for; the usual one for none.
pub fn format_of(key: &str) -> Option<Format> {
    match key {
        "" => Some(Format::default()),
        key => [Format::Pades, Format::Cades].into_iter().find(|one| format_key(*one) == key),
    }
}

/// The word of a status in database and page attributes.
pub fn status_key(status: Status) -> &'static str {
    match status {
        Status::Assembled => "assembled",
        Status::Sent => "sent",
        Status::PartiallySigned => "partially_signed",
        Status::Completed => "completed",
        Status::Refused => "refused",
        Status::Expired => "expired",
        Status::Cancelled => "cancelled",
    }
}

/// The status that a word stands for.
pub fn status_of(key: &str) -> Option<Status> {
    use Status::{Assembled, Cancelled, Completed, Expired, PartiallySigned, Refused, Sent};
    let all = [Assembled, Sent, PartiallySigned, Completed, Refused, Expired, Cancelled];
    all.into_iter().find(|status| status_key(*status) == key)
}

/// §4.8 in Italian.
pub fn status_label(status: Status) -> &'static str {
    match status {
        Status::Assembled => "Assemblato",
        Status::Sent => "Inviato",
        Status::PartiallySigned => "Parzialmente firmato",
        Status::Completed => "Completato",
        Status::Refused => "Rifiutato",
        Status::Expired => "Scaduto",
        Status::Cancelled => "Annullato",
    }
}

/// The word of a step in database and page attributes.
pub fn step_key(step: Step) -> &'static str {
    match step {
        Step::Invited => "invited",
        Step::Opened => "opened",
        Step::Identified => "identified",
        Step::ConditionsAccepted => "conditions_accepted",
        Step::ContactsConfirmed => "contacts_confirmed",
        Step::CertificateIssued => "certificate_issued",
        Step::OtpSent => "otp_sent",
        Step::Signed => "signed",
        Step::Refused => "refused",
        Step::Expired => "expired",
    }
}

/// §4.8 in Italian.
pub fn step_label(step: Step) -> &'static str {
    match step {
        Step::Invited => "Invitato",
        Step::Opened => "Aperto",
        Step::Identified => "Identificato",
        Step::ConditionsAccepted => "Condizioni accettate",
        Step::ContactsConfirmed => "Recapiti confermati",
        Step::CertificateIssued => "Certificato emesso",
        Step::OtpSent => "Codice inviato",
        Step::Signed => "Firmato",
        Step::Refused => "Rifiutato",
        Step::Expired => "Scaduto",
    }
}

/// A contact that its owner recognises and nobody else learns: the ends of it.
pub fn masked(contact: &str) -> String {
    match contact.split_once('@') {
        Some((name, host)) => {
            let first: String = name.chars().take(1).collect();
            format!("{first}•••@{host}")
        }
        None => {
            let last: Vec<char> = contact.chars().rev().take(3).collect();
            format!("••• {}", last.into_iter().rev().collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use signing::process::{AttemptId, Identification, Input, Method};

    use super::*;
    use crate::signatures::conditions::IN_FORCE;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn now() -> DateTime<Utc> {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn sent() -> Process {
        let signers = [
            (SeatKind::Client, user(1)),
            (SeatKind::OperatorDelegate, user(2)),
            (SeatKind::Neutral, user(3)),
        ];
        let end = now() + TimeDelta::days(7);
        let plan = plan(Uuid::nil(), Digest::of(b"pdf"), &signers, end);
        let (mut process, _) = Process::start(plan, now()).unwrap();
        process.handle(Input::Send, now()).unwrap();
        process
    }

    fn ready(process: &mut Process, field: &str) {
        let field = field.to_owned();
        let identification =
            Identification { method: Method::Cie, at: now(), reference: "r".to_owned() };
        let versions = IN_FORCE.iter().map(|condition| condition.accepted()).collect();
        for input in [
            Input::Open { field: field.clone() },
            Input::Identify { field: field.clone(), identification },
            Input::AcceptConditions { field: field.clone(), versions },
            Input::ConfirmContacts { field },
        ] {
            process.handle(input, now()).unwrap();
        }
    }

    fn sign(process: &mut Process, field: &str, n: u128) {
        let (attempt, base) = (AttemptId(Uuid::from_u128(n)), process.document());
        let revision = Digest::of(&n.to_be_bytes());
        for input in [
            Input::CertificateIssued {
                field: field.to_owned(),
                credential: n.to_string(),
                certificate: revision,
            },
            Input::OtpSent { field: field.to_owned() },
            Input::TakeLease { field: field.to_owned(), attempt, base },
            Input::Signed { attempt, base, revision },
        ] {
            process.handle(input, now()).unwrap();
        }
    }

    #[test]
    fn r_sign_36_parties_in_any_order_then_the_neutral_person() {
        let neutral_first = [
            (SeatKind::Neutral, user(3)),
            (SeatKind::Client, user(1)),
            (SeatKind::OperatorDelegate, user(2)),
        ];
        let groups: Vec<Vec<String>> = groups(&neutral_first)
            .into_iter()
            .map(|group| group.into_iter().map(|signer| signer.field).collect())
            .collect();
        assert_eq!(groups, [vec!["client", "operator_delegate"], vec!["neutral"]]);
        assert_eq!(super::groups(&neutral_first[..1]).len(), 1);
    }

    #[test]
    fn r_sign_28_every_signer_is_told_the_next_step() {
        let mut process = sent();
        assert_eq!(need(&process, "client", now()), Need::Identify);
        ready(&mut process, "client");
        ready(&mut process, "neutral");
        assert_eq!(need(&process, "client", now()), Need::Request);
        assert_eq!(need(&process, "neutral", now()), Need::Others);
        sign(&mut process, "client", 1);
        assert_eq!(need(&process, "client", now()), Need::Nothing);
        ready(&mut process, "operator_delegate");
        sign(&mut process, "operator_delegate", 2);
        assert_eq!(need(&process, "neutral", now()), Need::Check);
        let check = Input::CheckSignatures {
            field: "neutral".to_owned(),
            revision: process.document(),
            signatures: 2,
        };
        process.handle(check, now()).unwrap();
        assert_eq!(need(&process, "neutral", now()), Need::Request);
        sign(&mut process, "neutral", 3);
        assert_eq!(process.status(), Status::Completed);
        assert_eq!(need(&process, "neutral", now()), Need::Nothing);
        assert_eq!(need(&process, "nobody", now()), Need::Nothing);
    }

    #[test]
    fn a_contact_is_recognised_by_its_owner_only() {
        assert_eq!(masked("+393331234567"), "••• 567");
        assert_eq!(masked("anna.rossi@example.it"), "a•••@example.it");
    }
}
