//! The first page after signing in, by role: what is to be done today.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Answer, Chrome, PageError, Visit, html};
use crate::accounts::{Actor, Role};
use crate::calendar;
use crate::cases::list::scope;
use crate::db::{Db, DbError};
use crate::identification::commands::is_operator;
use crate::meetings::agenda;
use crate::meetings::pages::{Row, takes_part};
use crate::meetings::standing::{self, OwnRoom};
use crate::on_db;
use crate::portal::Portal;
use crate::powers::{self, views::Line};

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/", get(home))
}

#[derive(Template)]
#[template(path = "web/home.html")]
struct HomePage {
    chrome: Chrome,
    /// For a role without functions of its own yet: what the person can do.
    instead: Option<&'static str>,
    /// Whether the person's meetings are told.
    meets: bool,
    today: Vec<Row>,
    next: Option<Row>,
    /// Minutes that the conciliator has to finish.
    minutes: Vec<Unfinished>,
    tasks: Vec<Task>,
    /// Standing rooms that the person may enter.
    standing: Vec<OwnRoom>,
    /// The person identifies others by video.
    identifies: bool,
    /// Powers of the person that run out, or have lately.
    powers: Vec<Line>,
}

/// A meeting whose minutes are not finished.
#[derive(sqlx::FromRow)]
struct Unfinished {
    meeting: Uuid,
    number: String,
    client: String,
    starts_at: DateTime<Utc>,
}

impl Unfinished {
    fn time(&self) -> String {
        calendar::show(self.starts_at)
    }
}

/// Cases that wait for the person (R-LOG-12).
struct Task {
    label: &'static str,
    count: i64,
    href: &'static str,
}

const CONTACT_OFFICER: &str = "Oggi come referente puoi vedere i tuoi profili e provare audio e \
    video. La gestione degli utenti e dei delegati del tuo operatore arriva con il registro degli \
    operatori: fino ad allora chiedi le abilitazioni alla segreteria del Servizio.";

async fn home(State(portal): State<Portal>, visit: Visit) -> Answer {
    let (db, actor) = (&portal.db, &visit.actor);
    let day = calendar::day_of(portal.now());
    let tomorrow = day.succ_opt().ok_or(PageError::NotFound)?;
    let (from, to) = (calendar::start_of(day), calendar::start_of(tomorrow));
    let rows = |lines: Vec<agenda::AgendaLine>| {
        lines.into_iter().map(|line| Row::of(&portal, line, actor.role)).collect()
    };
    let today: Result<Vec<Row>, PageError> = rows(agenda::between(db, actor, from, to, 50).await?);
    let today = today?;
    let next = if today.is_empty() {
        let far = to + chrono::TimeDelta::days(366);
        let next: Result<Vec<Row>, PageError> = rows(agenda::between(db, actor, to, far, 1).await?);
        next?.pop()
    } else {
        None
    };
    let minutes = match actor.role {
        Role::Conciliator => unfinished(db, actor).await?,
        _ => Vec::new(),
    };
    let standing = match takes_part(actor.role) {
        true => standing::of_actor(db, actor, portal.now()).await?,
        false => Vec::new(),
    };
    html(&HomePage {
        standing,
        instead: (actor.role == Role::ContactOfficer).then_some(CONTACT_OFFICER),
        meets: takes_part(actor.role),
        today,
        next,
        minutes,
        tasks: tasks(db, actor).await?,
        identifies: is_operator(&portal, actor).await?,
        powers: powers::pages::running_out(&portal, &visit).await?,
        chrome: visit.chrome,
    })
}

/// Meetings of the conciliator that are over and whose minutes are not: no outcome yet, or an
/// agreement that is not signed by all.
async fn unfinished(db: &Db, actor: &Actor) -> Result<Vec<Unfinished>, DbError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT m.id AS meeting, COALESCE(c.number, '') AS number, c.client_name AS client,
             m.starts_at AS starts_at
         FROM cases c JOIN meetings m ON m.case_id = c.id
         WHERE c.body = $1 AND c.conciliator = $2 AND m.state IN ('held', 'in_progress')
             AND (c.state = 'signing' OR (c.state = 'held'
                 AND (c.outcome IS NULL OR c.outcome = 'agreement')))
             AND NOT EXISTS (SELECT 1 FROM meetings later WHERE later.case_id = c.id
                 AND later.starts_at > m.starts_at AND later.state IN ('held', 'in_progress'))
         ORDER BY m.starts_at, m.id"
    )
    .bind(actor.body.0)
    .bind(actor.user.0)
    .fetch_all(c)
    .await)?)
}

/// What waits for whom; nothing is told that is zero.
async fn tasks(db: &Db, actor: &Actor) -> Result<Vec<Task>, DbError> {
    const STAFF: &[(&str, &str, &str)] = &[
        ("Domande da esaminare", "state = 'submitted'", "/pratiche?visualizza=domande"),
        (
            "Pratiche senza conciliatore",
            "state = 'admitted' AND conciliator IS NULL",
            "/pratiche?ordina=stato",
        ),
        ("Pratiche oltre il termine", "overdue", "/pratiche?visualizza=scadute"),
    ];
    const SECRETARIAT: &[(&str, &str, &str)] = &[(
        "Pratiche in attesa di adesione",
        "state IN ('admitted', 'assigned', 'convened', 'reconvened') AND EXISTS (SELECT 1 \
             FROM case_operators p WHERE p.case_id = cases.id AND p.operator = $3 \
             AND p.adhesion = 'pending')",
        "/pratiche",
    )];
    const CLIENT: &[(&str, &str, &str)] =
        &[("Domande da completare", "state = 'regularising'", "/pratiche?visualizza=domande")];
    let questions = match actor.role {
        Role::ServiceSecretariat => STAFF,
        Role::OperatorSecretariat => SECRETARIAT,
        Role::Client | Role::ClientDelegate => CLIENT,
        _ => &[],
    };
    let mut tasks = Vec::new();
    for (label, condition, href) in questions {
        // Only constants of the program are put into the text.
        let sql = format!(
            "SELECT COUNT(*) FROM cases WHERE body = $1 AND ({}) AND ({condition})",
            scope(actor.role)
        );
        let count: i64 = on_db!(read db, |c| sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(actor.body.0)
            .bind(actor.user.0)
            .bind(actor.operator.map(|o| o.0))
            .fetch_one(c)
            .await)?;
        if count > 0 {
            tasks.push(Task { label, count, href });
        }
    }
    Ok(tasks)
}
