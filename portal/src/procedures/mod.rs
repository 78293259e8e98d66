//! Procedure profiles: what differs between conciliation and mediation, as data (R-SIGN-40).
//!
//! The files are `config/procedures/*.toml`; those shipped with the product are built in, and a
//! folder given at start replaces them file by file.

mod seats;

pub use seats::{SeatKind, SeatLabels, Side, SideName, SideNames};

use std::{collections::BTreeMap, path::Path, sync::Arc};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;

use crate::{
    calendar::{Deadline, Term},
    cases::{Outcome, Part, supply::Sector},
    powers::PowerKind,
};

const SHIPPED: [&str; 2] = [
    include_str!("../../../config/procedures/conciliazione.toml"),
    include_str!("../../../config/procedures/mediazione.toml"),
];

/// Why a set of profiles was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProcedureError {
    /// Not TOML, or not of the documented shape.
    #[error("procedure profile {file}: {error}")]
    Syntax {
        /// File name, or "shipped".
        file: String,
        /// Where and what.
        error: Box<toml::de::Error>,
    },
    /// A value that contradicts another one.
    #[error("procedure profile {key}: {reason}")]
    Contradiction {
        /// The profile.
        key: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The folder cannot be read.
    #[error("procedure profiles: {0}")]
    Read(#[from] std::io::Error),
}

/// One kind of procedure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcedureProfile {
    /// The word that a body and its cases carry.
    pub key: String,
    /// As people read it.
    pub name: String,
    /// Deadlines.
    pub terms: Terms,
    /// Technical aid, by sector.
    #[serde(default)]
    pub aid: Vec<AidRules>,
    /// Scheduling.
    pub meetings: MeetingRules,
    /// The virtual room.
    pub room: RoomRules,
    /// Names of the seats.
    pub seats: SeatLabels,
    /// Names of the sides.
    pub sides: SideNames,
    /// Minutes by outcome.
    pub minutes: Vec<MinutesRules>,
    /// Collecting signatures.
    pub signatures: SignatureRules,
    /// Seats that sign for another, and the documents that let them (R-SIGN-05).
    pub powers: BTreeMap<SeatKind, Vec<PowerKind>>,
}

/// Collecting signatures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureRules {
    /// Days until a process expires (R-SIGN-33).
    pub term_days: u16,
    /// Days to accept a proposal by signing it (d.lgs. 28/2010 art. 11); a proposal that was not
    /// answered by then is refused.
    pub proposal_days: u16,
    /// Who puts written minutes to signature (R-SIGN-25).
    pub may_start: Vec<Starter>,
    /// Who must consent to a fully digital procedure (R-SIGN-37); of each inner list the first seat
    /// that the case has. Empty: the procedure is digital without being asked for.
    #[serde(default)]
    pub digital_consent: Vec<Vec<SeatKind>>,
    /// Who can sign and has not is reminded so many days before, once for each number.
    #[serde(default)]
    pub reminder_days: Vec<u16>,
}

/// Who can put minutes to signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starter {
    /// The conciliator or mediator of the case.
    Neutral,
    /// The secretariat of the body, once the meeting is over.
    Secretariat,
}

impl SignatureRules {
    /// Days until minutes of this outcome expire.
    pub fn days_for(&self, outcome: Outcome) -> u16 {
        if outcome == Outcome::Proposal { self.proposal_days } else { self.term_days }
    }
}

/// What urgency does to the duration of a procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// R-CASE-48.
    Halved,
    /// No such rule.
    Unchanged,
}

/// Deadlines of a procedure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// From the complete application to the end (R-CASE-57).
    pub duration: Term,
    /// Effect of urgency on `duration`.
    pub urgent: Urgency,
    /// Longest extension, in calendar days (R-CASE-58).
    pub extension_days: u16,
    /// Days to complete an application (R-CLAIM-15).
    pub regularisation_days: u16,
    /// A postponement is asked at least so many days before the meeting (R-CASE-51).
    pub postponement_days_before: u16,
    /// The new date is at most so many days after the meeting (R-CASE-52).
    pub postponement_days_after: u16,
}

impl Terms {
    /// Last day of a procedure whose application was complete on `start` (R-CASE-13).
    pub fn deadline(&self, start: NaiveDate, urgent: bool, extension_days: u16) -> Deadline {
        let duration = match (self.urgent, self.duration) {
            (Urgency::Halved, Term::Days(days)) if urgent => Term::Days(days / 2),
            (_, duration) => duration,
        };
        Deadline(Term::Days(extension_days).from_day(duration.from_day(start)))
    }
}

/// Technical aid in one sector (R-CASE-22).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AidRules {
    /// Which.
    pub sector: Sector,
    /// Who can be asked.
    pub parts: Vec<Part>,
    /// The request is sent at least so many days before the first meeting (R-CASE-24); 0: also
    /// at the first meeting and later.
    pub request_days_before: u16,
    /// An aid may ask for a postponement (R-CASE-50, R-CASE-54).
    pub may_postpone: bool,
}

/// Scheduling of meetings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeetingRules {
    /// A meeting is convened at least so many days ahead (R-MEET-06).
    pub earliest_days: u16,
    /// Lengths to choose from, in minutes.
    pub durations_minutes: Vec<u16>,
    /// The one proposed.
    pub default_minutes: u16,
    /// Who does not come is waited for so many minutes (§4.2).
    pub no_show_minutes: u16,
}

/// The virtual room.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomRules {
    /// The door opens so many minutes before the meeting (R-MEET-10).
    pub opens_minutes_before: u16,
    /// Most people at once, the neutral one among them (R-MEET-19).
    pub capacity: u16,
    /// A lost participant keeps the seat so long (R-MEET-27).
    pub grace_seconds: u16,
    /// Life of a join token (R-MEET-13).
    pub token_seconds: u16,
    /// Absent: every meeting has its own room. Otherwise one standing room for so many days
    /// (R-MEET-23).
    #[serde(default)]
    pub standing_days: Option<u16>,
}

impl RoomRules {
    /// When the door of a meeting at `starts_at` opens.
    pub fn opens_at(&self, starts_at: DateTime<Utc>) -> DateTime<Utc> {
        starts_at - TimeDelta::minutes(self.opens_minutes_before.into())
    }
}

/// Minutes of one outcome.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinutesRules {
    /// Which.
    pub outcome: Outcome,
    /// Template under `config/templates`.
    pub template: String,
    /// Signatures in order; of each inner list the first seat that the case has signs.
    pub signers: Vec<Vec<SeatKind>>,
}

impl MinutesRules {
    /// The seats that can sign in place of this one.
    pub fn instead_of(&self, seat: SeatKind) -> impl Iterator<Item = SeatKind> {
        let choices = self.signers.iter().filter(move |choice| choice.contains(&seat));
        choices.flatten().copied().filter(move |other| *other != seat)
    }

    /// Who signs, in order, among the seats that the case has.
    pub fn signers_among(&self, present: impl Fn(SeatKind) -> bool) -> Vec<SeatKind> {
        self.signers
            .iter()
            .filter_map(|choice| choice.iter().copied().find(|seat| present(*seat)))
            .collect()
    }
}

impl ProcedureProfile {
    /// Reads one profile; `file` names it in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProcedureError> {
        let profile: Self = toml::from_str(text).map_err(|error| ProcedureError::Syntax {
            file: file.to_owned(),
            error: Box::new(error),
        })?;
        match profile.contradiction() {
            None => Ok(profile),
            Some(reason) => Err(ProcedureError::Contradiction { key: profile.key, reason }),
        }
    }

    fn contradiction(&self) -> Option<&'static str> {
        if self.terms.urgent == Urgency::Halved && matches!(self.terms.duration, Term::Months(_)) {
            return Some("a duration in months cannot be halved");
        }
        if !self.meetings.durations_minutes.contains(&self.meetings.default_minutes) {
            return Some("the proposed length of a meeting is not among those to choose from");
        }
        if self.room.capacity < 2 {
            return Some("a room holds at least two people");
        }
        if self.aid.iter().any(|aid| aid.parts.contains(&Part::Convened)) {
            return Some("the convened operator is no technical aid");
        }
        let ends_with_neutral = |m: &MinutesRules| {
            m.signers.last().is_some_and(|s| s.as_slice() == [SeatKind::Neutral])
        };
        if !self.minutes.iter().all(ends_with_neutral) {
            return Some("the neutral person signs last");
        }
        let oneself = |seat: &SeatKind| matches!(seat, SeatKind::Client | SeatKind::Neutral);
        let signers = self.minutes.iter().flat_map(|minutes| minutes.signers.iter().flatten());
        if !signers.into_iter().all(|seat| oneself(seat) || self.powers.contains_key(seat)) {
            return Some("a seat signs for another, and no document lets it");
        }
        if self.powers.values().flatten().any(|kind| kind.is_aid_only()) {
            return Some("a delegation for technical aid lets nobody sign");
        }
        let first =
            |m: &MinutesRules| self.minutes_of(m.outcome).is_some_and(|one| std::ptr::eq(one, m));
        if !self.minutes.iter().all(first) {
            return Some("an outcome has two kinds of minutes");
        }
        None
    }

    /// Rules of technical aid in a sector; `None` where there is none (R-CASE-22).
    pub fn aid_in(&self, sector: Sector) -> Option<&AidRules> {
        self.aid.iter().find(|aid| aid.sector == sector)
    }

    /// Minutes of an outcome; `None` where the procedure draws none.
    pub fn minutes_of(&self, outcome: Outcome) -> Option<&MinutesRules> {
        self.minutes.iter().find(|minutes| minutes.outcome == outcome)
    }
}

/// All profiles of an installation, by key.
#[derive(Clone, Debug)]
pub struct Procedures(Arc<BTreeMap<String, ProcedureProfile>>);

impl Procedures {
    /// The profiles shipped with the product.
    pub fn shipped() -> Self {
        let profiles = SHIPPED.iter().map(|text| {
            let profile = ProcedureProfile::parse("shipped", text)
                .expect("config/procedures is read by a test");
            (profile.key.clone(), profile)
        });
        Self(Arc::new(profiles.collect()))
    }

    /// The shipped profiles, replaced and completed by the `*.toml` files of a folder.
    pub fn with_folder(folder: &Path) -> Result<Self, ProcedureError> {
        let mut profiles = Arc::unwrap_or_clone(Self::shipped().0);
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let profile = ProcedureProfile::parse(&file, &std::fs::read_to_string(&path)?)?;
                profiles.insert(profile.key.clone(), profile);
            }
        }
        Ok(Self(Arc::new(profiles)))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &ProcedureProfile> {
        self.0.values()
    }

    /// The profile of a key.
    pub fn get(&self, key: &str) -> Option<&ProcedureProfile> {
        self.0.get(key)
    }
}

#[cfg(test)]
mod tests;
