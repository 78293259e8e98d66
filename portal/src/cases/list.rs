//! The list of cases (R-CASE-01…05): one table, scoped by what the actor is to a case.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    accounts::{Actor, Role, UserId},
    cases::{
        Adhesion, CaseId, CaseState,
        supply::{Service, Utility},
    },
    db::{Db, DbError},
    documents::rules::Viewer,
    documents::store::unread_of_cases,
    lists::{Column, Listing, by_label},
    on_db,
};

/// Columns of R-CASE-02.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseColumn {
    /// Case number.
    Number,
    /// Admission date.
    Admitted,
    /// Client.
    Client,
    /// Convened operator.
    Operator,
    /// Distributor or sewerage manager.
    Aid,
    /// Second distributor or treatment manager.
    SecondAid,
    /// State.
    State,
    /// Service type.
    Service,
    /// Utility type.
    Utility,
    /// Operator delegate.
    Delegate,
}

impl Column for CaseColumn {
    const ALL: &'static [Self] = &[
        Self::Number,
        Self::Admitted,
        Self::Client,
        Self::Operator,
        Self::Aid,
        Self::SecondAid,
        Self::State,
        Self::Service,
        Self::Utility,
        Self::Delegate,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::Number => "numero",
            Self::Admitted => "ammissione",
            Self::Client => "cliente",
            Self::Operator => "operatore",
            Self::Aid => "distributore",
            Self::SecondAid => "secondo",
            Self::State => "stato",
            Self::Service => "servizio",
            Self::Utility => "utenza",
            Self::Delegate => "delegato",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Number => "Numero",
            Self::Admitted => "Data ammissione",
            Self::Client => "Cliente",
            Self::Operator => "Operatore",
            Self::Aid => "Distributore / Gestore fognatura",
            Self::SecondAid => "Secondo distributore / Gestore depurazione",
            Self::State => "Stato",
            Self::Service => "Servizio",
            Self::Utility => "Tipo utenza",
            Self::Delegate => "Delegato operatore",
        }
    }

    fn sql(self) -> String {
        match self {
            Self::Number => "COALESCE(number, '')".into(),
            Self::Admitted => "admitted_at".into(),
            Self::Client => "LOWER(client_name)".into(),
            Self::Operator => "LOWER(operator_name)".into(),
            Self::Aid => "LOWER(aid_name)".into(),
            Self::SecondAid => "LOWER(second_aid_name)".into(),
            Self::Delegate => "LOWER(delegate_name)".into(),
            Self::State => {
                let words: Vec<_> = CaseState::ALL.iter().map(|s| (s.key(), s.label())).collect();
                by_label("state", &words)
            }
            Self::Service => {
                let words: Vec<_> = Service::ALL.iter().map(|s| (s.key(), s.label())).collect();
                by_label("service", &words)
            }
            Self::Utility => {
                let words: Vec<_> = Utility::ALL.iter().map(|s| (s.key(), s.label())).collect();
                by_label("utility", &words)
            }
        }
    }
}

/// Which cases to show (R-CASE-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// From admission to signature.
    InProgress,
    /// The rest after admission.
    Closed,
    /// Not admitted (yet): for those who file and decide.
    Applications,
    /// The term passed without outcome: the Service's worklist (R-CASE-63).
    Overdue,
}

impl View {
    /// What a role can choose from; the first is the default.
    pub fn of(role: Role) -> &'static [Self] {
        match role {
            Role::ServiceSecretariat => {
                &[Self::InProgress, Self::Applications, Self::Overdue, Self::Closed]
            }
            Role::Client | Role::ClientDelegate => {
                &[Self::InProgress, Self::Applications, Self::Closed]
            }
            _ => &[Self::InProgress, Self::Closed],
        }
    }

    /// The word in the address.
    pub fn key(self) -> &'static str {
        match self {
            Self::InProgress => "corso",
            Self::Closed => "chiuse",
            Self::Applications => "domande",
            Self::Overdue => "scadute",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::InProgress => "Pratiche in corso",
            Self::Closed => "Pratiche chiuse",
            Self::Applications => "Domande",
            Self::Overdue => "Oltre il termine",
        }
    }

    fn sql(self) -> String {
        let running: Vec<String> = CaseState::ALL
            .iter()
            .filter(|s| s.in_progress())
            .map(|s| format!("'{}'", s.key()))
            .collect();
        let running = running.join(", ");
        match self {
            Self::InProgress => format!("state IN ({running})"),
            Self::Closed => format!("admitted_at IS NOT NULL AND state NOT IN ({running})"),
            Self::Applications => "admitted_at IS NULL".into(),
            Self::Overdue => "overdue".into(),
        }
    }
}

/// The cases an actor has (§2, "List cases"), as a condition on `cases`. `$2` is the user, `$3` the
/// operator of the acting profile. The same as [`super::access::relation`]; a test compares them.
pub(crate) fn scope(role: Role) -> &'static str {
    match role {
        Role::ServiceSecretariat => "state <> 'draft'",
        Role::Conciliator => "conciliator = $2",
        Role::Client => "client_user = $2",
        Role::ClientDelegate => "client_delegate = $2",
        Role::OperatorSecretariat => {
            "admitted_at IS NOT NULL AND EXISTS (SELECT 1 FROM case_operators p \
             WHERE p.case_id = cases.id AND p.operator = $3 AND p.convened)"
        }
        Role::OperatorDelegate => {
            "admitted_at IS NOT NULL AND EXISTS (SELECT 1 FROM case_operators p \
             WHERE p.case_id = cases.id AND p.operator = $3 AND p.convened AND p.delegate = $2)"
        }
        // A guest has a room, and no list.
        Role::Administrator | Role::ContactOfficer | Role::Guest => "1 = 0",
    }
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct CaseLine {
    id: Uuid,
    /// Case number; empty on a draft.
    pub number: String,
    /// Admission.
    pub admitted_at: Option<DateTime<Utc>>,
    /// Client.
    pub client_name: String,
    /// Convened operator.
    pub operator_name: String,
    /// First technical aid.
    pub aid_name: String,
    /// Second technical aid.
    pub second_aid_name: String,
    /// Word of the state.
    pub state: String,
    /// Word of the service type.
    pub service: String,
    /// Word of the utility type.
    pub utility: String,
    /// Operator delegate.
    pub delegate_name: String,
    adhesion: Option<String>,
    /// Documents that this user has not opened (R-CASE-05).
    #[sqlx(skip)]
    pub unread: u32,
}

impl CaseLine {
    /// Which case.
    pub fn id(&self) -> CaseId {
        CaseId(self.id)
    }

    fn viewer(&self, actor: &Actor) -> Viewer {
        match (actor.role, actor.operator) {
            (Role::OperatorSecretariat | Role::OperatorDelegate, Some(operator)) => {
                let adhered = self.adhesion.as_deref() == Some(Adhesion::Adhered.key());
                Viewer::Operator { operator, adhered }
            }
            (Role::Client | Role::ClientDelegate, _) => Viewer::Activating,
            _ => Viewer::Service,
        }
    }
}

/// One page of the list, the last one if `listing` asks for more, and how many rows there are in
/// all.
pub async fn page(
    db: &Db,
    actor: &Actor,
    view: View,
    listing: &mut Listing<CaseColumn>,
) -> Result<(Vec<CaseLine>, u64), DbError> {
    let filter = format!(
        "body = $1 AND ({}) AND ({}) AND search LIKE $4 ESCAPE '\\'",
        scope(actor.role),
        view.sql()
    );
    let count = format!("SELECT COUNT(*) FROM cases WHERE {filter}");
    let rows = format!(
        "SELECT id, COALESCE(number, '') AS number, admitted_at, client_name, operator_name, \
         aid_name, second_aid_name, state, service, utility, delegate_name, \
         (SELECT p.adhesion FROM case_operators p WHERE p.case_id = cases.id AND p.operator = $3) \
         AS adhesion FROM cases WHERE {filter} ORDER BY {} LIMIT $5 OFFSET $6",
        listing.order()
    );
    let operator = actor.operator.map(|o| o.0);
    let pattern = listing.pattern();
    // Only constants of the program are put into the text: scope, view and column.
    let (total, mut lines): (i64, Vec<CaseLine>) = on_db!(read db, |c| {
        let total = sqlx::query_scalar(AssertSqlSafe(count))
            .bind(actor.body.0)
            .bind(actor.user.0)
            .bind(operator)
            .bind(&pattern)
            .fetch_one(c)
            .await?;
        listing.within(total);
        let lines = sqlx::query_as(AssertSqlSafe(rows))
            .bind(actor.body.0)
            .bind(actor.user.0)
            .bind(operator)
            .bind(&pattern)
            .bind(i64::from(listing.size))
            .bind(listing.offset())
            .fetch_all(c)
            .await?;
        (total, lines)
    });
    let viewers: BTreeMap<CaseId, Viewer> =
        lines.iter().map(|line| (line.id(), line.viewer(actor))).collect();
    let unread = unread_of_cases(db, actor.body, UserId(actor.user.0), &viewers).await?;
    for line in &mut lines {
        line.unread = unread.get(&line.id()).copied().unwrap_or(0);
    }
    Ok((lines, u64::try_from(total).unwrap_or(0)))
}
