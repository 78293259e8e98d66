//! Headless participants that play whole meetings against a hub, over the same doors as browsers:
//! pages over HTTP, the room over WebSocket, media over WebRTC.
//!
//! The invariant: nothing here knows the hub from inside. Pages are read as a person reads them,
//! codes come from the demo outbox, and every judgement (did it leak, was it signed, did it come
//! back) rests on what arrived at a participant.
//!
//! Deliberately absent: encoders (payloads are stamps in the dress of Opus and VP8) and any way
//! around sign-in.

pub mod browser;
pub mod chart;
pub mod clock;
pub mod crowd;
pub mod isolation;
pub mod load;
pub mod media;
pub mod namespace;
pub mod outbox;
pub mod participant;
pub mod people;
pub mod process;
pub mod report;
pub mod room;
pub mod run;
pub mod scenario;
pub mod stamp;
pub mod story;
