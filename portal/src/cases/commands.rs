//! What people do to cases: who may, what the rules say, and one transaction for the row, the case
//! history and the messages.

use chrono::{DateTime, Datelike as _, Utc};
use serde::Serialize;

use crate::accounts::{self, Actor, Role, UserId};
use crate::bodies::{Body, BodyId};
use crate::calendar;
use crate::cases::access::{self, Action, Relation};
use crate::cases::application::Application;
use crate::cases::rules::{Act, Case, CaseEvent, Refusal};
use crate::cases::store::{self, CaseRecord, ClientSide};
use crate::cases::{CaseId, Part, history, notices};
use crate::db::{DbError, Tx};
use crate::documents::Kind;
use crate::documents::filing::{self, NewDocument};
use crate::documents::upload::Upload;
use crate::files::FileError;
use crate::journal::{self, JournalError};
use crate::meetings;
use crate::organisations::{self, OperatorId};
use crate::portal::{Parts, Portal};
use crate::procedures::ProcedureProfile;
use crate::signatures::{self, SignatureError};
use crate::web::PageError;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// No such case, or none of this person's: the two are not told apart.
    #[error("La pratica non esiste.")]
    NotFound,
    /// The person's part in the case does not include this.
    #[error("Il tuo profilo non prevede questa operazione.")]
    NotAllowed,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody or something named does not fit; the sentence is for the person.
    #[error("{0}")]
    Unfit(&'static str),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The case history.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The file store.
    #[error(transparent)]
    File(#[from] FileError),
    /// The document at signature cannot be taken back.
    #[error(transparent)]
    Signatures(Box<SignatureError>),
}

impl From<SignatureError> for CaseError {
    fn from(error: SignatureError) -> Self {
        Self::Signatures(Box::new(error))
    }
}

impl CaseError {
    /// What to tell the person, or the page that takes the place of the one asked for.
    pub fn explained(self) -> Result<String, PageError> {
        match self {
            Self::NotFound => Err(PageError::NotFound),
            Self::NotAllowed => Err(PageError::Forbidden),
            Self::Refused(refusal) => Ok(refusal.to_string()),
            Self::Unfit(sentence) => Ok(sentence.to_owned()),
            Self::Db(error) => Err(error.into()),
            Self::Journal(error) => Err(error.into()),
            Self::File(error) => Err(error.into()),
            Self::Signatures(error) => error.explained(),
        }
    }
}

/// Who does something; the clock and the trust service have no actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct By {
    /// The account.
    pub user: Option<UserId>,
    /// Acting as (R-LOG-17).
    pub role: Option<Role>,
}

impl From<&Actor> for By {
    fn from(actor: &Actor) -> Self {
        Self { user: Some(actor.user), role: Some(actor.role) }
    }
}

/// One entry of the case history.
#[derive(Serialize)]
struct Told<'a> {
    by: Option<UserId>,
    role: Option<&'static str>,
    #[serde(flatten)]
    event: &'a CaseEvent,
}

/// A case as the service secretariat takes it in.
#[derive(Clone, Debug)]
pub struct NewCase {
    /// The client's account.
    pub client: UserId,
    /// Acts for the client.
    pub client_delegate: Option<UserId>,
    /// The claim is directed against it.
    pub operator: OperatorId,
    /// Distributor or sewerage manager that the application asks to be convened.
    pub aid: Option<OperatorId>,
    /// What the client states.
    pub application: Application,
}

/// Takes in an application that came on paper: a case with a number, submitted.
pub async fn open(portal: &Portal, actor: &Actor, new: NewCase) -> Result<CaseId, CaseError> {
    if actor.role != Role::ServiceSecretariat {
        return Err(CaseError::NotAllowed);
    }
    let body = body(portal, actor.body).await?;
    let now = portal.now();
    if !new.application.faults(calendar::day_of(now)).is_empty() {
        return Err(CaseError::Unfit("La domanda non è completa."));
    }
    let client = with_role(portal, body.id, new.client, Role::Client).await?;
    let client = client.ok_or(CaseError::Unfit("Scegli il cliente dall'elenco."))?;
    if let Some(delegate) = new.client_delegate
        && with_role(portal, body.id, delegate, Role::ClientDelegate).await?.is_none()
    {
        return Err(CaseError::Unfit("Scegli il delegato del cliente dall'elenco."));
    }
    let operator = organisations::store::find(&portal.db, body.id, new.operator).await?;
    let operator = operator.ok_or(CaseError::Unfit("Scegli l'operatore dall'elenco."))?;
    let aid = match new.aid {
        None => None,
        Some(aid) => {
            let aid = organisations::store::find(&portal.db, body.id, aid).await?;
            Some(aid.ok_or(CaseError::Unfit("Scegli l'ausilio tecnico dall'elenco."))?)
        }
    };
    let (sector, urgent) = (new.application.service.sector(), new.application.urgency.is_some());
    let case = CaseRecord {
        id: CaseId(portal.new_id()),
        body: body.id,
        number: None,
        procedure: body.procedure.clone(),
        created_at: now,
        sent_at: None,
        closed_at: None,
        client: ClientSide {
            user: Some(client.id),
            delegate: new.client_delegate,
            name: client.name(),
        },
        application: new.application,
        rules: Case::draft(sector, urgent, operator.id, operator.compulsory),
    };
    let profile = portal.profile(&body.procedure);
    let mut tx = portal.db.begin().await?;
    store::insert(&mut tx, &case, profile).await?;
    if let Some(aid) = aid {
        let part = profile.aid_in(sector).and_then(|rules| rules.parts.first());
        let part = *part.ok_or(Refusal::NoSuchAid)?;
        let named = Act::NameAid { operator: aid.id, part, compulsory: aid.compulsory };
        act_in(&mut tx, portal, &body, case.id, &named, actor.into()).await?;
    }
    act_in(&mut tx, portal, &body, case.id, &Act::Send, actor.into()).await?;
    tx.commit().await?;
    Ok(case.id)
}

/// Does one act as `actor`: everything except what belongs to an intake, a meeting or a signature,
/// which have commands of their own.
pub async fn act(
    portal: &Portal,
    actor: &Actor,
    case: CaseId,
    act: Act,
) -> Result<CaseRecord, CaseError> {
    let body = body(portal, actor.body).await?;
    fits(portal, actor, case, &act).await?;
    let mut tx = portal.db.begin().await?;
    let ends = matches!(act, Act::Withdraw | Act::DecideOverdue { .. });
    let meeting =
        if ends { meetings::store::lock_pending(&mut tx, body.id, case).await? } else { None };
    // A document at signature is taken before the case, as whoever signs it does.
    let at_signature = signatures::store::open_of_case_in(&mut tx, body.id.0, case.0).await?;
    match (&act, &at_signature) {
        (Act::Close, Some(_)) => {
            return Err(CaseError::Unfit("Prima va conclusa la raccolta delle firme del verbale."));
        }
        (Act::AssignConciliator { .. }, Some(row)) => {
            let reason = "another conciliator was assigned";
            signatures::ending::call_off_in(&mut tx, portal, row, reason).await?;
        }
        (_, Some(row)) if ends => {
            let reason = "the case ended otherwise";
            signatures::ending::call_off_in(&mut tx, portal, row, reason).await?;
        }
        _ => {}
    }
    let record = act_as(&mut tx, portal, &body, actor, case, &act).await?;
    if ends && signatures::store::open_of_case_in(&mut tx, body.id.0, case.0).await?.is_some() {
        return Err(CaseError::Unfit(
            "La pratica è appena cambiata: ricarica la pagina e riprova.",
        ));
    }
    let off = meeting.is_some();
    if let Some(meeting) = meeting {
        meetings::commands::take_off_in(&mut tx, portal, &body, &record, meeting).await?;
    }
    tx.commit().await?;
    if off {
        portal.signing.live.called_off();
    }
    Ok(record)
}

/// [`act`] with the letter that goes with it (R-CASE-15, R-CASE-23), filed as `kind`.
pub async fn act_with_letter(
    portal: &Portal,
    actor: &Actor,
    case: CaseId,
    act: Act,
    (kind, letter): (Kind, Upload),
) -> Result<CaseRecord, CaseError> {
    let body = body(portal, actor.body).await?;
    fits(portal, actor, case, &act).await?;
    let name = letter.name.clone();
    let file = filing::keep(portal, body.id, letter.bytes.into()).await?;
    let mut tx = portal.db.begin().await?;
    let record = act_as(&mut tx, portal, &body, actor, case, &act).await?;
    let relation = access::relation(actor, &record).ok_or(CaseError::NotFound)?;
    let new = NewDocument {
        meeting: None,
        visibility: filing::sent_by(relation, kind, false),
        description: String::new(),
        sent_by: Some(actor.user),
        name,
    };
    filing::add_in(&mut tx, portal, &record, &new, &file).await?;
    tx.commit().await?;
    Ok(record)
}

async fn act_as(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    actor: &Actor,
    case: CaseId,
    act: &Act,
) -> Result<CaseRecord, CaseError> {
    let record = store::lock(tx, body.id, case).await?.ok_or(CaseError::NotFound)?;
    let relation = access::relation(actor, &record).ok_or(CaseError::NotFound)?;
    if !action(act).is_some_and(|action| access::may(relation, action)) {
        return Err(CaseError::NotAllowed);
    }
    act_in(tx, portal, body, case, act, actor.into()).await
}

/// Whether [`act`] would do it now, as far as rights and rules go: what a page offers.
pub fn possible(
    relation: Relation,
    case: &Case,
    act: &Act,
    now: DateTime<Utc>,
    profile: &ProcedureProfile,
) -> bool {
    action(act).is_some_and(|action| access::may(relation, action))
        && case.clone().handle(act, now, profile).is_ok()
}

/// Does one act in the caller's transaction, holding the case's row. Who may is the caller's
/// question; what the state of the case allows is answered here.
pub async fn act_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    case: CaseId,
    act: &Act,
    by: By,
) -> Result<CaseRecord, CaseError> {
    let mut record = store::lock(tx, body.id, case).await?.ok_or(CaseError::NotFound)?;
    let (now, profile) = (portal.now(), portal.profile(&record.procedure));
    let events = record.rules.handle(act, now, profile)?;
    for event in &events {
        match event {
            CaseEvent::Sent { .. } => {
                let number = store::next_number(tx, body.id, calendar::day_of(now).year()).await?;
                record.number = Some(number.to_string());
                record.sent_at = Some(now);
            }
            CaseEvent::Closed => record.closed_at = Some(now),
            _ => {}
        }
    }
    store::save(tx, &record, profile).await?;
    for event in &events {
        let aggregate = history::aggregate(body.id, case);
        let told = Told { by: by.user, role: by.role.map(Role::key), event };
        let entry = journal::append(tx, aggregate, &told, now).await?;
        notices::send(tx, portal, body, &record, event, entry.seq).await?;
    }
    Ok(record)
}

/// Notes in the case history, in the caller's transaction, what changes nothing else in the case.
pub(crate) async fn note_in(
    tx: &mut Tx,
    portal: &Parts,
    case: &CaseRecord,
    event: CaseEvent,
    by: impl Into<By>,
) -> Result<(), CaseError> {
    let by = by.into();
    let told = Told { by: by.user, role: by.role.map(Role::key), event: &event };
    journal::append(tx, history::aggregate(case.body, case.id), &told, portal.now()).await?;
    Ok(())
}

/// What the passing of time does to cases: applications that were not completed, terms that passed
/// (R-CLAIM-15, R-CASE-63). Does nothing twice.
pub async fn pass_time(portal: &Portal) -> Result<(), CaseError> {
    let now = portal.now();
    for (body, case) in store::waiting_for_time(&portal.db, calendar::day_of(now)).await? {
        let mut tx = portal.db.begin().await?;
        let Some(mut record) = store::lock(&mut tx, body, case).await? else { continue };
        let profile = portal.profile(&record.procedure);
        let Some(event) = record.rules.handle_timeout(now, profile) else { continue };
        store::save(&mut tx, &record, profile).await?;
        let aggregate = history::aggregate(body, case);
        let told = Told { by: None, role: None, event: &event };
        journal::append(&mut tx, aggregate, &told, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The body of a command.
pub(crate) async fn body(portal: &Parts, id: BodyId) -> Result<Body, CaseError> {
    let all = crate::bodies::all(&portal.db).await?;
    all.into_iter().find(|body| body.id == id).ok_or(CaseError::NotFound)
}

async fn with_role(
    portal: &Parts,
    body: BodyId,
    user: UserId,
    role: Role,
) -> Result<Option<accounts::Person>, DbError> {
    let people = accounts::store::persons_with_role(&portal.db, body, role).await?;
    Ok(people.into_iter().find(|person| person.id == user))
}

/// Whom and what an act names must exist and fit; an operator's people act for their own only.
async fn fits(portal: &Parts, actor: &Actor, case: CaseId, act: &Act) -> Result<(), CaseError> {
    let body = actor.body;
    let own = |operator: &OperatorId| match actor.operator {
        Some(mine) if mine == *operator => Ok(()),
        _ => Err(CaseError::NotAllowed),
    };
    match act {
        Act::Adhere { operator } | Act::Decline { operator } => own(operator),
        Act::AssignDelegate { operator, delegate } => {
            own(operator)?;
            let record = store::read(&portal.db, body, case).await?.ok_or(CaseError::NotFound)?;
            let part = record.rules.participation(*operator).ok_or(CaseError::NotFound)?.part;
            let people = eligible_delegates(portal, body, *operator, part).await?;
            if !people.iter().any(|person| person.id == *delegate) {
                return Err(CaseError::Unfit("Scegli un delegato abilitato dall'elenco."));
            }
            Ok(())
        }
        Act::AssignConciliator { conciliator } => {
            match with_role(portal, body, *conciliator, Role::Conciliator).await? {
                Some(_) => Ok(()),
                None => Err(CaseError::Unfit("Scegli un conciliatore dall'elenco.")),
            }
        }
        Act::RequestAid { operator, .. } | Act::ConveneAid { operator } => {
            match organisations::store::find(&portal.db, body, *operator).await? {
                Some(_) => Ok(()),
                None => Err(CaseError::Unfit("Scegli l'operatore dall'elenco.")),
            }
        }
        _ => Ok(()),
    }
}

/// The row of §2 that an act belongs to; none for what intakes, meetings and signatures do in
/// transactions of their own.
fn action(act: &Act) -> Option<Action> {
    Some(match act {
        Act::AskIntegration | Act::CorrectCompleteDay { .. } | Act::Admit | Act::Reject => {
            Action::DecideApplication
        }
        Act::AnswerIntegration => Action::Upload,
        Act::Withdraw => Action::Withdraw,
        Act::AssignConciliator { .. } => Action::AssignConciliator,
        Act::Adhere { .. } | Act::Decline { .. } => Action::Answer,
        Act::AssignDelegate { .. } => Action::AssignDelegate,
        Act::RequestAid { .. } => Action::RequestAid,
        Act::ConveneAid { .. } => Action::ConveneAid,
        Act::Extend { .. } | Act::DecideOverdue { .. } => Action::GrantExtension,
        Act::Close => Action::Close,
        Act::Send
        | Act::NameAid { .. }
        | Act::Convene { .. }
        | Act::MoveMeeting { .. }
        | Act::GrantPostponement { .. }
        | Act::CancelMeeting
        | Act::StartMeeting
        | Act::EndMeeting
        | Act::Conclude { .. }
        | Act::SubstituteDelegate { .. }
        | Act::SendToSignature
        | Act::CompleteSignatures
        | Act::AbandonSignatures => return None,
    })
}

/// Delegates that an operator's secretariat can choose for a case: one that is enabled for technical
/// aid only is not offered where the operator is convened (R-ROLE-26).
pub async fn eligible_delegates(
    portal: &Parts,
    body: BodyId,
    operator: OperatorId,
    part: Part,
) -> Result<Vec<accounts::Person>, DbError> {
    let role = Role::OperatorDelegate;
    let people = accounts::store::persons_of_operator(&portal.db, body, operator, role).await?;
    let mut eligible = Vec::new();
    for person in people {
        if part.is_aid() || !accounts::store::aid_only(&portal.db, body, person.id).await? {
            eligible.push(person);
        }
    }
    Ok(eligible)
}
