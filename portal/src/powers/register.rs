//! The powers that count in one case, and what the people on its seats need.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::rules::{self, Lack, Needed, OnBehalf};
use super::{Power, PowerKind, store};
use crate::accounts::UserId;
use crate::cases::CaseId;
use crate::cases::store::CaseRecord;
use crate::db::{DbError, Tx};
use crate::portal::Parts;
use crate::procedures::SeatKind;

/// What a signer's powers are at a moment.
pub type Standing<'a> = Result<&'a Power, Lack>;

/// All that is needed to say who may sign in a case.
#[derive(Clone, Debug)]
pub struct Register {
    case: CaseId,
    sides: BTreeMap<SeatKind, OnBehalf>,
    kinds: BTreeMap<SeatKind, Vec<PowerKind>>,
    powers: Vec<Power>,
}

impl Register {
    /// Of a case, as it is.
    pub async fn read(portal: &Parts, case: &CaseRecord) -> Result<Self, DbError> {
        let powers = store::of_case(&portal.db, case.body, case.id).await?;
        Ok(Self::with(portal, case, powers))
    }

    /// The same within a transaction.
    pub async fn read_in(tx: &mut Tx, portal: &Parts, case: &CaseRecord) -> Result<Self, DbError> {
        let powers = store::of_case_in(tx, case.body, case.id).await?;
        Ok(Self::with(portal, case, powers))
    }

    fn with(portal: &Parts, case: &CaseRecord, powers: Vec<Power>) -> Self {
        let operators = case
            .rules
            .operators
            .iter()
            .map(|one| (SeatKind::of_delegate(one.part), OnBehalf::Operator(one.operator)));
        Self {
            case: case.id,
            sides: operators.chain([(SeatKind::ClientDelegate, OnBehalf::Client)]).collect(),
            kinds: portal.profile(&case.procedure).powers.clone(),
            powers,
        }
    }

    /// For whom the person on a seat acts; nothing for who acts for oneself.
    pub fn side(&self, seat: SeatKind) -> Option<OnBehalf> {
        self.sides.get(&seat).copied()
    }

    /// The powers of a person on a seat; nothing where none are needed (R-SIGN-05).
    pub fn standing(
        &self,
        seat: SeatKind,
        person: UserId,
        now: DateTime<Utc>,
    ) -> Option<Standing<'_>> {
        let (kinds, on_behalf) = (self.kinds.get(&seat)?, self.side(seat)?);
        let needed = Needed { person, on_behalf, case: self.case, kinds };
        Some(rules::held(&self.powers, &needed, now))
    }

    /// What is missing to a person on a seat.
    pub fn lack(&self, seat: SeatKind, person: UserId, now: DateTime<Utc>) -> Option<Lack> {
        self.standing(seat, person, now)?.err()
    }

    /// Everything recorded, the newest first where it was read for a page.
    pub fn powers(&self) -> &[Power] {
        &self.powers
    }
}
