//! Time-limited credentials: a user name that says until when and for which seat, and a password
//! that only the holder of the shared secret can compute. The form is the one that coturn and others
//! read (`draft-uberti-behave-turn-rest-00`), so another relay can take this one's place.

use super::stun::hmac_sha1;
use crate::protocol::{IceServer, ParticipantId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use openssl::hash::{MessageDigest, hash};
use std::sync::Arc;

/// How long a credential opens new allocations (R-MEET-45). What it has opened lives on.
pub const CREDENTIAL_LIFE: TimeDelta = TimeDelta::minutes(10);

/// Shared between who hands credentials out and the relay that takes them.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Shorter secrets can be guessed from one credential.
    pub const LEAST_CHARS: usize = 16;

    /// `None` if the text is too short.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= Self::LEAST_CHARS).then(|| Self(text.into()))
    }

    fn password(&self, user: &str) -> String {
        STANDARD.encode(hmac_sha1(self.0.as_bytes(), &[user.as_bytes()]))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Where the relay is, and the right to use it.
#[derive(Clone, Debug)]
pub struct Relay {
    /// `turn:` and `turns:` addresses.
    pub urls: Vec<String>,
    /// What the relay checks credentials with.
    pub secret: Secret,
}

impl Relay {
    /// The entry for one seat's peer connection.
    pub fn ice_server(&self, seat: ParticipantId, now: DateTime<Utc>) -> IceServer {
        let username = format!("{}:{}", (now + CREDENTIAL_LIFE).timestamp(), seat.0);
        let credential = Some(self.secret.password(&username));
        IceServer { urls: self.urls.clone(), username: Some(username), credential }
    }
}

/// Key of the long-term mechanism (RFC 8489 §9.2.2).
pub(super) type Key = [u8; 16];

/// Who a user name is of, whether or not the signature shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    /// The part that quotas count by.
    pub(super) seat: String,
    pub(super) key: Key,
}

impl User {
    /// Longest name that is read (RFC 8489 §14.3: fewer than 509 bytes); ours are under 60.
    const MAX_BYTES: usize = 128;

    /// `None` if the name is not of our making or its time is over.
    pub(super) fn read(
        name: &str,
        secret: &Secret,
        realm: &str,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let (until, seat) = name.split_once(':').filter(|_| name.len() <= Self::MAX_BYTES)?;
        let until: i64 = until.parse().ok()?;
        if now.timestamp() >= until {
            return None;
        }
        let text = format!("{name}:{realm}:{}", secret.password(name));
        let digest = hash(MessageDigest::md5(), text.as_bytes()).expect("OpenSSL knows MD5");
        let key = digest.as_ref().try_into().expect("MD5 has 16 bytes");
        Some(Self { name: name.to_owned(), seat: seat.to_owned(), key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SEAT: ParticipantId = ParticipantId(Uuid::from_u128(7));

    fn relay(secret: &str) -> Relay {
        Relay { urls: vec![], secret: Secret::new(secret).expect("long enough") }
    }

    #[test]
    fn r_meet_38_credentials_name_the_seat_and_end_after_ten_minutes() {
        let relay = relay("a secret of the relay");
        let t0 = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let name = relay.ice_server(SEAT, t0).username.expect("a name");
        assert_eq!(name, format!("1800000600:{}", SEAT.0));
        let at = |s| User::read(&name, &relay.secret, "hub", t0 + TimeDelta::seconds(s));
        assert_eq!(at(599).expect("valid").seat, SEAT.0.to_string());
        assert_eq!(at(600), None);
    }

    #[test]
    fn the_password_is_the_one_that_other_relays_compute() {
        // printf '1800000600:user' | openssl dgst -sha1 -hmac 'north-by-north-west' -binary | base64
        let secret = Secret::new("north-by-north-west").expect("long enough");
        assert_eq!(secret.password("1800000600:user"), "m5cbRsrsqKxc2vqkZJ/xWcZagY0=");
    }

    #[test]
    fn names_that_we_never_wrote_are_refused() {
        let secret = relay("a secret of the relay").secret;
        let long = format!("99999999999:{}", "x".repeat(200));
        for name in ["", "x", ":", "x:y", "-1:y", "99999999999999999999999:y", &long] {
            assert_eq!(User::read(name, &secret, "hub", DateTime::UNIX_EPOCH), None, "{name}");
        }
        assert!(Secret::new("too short").is_none());
    }
}
