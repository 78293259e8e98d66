//! The live board of the service staff (R-MEET-09): the rooms of today, their meetings, who is there.
//! Nothing of what is said, written or shown can be seen here. Who is in a room is told by the
//! process that serves it.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::attendance;
use super::pages::colour;
use super::rules::Meeting;
use super::{MeetingId, MeetingState, Slot};
use crate::accounts::Role;
use crate::bodies::BodyId;
use crate::calendar;
use crate::db::{DbError, kept};
use crate::on_db;
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Visit, html};

/// Rooms shown at once.
const SHOWN: i64 = 200;

/// A room of today.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Line {
    room: Uuid,
    case_id: Uuid,
    number: String,
    procedure: String,
    conciliator: String,
    /// Absent for a standing room between its meetings.
    state: Option<String>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    /// A process serves it at the moment.
    served: bool,
}

impl Line {
    /// Which room.
    pub fn room(&self) -> MeetingId {
        MeetingId(self.room)
    }
}

/// How somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Waits in the lobby.
    Waiting,
    /// In the meeting, in whatever session.
    Inside,
    /// By telephone.
    Phone,
    /// The connection broke a moment ago.
    Lost,
}

impl Presence {
    fn label(self) -> &'static str {
        match self {
            Self::Waiting => "in sala d'attesa",
            Self::Inside => "presente",
            Self::Phone => "al telefono",
            Self::Lost => "collegamento interrotto",
        }
    }
}

/// What a process tells of a room that it serves.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Who is there, by seat.
    pub seats: Vec<(Uuid, Presence)>,
    /// Nobody new gets in.
    pub locked: bool,
}

/// The rooms of today: meetings in the room, those that run longer, standing rooms with somebody in.
pub async fn today(portal: &Portal, body: BodyId) -> Result<Vec<Line>, DbError> {
    let now = portal.now();
    let day = calendar::day_of(now);
    let from = calendar::start_of(day);
    let to = day.succ_opt().map_or(now, calendar::start_of);
    Ok(on_db!(read & portal.db, |c| sqlx::query_as(
        "SELECT m.id AS room, m.case_id AS case_id, COALESCE(c.number, '') AS number,
             c.procedure AS procedure,
             COALESCE(u.given_name || ' ' || u.surname, '') AS conciliator, m.state AS state,
             m.starts_at AS starts_at, m.ends_at AS ends_at, l.room IS NOT NULL AS served
         FROM meetings m JOIN cases c ON c.id = m.case_id
         LEFT JOIN users u ON u.id = c.conciliator
         LEFT JOIN leases l ON l.room = m.id AND l.expires_at > $4
         WHERE m.body = $1 AND m.mode = 'virtual_room'
             AND m.state NOT IN ('postponed', 'cancelled')
             AND ((m.starts_at >= $2 AND m.starts_at < $3)
                 OR m.state IN ('in_progress', 'interrupted'))
         UNION ALL
         SELECT s.id AS room, s.case_id AS case_id, COALESCE(c.number, '') AS number,
             c.procedure AS procedure,
             COALESCE(u.given_name || ' ' || u.surname, '') AS conciliator, NULL AS state,
             s.opened_at AS starts_at, s.ends_at AS ends_at, TRUE AS served
         FROM standing_rooms s JOIN cases c ON c.id = s.case_id
         JOIN leases l ON l.room = s.id AND l.expires_at > $4
         LEFT JOIN users u ON u.id = c.conciliator
         WHERE s.body = $1
         ORDER BY starts_at, room LIMIT $5"
    )
    .bind(body.0)
    .bind(kept(from))
    .bind(kept(to))
    .bind(kept(now))
    .bind(SHOWN)
    .fetch_all(c)
    .await)?)
}

/// Whether somebody sees the board: the staff of the Service.
pub fn may(role: Role) -> bool {
    role == Role::ServiceSecretariat
}

struct Row {
    room: Uuid,
    case_id: Uuid,
    number: String,
    conciliator: String,
    time: String,
    standing: bool,
    state: &'static str,
    state_class: &'static str,
    late: Option<String>,
    locked: bool,
    /// A process serves it, another one than this.
    elsewhere: bool,
    people: Vec<(String, String, &'static str)>,
}

#[derive(Template)]
#[template(path = "meetings/board.html")]
struct BoardPage {
    chrome: Chrome,
    rows: Vec<Row>,
    at: String,
}

/// The page.
pub async fn page(
    portal: &Portal,
    visit: Visit,
    lines: Vec<Line>,
    live: &BTreeMap<MeetingId, Live>,
) -> Answer {
    if !may(visit.actor.role) {
        return Err(PageError::Forbidden);
    }
    let now = portal.now();
    let mut rows = Vec::new();
    for line in lines {
        let told = live.get(&line.room());
        let mut people = Vec::new();
        if let Some(told) = told {
            let seats = attendance::seats(&portal.db, visit.body.id, line.room()).await?;
            for (id, presence) in &told.seats {
                if let Some(seat) = seats.iter().find(|seat| seat.id == *id) {
                    people.push((seat.name.clone(), seat.label.clone(), presence.label()));
                }
            }
        }
        rows.push(row(portal, line, told, people, now)?);
    }
    html(&BoardPage { chrome: visit.chrome, rows, at: calendar::show_time(now) })
}

fn row(
    portal: &Portal,
    line: Line,
    told: Option<&Live>,
    people: Vec<(String, String, &'static str)>,
    now: DateTime<Utc>,
) -> Result<Row, PageError> {
    let slot = Slot { starts_at: line.starts_at, ends_at: line.ends_at };
    let state = line.state.as_deref().map(str::parse::<MeetingState>).transpose()?;
    let rules = &portal.profile(&line.procedure).room;
    let (label, class) = match state {
        Some(state) => {
            let meeting = Meeting { state, ..Meeting::convened(super::Mode::VirtualRoom, slot) };
            (meeting.shown(rules, now), colour(state))
        }
        None => ("Fuori dagli incontri", "state-open"),
    };
    let runs = matches!(state, Some(MeetingState::InProgress | MeetingState::Interrupted));
    let over = u64::try_from((now - slot.ends_at).num_seconds()).unwrap_or(0);
    Ok(Row {
        room: line.room,
        case_id: line.case_id,
        number: line.number,
        conciliator: line.conciliator,
        time: match state {
            Some(_) => {
                format!("{}–{}", calendar::show(slot.starts_at), calendar::show_time(slot.ends_at))
            }
            None => format!("fino al {}", calendar::show_day(calendar::day_of(slot.ends_at))),
        },
        standing: state.is_none(),
        state: label,
        state_class: class,
        late: (runs && over > 0).then(|| calendar::duration(over)),
        locked: told.is_some_and(|told| told.locked),
        elsewhere: line.served && told.is_none(),
        people,
    })
}
