//! Who may do what about video identifications (REQUIREMENTS §2): the person, the operator at work,
//! the others who are authorised, and the administrator who authorises.

use super::rules::Video;
use crate::accounts::{Actor, Role};

/// What somebody is to an identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The one who is identified.
    Person,
    /// The authorised operator who has it in hand.
    Operator,
    /// Another authorised operator.
    Authorised,
    /// Nobody to it.
    Stranger,
}

/// Things people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum Action {
    SeeQueue,
    Appoint,
    Take,
    EnterRoom,
    SeePanel,
    WriteDocument,
    Decide,
    PutBack,
    Codes,
    Withdraw,
    ReadEvidence,
}

/// Whether an account with this role can be authorised at all: service staff and conciliators.
pub fn can_be_authorised(role: Role) -> bool {
    matches!(role, Role::ServiceSecretariat | Role::Conciliator)
}

/// What `actor` is. `authorised`: enabled by the administrator. Nobody is an operator to themselves.
pub fn relation(actor: &Actor, authorised: bool, video: &Video) -> Relation {
    if actor.user == video.person {
        Relation::Person
    } else if !(authorised && can_be_authorised(actor.role)) {
        Relation::Stranger
    } else if video.operator == Some(actor.user) {
        Relation::Operator
    } else {
        Relation::Authorised
    }
}

/// Whether somebody with this relation may do it; whether it can be done now is [`super::rules`]'.
pub fn may(relation: Relation, action: Action) -> bool {
    use Action as A;
    match relation {
        Relation::Person => matches!(action, A::EnterRoom | A::Codes | A::Withdraw),
        Relation::Operator => !matches!(action, A::Codes | A::Withdraw),
        Relation::Authorised => {
            matches!(action, A::SeeQueue | A::Appoint | A::Take | A::ReadEvidence)
        }
        Relation::Stranger => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::UserId;
    use crate::bodies::BodyId;
    use chrono::DateTime;
    use uuid::Uuid;

    const ACTIONS: [Action; 11] = [
        Action::SeeQueue,
        Action::Appoint,
        Action::Take,
        Action::EnterRoom,
        Action::SeePanel,
        Action::WriteDocument,
        Action::Decide,
        Action::PutBack,
        Action::Codes,
        Action::Withdraw,
        Action::ReadEvidence,
    ];

    #[test]
    fn r_meet_31_the_access_matrix() {
        // In the order of ACTIONS.
        for (relation, row) in [
            (Relation::Person, "---+----++-"),
            (Relation::Operator, "++++++++--+"),
            (Relation::Authorised, "+++-------+"),
            (Relation::Stranger, "-----------"),
        ] {
            let got: String =
                ACTIONS.iter().map(|a| if may(relation, *a) { '+' } else { '-' }).collect();
            assert_eq!(got, row, "{relation:?}");
        }
    }

    #[test]
    fn r_meet_31_only_authorised_staff_are_operators_and_nobody_to_themselves() {
        let (person, operator) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (mut video, _) = Video::request(person, Default::default(), String::new(), at);
        let actor = |user, role| Actor {
            body: BodyId(Uuid::from_u128(9)),
            user,
            name: String::new(),
            role,
            operator: None,
            guest: None,
            sectors: Vec::new(),
        };
        for role in Role::ALL {
            let staff = matches!(role, Role::ServiceSecretariat | Role::Conciliator);
            let expected = if staff { Relation::Authorised } else { Relation::Stranger };
            assert_eq!(relation(&actor(operator, *role), true, &video), expected, "{role:?}");
            assert_eq!(relation(&actor(operator, *role), false, &video), Relation::Stranger);
            assert_eq!(relation(&actor(person, *role), true, &video), Relation::Person);
        }
        video.operator = Some(operator);
        let staff = actor(operator, Role::ServiceSecretariat);
        assert_eq!(relation(&staff, true, &video), Relation::Operator);
        assert_eq!(relation(&staff, false, &video), Relation::Stranger, "revoked meanwhile");
    }
}
