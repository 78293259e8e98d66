//! What each part of a case's page shows. A form is there when the act behind it is possible.

use uuid::Uuid;

use super::access::{self, Action, Relation};
use super::application::{Application, Urgency};
use super::commands::{self, CaseError};
use super::history::Line;
use super::rules::{Act, Participation};
use super::store::{self, CaseRecord};
use super::{Outcome, Part};
use crate::accounts::{self, Actor, Role, UserId};
use crate::calendar;
use crate::db::DbError;
use crate::documents::pages::asks_visibility;
use crate::documents::store::Listed;
use crate::documents::{self, Kind, filing};
use crate::meetings::rules::Door;
use crate::meetings::{self, MeetingId, MeetingState};
use crate::organisations::{self, Operator, OperatorId, OperatorKind};
use crate::portal::{Parts, Portal};
use crate::procedures::SeatKind;

/// The part that is shown.
pub(super) enum Tab {
    Data(DataTab),
    Other(Vec<Fact>),
    Documents(DocumentsTab),
    Meetings(MeetingsTab),
    Adhesion(AdhesionTab),
    History(Vec<Line>),
}

/// Label and value.
pub(super) type Fact = (&'static str, String);

pub(super) struct Subject {
    pub kind: String,
    pub name: String,
    pub note: &'static str,
}

/// Somebody to choose.
pub(super) struct Choice {
    pub id: Uuid,
    pub name: String,
    pub chosen: bool,
    /// Running cases of a conciliator (R-CASE-66).
    pub load: i64,
}

/// A form that asks for technical aid.
pub(super) struct AidForm {
    pub part: Part,
    pub operators: Vec<(Uuid, String)>,
}

/// Technical aid that was asked for.
pub(super) struct AskedAid {
    pub operator: Uuid,
    pub name: String,
    pub part: Part,
}

/// Dati pratica (R-CASE-07, R-CASE-08) and what can be done.
pub(super) struct DataTab {
    pub facts: Vec<Fact>,
    pub subjects: Vec<Subject>,
    pub may_admit: bool,
    pub may_complete: bool,
    pub conciliators: Vec<Choice>,
    pub conciliator_missing: bool,
    pub delegates: Option<Vec<Choice>>,
    pub aid_requests: Vec<AidForm>,
    pub aids_to_convene: Vec<AskedAid>,
    pub may_withdraw: bool,
    pub may_close: bool,
}

fn yes_no(yes: bool) -> String {
    if yes { "Sì" } else { "No" }.to_owned()
}

pub(super) async fn data(
    portal: &Portal,
    actor: &Actor,
    case: &CaseRecord,
    relation: Relation,
) -> Result<DataTab, CaseError> {
    let (rules, now) = (&case.rules, portal.now());
    let profile = portal.profile(&case.procedure);
    let can = |act: Act| commands::possible(relation, rules, &act, now, profile);
    let operators = organisations::store::all(&portal.db, case.body).await?;

    let conciliators = if can(Act::AssignConciliator { conciliator: actor.user }) {
        conciliators(portal, case).await?
    } else {
        Vec::new()
    };
    let delegates = match relation {
        Relation::OperatorSecretariat { operator, part }
            if can(Act::AssignDelegate { operator, delegate: actor.user }) =>
        {
            Some(delegates(portal, case, operator, part).await?)
        }
        _ => None,
    };
    let none = OperatorId(Uuid::nil());
    let parts = profile.aid_in(rules.sector).map(|aid| aid.parts.as_slice()).unwrap_or_default();
    let aid_requests = parts
        .iter()
        .copied()
        .filter(|part| can(Act::RequestAid { operator: none, part: *part, compulsory: false }))
        .map(|part| AidForm { part, operators: aids(&operators, case, part) })
        .collect();
    let aids_to_convene = rules
        .operators
        .iter()
        .filter(|who| can(Act::ConveneAid { operator: who.operator }))
        .map(|who| AskedAid {
            operator: who.operator.0,
            name: name_of(&operators, who.operator),
            part: who.part,
        })
        .collect();
    Ok(DataTab {
        facts: data_facts(portal, case),
        subjects: subjects(portal, case, &operators).await?,
        may_admit: can(Act::Admit),
        may_complete: can(Act::AnswerIntegration),
        conciliators,
        conciliator_missing: rules.conciliator.is_none(),
        delegates,
        aid_requests,
        aids_to_convene,
        may_withdraw: can(Act::Withdraw),
        may_close: can(Act::Close),
    })
}

fn data_facts(portal: &Parts, case: &CaseRecord) -> Vec<Fact> {
    let rules = &case.rules;
    let deadline = rules.deadline(portal.profile(&case.procedure));
    let mut facts = vec![("Stato", rules.state.label().to_owned())];
    if let Some(outcome) = rules.outcome {
        facts.push(("Esito", outcome.label().to_owned()));
    }
    facts.extend([
        ("Domanda inviata il", case.sent_at.map(store::admitted_on).unwrap_or_default()),
        ("Data ammissione", rules.admitted_at.map(store::admitted_on).unwrap_or_default()),
        ("Termine", deadline.map(|d| calendar::show_day(d.0)).unwrap_or_default()),
        ("Multisito", yes_no(case.application.multi_site)),
        ("Urgente", yes_no(rules.urgent)),
    ]);
    if let Some(by) = rules.integration_by {
        facts.push(("Integrazione entro il", calendar::show_day(by.0)));
    }
    facts
}

async fn conciliators(portal: &Parts, case: &CaseRecord) -> Result<Vec<Choice>, DbError> {
    let people =
        accounts::store::persons_with_role(&portal.db, case.body, Role::Conciliator).await?;
    let loads = store::running_by_conciliator(&portal.db, case.body).await?;
    let choice = |person: accounts::Person| Choice {
        id: person.id.0,
        name: person.name(),
        chosen: case.rules.conciliator == Some(person.id),
        load: loads.get(&person.id).copied().unwrap_or(0),
    };
    Ok(people.into_iter().map(choice).collect())
}

async fn delegates(
    portal: &Parts,
    case: &CaseRecord,
    operator: OperatorId,
    part: Part,
) -> Result<Vec<Choice>, DbError> {
    let people = commands::eligible_delegates(portal, case.body, operator, part).await?;
    let current = case.rules.participation(operator).and_then(|who| who.delegate);
    let choice = |person: accounts::Person| Choice {
        id: person.id.0,
        name: person.name(),
        chosen: current == Some(person.id),
        load: 0,
    };
    Ok(people.into_iter().map(choice).collect())
}

fn name_of(operators: &[Operator], id: OperatorId) -> String {
    operators.iter().find(|o| o.id == id).map(|o| o.name.clone()).unwrap_or_default()
}

/// Companies that can be asked for this aid and are not in the case yet.
fn aids(operators: &[Operator], case: &CaseRecord, part: Part) -> Vec<(Uuid, String)> {
    let network = matches!(part, Part::Distributor | Part::SecondDistributor);
    operators
        .iter()
        .filter(|o| case.rules.participation(o.id).is_none())
        .filter(|o| !network || o.kind == OperatorKind::Distributor)
        .map(|o| (o.id.0, o.name.clone()))
        .collect()
}

/// R-CASE-08, in its order.
async fn subjects(
    portal: &Parts,
    case: &CaseRecord,
    operators: &[Operator],
) -> Result<Vec<Subject>, DbError> {
    let mut subjects = Vec::new();
    let seats = &portal.profile(&case.procedure).seats;
    let plain =
        |seat: SeatKind, name: String| Subject { kind: seats.of(seat).to_owned(), name, note: "" };
    if let Some(name) = name(portal, case, case.rules.conciliator).await? {
        subjects.push(plain(SeatKind::Neutral, name));
    }
    subjects.push(plain(SeatKind::Client, case.client.name.clone()));
    if let Some(name) = name(portal, case, case.client.delegate).await? {
        subjects.push(plain(SeatKind::ClientDelegate, name));
    }
    for who in &case.rules.operators {
        let (label, note) = (who.part.label(), note(who));
        let company = name_of(operators, who.operator);
        subjects.push(Subject { kind: label.to_owned(), name: company, note });
        if let Some(name) = name(portal, case, who.delegate).await? {
            subjects.push(plain(SeatKind::of_delegate(who.part), name));
        }
    }
    Ok(subjects)
}

/// Technical aid is requested, then convened (R-CASE-26); whoever was convened answers.
fn note(who: &Participation) -> &'static str {
    if who.convened { who.adhesion.label() } else { "Richiesto, non ancora convocato" }
}

async fn name(
    portal: &Parts,
    case: &CaseRecord,
    user: Option<UserId>,
) -> Result<Option<String>, DbError> {
    let Some(user) = user else { return Ok(None) };
    Ok(accounts::store::person(&portal.db, case.body, user).await?.map(|person| person.name()))
}

/// Altri dati: the application (R-CASE-12).
pub(super) fn facts(application: &Application) -> Vec<Fact> {
    let Application { complaint_on, reply_on, urgency, .. } = application;
    let urgency = match urgency {
        None => "No",
        Some(Urgency::Suspended) => "Fornitura sospesa",
        Some(Urgency::NoticeOfDefault) => "Costituzione in mora",
    };
    let shown = |text: &str| text.to_owned();
    vec![
        ("Data del reclamo", calendar::show_day(*complaint_on)),
        ("Identificativo del reclamo", shown(&application.complaint_ref)),
        ("Data della risposta", reply_on.map_or_else(|| "Nessuna".into(), calendar::show_day)),
        ("Argomento", shown(&application.topic)),
        ("Valore stimato", application.value()),
        ("Descrizione", shown(&application.description)),
        ("Disponibilità per l'incontro", shown(&application.availability)),
        ("Altre indicazioni", shown(&application.other_availability)),
        ("Servizio", shown(application.service.label())),
        ("Contratto", shown(&application.contract)),
        ("Tipo utenza", shown(application.utility.label())),
        ("Multisito", yes_no(application.multi_site)),
        ("POD", application.pod.clone().unwrap_or_default()),
        ("PDR", application.pdr.clone().unwrap_or_default()),
        ("Indirizzo della fornitura", shown(&application.address)),
        ("Località", shown(&application.locality)),
        ("Comune", shown(&application.municipality)),
        ("Provincia", shown(&application.province)),
        ("Regione", shown(&application.region)),
        ("CAP", shown(&application.postal_code)),
        ("Urgenza", shown(urgency)),
    ]
}

pub(super) struct DocumentRow {
    pub listed: Listed,
    pub machine_time: String,
    pub time: String,
}

/// Documenti (R-CASE-29) and the form that adds one.
pub(super) struct DocumentsTab {
    pub rows: Vec<DocumentRow>,
    pub may_upload: bool,
    pub kinds: &'static [Kind],
    pub asks_visibility: bool,
}

/// The documents that a person may see.
pub(super) async fn listed(
    portal: &Parts,
    actor: &Actor,
    case: &CaseRecord,
    relation: Relation,
) -> Result<Vec<Listed>, DbError> {
    let viewer = access::viewer(relation, &case.rules);
    documents::store::of_case(&portal.db, case.body, case.id, actor.user, viewer).await
}

pub(super) fn documents(
    case: &CaseRecord,
    relation: Relation,
    listed: Vec<Listed>,
) -> DocumentsTab {
    let row = |listed: Listed| DocumentRow {
        machine_time: listed.document.sent_at.to_rfc3339(),
        time: calendar::show(listed.document.sent_at),
        listed,
    };
    DocumentsTab {
        rows: listed.into_iter().map(row).collect(),
        may_upload: access::may(relation, Action::Upload)
            && access::open_for_upload(relation, &case.rules),
        kinds: Kind::offered_to(filing::sent_by(relation, Kind::Attachment, false).sender),
        asks_visibility: asks_visibility(access::viewer(relation, &case.rules)),
    }
}

pub(super) struct MeetingRow {
    pub id: MeetingId,
    pub machine_time: String,
    pub time: String,
    pub state: &'static str,
    pub colour: &'static str,
    pub mode: &'static str,
    pub first: bool,
    pub outcome: &'static str,
    pub room_open: bool,
}

/// Incontri.
pub(super) struct MeetingsTab {
    pub rows: Vec<MeetingRow>,
    pub may_convene: bool,
    /// May name people without an account.
    pub may_name: bool,
    /// The standing room: its address for who has a seat, and its last day.
    pub standing: Option<(Option<Uuid>, String)>,
}

pub(super) async fn meetings(
    portal: &Parts,
    case: &CaseRecord,
    relation: Relation,
) -> Result<MeetingsTab, DbError> {
    let (now, profile) = (portal.now(), portal.profile(&case.procedure));
    let room = &profile.room;
    // Secretariats have no seat (C-47).
    let seatless = matches!(relation, Relation::Service | Relation::OperatorSecretariat { .. });
    let rows = meetings::store::of_case(&portal.db, case.body, case.id)
        .await?
        .into_iter()
        .map(|meeting| MeetingRow {
            id: meeting.id,
            machine_time: meeting.rules.slot.starts_at.to_rfc3339(),
            time: calendar::show(meeting.rules.slot.starts_at),
            state: meeting.rules.shown(room, now),
            colour: meeting_colour(meeting.rules.state),
            mode: meeting.rules.mode.label(),
            first: meeting.is_first,
            outcome: meeting.rules.outcome.map_or("", Outcome::label),
            room_open: !seatless && meeting.rules.door(room, now) == Door::Open,
        })
        .collect();
    let possible = case.rules.next_meeting.is_none() && access::takes_meeting(&case.rules);
    let may_convene = access::may(relation, Action::Convene);
    let standing = meetings::standing::live(&portal.db, case.id, now).await?;
    let standing = standing.map(|room| {
        let until = calendar::show_day(calendar::day_of(room.ends_at));
        ((!seatless).then_some(room.id), until)
    });
    Ok(MeetingsTab { rows, may_convene: possible && may_convene, may_name: may_convene, standing })
}

fn meeting_colour(state: MeetingState) -> &'static str {
    match state {
        MeetingState::Convened | MeetingState::InProgress => "state-open",
        MeetingState::Interrupted | MeetingState::Postponed => "state-wait",
        MeetingState::Held | MeetingState::Adjourned => "state-good",
        MeetingState::Cancelled | MeetingState::NoShow => "state-bad",
    }
}

/// Adesione (R-CASE-14).
pub(super) struct AdhesionTab {
    pub state: &'static str,
    pub may_answer: bool,
    pub compulsory: bool,
}

pub(super) fn adhesion(portal: &Parts, case: &CaseRecord, relation: Relation) -> AdhesionTab {
    let (now, profile) = (portal.now(), portal.profile(&case.procedure));
    let Relation::OperatorSecretariat { operator, .. } = relation else {
        return AdhesionTab { state: "", may_answer: false, compulsory: false };
    };
    let who = case.rules.participation(operator);
    let adhere = Act::Adhere { operator };
    AdhesionTab {
        state: who.map_or("", |who| who.adhesion.label()),
        may_answer: commands::possible(relation, &case.rules, &adhere, now, profile),
        compulsory: who.is_some_and(|who| who.compulsory),
    }
}
