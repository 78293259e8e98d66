//! The case as a pure state machine (REQUIREMENTS §4.1): no clock, no database.
//!
//! `handle(act, now)` decides and returns what happened; the edge writes the events to the case
//! history and the new state to the row, in one transaction. `poll_timeout` says when time itself
//! does something.

mod acts;
mod apply;
mod decide;
#[cfg(test)]
mod tests;

pub use acts::{Act, Asker, CaseEvent, Refusal};

use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    accounts::UserId,
    calendar::Deadline,
    cases::{Adhesion, CaseState, Outcome, Part, supply::Sector},
    organisations::OperatorId,
    procedures::ProcedureProfile,
};

/// An operator that takes part in a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Participation {
    /// Which operator.
    pub operator: OperatorId,
    /// As what.
    pub part: Part,
    /// It must take part (C-12).
    pub compulsory: bool,
    /// It was convened; always true of the convened operator (R-CASE-26).
    pub convened: bool,
    /// Its answer.
    pub adhesion: Adhesion,
    /// Its delegate.
    pub delegate: Option<UserId>,
}

/// What the rules know of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// §4.1.
    pub state: CaseState,
    /// Decides which technical aid there is.
    pub sector: Sector,
    /// R-CASE-47; also true where supply is suspended, so it forbids postponements (R-CASE-49, -55).
    pub urgent: bool,
    /// Day on which application and attachments were all there (R-CLAIM-14).
    pub complete_on: Option<NaiveDate>,
    /// Last day to answer an integration request (R-CLAIM-15).
    pub integration_by: Option<Deadline>,
    /// When the Service admitted it.
    pub admitted_at: Option<DateTime<Utc>>,
    /// Granted extension in calendar days; 0 for none.
    pub extension_days: u16,
    /// The neutral person.
    pub conciliator: Option<UserId>,
    /// The convened operator and technical aids.
    pub operators: Vec<Participation>,
    /// Start of the meeting that is fixed and not over.
    pub next_meeting: Option<DateTime<Utc>>,
    /// Day of the first meeting that was ever fixed.
    pub first_meeting_on: Option<NaiveDate>,
    /// The fixed meeting was started.
    pub meeting_started: bool,
    /// Meetings held.
    pub meetings_held: u32,
    /// Who had a postponement (R-CASE-50).
    pub postponed: Vec<Asker>,
    /// What it came to.
    pub outcome: Option<Outcome>,
    /// The term passed without outcome: staff worklist (R-CASE-63).
    pub overdue: bool,
}

impl Case {
    /// A draft against an operator.
    pub fn draft(sector: Sector, urgent: bool, convened: OperatorId, compulsory: bool) -> Self {
        Self {
            state: CaseState::Draft,
            sector,
            urgent,
            complete_on: None,
            integration_by: None,
            admitted_at: None,
            extension_days: 0,
            conciliator: None,
            operators: vec![Participation {
                operator: convened,
                part: Part::Convened,
                compulsory,
                convened: true,
                adhesion: Adhesion::Pending,
                delegate: None,
            }],
            next_meeting: None,
            first_meeting_on: None,
            meeting_started: false,
            meetings_held: 0,
            postponed: Vec::new(),
            outcome: None,
            overdue: false,
        }
    }

    /// Last day of the procedure (R-CASE-13); `None` until the application was complete.
    pub fn deadline(&self, profile: &ProcedureProfile) -> Option<Deadline> {
        let start = self.complete_on?;
        Some(profile.terms.deadline(start, self.urgent, self.extension_days))
    }

    /// The convened operator.
    pub fn convened(&self) -> &Participation {
        self.operators
            .iter()
            .find(|p| p.part == Part::Convened)
            .expect("a case is made with its convened operator, and operators are never removed")
    }

    /// An operator's part in the case.
    pub fn participation(&self, operator: OperatorId) -> Option<&Participation> {
        self.operators.iter().find(|p| p.operator == operator)
    }

    /// Decides, changes the case and says what happened; nothing changes on a refusal.
    pub fn handle(
        &mut self,
        act: &Act,
        now: DateTime<Utc>,
        profile: &ProcedureProfile,
    ) -> Result<Vec<CaseEvent>, Refusal> {
        let events = self.decide(act, now, profile)?;
        for event in &events {
            self.apply(event, now);
        }
        Ok(events)
    }

    /// When [`Case::handle_timeout`] will have something to say.
    pub fn poll_timeout(&self, profile: &ProcedureProfile) -> Option<DateTime<Utc>> {
        match self.state {
            CaseState::Regularising => self.integration_by.map(Deadline::passes_at),
            state if state.in_progress() && !self.overdue => {
                self.deadline(profile).map(Deadline::passes_at)
            }
            _ => None,
        }
    }

    /// What the passing of time does: an unanswered integration request archives the application
    /// (R-CLAIM-15), an overdue case goes to the worklist and never closes by itself (R-CASE-63).
    pub fn handle_timeout(
        &mut self,
        now: DateTime<Utc>,
        profile: &ProcedureProfile,
    ) -> Option<CaseEvent> {
        if self.poll_timeout(profile).is_none_or(|at| now < at) {
            return None;
        }
        let event = match (self.state, self.deadline(profile)) {
            (CaseState::Regularising, _) => CaseEvent::ArchivedUnanswered,
            (_, deadline) => CaseEvent::TermPassed { deadline: deadline?.0 },
        };
        self.apply(&event, now);
        Some(event)
    }
}
