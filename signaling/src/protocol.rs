//! Wire types of `accordo.v1`, the WebSocket subprotocol between a room and its participants.
//!
//! One JSON object per text frame. The prose, with every message and its rules, is in
//! `docs/PROTOCOL.md`; the TypeScript types of the browser client are generated from this file.
//!
//! Two properties carry the design:
//! * what a participant knows of the room is always one [`View`], computed for that participant
//!   alone. Members of another session are absent from it, not hidden in it;
//! * whatever depends on membership names the [`Epoch`] it was written in, and the room refuses it
//!   in any other.

mod client;
mod files;
mod refusals;
mod server;
mod values;
mod view;

pub use client::{ClientEnvelope, ClientMessage};
pub use files::{FileId, FileKind, FileOrigin, SharedFile, Showing};
pub use refusals::{ErrorCode, LeaveAction, LeaveReason, Retry};
pub use server::{IceServer, ServerEnvelope, ServerMessage, Topic};
pub use values::{
    Epoch, Listener, MoveReason, ParticipantId, Quality, Role, RoomId, SeatReason, Session, Side,
    Telephones, VideoKind, VideoSource, Watch,
};
pub use view::{Breakout, Outside, Person, Timer, View};

/// The WebSocket subprotocol a client must ask for.
pub const SUBPROTOCOL: &str = "accordo.v1";
/// Largest message accepted from a client, in bytes (an SDP offer with 22 m-lines is about 20 kB).
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Longest chat text, in characters.
pub const MAX_CHAT_CHARS: usize = 2_000;
/// Longest name of a person that the conciliator adds, in characters.
pub const MAX_NAME_CHARS: usize = 80;
/// Longest timer of a breakout, in minutes.
pub const MAX_TIMER_MINUTES: u16 = 240;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_one_flat_object() {
        let hello: ClientEnvelope =
            serde_json::from_str(r#"{"id":7,"type":"hello","token":"t"}"#).unwrap();
        assert_eq!(hello.id, 7);
        assert_eq!(
            hello.message,
            ClientMessage::Hello { token: Some("t".into()), resume: None, last_seq: 0 }
        );
        let moved = ServerEnvelope {
            seq: 3,
            message: ServerMessage::Moved {
                epoch: Epoch::first(1).next(),
                session: Session::Breakout(2),
                at_ms: 5,
                why: MoveReason::Aside,
            },
        };
        assert_eq!(
            serde_json::to_string(&moved).unwrap(),
            r#"{"seq":3,"type":"moved","epoch":4294967297,"session":"breakout-2","at_ms":5,"why":"aside"}"#
        );
    }

    #[test]
    fn sessions_are_parsed_not_guessed() {
        for bad in ["", "breakout-0", "breakout--1", "Plenary", "breakout-70000"] {
            assert!(bad.parse::<Session>().is_err(), "{bad}");
        }
        assert_eq!("breakout-3".parse(), Ok(Session::Breakout(3)));
    }
}
