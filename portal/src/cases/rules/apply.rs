//! What an event changes. Never refuses: the decision was taken before.

use chrono::{DateTime, Utc};

use super::{Case, CaseEvent, Participation};
use crate::{
    calendar::{Deadline, day_of},
    cases::{Adhesion, CaseState, Outcome},
    organisations::OperatorId,
};

impl Case {
    pub(super) fn apply(&mut self, event: &CaseEvent, now: DateTime<Utc>) {
        use CaseState as S;
        match event {
            CaseEvent::Sent { complete_on } => {
                self.state = S::Submitted;
                self.complete_on = Some(*complete_on);
            }
            CaseEvent::IntegrationAsked { by } => {
                self.state = S::Regularising;
                self.integration_by = Some(Deadline(*by));
            }
            CaseEvent::IntegrationAnswered { complete_on } => {
                self.state = S::Submitted;
                self.complete_on = Some(*complete_on);
                self.integration_by = None;
            }
            CaseEvent::CompleteDayCorrected { to, .. } => self.complete_on = Some(*to),
            CaseEvent::Admitted { .. } => {
                self.state = S::Admitted;
                self.admitted_at = Some(now);
            }
            CaseEvent::Rejected => self.end(S::NotAdmitted, Outcome::Inadmissible),
            CaseEvent::ArchivedUnanswered => self.end(S::Archived, Outcome::Inadmissible),
            CaseEvent::ConciliatorAssigned { conciliator, .. } => {
                self.conciliator = Some(*conciliator);
                if self.state == S::Admitted {
                    self.state = S::Assigned;
                }
            }
            CaseEvent::Adhered { operator, .. } => {
                self.with(*operator, |p| p.adhesion = Adhesion::Adhered);
            }
            CaseEvent::Declined { operator, part, .. } => {
                self.with(*operator, |p| p.adhesion = Adhesion::Declined);
                if !part.is_aid() && matches!(self.state, S::Admitted | S::Assigned) {
                    self.end(S::NotAdhered, Outcome::NotAdhered);
                }
            }
            CaseEvent::DelegateAssigned { operator, delegate, .. } => {
                self.with(*operator, |p| p.delegate = Some(*delegate));
            }
            CaseEvent::AidRequested { operator, part, compulsory } => {
                self.operators.push(Participation {
                    operator: *operator,
                    part: *part,
                    compulsory: *compulsory,
                    convened: false,
                    adhesion: Adhesion::Pending,
                    delegate: None,
                });
            }
            CaseEvent::AidConvened { operator, .. } => self.with(*operator, |p| p.convened = true),
            CaseEvent::MeetingConvened { starts_at, first } => {
                self.state = if *first { S::Convened } else { S::Reconvened };
                self.outcome = None;
                self.next_meeting = Some(*starts_at);
                self.first_meeting_on.get_or_insert(day_of(*starts_at));
            }
            CaseEvent::MeetingMoved { from, to } | CaseEvent::MeetingPostponed { from, to, .. } => {
                self.state = S::Reconvened;
                self.next_meeting = Some(*to);
                if self.first_meeting_on == Some(day_of(*from)) {
                    self.first_meeting_on = Some(day_of(*to));
                }
                if let CaseEvent::MeetingPostponed { asked_by, .. } = event {
                    self.postponed.push(*asked_by);
                }
            }
            CaseEvent::MeetingCancelled { .. } => self.next_meeting = None,
            CaseEvent::MeetingStarted => self.meeting_started = true,
            CaseEvent::MeetingHeld => {
                self.state = S::Held;
                self.meetings_held += 1;
                self.meeting_over();
            }
            CaseEvent::Concluded { outcome } => {
                self.meeting_over();
                match outcome {
                    Outcome::NoAgreement => self.end(S::NoAgreement, *outcome),
                    Outcome::NoShowActivating | Outcome::NoShowConvened => {
                        self.end(S::NoShow, *outcome);
                    }
                    _ => self.outcome = Some(*outcome),
                }
            }
            CaseEvent::SentToSignature => self.state = S::Signing,
            CaseEvent::SignaturesCompleted => match self.outcome {
                Some(Outcome::Withdrawal) => self.end(S::Withdrawn, Outcome::Withdrawal),
                _ => self.end(S::Agreement, Outcome::Agreement),
            },
            CaseEvent::SignaturesAbandoned => match self.outcome.and_then(Outcome::unsigned) {
                Some(outcome) => self.end(S::NoAgreement, outcome),
                None => {
                    self.state = S::Held;
                    self.outcome = None;
                }
            },
            CaseEvent::Withdrawn => self.end(S::Withdrawn, Outcome::Withdrawal),
            CaseEvent::Extended { days, .. } => {
                self.extension_days = *days;
                self.overdue = false;
            }
            CaseEvent::TermPassed { .. } => self.overdue = true,
            CaseEvent::OverdueDecided { archived } => {
                self.end(if *archived { S::Archived } else { S::NoAgreement }, Outcome::Expired);
            }
            CaseEvent::FiledFromRoom { .. }
            | CaseEvent::DigitalConsent { .. }
            | CaseEvent::PutOnPaper => {}
            CaseEvent::Closed => self.state = S::Closed,
        }
    }

    fn with(&mut self, operator: OperatorId, change: impl FnOnce(&mut Participation)) {
        if let Some(who) = self.operators.iter_mut().find(|p| p.operator == operator) {
            change(who);
        }
    }

    fn meeting_over(&mut self) {
        self.next_meeting = None;
        self.meeting_started = false;
    }

    fn end(&mut self, state: CaseState, outcome: Outcome) {
        self.state = state;
        self.outcome = Some(outcome);
        self.overdue = false;
        self.meeting_over();
    }
}
