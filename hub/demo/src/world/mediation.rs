//! A mediation that is about to begin, with people who have no account: a lawyer and the other party.
//! It has a standing room, so that it can be tried before and after its meeting too.

use chrono::{DurationRound as _, TimeDelta};
use portal::accounts::personal::PersonalData;
use portal::bodies::Body;
use portal::cases::CaseId;
use portal::cases::commands::{self as cases, NewCase};
use portal::cases::rules::Act;
use portal::guests::persons::{self, NewPerson};
use portal::meetings::commands::{self as meetings, Proposal};
use portal::meetings::{Mode, Slot, store};
use portal::organisations;
use portal::portal::Portal;
use portal::powers::PowerKind;

use super::cases::application;
use super::people::{actor, with_check_character};
use super::{AHEAD, WorldError, powers};

/// Who has no account: names, first fifteen characters of the codice fiscale, seat, address, mobile, and
/// by which document the person acts for the party.
const GUESTS: [(&str, &str, &str, &str, &str, &str, PowerKind); 2] = [
    (
        "Ada",
        "Bianchi",
        "BNCDAA73C52H501",
        "client_delegate",
        "ada.bianchi@example.it",
        "+393471000001",
        PowerKind::Assistance,
    ),
    (
        "Carlo",
        "Ferro",
        "FRRCRL64D18F205",
        "operator_delegate",
        "carlo.ferro@example.it",
        "+393471000002",
        PowerKind::SpecialPoa,
    ),
];

/// A meeting in ten minutes in the mediation body, unless one is fixed for the next half hour.
pub(super) async fn ahead(portal: &Portal, body: &Body) -> Result<(), WorldError> {
    let now = portal.now();
    let mut tx = portal.db.begin().await.map_err(WorldError::of)?;
    let soon = Slot { starts_at: now, ends_at: now + AHEAD * 3 };
    let soon = store::pending_within(&mut tx, body.id, soon).await.map_err(WorldError::of)?;
    drop(tx);
    if !soon.is_empty() {
        return Ok(());
    }
    let staff = actor(portal, body.id, "segreteria").await?;
    let mediator = actor(portal, body.id, "mediatore").await?;
    let case = open(portal, body).await?;
    for act in [Act::Admit, Act::AssignConciliator { conciliator: mediator.user }] {
        cases::act(portal, &staff, case, act).await.map_err(WorldError::of)?;
    }
    for (given_name, surname, code, seat, email, mobile, kind) in GUESTS {
        let person = NewPerson {
            person: PersonalData {
                given_name: given_name.to_owned(),
                surname: surname.to_owned(),
                fiscal_code: with_check_character(code)?,
                email: email.to_owned(),
                mobile: mobile.to_owned(),
            },
            seat: seat.to_owned(),
        };
        let added = persons::add(portal, &staff, case, &person).await.map_err(WorldError::of)?;
        powers::in_case(portal, &staff, case, (added, kind)).await?;
    }
    let starts_at = (now + AHEAD).duration_trunc(TimeDelta::minutes(1)).map_err(WorldError::of)?;
    let proposal =
        Proposal { starts_at, minutes: 120, mode: Mode::VirtualRoom, conciliator: mediator.user };
    let convened = meetings::convene(portal, &staff, case, proposal).await;
    convened.map(drop).map_err(WorldError::of)
}

async fn open(portal: &Portal, body: &Body) -> Result<CaseId, WorldError> {
    let staff = actor(portal, body.id, "segreteria").await?;
    let client = actor(portal, body.id, "cliente").await?;
    let operators = organisations::store::all(&portal.db, body.id).await.map_err(WorldError::of)?;
    let operator = operators.first().ok_or_else(|| WorldError("nobody to invite".to_owned()))?;
    let new = NewCase {
        client: client.user,
        client_delegate: None,
        operator: operator.id,
        aid: None,
        application: application(portal, 0),
    };
    cases::open(portal, &staff, new).await.map_err(WorldError::of)
}
