//! How a process ends: everybody signed, somebody refused, it was taken back or expired.

use signing::process::{Format, Input, Status};

use super::steps::{advance_in, changed};
use super::store::{Locked, ProcessRow, Who};
use super::{SignatureError, copies, preservation, recipients, rules, store};
use crate::accounts::{AccountState, Person, Role, UserId};
use crate::bodies::{Body, BodyId};
use crate::cases::commands::{self as cases, By, act_in};
use crate::cases::rules::Act;
use crate::cases::store::CaseRecord;
use crate::cases::{CaseId, CaseState, Outcome};
use crate::db::Tx;
use crate::documents::filing::{self, NewDocument, StoredFile};
use crate::documents::rules::Visibility;
use crate::documents::{Kind, Sender};
use crate::meetings::rules::MeetingAct;
use crate::meetings::{MeetingId, commands as meetings};
use crate::minutes::table::Table;
use crate::notifications::{self, Channel, Message};
use crate::portal::Portal;
use crate::signatures::ports::LiveTopic;

/// Longest reason of a refusal.
pub const MAX_REASON_CHARS: usize = 300;

/// A mail about a document at signature; greeting, number and link are put around it.
pub(super) struct Letter<'a> {
    /// What happened, in a few words.
    pub subject: &'a str,
    /// Goes on after "nella pratica N/2026/000123": no case content (R-NOTIFY-32).
    pub text: &'a str,
    /// What makes it this mail; each recipient's is `KEY/USER`.
    pub key: &'a str,
}

/// Writes a letter to people.
pub(super) async fn tell(
    tx: &mut Tx,
    portal: &Portal,
    body: &Body,
    case: &CaseRecord,
    meeting: MeetingId,
    people: &[Person],
    letter: &Letter<'_>,
) -> Result<(), SignatureError> {
    let number = case.shown_number();
    let link = portal.link(body, &format!("/incontri/{meeting}/verbale"));
    for person in people {
        let message = Message {
            channel: Channel::Mail,
            to: person.email.clone(),
            subject: format!("{} – pratica {number}", letter.subject),
            text: format!(
                "Gentile {},\n\nnella pratica {number} {}\n\n{}\n\n{}",
                person.name(),
                letter.text,
                match person.state {
                    AccountState::Guest => {
                        "Per i dettagli apri il collegamento personale che hai ricevuto.".to_owned()
                    }
                    _ => format!("Per i dettagli accedi alla tua area riservata: {link}"),
                },
                body.name,
            ),
            key: format!("{}/{}", letter.key, person.id.0),
        };
        notifications::send(tx, body.id.0, portal.new_id(), &message, portal.now()).await?;
    }
    Ok(())
}

/// The last signature is in: the document goes into the case, the case becomes *accordo* or
/// *rinuncia*, everybody with a seat is told (R-SIGN-32, R-SIGN-34). Every signature was verified with the last one.
pub(super) async fn complete_in(
    tx: &mut Tx,
    portal: &Portal,
    locked: &Locked,
    file: &StoredFile,
    who: Who,
) -> Result<(), SignatureError> {
    let (row, plan) = (&locked.row, locked.process.plan());
    let by_hand = locked.process.on_paper();
    let body = cases::body(portal, BodyId(row.body)).await?;
    let id = CaseId(row.case_id);
    let case = crate::cases::store::lock(tx, body.id, id).await?;
    let mut case = case.ok_or(SignatureError::NotFound)?;
    let outcome = row.outcome.parse::<Outcome>();
    let outcome = outcome.map_err(|_| SignatureError::Damaged("outcome of a process"))?;
    // Under the lock of the case: of copies that end at once, one is the last.
    let version = copies::of_version_in(tx, row).await?;
    let completed = rules::status_key(Status::Completed);
    if version.iter().any(|one| one.status != completed) {
        return Ok(());
    }
    // A case that ended otherwise meanwhile keeps its end, and gets the document all the same.
    if outcome.needs_signatures() && case.rules.state == CaseState::Signing {
        let by = By { user: who.user, role: None };
        case = act_in(tx, portal, &body, id, &Act::CompleteSignatures, by).await?;
    }
    let kind = match outcome {
        Outcome::Adjourned => Kind::AdjournmentMinutes,
        _ => Kind::FinalMinutes,
    };
    let meeting = MeetingId(row.meeting);
    let number = case.shown_number().replace('/', "-");
    let document = NewDocument {
        meeting: Some(meeting),
        visibility: Visibility::new(kind, Sender::Conciliator, None, false),
        description: match by_hand {
            None => row.title.clone(),
            Some(reason) => format!("{}, firmato a mano. Motivo: {reason}", row.title),
        },
        sent_by: case.rules.conciliator,
        name: format!("Verbale {number}.pdf"),
    };
    match plan.format {
        _ if by_hand.is_some() => {
            filing::add_in(tx, portal, &case, &document, file).await?;
        }
        Format::Pades => {
            for one in &version {
                let stored =
                    if one.id == row.id { file.clone() } else { stored(portal, one).await? };
                let copy = match one.copy {
                    0 => String::new(),
                    number => format!(" copia {number}"),
                };
                let document = NewDocument {
                    description: one.title.clone(),
                    name: format!("Verbale {number}{copy}.pdf"),
                    ..document.clone()
                };
                filing::add_in(tx, portal, &case, &document, &stored).await?;
                preservation::enrol_in(tx, one, portal.now()).await?;
            }
        }
        Format::Cades => {
            // The document as everybody signed it, and the signatures beside it.
            let frozen = super::steps::document(portal, row, plan.document).await?;
            let size_bytes = i64::try_from(frozen.len());
            let size_bytes = size_bytes.map_err(|_| SignatureError::Damaged("a document"))?;
            let frozen = StoredFile { sha256: plan.document.to_string(), size_bytes };
            filing::add_in(tx, portal, &case, &document, &frozen).await?;
            let signatures = NewDocument {
                description: format!("{} – file firmato da tutti", row.title),
                name: format!("{}.p7m", document.name),
                ..document
            };
            filing::add_in(tx, portal, &case, &signatures, file).await?;
            preservation::enrol_in(tx, row, portal.now()).await?;
        }
    }
    let people = meetings::sitting(portal, &case).await?;
    let mut people: Vec<Person> = people.into_iter().map(|one| one.person).collect();
    people.extend(recipients::of_version_in(tx, row).await?);
    let letter = Letter {
        subject: "Verbale firmato",
        text: if by_hand.is_some() {
            "il verbale è stato firmato a mano, su carta: la scansione è disponibile tra i documenti."
        } else if plan.format == Format::Cades {
            "il verbale è stato firmato da tutti: tra i documenti sono disponibili il verbale (PDF) e il \
             file con le firme (P7M)."
        } else {
            "il verbale è stato firmato da tutti ed è disponibile tra i documenti."
        },
        key: &format!("signed/{}", row.id),
    };
    tell(tx, portal, &body, &case, meeting, &people, &letter).await
}

/// The signed file of a copy that was complete before.
async fn stored(portal: &Portal, row: &ProcessRow) -> Result<StoredFile, SignatureError> {
    let signed = super::steps::document(portal, row, row.digest()?).await?;
    let size_bytes = i64::try_from(signed.len());
    let size_bytes = size_bytes.map_err(|_| SignatureError::Damaged("a document"))?;
    Ok(StoredFile { sha256: row.document.clone(), size_bytes })
}

/// Everybody who signed before has: whoever is next is told (R-SIGN-36). `before` had the turn until
/// now.
pub(super) async fn hand_over_in(
    tx: &mut Tx,
    portal: &Portal,
    locked: &store::Locked,
    before: Option<usize>,
) -> Result<(), SignatureError> {
    let (row, process) = (&locked.row, &locked.process);
    let turn = process.turn();
    if turn == before || turn.is_none() {
        return Ok(());
    }
    let body = cases::body(portal, BodyId(row.body)).await?;
    let case = crate::cases::store::load(tx, body.id, CaseId(row.case_id)).await?;
    let case = case.ok_or(SignatureError::NotFound)?;
    let mut people = Vec::new();
    for state in process.signers().filter(|state| Some(state.group) == turn) {
        let id = UserId(state.signer.person);
        people.extend(crate::accounts::store::person_in(tx, body.id, id).await?);
    }
    let letter = Letter {
        subject: "Ora tocca a te firmare",
        text: "chi doveva firmare prima di te ha firmato: ora il verbale aspetta la tua firma.",
        key: &format!("turn/{}/{}", row.id, process.document()),
    };
    tell(tx, portal, &body, &case, MeetingId(row.meeting), &people, &letter).await
}

/// A signer refuses (R-SIGN-33); the conciliator is told.
pub async fn refuse(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    reason: &str,
    who: Who,
) -> Result<(), SignatureError> {
    let reason: String = reason.trim().chars().take(MAX_REASON_CHARS).collect();
    if reason.is_empty() {
        return Err(SignatureError::Unfit("Scrivi il motivo del rifiuto.".to_owned()));
    }
    let mut tx = portal.db.begin().await?;
    let input = Input::Refuse { field: field.to_owned(), reason };
    advance_in(&mut tx, portal, row, [input], who).await?;
    let letter = Letter {
        subject: "Firma rifiutata",
        text: "un firmatario ha rifiutato di firmare il verbale.",
        key: &format!("refused/{}", row.id),
    };
    tell_neutral(&mut tx, portal, row, &letter).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(())
}

/// The term is over (R-SIGN-33); the conciliator is told.
pub(super) async fn expire(portal: &Portal, row: &ProcessRow) -> Result<(), SignatureError> {
    let mut tx = portal.db.begin().await?;
    let locked = advance_in(&mut tx, portal, row, [Input::Timeout], Who::default()).await?;
    if locked.process.status() == Status::Expired {
        let letter = Letter {
            subject: "Firma scaduta",
            text: "il termine per firmare il verbale è scaduto.",
            key: &format!("expired/{}", row.id),
        };
        tell_neutral(&mut tx, portal, row, &letter).await?;
    }
    tx.commit().await?;
    changed(portal, row);
    Ok(())
}

pub(super) async fn tell_neutral(
    tx: &mut Tx,
    portal: &Portal,
    row: &ProcessRow,
    letter: &Letter<'_>,
) -> Result<(), SignatureError> {
    let body = cases::body(portal, BodyId(row.body)).await?;
    let case = crate::cases::store::load(tx, body.id, CaseId(row.case_id)).await?;
    let case = case.ok_or(SignatureError::NotFound)?;
    let Some(neutral) = case.rules.conciliator else { return Ok(()) };
    let person = crate::accounts::store::person_in(tx, body.id, neutral).await?;
    let people: Vec<Person> = person.into_iter().collect();
    tell(tx, portal, &body, &case, MeetingId(row.meeting), &people, letter).await
}

/// The conciliator takes the document back: signatures given so far are void (R-SIGN-04).
pub async fn cancel(
    portal: &Portal,
    table: &Table,
    row: &ProcessRow,
    who: Who,
) -> Result<(), SignatureError> {
    if !table.leads {
        return Err(SignatureError::NotAllowed);
    }
    let mut tx = portal.db.begin().await?;
    copies::take_back_in(&mut tx, portal, row, "a new version is made", who).await?;
    let others = table.sitting.iter().filter(|one| Some(one.person.id) != who.user);
    let mut people: Vec<Person> = others.map(|one| one.person.clone()).collect();
    people.extend(recipients::of_version_in(&mut tx, row).await?);
    let letter = Letter {
        subject: "Verbale ritirato dalla firma",
        text: "il verbale è stato ritirato dalla firma per essere corretto: le firme già apposte non \
               valgono più. Quando la nuova versione sarà pronta sarai avvisato.",
        key: &format!("cancelled/{}", row.id),
    };
    tell(&mut tx, portal, &table.body, &table.case, table.meeting.id, &people, &letter).await?;
    tx.commit().await?;
    changed(portal, row);
    portal.signing.live.changed(MeetingId(row.meeting), LiveTopic::Minutes);
    Ok(())
}

/// Takes the document of a case back because the case goes another way; its signers are told.
pub async fn call_off_in(
    tx: &mut Tx,
    portal: &Portal,
    row: &ProcessRow,
    reason: &str,
) -> Result<(), SignatureError> {
    let taken = copies::take_back_in(tx, portal, row, reason, Who::default()).await?;
    let body = cases::body(portal, BodyId(row.body)).await?;
    let case = crate::cases::store::load(tx, body.id, CaseId(row.case_id)).await?;
    let case = case.ok_or(SignatureError::NotFound)?;
    let people = copies::people_in(tx, body.id, &taken).await?;
    let letter = Letter {
        subject: "Firma annullata",
        text: "la raccolta delle firme del verbale è stata annullata.",
        key: &format!("cancelled/{}", row.id),
    };
    tell(tx, portal, &body, &case, MeetingId(row.meeting), &people, &letter).await
}

/// Nobody starts it again: the case ends without agreement, or goes on without the withdrawal
/// (R-SIGN-33).
pub async fn abandon(
    portal: &Portal,
    table: &Table,
    row: &ProcessRow,
    who: Who,
) -> Result<(), SignatureError> {
    if !table.leads {
        return Err(SignatureError::NotAllowed);
    }
    let mut tx = portal.db.begin().await?;
    let (body, id) = (&table.body, table.meeting.id);
    let meeting = crate::meetings::store::lock(&mut tx, body.id, id).await?;
    let mut meeting = meeting.ok_or(SignatureError::NotFound)?;
    if store::open_of_case_in(&mut tx, row.body, row.case_id).await?.is_some() {
        return Err(SignatureError::Unfit("Prima annulla la raccolta delle firme.".to_owned()));
    }
    let by = By { user: who.user, role: Some(Role::Conciliator) };
    act_in(&mut tx, portal, body, table.case.id, &Act::AbandonSignatures, by).await?;
    let abandoned = meeting.rules.handle(MeetingAct::Abandon, portal.now());
    abandoned.map_err(meetings::MeetingError::from)?;
    crate::meetings::store::save(&mut tx, &meeting).await?;
    tx.commit().await?;
    portal.signing.live.changed(id, LiveTopic::Minutes);
    Ok(())
}
