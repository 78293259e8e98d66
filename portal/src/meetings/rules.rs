//! The meeting as a pure state machine (REQUIREMENTS §4.2) and the rules of its door.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    cases::{Outcome, rules::Act},
    meetings::{MeetingState, Mode, Slot},
    procedures::RoomRules,
};

/// What the rules know of a meeting.
#[derive(Clone, Debug, PartialEq)]
pub struct Meeting {
    /// §4.2.
    pub state: MeetingState,
    /// How people meet.
    pub mode: Mode,
    /// When it was fixed for, and for how long.
    pub slot: Slot,
    /// When the conciliator started it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// What it came to.
    pub outcome: Option<Outcome>,
}

/// Something that happens to a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum MeetingAct {
    /// The conciliator starts it (R-MEET-15).
    Start,
    /// A fault stopped it.
    Interrupt,
    /// It goes on after a fault.
    Resume,
    /// The conciliator recorded what it came to (R-MEET-34). The room stays open for the minutes.
    Conclude {
        /// What.
        outcome: Outcome,
    },
    /// The signatures that its outcome needs were given up (R-SIGN-33).
    Abandon,
    /// Over for everybody.
    End,
    /// Another meeting takes its place.
    Postpone,
    /// Taken off.
    Cancel,
}

/// §4.2 has no such transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("L'operazione non è possibile: l'incontro è nello stato «{}».", .0.label())]
pub struct MeetingRefusal(pub MeetingState);

impl Meeting {
    /// A convened meeting.
    pub fn convened(mode: Mode, slot: Slot) -> Self {
        Self {
            state: MeetingState::Convened,
            mode,
            slot,
            started_at: None,
            ended_at: None,
            outcome: None,
        }
    }

    /// Changes the meeting; nothing changes on a refusal.
    pub fn handle(&mut self, act: MeetingAct, now: DateTime<Utc>) -> Result<(), MeetingRefusal> {
        use MeetingState as S;
        match (act, self.state) {
            (MeetingAct::Start, S::Convened) => {
                self.state = S::InProgress;
                self.started_at = Some(now);
            }
            (MeetingAct::Interrupt, S::InProgress) => self.state = S::Interrupted,
            (MeetingAct::Resume, S::Interrupted) => self.state = S::InProgress,
            (MeetingAct::Conclude { outcome }, S::InProgress | S::Interrupted) => {
                self.outcome = Some(outcome);
            }
            (MeetingAct::Conclude { outcome }, S::Convened) if outcome.is_no_show() => {
                self.outcome = Some(outcome);
                self.over(S::NoShow, now);
            }
            // The outcome may still be missing when the room ends: it is recorded afterwards, once.
            (MeetingAct::Conclude { outcome }, S::Held) if self.outcome.is_none() => {
                self.outcome = Some(outcome);
                self.state = Self::after(Some(outcome));
            }
            (MeetingAct::Abandon, S::InProgress | S::Interrupted | S::Held)
                if self.outcome.is_some_and(Outcome::needs_signatures) =>
            {
                self.outcome = self.outcome.and_then(Outcome::unsigned);
            }
            (MeetingAct::End, S::InProgress | S::Interrupted) => {
                self.over(Self::after(self.outcome), now);
            }
            (MeetingAct::Postpone, S::Convened) => self.over(S::Postponed, now),
            (MeetingAct::Cancel, S::Convened) => self.over(S::Cancelled, now),
            (_, state) => return Err(MeetingRefusal(state)),
        }
        Ok(())
    }

    /// Records an outcome and says what that does to the case, in order. A meeting by telephone has
    /// no room that tells when it starts and ends: from its hour on, its outcome says both.
    pub fn conclude(
        &mut self,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> Result<Vec<Act>, MeetingRefusal> {
        let starts_at = self.slot.starts_at;
        let concluded = Act::Conclude { outcome, meeting: starts_at };
        let took_place_by_telephone = self.mode == Mode::CallConference
            && self.state == MeetingState::Convened
            && now >= starts_at
            && !outcome.is_no_show();
        if !took_place_by_telephone {
            self.handle(MeetingAct::Conclude { outcome }, now)?;
            return Ok(vec![concluded]);
        }
        self.handle(MeetingAct::Start, starts_at)?;
        self.handle(MeetingAct::Conclude { outcome }, now)?;
        self.handle(MeetingAct::End, now)?;
        Ok(vec![Act::StartMeeting, concluded])
    }

    /// From when to when people were together, as far as a room saw it.
    pub fn span(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        match self.mode {
            Mode::VirtualRoom => {
                (self.started_at, self.ended_at.filter(|_| self.started_at.is_some()))
            }
            Mode::CallConference => (None, None),
        }
    }

    fn after(outcome: Option<Outcome>) -> MeetingState {
        match outcome {
            Some(Outcome::Adjourned) => MeetingState::Adjourned,
            _ => MeetingState::Held,
        }
    }

    fn over(&mut self, state: MeetingState, now: DateTime<Utc>) {
        self.state = state;
        self.ended_at = Some(now);
    }

    /// People are together, or wait for a fault to be over.
    pub fn is_going_on(&self) -> bool {
        matches!(self.state, MeetingState::InProgress | MeetingState::Interrupted)
    }

    /// Fixed or running.
    pub fn is_pending(&self) -> bool {
        use MeetingState as S;
        matches!(self.state, S::Convened | S::InProgress | S::Interrupted)
    }

    /// The state as people read it: a convened meeting is *aperto* from T−15 (R-MEET-10).
    pub fn shown(&self, room: &RoomRules, now: DateTime<Utc>) -> &'static str {
        match self.state {
            MeetingState::Convened if now >= room.opens_at(self.slot.starts_at) => "Aperto",
            state => state.label(),
        }
    }

    /// The door of the room at `now`, whoever knocks (R-MEET-10, R-MEET-11).
    pub fn door(&self, room: &RoomRules, now: DateTime<Utc>) -> Door {
        match (self.mode, self.state) {
            (Mode::CallConference, _) => Door::NoRoom,
            (_, MeetingState::InProgress | MeetingState::Interrupted) => Door::Open,
            (_, MeetingState::Convened) => {
                let opens_at = room.opens_at(self.slot.starts_at);
                if now >= opens_at {
                    return Door::Open;
                }
                let left_ms = (opens_at - now).num_milliseconds().unsigned_abs();
                Door::OpensIn { seconds: left_ms.div_ceil(1000).max(1) }
            }
            _ => Door::Over,
        }
    }
}

/// Whether a meeting can be held by telephone (R-MEET-08): another one of the procedure is held in the
/// room, or everybody of the activating party who has to sign can do so from afar, with a signature
/// of their own or after an identification with SPID or CIE. Otherwise, who cannot.
pub fn by_telephone(other_in_room: bool, signers: &[(String, bool)]) -> Result<(), Vec<String>> {
    let cannot = signers.iter().filter(|(_, from_afar)| !from_afar);
    let names: Vec<String> = cannot.map(|(name, _)| name.clone()).collect();
    if other_in_room || names.is_empty() { Ok(()) } else { Err(names) }
}

/// Whether a room can be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Now.
    Open,
    /// Later (R-MEET-11).
    OpensIn {
        /// Whole seconds, rounded up: waiting so long is enough.
        seconds: u64,
    },
    /// Not any more.
    Over,
    /// The meeting is held by telephone.
    NoRoom,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procedures::Procedures;
    use MeetingAct::{Abandon, Cancel, Conclude, End, Interrupt, Postpone, Resume, Start};
    use MeetingState::{Adjourned, Cancelled, Convened, Held, InProgress, Interrupted, NoShow};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn rules() -> RoomRules {
        Procedures::shipped().get("conciliazione").unwrap().room
    }

    fn meeting(state: MeetingState) -> Meeting {
        let slot = Slot::new(at("2026-12-05T14:00:00Z"), 60);
        Meeting { state, ..Meeting::convened(Mode::VirtualRoom, slot) }
    }

    #[test]
    fn r_meet_08_a_procedure_by_telephone_alone_needs_a_signature_from_afar() {
        let signers = |means: &[bool]| -> Vec<(String, bool)> {
            means.iter().enumerate().map(|(n, from_afar)| (format!("S{n}"), *from_afar)).collect()
        };
        for (other_in_room, means, refused) in [
            (false, &[true][..], None),
            (false, &[false], Some(vec!["S0"])),
            (false, &[true, false], Some(vec!["S1"])),
            (false, &[], None),
            (true, &[false], None),
            (true, &[true], None),
        ] {
            let found = by_telephone(other_in_room, &signers(means)).err();
            let refused = refused.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(found, refused, "{other_in_room} {means:?}");
        }
    }

    #[test]
    fn s_4_2_every_transition() {
        let conclude = |outcome| Conclude { outcome };
        let absent = conclude(Outcome::NoShowConvened);
        let agreed = conclude(Outcome::Agreement);
        let adjourned = conclude(Outcome::Adjourned);
        let allowed = [
            (Convened, Start, InProgress),
            (Convened, absent, NoShow),
            (Convened, Postpone, MeetingState::Postponed),
            (Convened, Cancel, Cancelled),
            (InProgress, Interrupt, Interrupted),
            (InProgress, End, Held),
            (InProgress, agreed, InProgress),
            (InProgress, adjourned, InProgress),
            (InProgress, absent, InProgress),
            (Interrupted, Resume, InProgress),
            (Interrupted, End, Held),
            (Interrupted, agreed, Interrupted),
            (Interrupted, adjourned, Interrupted),
            (Interrupted, absent, Interrupted),
            (Held, agreed, Held),
            (Held, absent, Held),
            (Held, adjourned, Adjourned),
        ];
        let acts =
            [Start, Interrupt, Resume, End, Postpone, Cancel, Abandon, agreed, adjourned, absent];
        for state in MeetingState::ALL {
            for act in acts {
                let mut after = meeting(*state);
                let result = after.handle(act, at("2026-12-05T14:00:00Z"));
                match allowed.iter().find(|(from, by, _)| (from, *by) == (state, act)) {
                    Some((_, _, to)) => {
                        assert_eq!(result, Ok(()), "{state:?} {act:?}");
                        assert_eq!(after.state, *to, "{state:?} {act:?}");
                    }
                    None => {
                        assert_eq!(result, Err(MeetingRefusal(*state)), "{state:?} {act:?}");
                        assert_eq!(after, meeting(*state), "a refusal changes nothing");
                    }
                }
            }
        }
    }

    #[test]
    fn r_meet_35_a_meeting_that_ends_with_an_adjournment_is_adjourned() {
        let mut meeting = meeting(InProgress);
        let now = at("2026-12-05T15:00:00Z");
        meeting.handle(Conclude { outcome: Outcome::Adjourned }, now).unwrap();
        meeting.handle(End, now).unwrap();
        assert_eq!((meeting.state, meeting.ended_at), (Adjourned, Some(now)));
    }

    #[test]
    fn s_4_2_no_edit_of_a_meeting_that_has_its_outcome() {
        let edit = Conclude { outcome: Outcome::NoAgreement };
        for outcome in [Outcome::NoAgreement, Outcome::Agreement, Outcome::Withdrawal] {
            let mut meeting = Meeting { outcome: Some(outcome), ..meeting(Held) };
            let refused = meeting.handle(edit, at("2026-12-05T15:00:00Z"));
            assert_eq!(refused, Err(MeetingRefusal(Held)), "{outcome:?}");
        }
    }

    #[test]
    fn r_sign_33_what_is_left_of_an_outcome_that_is_not_signed() {
        for state in [InProgress, Interrupted, Held] {
            for (outcome, left) in [
                (Outcome::Agreement, Some(Some(Outcome::NoAgreement))),
                (Outcome::Proposal, Some(Some(Outcome::NoAgreement))),
                (Outcome::Withdrawal, Some(None)),
                (Outcome::NoAgreement, None),
                (Outcome::Adjourned, None),
            ] {
                let mut meeting = Meeting { outcome: Some(outcome), ..meeting(state) };
                let abandoned = meeting.handle(Abandon, at("2026-12-05T15:00:00Z"));
                let expected = left.map(|left| (state, left)).ok_or(MeetingRefusal(state));
                let result = abandoned.map(|()| (meeting.state, meeting.outcome));
                assert_eq!(result, expected, "{outcome:?}");
            }
        }
    }

    #[test]
    fn r_meet_34_a_meeting_by_telephone_starts_and_ends_with_its_outcome() {
        let starts_at = at("2026-12-05T14:00:00Z");
        let refused = Err(MeetingRefusal(Convened));
        for (mode, outcome, now, expected) in [
            (Mode::CallConference, Outcome::Agreement, "2026-12-05T13:59:59Z", refused),
            (Mode::CallConference, Outcome::Agreement, "2026-12-05T14:00:00Z", Ok((Held, 2))),
            (Mode::CallConference, Outcome::NoAgreement, "2026-12-06T09:00:00Z", Ok((Held, 2))),
            (Mode::CallConference, Outcome::Withdrawal, "2026-12-05T14:40:00Z", Ok((Held, 2))),
            (Mode::CallConference, Outcome::Adjourned, "2026-12-05T14:40:00Z", Ok((Adjourned, 2))),
            (
                Mode::CallConference,
                Outcome::NoShowConvened,
                "2026-12-05T14:40:00Z",
                Ok((NoShow, 1)),
            ),
            (Mode::VirtualRoom, Outcome::NoShowConvened, "2026-12-05T14:40:00Z", Ok((NoShow, 1))),
            // The room tells when it starts.
            (Mode::VirtualRoom, Outcome::Agreement, "2026-12-05T14:40:00Z", refused),
        ] {
            let mut meeting = Meeting { mode, ..meeting(Convened) };
            let acts = meeting.conclude(outcome, at(now));
            if let Ok(acts) = &acts {
                assert_eq!(acts.last(), Some(&Act::Conclude { outcome, meeting: starts_at }));
                assert!(acts.len() == 1 || acts[0] == Act::StartMeeting, "{outcome:?}");
                assert_eq!(meeting.outcome, Some(outcome));
            }
            let result = acts.map(|acts| (meeting.state, acts.len()));
            assert_eq!(result, expected, "{mode:?} {outcome:?} {now}");
        }
    }

    #[test]
    fn r_meet_34_only_a_room_saw_from_when_to_when_people_were_together() {
        let (began, ended) = (at("2026-12-05T14:02:00Z"), at("2026-12-05T14:48:00Z"));
        for (mode, started_at, ended_at, expected) in [
            (Mode::VirtualRoom, Some(began), Some(ended), (Some(began), Some(ended))),
            (Mode::VirtualRoom, Some(began), None, (Some(began), None)),
            (Mode::VirtualRoom, None, Some(ended), (None, None)), // nobody came
            (Mode::CallConference, Some(began), Some(ended), (None, None)),
        ] {
            let meeting = Meeting { mode, started_at, ended_at, ..meeting(Held) };
            assert_eq!(meeting.span(), expected, "{mode:?}");
        }
    }

    #[test]
    fn r_meet_11_join_before_t15_is_refused_with_the_time_left() {
        for (now, expected) in [
            ("2026-12-05T12:45:00Z", Door::OpensIn { seconds: 3600 }),
            ("2026-12-05T13:44:59Z", Door::OpensIn { seconds: 1 }),
            ("2026-12-05T13:44:59.001Z", Door::OpensIn { seconds: 1 }),
            ("2026-12-05T13:44:58.999Z", Door::OpensIn { seconds: 2 }),
            ("2026-12-05T13:44:59.999999Z", Door::OpensIn { seconds: 1 }),
            ("2026-12-05T13:45:00Z", Door::Open),
            ("2026-12-05T14:00:00Z", Door::Open),
            ("2026-12-05T18:00:00Z", Door::Open), // R-MEET-09: never cut off by the clock
        ] {
            assert_eq!(meeting(Convened).door(&rules(), at(now)), expected, "{now}");
        }
    }

    #[test]
    fn r_meet_10_the_door_by_state_and_mode() {
        let now = at("2026-12-05T14:00:00Z");
        for state in MeetingState::ALL {
            let expected = match state {
                Convened | InProgress | Interrupted => Door::Open,
                _ => Door::Over,
            };
            assert_eq!(meeting(*state).door(&rules(), now), expected, "{state:?}");
            let by_telephone = Meeting { mode: Mode::CallConference, ..meeting(*state) };
            assert_eq!(by_telephone.door(&rules(), now), Door::NoRoom, "{state:?}");
        }
    }

    #[test]
    fn r_meet_10_convened_is_shown_as_open_from_t15() {
        for (now, shown) in
            [("2026-12-05T13:44:59Z", "Convocato"), ("2026-12-05T13:45:00Z", "Aperto")]
        {
            assert_eq!(meeting(Convened).shown(&rules(), at(now)), shown);
            assert_eq!(meeting(Held).shown(&rules(), at(now)), "Svolto");
        }
    }
}
