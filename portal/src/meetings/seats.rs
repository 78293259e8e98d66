//! Who has a seat at a meeting (R-MEET-12), and whose time it takes (R-MEET-04).

use crate::{accounts::UserId, cases::rules::Participation, meetings::Slot, procedures::SeatKind};

/// The people of a case, as far as seats go.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Conciliator or mediator.
    pub neutral: Option<UserId>,
    /// The activating party, if it has an account.
    pub client: Option<UserId>,
    /// Acts for the client.
    pub client_delegate: Option<UserId>,
    /// Delegates of the operators.
    pub delegates: Vec<OperatorDelegate>,
    /// People without an account (R-MEET-46). Who has one goes first on a seat.
    pub persons: Vec<Seated>,
}

/// The delegate of one operator in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorDelegate {
    /// Who.
    pub user: UserId,
    /// The seat it would take.
    pub seat: SeatKind,
    /// Enabled for technical aid only (R-ROLE-26).
    pub aid_only: bool,
}

/// One seat, filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seated {
    /// Who.
    pub user: UserId,
    /// Where.
    pub seat: SeatKind,
}

impl People {
    /// Delegates of operators that are convened and adhered.
    pub fn with_operators(
        mut self,
        operators: &[Participation],
        aid_only: impl Fn(UserId) -> bool,
    ) -> Self {
        self.delegates = operators
            .iter()
            .filter(|p| p.convened)
            .filter_map(|p| {
                let user = p.delegate?;
                let seat = SeatKind::of_delegate(p.part);
                Some(OperatorDelegate { user, seat, aid_only: aid_only(user) })
            })
            .collect();
        self
    }

    /// Every seat that is filled, each person once, the neutral one first. Secretariats have none
    /// (C-47); a delegate for technical aid only has none where the operator is convened.
    pub fn seated(&self) -> Vec<Seated> {
        let parties = [
            (SeatKind::Neutral, self.neutral),
            (SeatKind::Client, self.client),
            (SeatKind::ClientDelegate, self.client_delegate),
        ];
        let parties =
            parties.into_iter().filter_map(|(seat, user)| Some(Seated { user: user?, seat }));
        let delegates = self
            .delegates
            .iter()
            .filter(|d| !(d.aid_only && d.seat == SeatKind::OperatorDelegate))
            .map(|d| Seated { user: d.user, seat: d.seat });
        let mut seated: Vec<Seated> = Vec::new();
        for one in parties.chain(delegates) {
            if seated.iter().all(|other| other.user != one.user) {
                seated.push(one);
            }
        }
        for one in &self.persons {
            if seated.iter().all(|other| other.user != one.user && other.seat != one.seat) {
                seated.push(*one);
            }
        }
        seated
    }

    /// The seat of a person.
    pub fn seat_of(&self, user: UserId) -> Option<SeatKind> {
        self.seated().into_iter().find(|s| s.user == user).map(|s| s.seat)
    }
}

/// A meeting that takes a person's time.
#[derive(Clone, Debug, PartialEq)]
pub struct Booked {
    /// Whose.
    pub user: UserId,
    /// When.
    pub slot: Slot,
}

/// The people who are elsewhere at that time (R-MEET-04), in the order of their seats.
pub fn conflicts(slot: Slot, seated: &[Seated], booked: &[Booked]) -> Vec<Seated> {
    let busy = |user| booked.iter().any(|b| b.user == user && b.slot.overlaps(slot));
    seated.iter().copied().filter(|s| busy(s.user)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cases::{Adhesion, Part},
        organisations::OperatorId,
    };
    use SeatKind::{
        Client, ClientDelegate, DistributorDelegate, Neutral, OperatorDelegate as Operator,
    };
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn participation(part: Part, convened: bool, delegate: Option<UserId>) -> Participation {
        Participation {
            operator: OperatorId(Uuid::from_u128(part as u128 + 100)),
            part,
            compulsory: true,
            convened,
            adhesion: Adhesion::Adhered,
            delegate,
        }
    }

    fn people(operators: &[Participation], aid_only: &[UserId]) -> People {
        let parties = People {
            neutral: Some(user(1)),
            client: Some(user(2)),
            client_delegate: Some(user(3)),
            delegates: Vec::new(),
            persons: Vec::new(),
        };
        parties.with_operators(operators, |u| aid_only.contains(&u))
    }

    #[test]
    fn r_meet_12_who_has_a_seat() {
        let convened = participation(Part::Convened, true, Some(user(4)));
        let aid = participation(Part::Distributor, true, Some(user(5)));
        let requested = participation(Part::Distributor, false, Some(user(5)));
        let empty = participation(Part::Distributor, true, None);
        for (operators, aid_only, who, expected) in [
            (vec![convened.clone(), aid.clone()], vec![], user(1), Some(Neutral)),
            (vec![convened.clone(), aid.clone()], vec![], user(2), Some(Client)),
            (vec![convened.clone(), aid.clone()], vec![], user(3), Some(ClientDelegate)),
            (vec![convened.clone(), aid.clone()], vec![], user(4), Some(Operator)),
            (vec![convened.clone(), aid.clone()], vec![], user(5), Some(DistributorDelegate)),
            (vec![convened.clone(), aid.clone()], vec![], user(6), None),
            (vec![convened.clone(), requested], vec![], user(5), None),
            (vec![convened.clone(), empty], vec![], user(5), None),
            (
                vec![convened.clone(), aid.clone()],
                vec![user(5)],
                user(5),
                Some(DistributorDelegate),
            ),
            (vec![convened, aid], vec![user(4)], user(4), None), // R-ROLE-26
        ] {
            let people = people(&operators, &aid_only);
            assert_eq!(people.seat_of(who), expected, "{operators:?} {aid_only:?} {who:?}");
        }
    }

    #[test]
    fn r_role_11_a_person_of_two_qualities_has_one_seat() {
        let both = participation(Part::Convened, true, Some(user(3)));
        let seated = people(&[both], &[]).seated();
        assert_eq!(seated.iter().filter(|s| s.user == user(3)).count(), 1);
    }

    #[test]
    fn r_meet_46_people_without_an_account_take_the_seats_that_nobody_has() {
        let convened = participation(Part::Convened, true, None);
        let mut people = people(&[convened], &[]);
        people.client = None;
        let seated = |n, seat| Seated { user: user(n), seat };
        people.persons = vec![
            seated(7, Client),
            seated(8, ClientDelegate),
            seated(9, Operator),
            seated(1, Client),
        ];
        for (who, expected) in [
            (user(7), Some(Client)),
            (user(8), None), // a delegate with an account has that seat
            (user(9), Some(Operator)),
            (user(1), Some(Neutral)),
        ] {
            assert_eq!(people.seat_of(who), expected, "{who:?}");
        }
    }

    #[test]
    fn r_meet_04_conflicts_are_overlaps_by_duration() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let fixed = Slot::new(at("2026-12-05T14:00:00Z"), 60);
        let seated =
            [Seated { user: user(1), seat: Neutral }, Seated { user: user(2), seat: Client }];
        for (starts, minutes, busy, expected) in [
            ("2026-12-05T15:00:00Z", 60, user(1), vec![]), // begins as the other ends
            ("2026-12-05T13:00:00Z", 60, user(1), vec![]),
            ("2026-12-05T14:59:00Z", 30, user(1), vec![seated[0]]),
            ("2026-12-05T13:00:00Z", 61, user(2), vec![seated[1]]),
            ("2026-12-05T14:15:00Z", 15, user(1), vec![seated[0]]),
            ("2026-12-05T13:00:00Z", 180, user(1), vec![seated[0]]),
            ("2026-12-05T14:00:00Z", 60, user(9), vec![]),
        ] {
            let booked = [Booked { user: busy, slot: Slot::new(at(starts), minutes) }];
            assert_eq!(conflicts(fixed, &seated, &booked), expected, "{starts} {minutes} {busy:?}");
        }
    }
}
