//! The people of a case, a case with all of them, and their way to its room.

use chrono::{DateTime, TimeDelta, Utc};
use portal::accounts::{Actor, Role};
use portal::bodies::Body;
use portal::cases::CaseId;
use portal::cases::commands::{self as cases, NewCase};
use portal::cases::rules::Act;
use portal::meetings::commands::{self, Proposal};
use portal::meetings::door::{self, DoorError};
use portal::meetings::{MeetingId, Mode};
use portal::organisations::{OperatorId, OperatorKind};
use portal::portal::Portal;
use portal_testing::{World, application};

pub const LEASE: TimeDelta = TimeDelta::seconds(15);

pub struct People {
    pub staff: Actor,
    pub conciliator: Actor,
    pub other_conciliator: Actor,
    pub client: Actor,
    pub secretariat: Actor,
    pub delegate: Actor,
    pub seller: OperatorId,
}

pub async fn people(world: &World) -> People {
    let seller = world.operator("Luce Spa", OperatorKind::Seller).await;
    People {
        staff: world.user("segreteria", Role::ServiceSecretariat, None).await,
        conciliator: world.user("conciliatore", Role::Conciliator, None).await,
        other_conciliator: world.user("conciliatore2", Role::Conciliator, None).await,
        client: world.user("cliente", Role::Client, None).await,
        secretariat: world.user("seg.luce", Role::OperatorSecretariat, Some(seller)).await,
        delegate: world.user("del.luce", Role::OperatorDelegate, Some(seller)).await,
        seller,
    }
}

/// A case with all its people.
pub async fn case(world: &World, who: &People) -> CaseId {
    let new = NewCase {
        client: who.client.user,
        client_delegate: None,
        operator: who.seller,
        aid: None,
        application: application(),
    };
    let case = cases::open(&world.portal, &who.staff, new).await.unwrap();
    for (actor, act) in [
        (&who.staff, Act::Admit),
        (&who.staff, Act::AssignConciliator { conciliator: who.conciliator.user }),
        (&who.secretariat, Act::Adhere { operator: who.seller }),
        (
            &who.secretariat,
            Act::AssignDelegate { operator: who.seller, delegate: who.delegate.user },
        ),
    ] {
        cases::act(&world.portal, actor, case, act).await.unwrap();
    }
    case
}

pub fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

pub fn proposal(who: &Actor, time: &str) -> Proposal {
    Proposal { starts_at: at(time), minutes: 60, mode: Mode::VirtualRoom, conciliator: who.user }
}

pub async fn convened(world: &World, who: &People, time: &str) -> MeetingId {
    let case = case(world, who).await;
    let proposal = proposal(&who.conciliator, time);
    commands::convene(&world.portal, &who.staff, case, proposal).await.unwrap()
}

pub async fn ask(
    portal: &Portal,
    body: &Body,
    actor: &Actor,
    meeting: MeetingId,
    accepted: bool,
) -> Result<Option<String>, DoorError> {
    let ticket = door::ask(portal, body, actor, meeting, accepted).await?;
    Ok(ticket.token.map(|token| token.reveal().to_owned()))
}
