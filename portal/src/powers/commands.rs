//! Recording powers and ending them: the service secretariat, with the document (R-ROLE-21…28). Row
//! and journal are one transaction.

use chrono::NaiveDate;
use serde::Serialize;

use super::{COMMITMENT, Power, PowerId, PowerKind, store};
use crate::accounts::{self, Actor, Person, Role, UserId};
use crate::bodies::BodyId;
use crate::calendar::{self, Deadline};
use crate::cases::store as cases;
use crate::cases::{CaseId, Part};
use crate::db::{DbError, Tx};
use crate::documents::filing;
use crate::documents::upload::Upload;
use crate::files::FileError;
use crate::guests;
use crate::journal::{self, Aggregate, JournalError};
use crate::organisations::{self, OperatorId};
use crate::portal::Portal;
use crate::procedures::SeatKind;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// No such operator, case or document in this body.
    #[error("nothing there")]
    NotFound,
    /// Only the service secretariat records powers.
    #[error("not allowed")]
    NotAllowed,
    /// A field to put right: its name, and the sentence beside it.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// The file store.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Where powers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every case of an operator.
    Operator(OperatorId),
    /// In one case.
    Case(CaseId),
}

/// Powers as the secretariat takes them down.
#[derive(Clone, Debug)]
pub struct NewPower {
    /// Who holds them.
    pub person: UserId,
    /// Where.
    pub scope: Scope,
    /// By which kind of document.
    pub kind: PowerKind,
    /// Day of the document, or of the request (C-42).
    pub dated: NaiveDate,
    /// Last day, where the document has one. A commitment's follows from its day.
    pub until: Option<NaiveDate>,
    /// The document.
    pub file: Upload,
}

/// Somebody whose powers can be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub person: Person,
    /// For which operator; otherwise for the client.
    pub operator: Option<OperatorId>,
    /// Documents that can be recorded.
    pub kinds: Vec<PowerKind>,
}

/// What an operator's delegate can hold in every case.
const GENERAL: [PowerKind; 4] =
    [PowerKind::Poa, PowerKind::RegisterExtract, PowerKind::Commitment, PowerKind::AidOnly];
/// What who acts for an operator can hold in one case.
const OF_CASE: [PowerKind; 5] = [
    PowerKind::SpecialPoa,
    PowerKind::Poa,
    PowerKind::RegisterExtract,
    PowerKind::Commitment,
    PowerKind::SpecialAidOnly,
];

/// Whose powers can be recorded there: delegates of the operator; in a case those of the convened
/// operator, and everybody on a seat who acts for another.
pub async fn candidates(
    portal: &Portal,
    actor: &Actor,
    scope: Scope,
) -> Result<Vec<Candidate>, PowerError> {
    if actor.role != Role::ServiceSecretariat {
        return Err(PowerError::NotAllowed);
    }
    match scope {
        Scope::Operator(operator) => {
            let found = organisations::store::find(&portal.db, actor.body, operator).await?;
            found.ok_or(PowerError::NotFound)?;
            delegates(portal, actor.body, operator, &GENERAL).await
        }
        Scope::Case(case) => of_case(portal, actor.body, case).await,
    }
}

async fn delegates(
    portal: &Portal,
    body: BodyId,
    operator: OperatorId,
    kinds: &[PowerKind],
) -> Result<Vec<Candidate>, PowerError> {
    let role = Role::OperatorDelegate;
    let people = accounts::store::persons_of_operator(&portal.db, body, operator, role).await?;
    let candidate = |person| Candidate { person, operator: Some(operator), kinds: kinds.to_vec() };
    Ok(people.into_iter().map(candidate).collect())
}

async fn of_case(
    portal: &Portal,
    body: BodyId,
    case: CaseId,
) -> Result<Vec<Candidate>, PowerError> {
    let case = cases::read(&portal.db, body, case).await?.ok_or(PowerError::NotFound)?;
    let mut found = Vec::new();
    let client_kinds = portal.profile(&case.procedure).powers.get(&SeatKind::ClientDelegate);
    let client_kinds = client_kinds.cloned().unwrap_or_default();
    let persons = guests::store::persons(&portal.db, case.id).await?;
    let on = |seat| persons.iter().find(move |one| one.seat == seat).map(|one| one.user);
    for user in [case.client.delegate, on(SeatKind::ClientDelegate)].into_iter().flatten() {
        let person = accounts::store::person(&portal.db, body, user).await?;
        let kinds = client_kinds.clone();
        found.extend(person.map(|person| Candidate { person, operator: None, kinds }));
    }
    for operator in &case.rules.operators {
        let (id, part) = (operator.operator, operator.part);
        found.extend(delegates(portal, body, id, &OF_CASE).await?);
        if let Some(user) = on(SeatKind::of_delegate(part)).filter(|_| part == Part::Convened) {
            let person = accounts::store::person(&portal.db, body, user).await?;
            let (operator, kinds) = (Some(id), OF_CASE.to_vec());
            found.extend(person.map(|person| Candidate { person, operator, kinds }));
        }
    }
    Ok(found)
}

/// An entry of the journal of one document.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told<'a> {
    Recorded {
        by: UserId,
        person: UserId,
        operator: Option<OperatorId>,
        case: Option<CaseId>,
        kind: &'static str,
        dated: NaiveDate,
        until: Option<NaiveDate>,
        sha256: &'a str,
    },
    Ended {
        by: UserId,
    },
}

/// Records powers that the secretariat has seen and checked.
pub async fn record(portal: &Portal, actor: &Actor, new: NewPower) -> Result<PowerId, PowerError> {
    let candidates = candidates(portal, actor, new.scope).await?;
    let candidate = candidates.into_iter().find(|one| one.person.id == new.person);
    let candidate =
        candidate.ok_or(PowerError::Field("persona", "Scegli la persona dall'elenco."))?;
    if !candidate.kinds.contains(&new.kind) {
        let words = "Questo documento non si registra qui: scegline uno dall'elenco.";
        return Err(PowerError::Field("documento", words));
    }
    let now = portal.now();
    if new.dated > calendar::day_of(now) {
        return Err(PowerError::Field("data", "La data non può essere nel futuro."));
    }
    let until = match new.kind {
        PowerKind::Commitment => Some(COMMITMENT.from_day(new.dated)),
        _ => new.until,
    };
    if until.is_some_and(|until| until < new.dated) {
        return Err(PowerError::Field("fine", "L'ultimo giorno viene dopo la data del documento."));
    }
    let name = new.file.name.clone();
    let file = filing::keep(portal, actor.body, new.file.bytes.into()).await?;
    let power = Power {
        id: PowerId(portal.new_id()),
        person: new.person,
        operator: candidate.operator,
        case: match new.scope {
            Scope::Operator(_) => None,
            Scope::Case(case) => Some(case),
        },
        kind: new.kind,
        dated: new.dated,
        until: until.map(Deadline),
        name,
        sha256: file.sha256,
        recorded_at: now,
        ended_at: None,
    };
    let told = Told::Recorded {
        by: actor.user,
        person: power.person,
        operator: power.operator,
        case: power.case,
        kind: power.kind.key(),
        dated: power.dated,
        until,
        sha256: &power.sha256,
    };
    let mut tx = portal.db.begin().await?;
    store::insert(&mut tx, actor.body, &power).await?;
    append(&mut tx, portal, actor, power.id, &told).await?;
    tx.commit().await?;
    Ok(power.id)
}

/// Ends powers at once: withdrawn, or taken down wrongly. Returns what they were.
pub async fn end(portal: &Portal, actor: &Actor, id: PowerId) -> Result<Power, PowerError> {
    if actor.role != Role::ServiceSecretariat {
        return Err(PowerError::NotAllowed);
    }
    let power = store::find(&portal.db, actor.body, id).await?.ok_or(PowerError::NotFound)?;
    let mut tx = portal.db.begin().await?;
    if store::end(&mut tx, actor.body, id, portal.now()).await? {
        append(&mut tx, portal, actor, id, &Told::Ended { by: actor.user }).await?;
    }
    tx.commit().await?;
    Ok(power)
}

async fn append(
    tx: &mut Tx,
    portal: &Portal,
    actor: &Actor,
    id: PowerId,
    told: &Told<'_>,
) -> Result<(), JournalError> {
    let aggregate = Aggregate { body: actor.body.0, kind: "powers", id: id.0 };
    journal::append(tx, aggregate, told, portal.now()).await.map(drop)
}
