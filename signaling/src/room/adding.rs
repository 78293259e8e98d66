//! People whom the conciliator adds while the room is open: by a personal link (R-MEET-47) or by
//! telephone (R-MEET-29). The seat itself is made outside, where names are kept.

use super::Room;
use super::commands::{no_target, wrong_state};
use super::journal::{JournalEvent, LeftReason};
use super::occupant::Occupant;
use super::ports::{AddedSeat, ConnectionId, NewSeat, PersonalLink, PhoneSeat, Refused, Way};
use super::telling::Telling;
use super::texts::name;
use crate::protocol::{ErrorCode, ParticipantId, Role, ServerMessage, Side};
use chrono::{DateTime, Utc};

/// Digits of a telephone number, the country's included (E.164).
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

impl Room {
    /// Asks the outside for a seat. The answer to the conciliator waits for it.
    pub(super) fn ask_for_seat(
        &mut self,
        (connection, re): (ConnectionId, u64),
        from: ParticipantId,
        seat: NewSeat,
    ) -> Result<(), Refused> {
        if !self.is_conciliator(from) {
            return Err(Refused::new(ErrorCode::NotAllowed, "only the conciliator may do that"));
        }
        if seat.side == Side::Neutral {
            return Err(no_target("nobody else is neutral"));
        }
        let seat = NewSeat { name: name(&seat.name)?, way: way(seat.way)?, ..seat };
        if matches!(seat.way, Way::Phone { .. }) {
            self.may_ring(seat.side)?;
            self.has_room()?;
        }
        self.telling.push_back(Telling::AddSeat { connection, re, seat });
        Ok(())
    }

    /// The seat is there. Somebody on the telephone is inside at once, beside the conciliator.
    pub(super) fn seat_added(
        &mut self,
        (connection, re): (ConnectionId, u64),
        seat: NewSeat,
        added: AddedSeat,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let AddedSeat { participant, link } = added;
        if self.membership.ended {
            return Err(wrong_state("the meeting is over"));
        }
        let side = seat.side;
        match seat.way {
            Way::Link { reason, .. } => {
                self.record(JournalEvent::SeatAdded { participant, side, reason }, now);
                let PersonalLink { link, code, address } = link.unwrap_or_default();
                let invited = ServerMessage::Invited { re, participant, link, code, address };
                self.reply(connection, invited);
            }
            Way::Phone { number } => {
                // The conciliator may have gone elsewhere meanwhile.
                self.may_ring(side)?;
                self.has_room()?;
                let session = self.telephone_session();
                let epoch = self.next_epoch();
                self.record(JournalEvent::PhoneAdded { participant, side, session, epoch }, now);
                let phone = PhoneSeat { participant, name: seat.name, number, side };
                self.seat_phone(phone, now);
                self.reply(connection, ServerMessage::Ok { re });
            }
        }
        Ok(())
    }

    /// Those on the telephone are where they were, whatever happened to the node.
    pub(super) fn restore_phones(&mut self, now: DateTime<Utc>) {
        for phone in std::mem::take(&mut self.spec.phones) {
            let place = self.membership.places.get(&phone.participant);
            if place.is_some_and(|place| place.phone && place.present) {
                self.seat_phone(phone, now);
            }
        }
    }

    /// The call is over.
    pub(super) fn hang_up(&mut self, participant: ParticipantId, now: DateTime<Utc>) {
        let epoch = self.next_epoch();
        let reason = LeftReason::HungUp;
        self.record(JournalEvent::Left { participant, reason, epoch }, now);
        self.occupants.remove(&participant);
    }

    /// R-MEET-19: the profile's maximum holds for everybody but the conciliator.
    pub(super) fn has_room(&self) -> Result<(), Refused> {
        let parties = self.membership.present().filter(|(_, place)| place.role == Role::Party);
        if parties.count() < self.spec.capacity {
            return Ok(());
        }
        Err(Refused::new(ErrorCode::Full, "the room is full"))
    }

    fn seat_phone(&mut self, phone: PhoneSeat, now: DateTime<Utc>) {
        let participant = phone.participant;
        self.occupants.insert(participant, Occupant::on_phone(phone, &self.terms, now));
        self.changed = true;
    }
}

fn way(way: Way) -> Result<Way, Refused> {
    Ok(match way {
        Way::Link { reason, mobile } => Way::Link { reason, mobile: number(&mobile)? },
        Way::Phone { number: text } => Way::Phone { number: number(&text)? },
    })
}

/// Digits, perhaps with the usual signs between them.
fn number(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let fits = NUMBER_DIGITS.contains(&digits)
        && text.len() <= 30
        && text.chars().all(|c| c.is_ascii_digit() || " +-/().".contains(c));
    fits.then(|| text.to_owned())
        .ok_or_else(|| Refused::new(ErrorCode::BadMessage, "not a telephone number"))
}
