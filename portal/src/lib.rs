//! People, cases, meetings, documents and minutes of every body on one installation.
//!
//! **Invariant:** every row, object key and decision carries the body it belongs to; nothing of one
//! body is visible to another.
//!
//! Deliberately absent: media, cryptography, and any knowledge of rooms beyond seats.

pub mod accounts;
pub mod bodies;
pub mod calendar;
pub mod cases;
pub mod clock;
pub mod db;
pub mod documents;
pub mod files;
pub mod guests;
pub mod identification;
pub mod instance;
pub mod journal;
pub mod leases;
pub mod lists;
pub mod media_tests;
pub mod meetings;
pub mod minutes;
pub mod notifications;
pub mod organisations;
pub mod portal;
pub mod powers;
pub mod procedures;
pub mod random;
pub mod signatures;
pub mod trust_lists;
pub mod verification;
pub mod web;
pub mod words;
