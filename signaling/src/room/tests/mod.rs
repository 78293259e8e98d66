//! The room under test: rules as tables, and random schedules.

mod driver;
mod isolation;
mod relay;
mod resuming;
mod rules;
mod schedule;
