//! Who looks at the minutes of a meeting, and as what.

use chrono::{DateTime, Utc};

use super::compose::{Facts, Person};
use crate::accounts::{Actor, Role};
use crate::bodies::Body;
use crate::cases::access::{self, Relation};
use crate::cases::store::{self as cases, CaseRecord};
use crate::cases::{CaseState, Outcome};
use crate::db::DbError;
use crate::guests::Guest;
use crate::meetings::people::Sitting;
use crate::meetings::store::{self as meetings, MeetingRecord};
use crate::meetings::{MeetingId, commands};
use crate::portal::Portal;
use crate::powers::register::Register;
use crate::powers::rules::Lack;
use crate::powers::views;
use crate::procedures::{MinutesRules, SeatKind, Starter};

/// A meeting with its case and the people at the table, as one person sees it.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where.
    pub body: Body,
    /// The meeting.
    pub meeting: MeetingRecord,
    /// Its case.
    pub case: CaseRecord,
    /// Everybody with a seat.
    pub sitting: Vec<Sitting>,
    /// The seat of the person who looks.
    pub seat: Option<SeatKind>,
    /// The person who looks writes the minutes and leads the signatures (R-MEET-34).
    pub leads: bool,
    /// The person who looks may put written minutes to signature (R-SIGN-25).
    pub starts: bool,
    /// The person who looks may read the evidence log (R-SIGN-28).
    pub watches: bool,
    /// Number of the copy of the minutes that was asked for (R-SIGN-27).
    pub copy: Option<i64>,
    /// When this was so.
    pub at: DateTime<Utc>,
    /// By what they act for others (R-SIGN-05).
    pub powers: Register,
    /// How long who does not come is waited for, in minutes.
    no_show_minutes: u16,
}

impl Table {
    /// The table as `actor` sees it; `None` for people who have no seat and do not run the
    /// procedure.
    pub async fn seen(
        portal: &Portal,
        body: &Body,
        actor: &Actor,
        meeting: MeetingId,
    ) -> Result<Option<Self>, DbError> {
        let Some(meeting) = meetings::read(&portal.db, body.id, meeting).await? else {
            return Ok(None);
        };
        let Some(case) = cases::read(&portal.db, body.id, meeting.case).await? else {
            return Ok(None);
        };
        let receives = |guest: &Guest| {
            guest.seat == SeatKind::Recipient && guest.meetings.contains(&meeting.id)
        };
        let receives = actor.guest.as_ref().is_some_and(receives);
        let relation = match access::relation(actor, &case) {
            None if !receives => return Ok(None),
            found => found,
        };
        let sitting = commands::sitting(portal, &case).await?;
        let takes_seat =
            !matches!(relation, Some(Relation::Service | Relation::OperatorSecretariat { .. }));
        let own = sitting.iter().find(|one| one.person.id == actor.user);
        let seat = own.filter(|_| takes_seat).map(|one| one.seat);
        let leads = relation == Some(Relation::Conciliator) && actor.role == Role::Conciliator;
        let watches = leads || relation == Some(Relation::Service);
        if seat.is_none() && !watches && !receives {
            return Ok(None);
        }
        let powers = Register::read(portal, &case).await?;
        let profile = portal.profile(&case.procedure);
        let starters = &profile.signatures.may_start;
        Ok(Some(Self {
            starts: leads && starters.contains(&Starter::Neutral)
                || watches && !leads && starters.contains(&Starter::Secretariat),
            no_show_minutes: profile.meetings.no_show_minutes,
            body: body.clone(),
            copy: None,
            meeting,
            case,
            sitting,
            seat,
            leads,
            watches,
            at: portal.now(),
            powers,
        }))
    }

    /// As what the person who looks acts on the minutes.
    pub fn role(&self) -> Role {
        if self.leads { Role::Conciliator } else { Role::ServiceSecretariat }
    }

    /// The person who looks puts to signature what the conciliator has written: the secretariat, once
    /// the meeting is over (R-SIGN-25).
    pub fn sends(&self) -> bool {
        self.starts && !self.leads && !self.meeting.rules.is_going_on()
    }

    /// The person who looks chooses who gets an own copy of the minutes (R-SIGN-26).
    pub fn chooses(&self) -> bool {
        self.sends() || self.starts && self.leads
    }

    /// The same without the copy that was asked for, unless `keeps`: who has signed one goes on to the
    /// next.
    pub(crate) fn with_copy_if(self, keeps: bool) -> Self {
        Self { copy: self.copy.filter(|_| keeps), ..self }
    }

    /// Outcomes that the minutes can still have, in the order of the procedure profile.
    pub fn outcomes(&self, portal: &Portal) -> Vec<Outcome> {
        let profile = portal.profile(&self.case.procedure);
        let now = portal.now();
        let possible = |outcome: Outcome| {
            if self.meeting.rules.outcome == Some(outcome) {
                return true;
            }
            let (mut meeting, mut case) = (self.meeting.rules.clone(), self.case.rules.clone());
            let acts = meeting.conclude(outcome, now);
            acts.is_ok_and(|acts| acts.iter().all(|act| case.handle(act, now, profile).is_ok()))
        };
        let outcomes = profile.minutes.iter().map(|minutes| minutes.outcome);
        outcomes.filter(|outcome| possible(*outcome)).collect()
    }

    /// The outcome whose signatures the conciliator can give up: this meeting's, and the case waits
    /// for them.
    pub fn at_signature(&self) -> Option<Outcome> {
        let recorded = self.meeting.rules.outcome.filter(|outcome| outcome.needs_signatures());
        recorded.filter(|_| self.case.rules.state == CaseState::Signing)
    }

    /// How minutes of this outcome are made.
    pub fn rules<'a>(&self, portal: &'a Portal, outcome: Outcome) -> Option<&'a MinutesRules> {
        portal.profile(&self.case.procedure).minutes_of(outcome)
    }

    /// Who signs minutes of this outcome, in order.
    pub fn signers(&self, portal: &Portal, outcome: Outcome) -> Vec<SeatKind> {
        let present = |kind| self.sitting.iter().any(|one| one.seat == kind);
        self.rules(portal, outcome).map_or_else(Vec::new, |minutes| minutes.signers_among(present))
    }

    /// Who of these cannot sign at `now`, and why (R-SIGN-05).
    pub fn lacks<'a>(
        &self,
        people: &[&'a Sitting],
        now: DateTime<Utc>,
    ) -> Vec<(&'a Sitting, Lack)> {
        let lack =
            |one: &&'a Sitting| Some((*one, self.powers.lack(one.seat, one.person.id, now)?));
        people.iter().filter_map(lack).collect()
    }

    /// What the words of the minutes are made of.
    pub fn facts(&self) -> Facts {
        let rules = &self.meeting.rules;
        let (began_at, ended_at) = rules.span();
        let people = self.sitting.iter().map(|one| Person {
            user: one.person.id,
            seat: one.seat,
            role: one.label.clone(),
            given_name: one.person.given_name.clone(),
            surname: one.person.surname.clone(),
            fiscal_code: one.person.fiscal_code.clone(),
            powers: match self.powers.standing(one.seat, one.person.id, self.at) {
                Some(Ok(power)) => views::title(power),
                Some(Err(_)) | None => String::new(),
            },
        });
        Facts {
            body: self.body.name.clone(),
            house: self.body.host.clone(),
            case_number: self.case.shown_number().to_owned(),
            dispute: self.case.application.topic.clone(),
            mode: rules.mode,
            convened_for: rules.slot.starts_at,
            began_at,
            ended_at,
            no_show_minutes: self.no_show_minutes,
            people: people.collect(),
        }
    }
}
