//! One client's allocation (RFC 8656): which of the media edge's addresses it may speak with, and on
//! which channels. Pure.

use super::credentials::User;
use super::door::{LIFETIME, Terms, Wish, error, lifetime, mapped, not_understood};
use super::stun::{Message, Transaction, Writer, attribute, kind};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// RFC 8656 §9.
const PERMISSION_LIFE: TimeDelta = TimeDelta::seconds(300);
/// RFC 8656 §12.
const CHANNEL_LIFE: TimeDelta = TimeDelta::seconds(600);
/// RFC 8656 §12.
const CHANNELS: RangeInclusive<u16> = 0x4000..=0x4fff;
/// What a client may send to the rooms in one second: many times what a camera and a screen need.
const BYTES_A_SECOND: usize = 2_000_000;

/// What to do with a packet of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act<'a> {
    Silence,
    Reply(Vec<u8>),
    /// The payload goes to the media edge, from the relayed address.
    Forward {
        to: SocketAddr,
        data: &'a [u8],
    },
}

pub(super) struct Allocation {
    terms: Arc<Terms>,
    user: User,
    client: SocketAddr,
    relayed: SocketAddr,
    /// ChannelData has to be padded (streams).
    padded: bool,
    /// Of the request that made it, which may come twice.
    transaction: Transaction,
    lifetime: TimeDelta,
    until: DateTime<Utc>,
    permissions: HashMap<IpAddr, DateTime<Utc>>,
    channels: Vec<Channel>,
    /// The present second, and what was sent in it.
    spent: (i64, usize),
    indications: u64,
}

struct Channel {
    number: u16,
    /// As the client knows it.
    peer: SocketAddr,
    until: DateTime<Utc>,
}

impl Allocation {
    pub(super) fn new(
        terms: Arc<Terms>,
        wish: Wish,
        (client, relayed): (SocketAddr, SocketAddr),
        padded: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let Wish { user, transaction, .. } = wish;
        Self {
            terms,
            user,
            client,
            relayed,
            padded,
            transaction,
            lifetime: LIFETIME,
            until: now + LIFETIME,
            permissions: HashMap::new(),
            channels: Vec::new(),
            spent: (0, 0),
            indications: 0,
        }
    }

    /// The answer to the request that made it.
    pub(super) fn granted(&self) -> Vec<u8> {
        Writer::new(kind::ALLOCATE + kind::SUCCESS, self.transaction)
            .put_address(attribute::XOR_RELAYED_ADDRESS, self.relayed)
            .put_address(attribute::XOR_MAPPED_ADDRESS, self.client)
            .put(attribute::LIFETIME, &seconds(self.lifetime))
            .sign(&self.user.key)
    }

    /// It ends then, unless it is refreshed.
    pub(super) fn until(&self) -> DateTime<Utc> {
        self.until
    }

    /// Takes a packet of the client.
    pub(super) fn handle<'a>(&mut self, packet: &'a [u8], now: DateTime<Utc>) -> Act<'a> {
        if packet.first().is_some_and(|first| first >> 6 == 1) {
            return self.channel_data(packet, now).unwrap_or(Act::Silence);
        }
        let Some(message) = Message::parse(packet) else { return Act::Silence };
        match message.kind {
            kind::SEND_INDICATION => self.send(&message, now).unwrap_or(Act::Silence),
            kind::BINDING => Act::Reply(mapped(&message, self.client)),
            kind::ALLOCATE | kind::REFRESH | kind::CREATE_PERMISSION | kind::CHANNEL_BIND => {
                Act::Reply(self.request(&message, now))
            }
            _ => Act::Silence,
        }
    }

    /// Wraps a datagram that came to the relayed address; `None` if the client has not asked for
    /// its sender, or its sender is not the media edge.
    pub(super) fn wrap(
        &mut self,
        from: SocketAddr,
        data: &[u8],
        now: DateTime<Utc>,
    ) -> Option<Vec<u8>> {
        let peer = self.terms.peers.iter().find(|peer| peer.at == from)?.told;
        if !self.permits(peer.ip(), now) {
            return None;
        }
        let length = u16::try_from(data.len()).ok()?;
        let bound = |channel: &&Channel| channel.peer == peer && channel.until > now;
        let Some(channel) = self.channels.iter().find(bound) else {
            self.indications += 1;
            let mut transaction = Transaction::default();
            transaction[4..].copy_from_slice(&self.indications.to_be_bytes());
            let writer = Writer::new(kind::DATA_INDICATION, transaction);
            let writer = writer.put_address(attribute::XOR_PEER_ADDRESS, peer);
            return Some(writer.put(attribute::DATA, data).finish());
        };
        let mut frame = Vec::with_capacity(data.len() + 8);
        frame.extend(channel.number.to_be_bytes());
        frame.extend(length.to_be_bytes());
        frame.extend(data);
        if self.padded {
            frame.resize(frame.len().next_multiple_of(4), 0);
        }
        Some(frame)
    }

    fn request(&mut self, message: &Message<'_>, now: DateTime<Utc>) -> Vec<u8> {
        let user = match self.terms.authenticate(message, self.client, now, Some(&self.user)) {
            Ok(user) => user,
            Err(reply) => return reply,
        };
        let unknown = message.unknown();
        let done = if unknown.is_empty() {
            match message.kind {
                kind::REFRESH => self.refresh(message, now),
                kind::CREATE_PERMISSION => self.permit(message, now),
                kind::CHANNEL_BIND => self.bind(message, now),
                // The client did not get the answer and asks again (RFC 8656 §7.2).
                _ if message.transaction == self.transaction => return self.granted(),
                _ => Err((437, "Allocation Mismatch")),
            }
        } else {
            return not_understood(message, &unknown).sign(&user.key);
        };
        let reply = match done {
            Ok(()) => {
                let done = Writer::new(message.kind + kind::SUCCESS, message.transaction);
                match message.kind {
                    kind::REFRESH => done.put(attribute::LIFETIME, &seconds(self.lifetime)),
                    _ => done,
                }
            }
            Err((code, reason)) => error(message, code, reason),
        };
        reply.sign(&user.key)
    }

    /// A lifetime of 0 ends it (RFC 8656 §8.2).
    fn refresh(&mut self, message: &Message<'_>, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.lifetime = lifetime(message);
        self.until = now + self.lifetime;
        Ok(())
    }

    /// Speaks with the media edge alone; a permission for anybody else is forbidden (R-MEET-45).
    fn permit(&mut self, message: &Message<'_>, now: DateTime<Utc>) -> Result<(), Refusal> {
        let addresses = message.addresses(attribute::XOR_PEER_ADDRESS).unwrap_or_default();
        if addresses.is_empty() {
            return Err((400, "Bad Request"));
        }
        let peers = &self.terms.peers;
        let is_ours = |ip| peers.iter().any(|peer| peer.told.ip() == ip);
        if !addresses.iter().all(|address| is_ours(address.ip())) {
            return Err((403, "Forbidden"));
        }
        for address in addresses {
            self.permissions.insert(address.ip(), now + PERMISSION_LIFE);
        }
        Ok(())
    }

    fn bind(&mut self, message: &Message<'_>, now: DateTime<Utc>) -> Result<(), Refusal> {
        let bad = (400, "Bad Request");
        let number = message.number(attribute::CHANNEL_NUMBER).map(|n| (n >> 16) as u16);
        let number = number.filter(|n| CHANNELS.contains(n)).ok_or(bad)?;
        let addresses = message.addresses(attribute::XOR_PEER_ADDRESS);
        let &[peer] = addresses.as_deref().unwrap_or_default() else { return Err(bad) };
        if self.reach(peer).is_none() {
            return Err((403, "Forbidden"));
        }
        self.channels.retain(|channel| channel.until > now);
        let until = now + CHANNEL_LIFE;
        let taken = |channel: &&mut Channel| channel.number == number || channel.peer == peer;
        match self.channels.iter_mut().find(taken) {
            Some(channel) if channel.number == number && channel.peer == peer => {
                channel.until = until;
            }
            Some(_) => return Err(bad),
            None => self.channels.push(Channel { number, peer, until }),
        }
        self.permissions.insert(peer.ip(), now + PERMISSION_LIFE);
        Ok(())
    }

    fn channel_data<'a>(&mut self, packet: &'a [u8], now: DateTime<Utc>) -> Option<Act<'a>> {
        let (head, rest) = packet.split_at_checked(4)?;
        let number = u16::from_be_bytes([head[0], head[1]]);
        let data = rest.get(..usize::from(u16::from_be_bytes([head[2], head[3]])))?;
        let bound = |channel: &&Channel| channel.number == number && channel.until > now;
        let peer = self.channels.iter().find(bound)?.peer;
        self.forward(peer, data, now)
    }

    fn send<'a>(&mut self, message: &Message<'a>, now: DateTime<Utc>) -> Option<Act<'a>> {
        let data = message.get(attribute::DATA)?;
        let [peer] = message.addresses(attribute::XOR_PEER_ADDRESS)?[..] else { return None };
        self.forward(peer, data, now)
    }

    fn forward<'a>(
        &mut self,
        peer: SocketAddr,
        data: &'a [u8],
        now: DateTime<Utc>,
    ) -> Option<Act<'a>> {
        let to = self.reach(peer).filter(|_| self.permits(peer.ip(), now))?;
        if self.spent.0 != now.timestamp() {
            self.spent = (now.timestamp(), 0);
        }
        self.spent.1 += data.len();
        (self.spent.1 <= BYTES_A_SECOND).then_some(Act::Forward { to, data })
    }

    /// Where an address of the media edge is reached; nobody else is.
    fn reach(&self, told: SocketAddr) -> Option<SocketAddr> {
        self.terms.peers.iter().find(|peer| peer.told == told).map(|peer| peer.at)
    }

    fn permits(&self, ip: IpAddr, now: DateTime<Utc>) -> bool {
        self.permissions.get(&ip).is_some_and(|until| *until > now)
    }
}

type Refusal = (u16, &'static str);

fn seconds(time: TimeDelta) -> [u8; 4] {
    u32::try_from(time.num_seconds()).unwrap_or(0).to_be_bytes()
}
