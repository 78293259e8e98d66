//! The room under test: rules as tables, and random schedules.

mod driver;
mod isolation;
mod resuming;
mod rules;
mod schedule;
