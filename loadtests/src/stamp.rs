//! What every media packet says of itself, inside its payload: where it was sent, by whom, when.
//!
//! The hub forwards payloads without looking at them, so what arrives at the other end tells what
//! was let through.

use rand::{Rng, RngExt as _};
use signaling::protocol::{Epoch, ParticipantId, RoomId, Session};
use uuid::Uuid;

const MAGIC: [u8; 8] = *b"ACCstamp";
const CANARY_BYTES: usize = 32;
const LENGTH: usize = MAGIC.len() + 16 + 16 + 2 + 8 + 8 + CANARY_BYTES;

/// A text that occurs nowhere else: where it is found, something said or sent was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary([u8; CANARY_BYTES]);

impl Canary {
    /// 32 hexadecimal digits.
    pub fn new(random: &mut impl Rng) -> Self {
        let mut text = [0; CANARY_BYTES];
        hex::encode_to_slice(random.random::<[u8; CANARY_BYTES / 2]>(), &mut text)
            .expect("twice as many digits as bytes");
        Self(text)
    }

    /// As it is said in chat and written into media.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits")
    }
}

/// One packet's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The meeting it was sent in.
    pub room: RoomId,
    /// Its sender.
    pub by: ParticipantId,
    /// The session its sender was in, as far as the sender knew.
    pub session: Session,
    /// The epoch its sender knew.
    pub epoch: Epoch,
    /// The sender's clock, microseconds since 1970.
    pub sent_us: u64,
    /// The run's canary.
    pub canary: Canary,
}

impl Stamp {
    /// When it was sent, milliseconds since 1970.
    pub fn sent_ms(&self) -> u64 {
        self.sent_us / 1_000
    }

    /// Appends the stamp to a payload.
    pub fn write(&self, payload: &mut Vec<u8>) {
        payload.extend(MAGIC);
        payload.extend(self.room.0.as_bytes());
        payload.extend(self.by.0.as_bytes());
        payload.extend(number(self.session).to_be_bytes());
        payload.extend(self.epoch.0.to_be_bytes());
        payload.extend(self.sent_us.to_be_bytes());
        payload.extend(self.canary.0);
    }

    /// The stamp in a payload; codec headers before it are skipped.
    pub fn find(payload: &[u8]) -> Option<Self> {
        let at = payload.windows(MAGIC.len()).position(|window| window == MAGIC)?;
        let stamp = payload.get(at + MAGIC.len()..at + LENGTH)?;
        let (room, stamp) = stamp.split_first_chunk()?;
        let (by, stamp) = stamp.split_first_chunk()?;
        let (session, stamp) = stamp.split_first_chunk()?;
        let (epoch, stamp) = stamp.split_first_chunk()?;
        let (sent_us, stamp) = stamp.split_first_chunk()?;
        Some(Self {
            room: RoomId(Uuid::from_bytes(*room)),
            by: ParticipantId(Uuid::from_bytes(*by)),
            session: session_of(u16::from_be_bytes(*session)),
            epoch: Epoch(u64::from_be_bytes(*epoch)),
            sent_us: u64::from_be_bytes(*sent_us),
            canary: Canary(stamp.try_into().ok()?),
        })
    }
}

/// Plenary is 0 as a breakout's number; the lobby sends nothing.
fn number(session: Session) -> u16 {
    match session {
        Session::Lobby => u16::MAX,
        Session::Plenary => 0,
        Session::Breakout(n) => n,
    }
}

fn session_of(number: u16) -> Session {
    match number {
        u16::MAX => Session::Lobby,
        0 => Session::Plenary,
        n => Session::Breakout(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn a_stamp_is_found_behind_any_codec_header_and_a_cut_one_is_none() {
        let canary = Canary::new(&mut rand::rngs::StdRng::seed_from_u64(1));
        for session in [Session::Lobby, Session::Plenary, Session::Breakout(7)] {
            let stamp = Stamp {
                room: RoomId(Uuid::from_u128(1)),
                by: ParticipantId(Uuid::from_u128(2)),
                session,
                epoch: Epoch::first(3),
                sent_us: 1_796_000_000_123_456,
                canary,
            };
            for header in [&[][..], &[0x90, 0xe0, 0x80, 0x01, 0, 0]] {
                let mut payload = header.to_vec();
                stamp.write(&mut payload);
                assert_eq!(Stamp::find(&payload), Some(stamp));
                payload.pop();
                assert_eq!(Stamp::find(&payload), None);
            }
        }
        assert_eq!(Stamp::find(b"nothing"), None);
    }
}
