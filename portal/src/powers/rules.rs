//! Who may sign for another at a moment (R-SIGN-05). Pure.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Power, PowerKind};
use crate::accounts::UserId;
use crate::calendar::{self, Deadline};
use crate::cases::CaseId;
use crate::organisations::OperatorId;

/// For whom somebody signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBehalf {
    /// The client of the case.
    Client,
    /// An operator.
    Operator(OperatorId),
}

/// What a signer must hold.
#[derive(Clone, Copy, Debug)]
pub struct Needed<'a> {
    /// Who signs.
    pub person: UserId,
    /// For whom.
    pub on_behalf: OnBehalf,
    /// In which case.
    pub case: CaseId,
    /// By which kinds of document (R-SIGN-40).
    pub kinds: &'a [PowerKind],
}

/// Why somebody may not sign, the fact that helps most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Nothing is recorded.
    Nothing,
    /// The document is of a kind that does not let sign here.
    OtherKind(PowerKind),
    /// Technical aid only.
    AidOnly,
    /// The secretariat ended them.
    Ended(PowerKind, NaiveDate),
    /// The document is of a later day.
    NotYet(PowerKind, NaiveDate),
    /// Over since the day after this one.
    Expired(PowerKind, NaiveDate),
}

impl Lack {
    /// In words that go on after a name or "la persona": nothing about anybody else.
    pub fn words(self) -> String {
        let day = calendar::show_day;
        match self {
            Self::Nothing => "non risultano poteri di firma registrati".to_owned(),
            Self::OtherKind(kind) => format!("«{}» non permette di firmare qui", kind.label()),
            Self::AidOnly => "la delega registrata vale per il solo ausilio tecnico".to_owned(),
            Self::Ended(kind, on) => format!("«{}» è stata chiusa il {}", kind.label(), day(on)),
            Self::NotYet(kind, from) => format!("«{}» vale dal {}", kind.label(), day(from)),
            Self::Expired(PowerKind::Commitment, last) => {
                format!("l'impegno a produrre la procura è scaduto il {}", day(last))
            }
            Self::Expired(kind, last) => format!("«{}» è scaduta il {}", kind.label(), day(last)),
        }
    }
}

/// The best of the powers that hold now: a lasting one before one that ends, the later end before
/// the earlier. Otherwise why there is none.
pub fn held<'a>(
    powers: &'a [Power],
    needed: &Needed<'_>,
    now: DateTime<Utc>,
) -> Result<&'a Power, Lack> {
    let own = powers.iter().filter(|power| belongs(power, needed));
    let mut best: Result<&Power, Lack> = Err(Lack::Nothing);
    for power in own {
        best = match (lack(power, needed, now), best) {
            (None, Ok(other)) if lasts(other) >= lasts(power) => Ok(other),
            (None, _) => Ok(power),
            (Some(_), Ok(other)) => Ok(other),
            (Some(lack), Err(other)) => Err(lack.max(other)),
        };
    }
    best
}

/// Sorts what ends by its end, and after that what does not end.
fn lasts(power: &Power) -> (bool, Option<Deadline>) {
    (power.until.is_none(), power.until)
}

/// The document speaks of this person, for this side, in this case.
fn belongs(power: &Power, needed: &Needed<'_>) -> bool {
    let side = match needed.on_behalf {
        OnBehalf::Operator(operator) => power.operator == Some(operator),
        // A client's powers are of one case.
        OnBehalf::Client => power.operator.is_none() && power.case.is_some(),
    };
    power.person == needed.person
        && side
        && power.case.is_none_or(|case| case == needed.case)
        // A special one without its case says nothing (R-ROLE-28).
        && !(power.kind.is_special() && power.case.is_none())
}

fn lack(power: &Power, needed: &Needed<'_>, now: DateTime<Utc>) -> Option<Lack> {
    let kind = power.kind;
    if kind.is_aid_only() {
        return Some(Lack::AidOnly);
    }
    if !needed.kinds.contains(&kind) {
        return Some(Lack::OtherKind(kind));
    }
    if let Some(ended) = power.ended_at.filter(|ended| *ended <= now) {
        return Some(Lack::Ended(kind, calendar::day_of(ended)));
    }
    if calendar::day_of(now) < power.dated {
        return Some(Lack::NotYet(kind, power.dated));
    }
    let over = power.until.filter(|last| last.passed(now));
    over.map(|last| Lack::Expired(kind, last.0))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
