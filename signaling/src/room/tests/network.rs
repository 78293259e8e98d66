//! A network of the imagination, from a seed: connections that delay, stall and break. Within one
//! connection order holds, as with TCP; between two of the same seat it does not.

use crate::protocol::{ClientMessage, ServerEnvelope};
use crate::room::ConnectionId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// SplitMix64: small, and the same everywhere.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 … n−1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What arrives somewhere.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// A client's message at the hub.
    Up(ConnectionId, u64, ClientMessage),
    /// The hub finds a connection broken.
    HubLoses(ConnectionId),
    /// The room's message at the client.
    Down(ConnectionId, ServerEnvelope),
    /// The client finds a connection closed.
    ClientLoses(ConnectionId),
    /// A client tries again.
    Retry(u8),
    /// A person does something.
    Act(u8),
    /// The media edge's or the portal's answer, which the room does not wait for.
    Later(Box<crate::room::Input>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Wire {
    /// Nothing sent arrives any more.
    broken: bool,
    /// When the last message of each direction arrives: the next one is not before it.
    up: u64,
    down: u64,
}

/// Time in milliseconds, and everything under way.
#[derive(Debug)]
pub struct Network {
    pub now: u64,
    pub dice: Dice,
    /// Nothing breaks any more.
    pub healed: bool,
    wires: BTreeMap<ConnectionId, Wire>,
    under_way: BinaryHeap<Reverse<(u64, u64)>>,
    arrivals: BTreeMap<u64, Arrival>,
    count: u64,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        Self {
            now: 0,
            dice: Dice::new(seed),
            healed: false,
            wires: BTreeMap::new(),
            under_way: BinaryHeap::new(),
            arrivals: BTreeMap::new(),
            count: 1,
        }
    }

    /// The next arrival; moves the clock. Nothing later than `until`.
    pub fn next(&mut self, until: u64) -> Option<Arrival> {
        loop {
            let Reverse((at, number)) = *self.under_way.peek()?;
            if at > until {
                return None;
            }
            self.under_way.pop();
            self.now = self.now.max(at);
            let arrival = self.arrivals.remove(&number)?;
            let lost = match &arrival {
                Arrival::Up(c, ..) | Arrival::Down(c, _) => self.wires.get(c)?.broken,
                _ => false,
            };
            if !lost {
                return Some(arrival);
            }
        }
    }

    pub fn at(&mut self, at: u64, arrival: Arrival) {
        self.count += 1;
        self.arrivals.insert(self.count, arrival);
        self.under_way.push(Reverse((at, self.count)));
    }

    pub fn after(&mut self, within: u64, arrival: Arrival) {
        let at = self.now + self.dice.below(within.max(1));
        self.at(at, arrival);
    }

    pub fn connect(&mut self) -> ConnectionId {
        self.count += 1;
        let connection = ConnectionId(self.count);
        self.wires.insert(connection, Wire::default());
        connection
    }

    pub fn up(&mut self, connection: ConnectionId, id: u64, message: ClientMessage) {
        let delay = self.delay();
        let Some(wire) = self.wires.get_mut(&connection) else { return };
        wire.up = wire.up.max(self.now + delay);
        let at = wire.up;
        self.at(at, Arrival::Up(connection, id, message));
    }

    pub fn down(&mut self, connection: ConnectionId, envelope: ServerEnvelope) {
        let delay = self.delay();
        let Some(wire) = self.wires.get_mut(&connection) else { return };
        wire.down = wire.down.max(self.now + delay);
        let at = wire.down;
        self.at(at, Arrival::Down(connection, envelope));
    }

    /// The hub closes a connection, after what it said.
    pub fn hang_up(&mut self, connection: ConnectionId) {
        let delay = self.delay();
        if let Some(wire) = self.wires.get(&connection) {
            let at = wire.down.max(self.now + delay);
            self.at(at, Arrival::ClientLoses(connection));
        }
    }

    /// What is under way is lost; each side finds out in its own time.
    pub fn cut(&mut self, connection: ConnectionId) {
        if let Some(wire) = self.wires.get_mut(&connection)
            && !std::mem::replace(&mut wire.broken, true)
        {
            self.after(8_000, Arrival::HubLoses(connection));
            self.after(4_000, Arrival::ClientLoses(connection));
        }
    }

    /// Mostly quick, at times slow: a retransmission, a bad moment of the radio.
    fn delay(&mut self) -> u64 {
        match self.dice.below(20) {
            0 if !self.healed => self.dice.below(3_000),
            1 | 2 => self.dice.below(300),
            _ => self.dice.below(40),
        }
    }
}
