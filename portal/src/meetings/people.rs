//! Who sits at the meetings of a case.

use std::collections::BTreeMap;

use super::seats::{People, Seated};
use crate::accounts::{self, Person, UserId};
use crate::bodies::BodyId;
use crate::cases::store::CaseRecord;
use crate::db::{Db, DbError};
use crate::guests;
use crate::procedures::{ProcedureProfile, SeatKind};

/// The seats of a case's meetings; `neutral` stands in for the case's conciliator.
pub async fn of_case(
    db: &Db,
    case: &CaseRecord,
    neutral: Option<UserId>,
) -> Result<People, DbError> {
    let mut aid_only = BTreeMap::new();
    for delegate in case.rules.operators.iter().filter_map(|p| p.delegate) {
        let limited = accounts::store::aid_only(db, case.body, delegate).await?;
        aid_only.insert(delegate, limited);
    }
    let people = People {
        neutral: neutral.or(case.rules.conciliator),
        client: case.client.user,
        client_delegate: case.client.delegate,
        delegates: Vec::new(),
        persons: guests::store::persons(db, case.id).await?,
    };
    let limited = |user| aid_only.get(&user).copied().unwrap_or(false);
    Ok(people.with_operators(&case.rules.operators, limited))
}

/// One person at the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sitting {
    /// Where.
    pub seat: SeatKind,
    /// The seat in words.
    pub label: String,
    /// Who.
    pub person: Person,
}

/// The people on the seats, the neutral one first.
pub async fn sitting(
    db: &Db,
    body: BodyId,
    profile: &ProcedureProfile,
    seated: &[Seated],
) -> Result<Vec<Sitting>, DbError> {
    let mut sitting = Vec::new();
    for one in seated {
        if let Some(person) = accounts::store::person(db, body, one.user).await? {
            let label = profile.seats.of(one.seat).to_owned();
            sitting.push(Sitting { seat: one.seat, label, person });
        }
    }
    Ok(sitting)
}
