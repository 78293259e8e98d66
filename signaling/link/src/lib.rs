//! A bad network for tests: a link in user space between clients and the media edge, which loses,
//! delays and jams datagrams, fails altogether and comes back. The media edge advertises the link's
//! address, so nothing of clients or hub has to know of it.
//!
//! **Invariant:** what happens to the n-th datagram of a direction follows from the seed, the
//! conditions and the times of the datagrams before it.
//!
//! Deliberately absent: reordering (lines of one path rarely do it) and anything that reads what is
//! carried.

mod link;
mod shaper;

pub use link::Link;
pub use shaper::{Conditions, Shaper};
