//! The room under test: rules as tables, random schedules, and a simulated network.

mod added;
mod breakout_time;
mod driver;
mod files;
mod isolation;
mod limits;
mod network;
mod relay;
mod resuming;
mod rules;
mod schedule;
mod simulation;
