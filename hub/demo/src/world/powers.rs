//! Powers of signing of the demo's delegates, one of each kind that matters: a power of attorney, a
//! commitment that is about to run out, one that has, and a delegation for technical aid only.

use chrono::{Days, NaiveDate};
use portal::accounts::{Actor, UserId};
use portal::bodies;
use portal::calendar;
use portal::cases::CaseId;
use portal::documents::upload::Upload;
use portal::portal::Portal;
use portal::powers::PowerKind;
use portal::powers::commands::{self, NewPower, Scope};
use portal::powers::store;

use super::WorldError;
use super::people::actor;

/// Who holds what, and how many days ago it was dated. The stories begin five months ago.
const HELD: [(&str, &str, PowerKind, u64); 5] = [
    ("conciliazione", "delegato.operatore", PowerKind::Poa, 200),
    ("conciliazione", "delegato.operatore2", PowerKind::Commitment, 27),
    ("conciliazione", "delegato.operatore3", PowerKind::Commitment, 33),
    ("conciliazione", "ausilio", PowerKind::AidOnly, 180),
    ("mediazione", "delegato.operatore", PowerKind::Poa, 200),
];

/// What the secretariats of both bodies recorded by now; nothing twice.
pub(super) async fn record_all(portal: &Portal) -> Result<(), WorldError> {
    for body in bodies::all(&portal.db).await.map_err(WorldError::of)? {
        let staff = actor(portal, body.id, "segreteria").await?;
        for (_, username, kind, ago) in HELD.iter().filter(|one| one.0 == body.procedure) {
            let Ok(holder) = actor(portal, body.id, username).await else { continue };
            let held = store::of_person(&portal.db, body.id, holder.user).await;
            if !held.map_err(WorldError::of)?.is_empty() {
                continue;
            }
            let operator = holder.operator.ok_or_else(|| WorldError::of("no operator"))?;
            let dated = calendar::day_of(portal.now()) - Days::new(*ago);
            let new = power(holder.user, Scope::Operator(operator), *kind, dated)?;
            commands::record(portal, &staff, new).await.map_err(WorldError::of)?;
        }
    }
    Ok(())
}

/// Powers of somebody in one case, dated a week ago.
pub(super) async fn in_case(
    portal: &Portal,
    staff: &Actor,
    case: CaseId,
    (person, kind): (UserId, PowerKind),
) -> Result<(), WorldError> {
    let dated = calendar::day_of(portal.now()) - Days::new(7);
    let new = power(person, Scope::Case(case), kind, dated)?;
    commands::record(portal, staff, new).await.map(drop).map_err(WorldError::of)
}

fn power(
    person: UserId,
    scope: Scope,
    kind: PowerKind,
    dated: NaiveDate,
) -> Result<NewPower, WorldError> {
    let text = format!("{} (dimostrazione), {}\n", kind.label(), calendar::show_day(dated));
    let file = Upload::check("poteri.txt", text.into_bytes()).map_err(WorldError::of)?;
    Ok(NewPower { person, scope, kind, dated, until: None, file })
}
