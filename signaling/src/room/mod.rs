//! The pure room.

pub mod routes;
