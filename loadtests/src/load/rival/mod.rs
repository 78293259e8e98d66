//! The same load against our hub and against Janus' videoroom, in one run.
//!
//! Each server has a network namespace of its own, and a virtual cable to a third one where the crowd
//! is: media of both take the same way. Janus has its best setting. The servers are measured in
//! turns, so that neither has the machine while it is busy with something else.

mod janus;
mod lab;
mod leftovers;

use super::forwarding::{Cost, Settings, Shape, measure, observe};
use super::{LoadError, Seats, Target};
use crate::crowd::Crowd;
use crate::process::Process;
use crate::stamp::Canary;
use lab::{Lab, LabError};
use serde::Serialize;
use std::path::PathBuf;

pub use janus::JanusError;

/// Both servers under one shape.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// Ours.
    pub accordo: Cost,
    /// Theirs.
    pub janus: Cost,
    /// Their processor time for a packet over ours.
    pub ratio: Option<f64>,
}

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum RivalError {
    /// Namespaces, processes.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Our hub.
    #[error("the hub beside Janus: {0}")]
    Hub(#[from] LoadError),
    /// Janus.
    #[error("Janus: {0}")]
    Janus(#[from] JanusError),
}

/// Measures every shape on both servers. `hub` is the program of the hub that is compared.
///
/// # Errors
/// [`RivalError`] when there are no rights, no Janus, or the load cannot be put on one of them.
pub async fn compare(
    hub: PathBuf,
    settings: &Settings,
    canary: Canary,
) -> Result<Vec<Pair>, RivalError> {
    let lab = Lab::open(&hub).await?;
    let crowd = Crowd::start(Some(lab.crowd.clone())).map_err(LoadError::from)?;
    let ours = Target {
        hub: lab::HUB_ORIGIN.to_owned(),
        process: Some(lab.hub),
        from: lab::CROWD_TO_HUB.into(),
    };
    let meetings = settings.rooms();
    let seats = {
        let hub = ours.hub.clone();
        let prepared =
            lab.hub_network.run(move || async move { Seats::prepare(&hub, meetings).await });
        prepared.await?.map_err(RivalError::Hub)?
    };
    let seats = std::sync::Arc::new(seats);
    let mut left = seats.meetings.clone();
    let mut pairs = vec![];
    for &shape in &settings.shapes {
        let these: Vec<_> = left.drain(..shape.rooms).collect();
        let seconds = settings.seconds;
        let mut accordo = {
            let (ours, seats, crowd) = (ours.clone(), seats.clone(), crowd.clone());
            let measured = lab.hub_network.run(move || async move {
                measure(&ours, &seats, &crowd, &these, shape, seconds, canary).await
            });
            measured.await??
        };
        let mut janus = {
            let (crowd, process) = (crowd.clone(), lab.janus);
            let measured = lab.janus_network.run(move || async move {
                measure_janus(&crowd, process, shape, seconds, canary).await
            });
            measured.await??
        };
        if !pairs.is_empty() {
            accordo.memory_kb_per_participant = None;
            janus.memory_kb_per_participant = None;
        }
        let costs = janus.cpu_us_per_forwarded_packet.zip(accordo.cpu_us_per_forwarded_packet);
        let ratio = costs.map(|(theirs, ours)| (theirs / ours * 100.0).round() / 100.0);
        pairs.push(Pair { accordo, janus, ratio });
    }
    Ok(pairs)
}

async fn measure_janus(
    crowd: &Crowd,
    process: Process,
    shape: Shape,
    seconds: u64,
    canary: Canary,
) -> Result<Cost, RivalError> {
    let memory = process.memory_kb();
    let peers = janus::fill(crowd, lab::CROWD_TO_JANUS.into(), shape, canary).await?;
    let cost = observe(crowd, Some(process), memory, shape, seconds).await?;
    drop(peers);
    Ok(cost)
}
