//! Trusted lists, good and hostile.

#![expect(clippy::unwrap_used, reason = "what helpers of tests unwrap fails the test")]

mod attacks;
mod good;
mod hostile;
mod pivots;
mod real_shape;
mod sample;
