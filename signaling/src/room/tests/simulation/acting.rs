//! What people do, and what happens to their lines and to the node.

use super::super::driver::{CONCILIATOR, id, spec};
use super::super::network::Arrival;
use super::{Client, Play, SEATS};
use crate::protocol::*;
use crate::room::{Room, RoomSpec};

impl Play {
    /// Somebody does something, by what is known on that screen.
    pub(super) fn act(&mut self, n: u8) {
        use ClientMessage as M;
        let client = &self.clients[usize::from(n)];
        let (epoch, connection) = (client.epoch, client.connection);
        let dice = &mut self.network.dice;
        let other = id(1 + dice.below(u64::from(SEATS) - 1) as u8);
        let sessions = [Session::Plenary, Session::Breakout(1), Session::Breakout(2)];
        let session = sessions[dice.below(3) as usize];
        let side = [Side::Activating, Side::Convened][dice.below(2) as usize];
        let (yes, at_once) = (dice.one_in(2), dice.one_in(2));
        let words = [None, Some(Telephones::HangUp), Some(Telephones::Listen)];
        let telephones = words[dice.below(3) as usize];
        match dice.below(if n == CONCILIATOR { 34 } else { 16 }) {
            0 | 1 => {
                if let Some(connection) = connection {
                    self.network.cut(connection);
                }
            }
            // The page is loaded anew: what it knew is gone, and its socket with it.
            2 => {
                if let Some(connection) = connection {
                    self.network.cut(connection);
                    self.clients[usize::from(n)] = Client::default();
                    self.network.after(500, Arrival::Retry(n));
                }
            }
            3 if self.network.dice.one_in(6) => self.node_dies(),
            3 => self.say(n, M::Offer { sdp: "v=0".into() }),
            4 => self.say(n, M::Devices { mic: yes, cam: at_once, screen: false }),
            5 => self.say(n, M::Hand { raised: yes }),
            6 if self.network.dice.one_in(3) => self.say(n, M::Bye),
            7 => {
                let mark = if yes { Quality::Good } else { Quality::Fair };
                self.say(n, M::Quality { mark });
            }
            8..16 => {
                self.next_line += 1;
                self.say(n, M::Chat { epoch, text: self.next_line.to_string() });
            }
            16 => self.say(n, M::Start),
            17 | 18 => self.say(n, M::AdmitAll),
            19 => self.say(n, M::Admit { participant: other }),
            20 | 21 => {
                let minutes = at_once.then_some(1);
                self.say(n, M::OpenBreakout { epoch, side, with_me: yes, minutes, telephones });
            }
            22 | 23 => self.say(n, M::Move { epoch, participant: other, to: session, telephones }),
            24 => self.say(n, M::Visit { to: session, telephones }),
            25 => self.say(n, M::CloseBreakout { session, at_once }),
            26 => self.say(n, M::Recall { at_once }),
            27 => self.say(n, M::Exclude { participant: other }),
            28 if yes => self.say(n, M::Remove { participant: other }),
            29 | 28 => self.say(n, M::Reinstate { participant: other }),
            30 => self.say(n, M::Mute { participant: other }),
            31 => {
                let (name, number) = ("Pina".into(), "0612345".into());
                self.say(n, M::AddPhone { name, number, side });
            }
            32 => self.say(n, M::SetTimer { session, minutes: yes.then_some(1), closes: at_once }),
            _ => self.say(n, M::Notice { text: "x".into() }),
        }
    }

    /// Another node takes the room over; nobody was told anything.
    fn node_dies(&mut self) {
        let open = std::mem::take(&mut self.open);
        for connection in open {
            self.network.cut(connection);
        }
        let spec = RoomSpec { generation: self.room.spec.generation + 1, ..spec(0) };
        self.room = Room::restore(spec, self.terms.clone(), &self.journal, self.time());
        self.carry_out();
    }
}
