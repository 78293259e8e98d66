//! Forty cases on their ways through the procedure.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use portal::accounts::Actor;
use portal::bodies::Body;
use portal::calendar;
use portal::cases::application::Application;
use portal::cases::commands::{self as cases, NewCase};
use portal::cases::rules::Act;
use portal::cases::supply::{Service, Utility};
use portal::cases::{CaseId, Outcome, Part};
use portal::meetings::commands::{self as meetings, Proposal};
use portal::meetings::{MeetingId, Mode};
use portal::portal::Portal;

use super::people::Cast;
use super::{StoryClock, WorldError, minutes};

/// How far a case has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Submitted,
    Regularising,
    NotAdmitted,
    Admitted,
    Assigned,
    NotAdhered,
    Adhered,
    WithAid,
    Convened,
    Moved,
    Held,
    Adjourned,
    Signing,
    /// Held; signed once the trust service answers.
    Agreement,
    NoAgreement,
    NoShow,
    Withdrawn,
    Archived,
    Closed,
}

/// Goals, and how many days ago each application came; spread so that nobody sits in two meetings
/// at once.
const CASES: [(Goal, i64); 40] = [
    (Goal::Closed, 140),
    (Goal::Archived, 130),
    (Goal::NoAgreement, 120),
    (Goal::NoShow, 118),
    (Goal::Closed, 112),
    (Goal::Withdrawn, 105),
    (Goal::Closed, 100),
    (Goal::NotAdhered, 96),
    (Goal::Held, 80),
    (Goal::NoAgreement, 76),
    (Goal::Held, 74),
    (Goal::Held, 70),
    (Goal::NotAdmitted, 66),
    (Goal::Held, 64),
    (Goal::Moved, 60),
    (Goal::Withdrawn, 58),
    (Goal::NoShow, 55),
    (Goal::Moved, 52),
    (Goal::Convened, 50),
    (Goal::NotAdhered, 47),
    (Goal::Convened, 44),
    (Goal::Convened, 40),
    (Goal::WithAid, 37),
    (Goal::Adjourned, 35),
    (Goal::Adhered, 32),
    (Goal::Adjourned, 30),
    (Goal::Signing, 24),
    (Goal::Agreement, 23),
    (Goal::NotAdmitted, 24),
    (Goal::Assigned, 21),
    (Goal::Assigned, 19),
    (Goal::Assigned, 17),
    (Goal::Admitted, 14),
    (Goal::Admitted, 12),
    (Goal::Admitted, 10),
    (Goal::Regularising, 6),
    (Goal::Regularising, 5),
    (Goal::Submitted, 3),
    (Goal::Submitted, 2),
    (Goal::Submitted, 1),
];

const TOPICS: [(&str, &str, Service); 5] = [
    (
        "Fatturazione",
        "La bolletta di conguaglio riporta consumi stimati molto superiori a quelli letti.",
        Service::Electricity,
    ),
    ("Contratti", "Il prezzo applicato non è quello del contratto firmato.", Service::Gas),
    ("Misura", "Il contatore segna consumi anche con l'impianto spento.", Service::Electricity),
    ("Allaccio", "L'allacciamento richiesto sei mesi fa non è stato eseguito.", Service::Gas),
    ("Morosità", "È stata contestata una bolletta già pagata.", Service::DualFuel),
];

/// Tells every case from its application to its goal, in the order of time. Returns the meeting of
/// the case that ends in agreement.
pub(super) async fn tell(
    portal: &Portal,
    clock: &StoryClock,
    cast: &Cast,
    now: DateTime<Utc>,
) -> Result<Option<MeetingId>, WorldError> {
    let mut agreed = None;
    for (number, (goal, days)) in CASES.into_iter().enumerate() {
        let opened = now - TimeDelta::days(days);
        clock.restart(opened);
        let story = Story { portal, clock, cast, number };
        let meeting = story.tell(goal, opened, now).await?;
        if goal == Goal::Agreement {
            agreed = meeting;
        }
    }
    clock.set(now);
    Ok(agreed)
}

/// A case whose people are all there, for the meeting that is about to begin.
pub(super) async fn ready_to_meet(portal: &Portal, cast: &Cast) -> Result<CaseId, WorldError> {
    let case = open(portal, cast, 0).await?;
    for (actor, act) in to_adhered(cast) {
        cases::act(portal, actor, case, act).await.map_err(WorldError::of)?;
    }
    for (actor, act) in with_aid(cast) {
        cases::act(portal, actor, case, act).await.map_err(WorldError::of)?;
    }
    Ok(case)
}

struct Story<'a> {
    portal: &'a Portal,
    clock: &'a StoryClock,
    cast: &'a Cast,
    number: usize,
}

impl Story<'_> {
    async fn tell(
        &self,
        goal: Goal,
        opened: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<MeetingId>, WorldError> {
        let cast = self.cast;
        let staff = &cast.staff;
        let case = open(self.portal, cast, self.number).await?;
        let first = match goal {
            Goal::Submitted => return Ok(None),
            Goal::Regularising => Act::AskIntegration,
            Goal::NotAdmitted => Act::Reject,
            _ => Act::Admit,
        };
        self.later(TimeDelta::hours(20), now);
        self.act(staff, case, first).await?;
        if matches!(goal, Goal::Regularising | Goal::NotAdmitted | Goal::Admitted) {
            return Ok(None);
        }
        if goal == Goal::NotAdhered {
            self.later(TimeDelta::days(3), now);
            self.act(&cast.secretariat, case, Act::Decline { operator: cast.seller }).await?;
            return Ok(None);
        }
        let conciliator = self.conciliator();
        self.later(TimeDelta::days(1), now);
        let assign = Act::AssignConciliator { conciliator: conciliator.user };
        self.act(staff, case, assign).await?;
        if goal == Goal::Assigned {
            return Ok(None);
        }
        if goal == Goal::Archived {
            // Nobody ever answered; the term passed.
            self.clock.set(opened + TimeDelta::days(95));
            self.act(staff, case, Act::DecideOverdue { archive: true }).await?;
            return Ok(None);
        }
        for (actor, act) in to_adhered(cast).into_iter().skip(2) {
            self.later(TimeDelta::hours(30), now);
            self.act(actor, case, act).await?;
        }
        if goal == Goal::Adhered {
            return Ok(None);
        }
        if goal == Goal::WithAid {
            for (actor, act) in with_aid(cast) {
                self.later(TimeDelta::hours(20), now);
                self.act(actor, case, act).await?;
            }
            return Ok(None);
        }
        let held_in_past = !matches!(goal, Goal::Convened | Goal::Moved);
        let day = if held_in_past { opened + TimeDelta::days(21) } else { now + self.ahead() };
        let meeting = self.convene(case, day).await?;
        match goal {
            Goal::Convened => {}
            Goal::Moved => {
                let to = self.slot(now + self.ahead() + TimeDelta::days(10))?;
                let moved = meetings::move_to(self.portal, staff, meeting, to, None).await;
                moved.map_err(WorldError::of)?;
            }
            Goal::Withdrawn => {
                self.later(TimeDelta::hours(10), now);
                let client = &cast.clients[self.number % cast.clients.len()];
                meetings::cancel(self.portal, staff, meeting).await.map_err(WorldError::of)?;
                self.act(client, case, Act::Withdraw).await?;
            }
            Goal::NoShow => self.meet(meeting, Some(Outcome::NoShowConvened), false).await?,
            Goal::Held | Goal::Agreement => self.meet(meeting, None, true).await?,
            Goal::Signing => {
                self.meet(meeting, None, true).await?;
                let body = self.body().await?;
                let conciliators = [&self.cast.conciliator, &self.cast.second_conciliator];
                minutes::put_to_signature(self.portal, &body, conciliators, meeting).await?;
            }
            Goal::Adjourned => {
                self.meet(meeting, Some(Outcome::Adjourned), true).await?;
                self.convene(case, now + self.ahead() + TimeDelta::days(15)).await?;
            }
            _ => {
                self.meet(meeting, Some(Outcome::NoAgreement), true).await?;
                if goal == Goal::Closed {
                    self.later(TimeDelta::days(2), now);
                    self.act(staff, case, Act::Close).await?;
                }
            }
        }
        Ok(Some(meeting))
    }

    async fn act(&self, actor: &Actor, case: CaseId, act: Act) -> Result<(), WorldError> {
        let described = format!("{act:?}");
        let done = cases::act(self.portal, actor, case, act).await;
        done.map(drop)
            .map_err(|e| WorldError(format!("case {}, {described}: {e}", self.number + 1)))
    }

    /// Time passes, but not into the future.
    fn later(&self, by: TimeDelta, now: DateTime<Utc>) {
        self.clock.set((self.portal.now() + by).min(now));
    }

    fn conciliator(&self) -> &Actor {
        let cast = self.cast;
        if self.number.is_multiple_of(2) { &cast.conciliator } else { &cast.second_conciliator }
    }

    /// Days until this case's meeting: one day for each case.
    fn ahead(&self) -> TimeDelta {
        TimeDelta::days(2 + i64::try_from(self.number % 14).unwrap_or(0))
    }

    /// An hour of its own for each case on that day.
    fn slot(&self, day: DateTime<Utc>) -> Result<DateTime<Utc>, WorldError> {
        let hour = 8 + u32::try_from(self.number % 10).unwrap_or(0);
        let time = NaiveTime::from_hms_opt(hour, 30, 0);
        time.and_then(|time| calendar::instant(calendar::day_of(day), time))
            .ok_or_else(|| WorldError(format!("no {hour}:30 on that day")))
    }

    async fn convene(&self, case: CaseId, day: DateTime<Utc>) -> Result<MeetingId, WorldError> {
        let proposal = Proposal {
            starts_at: self.slot(day)?,
            minutes: 60,
            mode: Mode::VirtualRoom,
            conciliator: self.conciliator().user,
        };
        let fixed = meetings::convene(self.portal, &self.cast.staff, case, proposal).await;
        fixed.map_err(|e| WorldError(format!("case {}: {e}", self.number + 1)))
    }

    async fn body(&self) -> Result<Body, WorldError> {
        let bodies = portal::bodies::all(&self.portal.db).await.map_err(WorldError::of)?;
        let body = bodies.into_iter().find(|body| body.id == self.cast.staff.body);
        body.ok_or_else(|| WorldError("no body".to_owned()))
    }

    /// The meeting takes place by the story's clock.
    async fn meet(
        &self,
        meeting: MeetingId,
        outcome: Option<Outcome>,
        came: bool,
    ) -> Result<(), WorldError> {
        let (portal, body) = (self.portal, self.cast.staff.body);
        let by = self.conciliator().into();
        let record = portal::meetings::store::read(&portal.db, body, meeting).await;
        let record = record.map_err(WorldError::of)?;
        let record = record.ok_or_else(|| WorldError("a meeting is missing".to_owned()))?;
        let body = self.body().await?;
        self.clock.set(record.rules.slot.starts_at + TimeDelta::minutes(2));
        let mut tx = portal.db.begin().await.map_err(WorldError::of)?;
        if came {
            let started = meetings::start_in(&mut tx, portal, &body, meeting, by).await;
            started.map_err(WorldError::of)?;
        }
        self.clock.set(record.rules.slot.starts_at + TimeDelta::minutes(48));
        if let Some(outcome) = outcome {
            let told = meetings::conclude_in(&mut tx, portal, &body, meeting, outcome, by).await;
            told.map_err(WorldError::of)?;
        }
        if came {
            let ended = meetings::end_in(&mut tx, portal, &body, meeting, by).await;
            ended.map_err(WorldError::of)?;
        }
        tx.commit().await.map_err(WorldError::of)
    }
}

/// From admission to a delegate.
fn to_adhered(cast: &Cast) -> Vec<(&Actor, Act)> {
    vec![
        (&cast.staff, Act::Admit),
        (&cast.staff, Act::AssignConciliator { conciliator: cast.conciliator.user }),
        (&cast.secretariat, Act::Adhere { operator: cast.seller }),
        (
            &cast.secretariat,
            Act::AssignDelegate { operator: cast.seller, delegate: cast.delegate.user },
        ),
    ]
}

/// From the request of technical aid to its delegate.
fn with_aid(cast: &Cast) -> Vec<(&Actor, Act)> {
    let operator = cast.distributor;
    vec![
        (&cast.delegate, Act::RequestAid { operator, part: Part::Distributor, compulsory: true }),
        (&cast.staff, Act::ConveneAid { operator }),
        (&cast.aid_secretariat, Act::Adhere { operator }),
        (&cast.aid_secretariat, Act::AssignDelegate { operator, delegate: cast.aid_delegate.user }),
    ]
}

/// What the client of a story states.
pub(super) fn application(portal: &Portal, number: usize) -> Application {
    let (topic, description, service) = TOPICS[number % TOPICS.len()];
    let today = calendar::day_of(portal.now());
    Application {
        complaint_on: today - TimeDelta::days(60),
        complaint_ref: format!("REC-{:04}", 100 + number),
        reply_on: number.is_multiple_of(3).then(|| today - TimeDelta::days(30)),
        topic: topic.to_owned(),
        value_cents: Some(12_500 + i64::try_from(number).unwrap_or(0) * 735),
        description: description.to_owned(),
        availability: "Tutto il giorno".to_owned(),
        other_availability: String::new(),
        service,
        contract: format!("C-{:06}", 4_000 + number),
        utility: if number % 5 == 4 { Utility::NonDomestic } else { Utility::Domestic },
        multi_site: false,
        pod: service.needs_pod().then(|| format!("IT001E{:08}", 10_000 + number)),
        pdr: service.needs_pdr().then(|| format!("{:014}", 500_000 + number)),
        address: format!("Via Garibaldi {}", number + 1),
        locality: String::new(),
        municipality: "Roma".to_owned(),
        province: "RM".to_owned(),
        region: "Lazio".to_owned(),
        postal_code: "00153".to_owned(),
        urgency: None,
    }
}

async fn open(portal: &Portal, cast: &Cast, number: usize) -> Result<CaseId, WorldError> {
    let new = NewCase {
        client: cast.clients[number % cast.clients.len()].user,
        client_delegate: number.is_multiple_of(4).then_some(cast.client_delegate.user),
        operator: cast.seller,
        aid: None,
        application: application(portal, number),
    };
    cases::open(portal, &cast.staff, new).await.map_err(WorldError::of)
}
