//! The room under test: rules as tables, random schedules, and a simulated network.

#[cfg(test)]
mod added;
#[cfg(test)]
mod attendance;
#[cfg(test)]
mod breakout_time;
mod driver;
#[cfg(test)]
mod files;
pub mod hostile;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod network;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod telephones;
