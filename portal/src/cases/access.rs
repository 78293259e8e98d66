//! Who may do what to a case: the one place that decides (REQUIREMENTS §2). Lists use the same
//! relations as SQL: [`super::list`].

use crate::{
    accounts::Actor,
    accounts::Role,
    cases::{Adhesion, CaseState, Outcome, Part, rules::Case, store::CaseRecord},
    documents::rules::Viewer,
    guests,
    organisations::OperatorId,
};

/// What an actor is to one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Service secretariat of the body.
    Service,
    /// The assigned conciliator.
    Conciliator,
    /// Secretariat of an operator in the case.
    OperatorSecretariat {
        /// Which operator.
        operator: OperatorId,
        /// As what it takes part.
        part: Part,
    },
    /// Assigned delegate of an operator in the case.
    OperatorDelegate {
        /// Which operator.
        operator: OperatorId,
        /// As what it takes part.
        part: Part,
    },
    /// The client.
    Client,
    /// The client's delegate.
    ClientDelegate,
}

/// What can be done to a case, as the rows of §2 name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See the case at all.
    View,
    /// Admit, reject, ask for integrations, correct the day of completeness.
    DecideApplication,
    /// Adhere or declare non-adhesion.
    Answer,
    /// Assign or change the own operator's delegate.
    AssignDelegate,
    /// Assign or replace the conciliator.
    AssignConciliator,
    /// Ask for technical aid.
    RequestAid,
    /// Convene technical aid.
    ConveneAid,
    /// Add documents.
    Upload,
    /// Convene, move, cancel a meeting.
    Convene,
    /// Fix the next meeting of an adjournment.
    Adjourn,
    /// Grant an extension; decide an overdue case.
    GrantExtension,
    /// Write the minutes and put them to signature; record the outcome.
    DraftMinutes,
    /// Read the attendance log.
    ReadAttendance,
    /// Withdraw the application.
    Withdraw,
    /// Close.
    Close,
}

/// What `actor` is to `case`; `None` for strangers, who are told that there is no such case.
pub fn relation(actor: &Actor, case: &CaseRecord) -> Option<Relation> {
    if actor.body != case.body {
        return None; // R-TECH-19
    }
    let me = Some(actor.user);
    let rules = &case.rules;
    match actor.role {
        Role::ServiceSecretariat => Some(Relation::Service),
        Role::Conciliator => (rules.conciliator == me).then_some(Relation::Conciliator),
        Role::Client => (case.client.user == me).then_some(Relation::Client),
        Role::ClientDelegate => (case.client.delegate == me).then_some(Relation::ClientDelegate),
        Role::Administrator | Role::ContactOfficer => None,
        Role::Guest => guests::rules::relation(actor.guest.as_ref()?, case.id, rules),
        Role::OperatorSecretariat => {
            let who = of_operator(actor.operator?, rules)?;
            let in_scope = actor.sectors.is_empty() || actor.sectors.contains(&rules.sector);
            in_scope.then_some(Relation::OperatorSecretariat { operator: who.0, part: who.1 })
        }
        Role::OperatorDelegate => {
            let (operator, part) = of_operator(actor.operator?, rules)?;
            let mine = rules.participation(operator)?.delegate == me;
            mine.then_some(Relation::OperatorDelegate { operator, part })
        }
    }
}

/// The case is on an operator's list: admitted, and the operator convened (R-CASE-01, R-CASE-27).
fn of_operator(operator: OperatorId, case: &Case) -> Option<(OperatorId, Part)> {
    let who = case.participation(operator)?;
    (case.admitted_at.is_some() && who.convened).then_some((operator, who.part))
}

/// Whether somebody with this relation may do it. The state of the case is another matter:
/// [`super::rules`].
pub fn may(relation: Relation, action: Action) -> bool {
    use Action as A;
    match relation {
        Relation::Service => {
            !matches!(action, A::Answer | A::AssignDelegate | A::RequestAid)
                && !matches!(action, A::Adjourn | A::Withdraw)
        }
        Relation::Conciliator => matches!(
            action,
            A::View | A::Upload | A::Adjourn | A::DraftMinutes | A::ReadAttendance | A::Close
        ),
        Relation::OperatorSecretariat { part, .. } => match action {
            A::View | A::Upload | A::Answer | A::AssignDelegate => true,
            A::RequestAid => !part.is_aid(),
            _ => false,
        },
        Relation::OperatorDelegate { part, .. } => match action {
            A::View | A::Upload => true,
            A::RequestAid => !part.is_aid(),
            _ => false,
        },
        Relation::Client | Relation::ClientDelegate => {
            matches!(action, A::View | A::Upload | A::Withdraw)
        }
    }
}

/// From where somebody looks at the documents (R-CASE-32…34).
pub fn viewer(relation: Relation, case: &Case) -> Viewer {
    match relation {
        Relation::Service | Relation::Conciliator => Viewer::Service,
        Relation::Client | Relation::ClientDelegate => Viewer::Activating,
        Relation::OperatorSecretariat { operator, .. }
        | Relation::OperatorDelegate { operator, .. } => Viewer::Operator {
            operator,
            adhered: case.participation(operator).is_some_and(|p| p.adhesion == Adhesion::Adhered),
        },
    }
}

/// Documents can still be added (R-CASE-16, R-CASE-44): the procedure runs, and an operator adhered.
pub fn open_for_upload(relation: Relation, case: &Case) -> bool {
    let running = case.state.in_progress() || case.state == CaseState::Submitted;
    running
        && match viewer(relation, case) {
            Viewer::Operator { adhered, .. } => adhered,
            Viewer::Service | Viewer::Activating => true,
        }
}

/// The procedure can have another meeting; one is not fixed twice, but that is another question.
pub fn takes_meeting(case: &Case) -> bool {
    match case.state {
        CaseState::Admitted | CaseState::Assigned | CaseState::Convened | CaseState::Reconvened => {
            true
        }
        CaseState::Held => case.outcome == Some(Outcome::Adjourned),
        _ => false,
    }
}
