//! The transitions of §4.1 and their guards.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{Act, Asker, Case, CaseEvent, Participation, Refusal};
use crate::{
    calendar::{Term, day_of},
    cases::{Adhesion, CaseState, Outcome, Part},
    organisations::OperatorId,
    procedures::{AidRules, ProcedureProfile},
};

impl Case {
    pub(super) fn decide(
        &self,
        act: &Act,
        now: DateTime<Utc>,
        profile: &ProcedureProfile,
    ) -> Result<Vec<CaseEvent>, Refusal> {
        use CaseState as S;
        let wrong_state = Err(Refusal::WrongState(self.state));
        let today = day_of(now);
        let event = match (act, self.state) {
            (Act::Send, S::Draft) => CaseEvent::Sent { complete_on: today },
            (Act::NameAid { operator, part, compulsory }, S::Draft) => {
                self.aid_fits(*operator, *part, profile)?;
                CaseEvent::AidRequested {
                    operator: *operator,
                    part: *part,
                    compulsory: *compulsory,
                }
            }
            (Act::AskIntegration, S::Submitted) => CaseEvent::IntegrationAsked {
                by: Term::Days(profile.terms.regularisation_days).from_day(today),
            },
            (Act::AnswerIntegration, S::Regularising) => {
                CaseEvent::IntegrationAnswered { complete_on: today }
            }
            (Act::CorrectCompleteDay { day }, S::Submitted) => {
                if *day > today {
                    return Err(Refusal::DayInFuture);
                }
                CaseEvent::CompleteDayCorrected { from: self.complete_on, to: *day }
            }
            (Act::Admit, S::Submitted) => match self.deadline(profile) {
                Some(deadline) => CaseEvent::Admitted { deadline: deadline.0 },
                None => return wrong_state,
            },
            (Act::Reject, S::Submitted) => CaseEvent::Rejected,
            (Act::AssignConciliator { conciliator }, state) => {
                let late_adhesion_expected = state == S::NotAdhered && self.convened().compulsory;
                if !(state.in_progress() || late_adhesion_expected) || self.meeting_started {
                    return wrong_state;
                }
                CaseEvent::ConciliatorAssigned {
                    conciliator: *conciliator,
                    replaced: self.conciliator,
                }
            }
            (Act::Adhere { operator }, _) => {
                let who = self.answering(*operator)?;
                if who.adhesion == Adhesion::Adhered {
                    return Err(Refusal::AlreadyAnswered);
                }
                CaseEvent::Adhered { operator: *operator, part: who.part }
            }
            (Act::Decline { operator }, _) => {
                let who = self.answering(*operator)?;
                if who.adhesion != Adhesion::Pending {
                    return Err(Refusal::AlreadyAnswered);
                }
                CaseEvent::Declined {
                    operator: *operator,
                    part: who.part,
                    breach: who.compulsory, // R-CASE-17
                }
            }
            (Act::AssignDelegate { operator, delegate }, state) => {
                let who = self.participation(*operator).ok_or(Refusal::NotInCase)?;
                if self.meeting_started || matches!(state, S::Held | S::Signing) {
                    return Err(Refusal::MeetingStarted);
                }
                if !state.in_progress() {
                    return wrong_state;
                }
                if who.adhesion != Adhesion::Adhered {
                    return Err(Refusal::AdhesionFirst);
                }
                CaseEvent::DelegateAssigned {
                    operator: *operator,
                    delegate: *delegate,
                    replaced: who.delegate,
                }
            }
            (
                Act::SubstituteDelegate { operator, delegate },
                S::Held | S::Signing | S::NoAgreement | S::NoShow,
            ) => {
                let who = self.participation(*operator).ok_or(Refusal::NotInCase)?;
                CaseEvent::DelegateAssigned {
                    operator: *operator,
                    delegate: *delegate,
                    replaced: who.delegate,
                }
            }
            (Act::RequestAid { operator, part, compulsory }, _) => {
                self.aid_may_be_asked(*operator, *part, today, profile)?;
                CaseEvent::AidRequested {
                    operator: *operator,
                    part: *part,
                    compulsory: *compulsory,
                }
            }
            (Act::ConveneAid { operator }, state) => {
                let who = self.participation(*operator).ok_or(Refusal::NotInCase)?;
                if !state.in_progress() || who.convened {
                    return wrong_state;
                }
                CaseEvent::AidConvened { operator: *operator, part: who.part }
            }
            (Act::Convene { starts_at }, state) => {
                let compulsory_all_the_same = state == S::NotAdhered && self.convened().compulsory;
                let from_here =
                    matches!(state, S::Assigned | S::Convened | S::Reconvened | S::Held);
                if state == S::Admitted {
                    return Err(Refusal::NoConciliator);
                }
                if !(from_here || compulsory_all_the_same) {
                    return wrong_state;
                }
                if self.next_meeting.is_some() {
                    return Err(Refusal::MeetingPending);
                }
                if state == S::Held && self.outcome != Some(Outcome::Adjourned) {
                    return Err(Refusal::NotAdjourned);
                }
                if self.conciliator.is_none() {
                    return Err(Refusal::NoConciliator);
                }
                self.date_is_possible(*starts_at, now, profile)?;
                CaseEvent::MeetingConvened {
                    starts_at: *starts_at,
                    first: self.first_meeting_on.is_none(),
                }
            }
            (Act::MoveMeeting { starts_at }, S::Convened | S::Reconvened) => {
                let from = self.movable_meeting()?;
                self.date_is_possible(*starts_at, now, profile)?;
                CaseEvent::MeetingMoved { from, to: *starts_at }
            }
            (
                Act::GrantPostponement { asked_by, asked_at, starts_at },
                S::Convened | S::Reconvened,
            ) => {
                let from = self.movable_meeting()?;
                self.postponement_is_due(*asked_by, *asked_at, from, *starts_at, profile)?;
                CaseEvent::MeetingPostponed { asked_by: *asked_by, from, to: *starts_at }
            }
            (Act::CancelMeeting, S::Convened | S::Reconvened) => {
                CaseEvent::MeetingCancelled { starts_at: self.movable_meeting()? }
            }
            (Act::StartMeeting, S::Convened | S::Reconvened) => {
                self.movable_meeting()?;
                CaseEvent::MeetingStarted
            }
            (Act::EndMeeting, S::Convened | S::Reconvened) if self.meeting_started => {
                CaseEvent::MeetingHeld
            }
            (Act::Conclude { outcome, meeting }, _) => {
                return self.conclude(*outcome, *meeting, now, profile);
            }
            (Act::SendToSignature, S::Held)
                if self.outcome.is_some_and(Outcome::needs_signatures) =>
            {
                CaseEvent::SentToSignature
            }
            (Act::CompleteSignatures, S::Signing) => CaseEvent::SignaturesCompleted,
            (Act::AbandonSignatures, S::Signing) => CaseEvent::SignaturesAbandoned,
            (Act::Withdraw | Act::DecideOverdue { .. }, _) if self.meeting_started => {
                return Err(Refusal::MeetingRunning);
            }
            (Act::Withdraw, state)
                if state.in_progress() || matches!(state, S::Submitted | S::Regularising) =>
            {
                CaseEvent::Withdrawn
            }
            (Act::Extend { days }, state) if state.in_progress() => {
                let longest = profile.terms.extension_days;
                if self.meetings_held == 0 {
                    return Err(Refusal::ExtensionTooEarly);
                }
                if self.extension_days > 0 {
                    return Err(Refusal::AlreadyExtended);
                }
                if !(1..=longest).contains(days) {
                    return Err(Refusal::ExtensionOutOfRange(longest));
                }
                let Some(start) = self.complete_on else { return wrong_state };
                let deadline = profile.terms.deadline(start, self.urgent, *days);
                CaseEvent::Extended { days: *days, deadline: deadline.0 }
            }
            (Act::DecideOverdue { archive }, state) if state.in_progress() => {
                if !self.deadline(profile).is_some_and(|d| d.passed(now)) {
                    return Err(Refusal::NotOverdue);
                }
                CaseEvent::OverdueDecided { archived: *archive }
            }
            (
                Act::Close,
                S::Agreement | S::NoAgreement | S::NoShow | S::Withdrawn | S::NotAdhered,
            ) => CaseEvent::Closed,
            _ => return wrong_state,
        };
        Ok(vec![event])
    }

    /// The operator may answer now: convened, and before the outcome.
    fn answering(&self, operator: OperatorId) -> Result<&Participation, Refusal> {
        let who = self.participation(operator).ok_or(Refusal::NotInCase)?;
        if !self.state.in_progress() || self.state == CaseState::Signing {
            return Err(Refusal::WrongState(self.state));
        }
        if !who.convened {
            return Err(Refusal::AidNotConvened);
        }
        Ok(who)
    }

    fn aid_may_be_asked(
        &self,
        operator: OperatorId,
        part: Part,
        today: NaiveDate,
        profile: &ProcedureProfile,
    ) -> Result<(), Refusal> {
        if !self.state.in_progress() || self.state == CaseState::Signing {
            return Err(Refusal::WrongState(self.state));
        }
        if self.convened().adhesion != Adhesion::Adhered {
            return Err(Refusal::AdhesionFirst);
        }
        let days = self.aid_fits(operator, part, profile)?.request_days_before;
        let last = self.first_meeting_on.filter(|_| days > 0).map(|first| {
            first.checked_sub_days(Days::new(days.into())).expect("meetings are of this century")
        });
        match last {
            Some(last) if today > last => Err(Refusal::AidTooLate(days)),
            _ => Ok(()),
        }
    }

    /// The sector knows such aid, and nobody gives it in this case yet.
    fn aid_fits<'a>(
        &self,
        operator: OperatorId,
        part: Part,
        profile: &'a ProcedureProfile,
    ) -> Result<&'a AidRules, Refusal> {
        let rules = profile.aid_in(self.sector).filter(|aid| aid.parts.contains(&part));
        let rules = rules.ok_or(Refusal::NoSuchAid)?;
        if self.operators.iter().any(|p| p.operator == operator || p.part == part) {
            return Err(Refusal::AlreadyInCase);
        }
        Ok(rules)
    }

    fn date_is_possible(
        &self,
        starts_at: DateTime<Utc>,
        now: DateTime<Utc>,
        profile: &ProcedureProfile,
    ) -> Result<(), Refusal> {
        let day = day_of(starts_at);
        let earliest = Term::Days(profile.meetings.earliest_days).from_day(day_of(now));
        if starts_at <= now || day < earliest {
            return Err(Refusal::TooSoon);
        }
        match self.deadline(profile) {
            Some(deadline) if day > deadline.0 => Err(Refusal::AfterDeadline),
            _ => Ok(()),
        }
    }

    /// The fixed meeting, as long as it was not started.
    fn movable_meeting(&self) -> Result<DateTime<Utc>, Refusal> {
        match self.next_meeting {
            Some(_) if self.meeting_started => Err(Refusal::WrongState(self.state)),
            Some(starts_at) => Ok(starts_at),
            None => Err(Refusal::NoMeeting),
        }
    }

    fn postponement_is_due(
        &self,
        asked_by: Asker,
        asked_at: DateTime<Utc>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        profile: &ProcedureProfile,
    ) -> Result<(), Refusal> {
        let aid_excluded = matches!(asked_by, Asker::Operator(part) if part.is_aid()
            && !profile.aid_in(self.sector).is_some_and(|aid| aid.may_postpone));
        if self.urgent || aid_excluded {
            return Err(Refusal::NoPostponement);
        }
        if self.postponed.contains(&asked_by) {
            return Err(Refusal::AlreadyPostponed);
        }
        let (day, before) = (day_of(from), profile.terms.postponement_days_before);
        if Term::Days(before).from_day(day_of(asked_at)) > day {
            return Err(Refusal::PostponementTooLate(before));
        }
        let after = profile.terms.postponement_days_after;
        if day_of(to) <= day || day_of(to) > Term::Days(after).from_day(day) {
            return Err(Refusal::PostponementOutOfRange(after));
        }
        Ok(())
    }

    /// An outcome ends the meeting if it is still running; a side that did not come ends a meeting
    /// that was never started, once the others have waited (§4.2).
    fn conclude(
        &self,
        outcome: Outcome,
        meeting: DateTime<Utc>,
        now: DateTime<Utc>,
        profile: &ProcedureProfile,
    ) -> Result<Vec<CaseEvent>, Refusal> {
        use CaseState as S;
        match outcome {
            Outcome::Agreement | Outcome::Proposal => {}
            Outcome::NoAgreement | Outcome::Withdrawal => {}
            Outcome::NoShowActivating | Outcome::NoShowConvened => {}
            Outcome::Adjourned => match self.deadline(profile) {
                Some(deadline) if deadline.passed(now) => return Err(Refusal::AfterDeadline),
                _ => {}
            },
            Outcome::NotAdhered | Outcome::Inadmissible | Outcome::Expired => {
                return Err(Refusal::NoMeetingOutcome);
            }
        }
        if self.next_meeting.is_some_and(|fixed| fixed != meeting) {
            return Err(Refusal::MeetingPending);
        }
        match self.state {
            S::Held => Ok(vec![CaseEvent::Concluded { outcome }]),
            S::Convened | S::Reconvened if self.meeting_started => {
                Ok(vec![CaseEvent::MeetingHeld, CaseEvent::Concluded { outcome }])
            }
            S::Convened | S::Reconvened if outcome.is_no_show() && self.next_meeting.is_some() => {
                let wait = profile.meetings.no_show_minutes;
                if now < meeting + TimeDelta::minutes(wait.into()) {
                    return Err(Refusal::NoShowTooEarly(wait));
                }
                Ok(vec![CaseEvent::Concluded { outcome }])
            }
            state => Err(Refusal::WrongState(state)),
        }
    }
}
