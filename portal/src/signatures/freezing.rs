//! The documents of a version, typeset and stored before anybody is asked to sign them: one that all
//! share, or a copy for each recipient (R-SIGN-27).

use chrono::{DateTime, TimeDelta, Utc};
use signing::Digest;
use signing::ports::{FieldPlace, MinutesSigner};
use signing::process::{Format, Input, Plan, Process, Recorded};
use uuid::Uuid;

use super::copies::{self, MAX_RECIPIENTS};
use super::opening::Way;
use super::store::NewProcess;
use super::{SignatureError, craft, rules, store};
use crate::accounts::UserId;
use crate::db::Tx;
use crate::documents::filing;
use crate::meetings::people::Sitting;
use crate::minutes::commands::Written;
use crate::minutes::table::Table;
use crate::minutes::{annexes, compose};
use crate::portal::Portal;
use crate::procedures::{MinutesRules, SeatKind};
use crate::signatures::store::Who;

/// A document whose signers can be asked.
pub(super) struct Document {
    title: String,
    copy: i64,
    process: Process,
    events: Vec<Recorded>,
    labels: Vec<(String, String, String)>,
    places: Vec<FieldPlace>,
}

/// Where signatures will stand; for another signer, where they did.
async fn format_for(portal: &Portal, way: &Way) -> Result<Format, SignatureError> {
    Ok(match way {
        Way::Plain | Way::OnPaper(_) | Way::Copies(_) => Format::Pades,
        Way::Beside => Format::Cades,
        Way::Replacing(_, before) => store::replay(&portal.db, before).await?.plan().format,
    })
}

/// Who signs each document, in order: everybody the same one, or each party its own with the neutral
/// person. `signers`: those of the procedure profile.
fn groups<'a>(
    way: &'a Way,
    signers: &[&'a Sitting],
) -> Result<Vec<Vec<&'a Sitting>>, SignatureError> {
    let Way::Copies(typed_in) = way else { return Ok(vec![signers.to_vec()]) };
    let (neutral, parties): (Vec<&Sitting>, Vec<&Sitting>) =
        signers.iter().partition(|one| one.seat == SeatKind::Neutral);
    let recipients = parties.into_iter().chain(typed_in);
    let groups: Vec<Vec<&Sitting>> =
        recipients.map(|one| [&[one], neutral.as_slice()].concat()).collect();
    let unfit = |text: String| Err(SignatureError::Unfit(text));
    match groups.len() {
        0 | 1 => unfit(
            "Le copie servono se i destinatari sono almeno due: aggiungine, oppure usa il documento \
             unico."
                .to_owned(),
        ),
        2..=MAX_RECIPIENTS => Ok(groups),
        count => unfit(format!(
            "I destinatari sono {count}: le copie sono al massimo {MAX_RECIPIENTS}."
        )),
    }
}

/// Typesets, stores and plans what is put to signature.
pub(super) async fn documents(
    portal: &Portal,
    table: &Table,
    (written, minutes): (&Written, &MinutesRules),
    way: &Way,
    signers: &[&Sitting],
    now: DateTime<Utc>,
) -> Result<Vec<Document>, SignatureError> {
    let groups = groups(way, signers)?;
    let annexes = annexes::load(portal, table, written).await?;
    let term = portal.profile(&table.case.procedure).signatures.days_for(written.outcome);
    let expires_at = now + TimeDelta::days(term.into());
    let (facts, format) = (table.facts(), format_for(portal, way).await?);
    let mut documents = Vec::new();
    for (number, group) in (1..).zip(&groups) {
        let id = portal.new_id();
        let mut form = compose::form(&facts, written, &minutes.template, annexes.clone(), &[], now);
        form.signers = group
            .iter()
            .map(|one| MinutesSigner {
                field: one.seat.key().to_owned(),
                role: one.label.clone(),
                name: one.person.name(),
            })
            .collect();
        form.by_hand = matches!(way, Way::OnPaper(_));
        let mut copy = 0;
        if let (Way::Copies(_), Some(recipient)) = (way, group.first()) {
            form.mark = copies::mark(number, groups.len(), &recipient.person.name(), id);
            form.title = format!("{} – copia {number} di {}", form.title, groups.len());
            copy = i64::try_from(number).expect("there are at most twenty");
        }
        let title = form.title.clone();
        let frozen = craft::freeze(&portal.signing, form).await?;
        let document = Digest::of(&frozen.pdf);
        filing::keep(portal, table.body.id, frozen.pdf.into()).await?;
        let people: Vec<(SeatKind, UserId)> =
            group.iter().map(|one| (one.seat, one.person.id)).collect();
        let plan = rules::plan(id, document, &people, expires_at);
        let plan = Plan { on_paper: way.reason(), format, ..plan };
        let (mut process, started) = Process::start(plan, now)?;
        let mut events = vec![started];
        events.extend(process.handle(Input::Send, now)?);
        let label =
            |one: &&Sitting| (one.seat.key().to_owned(), one.label.clone(), one.person.name());
        let labels = group.iter().map(label).collect();
        documents.push(Document { title, copy, process, events, labels, places: frozen.places });
    }
    Ok(documents)
}

/// When the documents of a version expire.
pub(super) fn term(documents: &[Document]) -> DateTime<Utc> {
    let first = documents.first().expect("there is a document");
    first.process.plan().terms.expires_at
}

/// Writes the documents of a version; returns the first process, which names the version.
pub(super) async fn insert_in(
    tx: &mut Tx,
    table: &Table,
    outcome: &str,
    documents: &[Document],
    who: Who,
    now: DateTime<Utc>,
) -> Result<Uuid, SignatureError> {
    let first = documents.first().expect("there is a document");
    let version = first.process.plan().process.0;
    for one in documents {
        let new = NewProcess {
            body: table.body.id.0,
            meeting: table.meeting.id.0,
            case: table.case.id.0,
            title: &one.title,
            outcome,
            version,
            copy: one.copy,
            people: &one.labels,
            places: &one.places,
        };
        store::insert(tx, &new, &one.process, &one.events, who, now).await?;
    }
    Ok(version)
}
