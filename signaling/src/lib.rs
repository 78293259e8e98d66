//! Rooms: who is together with whom, and media and words that reach nobody else.
//!
//! **Invariant:** a packet or a chat line reaches a participant only if sender and receiver are in
//! the same session in the present epoch.
//!
//! Deliberately absent: files, databases, recording of any kind, and any knowledge of cases. What
//! must outlive a room leaves it through one port, the journal, which takes no content.

mod clock;
pub mod edge;
pub mod media;
pub mod protocol;
pub mod room;
pub mod turn;

#[cfg(test)]
#[path = "../fuzz/seeds.rs"]
mod seeds;

pub use clock::{Clock, SystemClock};
