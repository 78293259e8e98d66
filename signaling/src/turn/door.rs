//! Before there is an allocation: who is asked for proof, who is let in. Keeps nothing about
//! anybody, so that strangers cost no memory.

use super::credentials::{Secret, User};
use super::stun::{HEADER, Message, Transaction, Writer, attribute, hmac_sha1, kind};
use chrono::{DateTime, TimeDelta, Utc};
use std::net::SocketAddr;

/// An allocation lives so long without a refresh, whatever is asked for (RFC 8656 §3.2).
pub(super) const LIFETIME: TimeDelta = TimeDelta::seconds(600);
/// A nonce is good for so long (RFC 8656 §5 recommends an hour).
const NONCE_LIFE: TimeDelta = TimeDelta::hours(1);
/// UDP in REQUESTED-TRANSPORT (RFC 8656 §18.8).
const UDP: u8 = 17;
/// IPv6 in REQUESTED-ADDRESS-FAMILY (RFC 8656 §18.9).
const IPV6: u8 = 2;

/// One address of the media edge: the only kind of peer there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// As clients know it.
    pub(super) told: SocketAddr,
    /// Where it is reached from this machine.
    pub(super) at: SocketAddr,
}

/// What every request is judged by.
pub(super) struct Terms {
    pub(super) realm: String,
    pub(super) secret: Secret,
    /// Signs nonces; known to this process alone.
    pub(super) nonce_key: [u8; 20],
    pub(super) peers: Vec<Peer>,
}

/// What to do with a packet of a client without allocation.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Not for us.
    Silence,
    Reply(Vec<u8>),
    /// Somebody with a right to it wants an allocation.
    Allocate(Wish),
}

/// An authenticated wish for an allocation.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) user: User,
    pub(super) transaction: Transaction,
    pub(super) ipv6: bool,
}

impl Wish {
    pub(super) fn refuse(&self, code: u16, reason: &str) -> Vec<u8> {
        Writer::new(kind::ALLOCATE + kind::ERROR, self.transaction)
            .put_error(code, reason)
            .sign(&self.user.key)
    }
}

impl Terms {
    /// Judges a packet of a client without allocation.
    pub(super) fn judge(&self, packet: &[u8], client: SocketAddr, now: DateTime<Utc>) -> Verdict {
        let Some(message) = Message::parse(packet) else { return Verdict::Silence };
        match message.kind {
            kind::BINDING => Verdict::Reply(mapped(&message, client)),
            kind::ALLOCATE => match self.authenticate(&message, client, now, None) {
                Ok(user) => self.wish(&message, user),
                Err(reply) => Verdict::Reply(reply),
            },
            // RFC 8656 §7.3 and the like: there is no allocation to speak of. Unsigned, because the
            // sender was not asked who it is.
            known if is_ours(known) && kind::is_request(known) => {
                Verdict::Reply(refuse(&message, 437, "Allocation Mismatch"))
            }
            _ => Verdict::Silence,
        }
    }

    fn wish(&self, message: &Message<'_>, user: User) -> Verdict {
        let signed = |writer: Writer| Verdict::Reply(writer.sign(&user.key));
        let refusal = |code, reason| signed(error(message, code, reason));
        let unknown = message.unknown();
        if !unknown.is_empty() {
            return signed(not_understood(message, &unknown));
        }
        match message.get(attribute::REQUESTED_TRANSPORT) {
            Some([UDP, ..]) => {}
            Some(_) => return refusal(442, "Unsupported Transport Protocol"),
            None => return refusal(400, "Bad Request"),
        }
        let family = message.get(attribute::REQUESTED_ADDRESS_FAMILY);
        let ipv6 = matches!(family, Some([IPV6, ..]));
        if !self.peers.iter().any(|peer| peer.at.is_ipv6() == ipv6) {
            return refusal(440, "Address Family not Supported");
        }
        Verdict::Allocate(Wish { user, transaction: message.transaction, ipv6 })
    }

    /// Who signed a request; the refusal to send otherwise. `known`: who opened the allocation; its
    /// credential may have ended meanwhile, and nobody else's is accepted.
    pub(super) fn authenticate(
        &self,
        message: &Message<'_>,
        client: SocketAddr,
        now: DateTime<Utc>,
        known: Option<&User>,
    ) -> Result<User, Vec<u8>> {
        let ask = |code, reason| {
            error(message, code, reason)
                .put(attribute::REALM, self.realm.as_bytes())
                .put(attribute::NONCE, self.nonce(client, now).as_bytes())
                .finish()
        };
        if message.get(attribute::MESSAGE_INTEGRITY).is_none() {
            return Err(ask(401, "Unauthorized"));
        }
        let (Some(name), Some(realm), Some(nonce)) = (
            message.text(attribute::USERNAME),
            message.text(attribute::REALM),
            message.text(attribute::NONCE),
        ) else {
            return Err(refuse(message, 400, "Bad Request"));
        };
        if !self.is_nonce(nonce, client, now) {
            return Err(ask(438, "Stale Nonce"));
        }
        let user = match known {
            Some(known) if known.name != name => {
                return Err(refuse(message, 441, "Wrong Credentials"));
            }
            Some(known) => Some(known.clone()),
            None => User::read(name, &self.secret, &self.realm, now),
        };
        user.filter(|user| realm == self.realm && message.is_signed_with(&user.key))
            .ok_or_else(|| ask(401, "Unauthorized"))
    }

    /// Until when it is good, and a signature for this client's address.
    fn nonce(&self, client: SocketAddr, now: DateTime<Utc>) -> String {
        self.nonce_until((now + NONCE_LIFE).timestamp(), client)
    }

    fn nonce_until(&self, until: i64, client: SocketAddr) -> String {
        let signed = format!("{until}@{client}");
        let signature = hmac_sha1(&self.nonce_key, &[signed.as_bytes()]);
        let short = u64::from_be_bytes(signature[..8].try_into().expect("SHA-1 has 20 bytes"));
        format!("{until:x}-{short:016x}")
    }

    fn is_nonce(&self, nonce: &str, client: SocketAddr, now: DateTime<Utc>) -> bool {
        let until =
            nonce.split_once('-').and_then(|(until, _)| i64::from_str_radix(until, 16).ok());
        until.is_some_and(|until| {
            now.timestamp() < until && nonce == self.nonce_until(until, client)
        })
    }
}

/// What LIFETIME asks for, at most [`LIFETIME`].
pub(super) fn lifetime(message: &Message<'_>) -> TimeDelta {
    let asked = message.number(attribute::LIFETIME);
    asked.map_or(LIFETIME, |s| TimeDelta::seconds(s.into()).min(LIFETIME))
}

/// How a client sees itself from here (RFC 8489 §3).
pub(super) fn mapped(message: &Message<'_>, client: SocketAddr) -> Vec<u8> {
    Writer::new(kind::BINDING + kind::SUCCESS, message.transaction)
        .put_address(attribute::XOR_MAPPED_ADDRESS, client)
        .finish()
}

pub(super) fn error(message: &Message<'_>, code: u16, reason: &str) -> Writer {
    Writer::new(message.kind + kind::ERROR, message.transaction).put_error(code, reason)
}

/// RFC 8489 §6.3.1.
pub(super) fn not_understood(message: &Message<'_>, unknown: &[u16]) -> Writer {
    let types: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    error(message, 420, "Unknown Attribute").put(attribute::UNKNOWN_ATTRIBUTES, &types)
}

pub(super) fn refuse(message: &Message<'_>, code: u16, reason: &str) -> Vec<u8> {
    error(message, code, reason).finish()
}

fn is_ours(kind: u16) -> bool {
    matches!(kind, kind::REFRESH | kind::CREATE_PERMISSION | kind::CHANNEL_BIND)
}

/// Bytes of the frame at the start of a stream: `None` while too few are there to say, `Some(Err)`
/// if it is none (RFC 8656 §12.5; ChannelData is padded on streams).
pub(super) fn frame(bytes: &[u8]) -> Option<Result<usize, NoFrame>> {
    let head = bytes.get(..4)?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let total = match head[0] >> 6 {
        0 => HEADER + length,
        1 => (4 + length).next_multiple_of(4),
        _ => return Some(Err(NoFrame)),
    };
    Some(if total > MAX_FRAME { Err(NoFrame) } else { Ok(total) })
}

/// A datagram of a path with an MTU of 1,500, wrapped, and room for more.
pub(super) const MAX_FRAME: usize = 4 * 1024;

/// These bytes are neither STUN nor ChannelData, or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoFrame;
