//! Telling in time that powers run out (R-NOTIFY-18): who holds them, the contact officer of the
//! operator, and the service secretariat, each once seven days before, one day before and on the last
//! day.

use chrono::{DateTime, Days, Utc};

use super::{Power, PowerKind, store};
use crate::accounts::{self, Person, Role};
use crate::bodies::{self, Body, BodyId};
use crate::calendar::{self, Deadline};
use crate::db::{DbError, Tx};
use crate::notifications::{self, Channel, Message};
use crate::organisations;
use crate::portal::Portal;

/// Days before the end on which people are told.
const DAYS: [i64; 3] = [7, 1, 0];
/// A reminder that could not be sent is not made up for later than this.
const STALE_DAYS: i64 = 7;

/// Which of [`DAYS`] is due at `now`. One that was missed is still due until the next.
pub fn due(until: Deadline, now: DateTime<Utc>) -> Option<i64> {
    let left = until.days_left(now);
    if left < -STALE_DAYS {
        return None;
    }
    DAYS.into_iter().rev().find(|days| left <= *days)
}

/// Somebody holds another document for the same side that lasts longer: nothing runs out.
pub fn is_followed(power: &Power, others: &[Power]) -> bool {
    let lasts = |other: &Power| match (other.until, power.until) {
        (None, _) => true,
        (Some(theirs), Some(its)) => theirs > its,
        (Some(_), None) => false,
    };
    others.iter().any(|other| {
        other.id != power.id
            && (other.person, other.operator) == (power.person, power.operator)
            && (other.case.is_none() || other.case == power.case)
            && !other.kind.is_aid_only()
            && other.ended_at.is_none()
            && lasts(other)
    })
}

/// Sends the reminders that are due in every body; to be called again and again.
pub async fn pass_time(portal: &Portal) -> Result<(), DbError> {
    let now = portal.now();
    let today = calendar::day_of(now);
    let longest = Days::new(DAYS[0].unsigned_abs());
    let (first, last) = (today - Days::new(STALE_DAYS.unsigned_abs()), today + longest);
    let bodies = bodies::all(&portal.db).await?;
    for (body, power) in store::ending(&portal.db, first, last).await? {
        let Some(body) = bodies.iter().find(|one| one.id == body) else { continue };
        let Some((until, days)) = power.until.and_then(|it| Some((it, due(it, now)?))) else {
            continue;
        };
        let all = store::of_person(&portal.db, body.id, power.person).await?;
        if power.kind.is_aid_only() || is_followed(&power, &all) {
            continue;
        }
        let mut tx = portal.db.begin().await?;
        tell(&mut tx, portal, body, &power, (until, days)).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn tell(
    tx: &mut Tx,
    portal: &Portal,
    body: &Body,
    power: &Power,
    (until, days): (Deadline, i64),
) -> Result<(), DbError> {
    let Some(holder) = accounts::store::person_in(tx, body.id, power.person).await? else {
        return Ok(());
    };
    let left = until.days_left(portal.now());
    let what = what_ends(power, until, left);
    let mine = format!("{what} {}", for_holder(power.kind));
    let theirs = format!("Riguarda {}: {what} {}", holder.name(), for_others(power.kind));
    write(tx, portal, body, &holder, (&mine, "/profilo"), (power, days)).await?;
    for (role, operator, page) in
        [(Role::ContactOfficer, power.operator, "/"), (Role::ServiceSecretariat, None, "/poteri")]
    {
        if role == Role::ContactOfficer && operator.is_none() {
            continue;
        }
        for person in accounts::store::acting_in(tx, body.id, role, operator).await? {
            write(tx, portal, body, &person, (&theirs, page), (power, days)).await?;
        }
    }
    Ok(())
}

fn what_ends(power: &Power, until: Deadline, left: i64) -> String {
    let what = match power.kind {
        PowerKind::Commitment => "il termine per produrre la procura",
        _ => "il documento che dà i poteri di firma",
    };
    let day = calendar::show_day(until.0);
    match left {
        ..0 => format!("{what} è scaduto il {day}."),
        0 => format!("{what} scade oggi, {day}."),
        1 => format!("{what} scade domani, {day}."),
        left => format!("{what} scade tra {left} giorni, il {day}."),
    }
}

fn for_holder(kind: PowerKind) -> &'static str {
    match kind {
        PowerKind::Commitment => {
            "Invia la procura alla segreteria del servizio: dopo la scadenza non potrai firmare verbali."
        }
        _ => {
            "Inviane uno nuovo alla segreteria del servizio: dopo la scadenza non potrai firmare verbali."
        }
    }
}

fn for_others(kind: PowerKind) -> &'static str {
    match kind {
        PowerKind::Commitment => {
            "Dopo la scadenza la persona non può firmare verbali finché la procura non è registrata."
        }
        _ => {
            "Dopo la scadenza la persona non può firmare verbali finché non ne è registrato uno nuovo."
        }
    }
}

async fn write(
    tx: &mut Tx,
    portal: &Portal,
    body: &Body,
    to: &Person,
    (text, page): (&str, &str),
    (power, days): (&Power, i64),
) -> Result<(), DbError> {
    let link = portal.link(body, page);
    let message = Message {
        channel: Channel::Mail,
        to: to.email.clone(),
        subject: "Poteri di firma in scadenza".to_owned(),
        text: format!(
            "Gentile {},\n\n{text}\n\nPer i dettagli accedi alla tua area riservata: {link}\n\n{}",
            to.name(),
            body.name,
        ),
        key: format!("powers/{}/{days}/{}", power.id.0, to.id.0),
    };
    notifications::send(tx, body.id.0, portal.new_id(), &message, portal.now()).await?;
    Ok(())
}

/// The name of an operator, for pages that list powers.
pub(super) async fn operator_name(
    portal: &Portal,
    body: BodyId,
    operator: Option<organisations::OperatorId>,
) -> Result<String, DbError> {
    let Some(operator) = operator else { return Ok(String::new()) };
    let found = organisations::store::find(&portal.db, body, operator).await?;
    Ok(found.map(|operator| operator.name).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_notify_18_seven_days_before_one_day_before_and_on_the_last_day() {
        let until = Deadline("2026-10-31".parse().unwrap());
        for (now, expected) in [
            ("2026-10-23T12:00:00Z", None),
            ("2026-10-23T22:00:00Z", Some(7)), // the 24th in Rome
            ("2026-10-29T12:00:00Z", Some(7)), // made up for
            ("2026-10-30T12:00:00Z", Some(1)),
            ("2026-10-30T23:00:00Z", Some(0)), // the 31st in Rome
            ("2026-11-03T12:00:00Z", Some(0)), // made up for
            ("2026-11-08T12:00:00Z", None),
        ] {
            assert_eq!(due(until, now.parse().unwrap()), expected, "{now}");
        }
    }
}
