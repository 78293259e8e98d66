//! Which authority is asked first: those that work, in the configured order, then those that
//! failed lately. Nobody is left out, because a failing one is still better than none.

use std::time::{Duration, Instant};

/// How long an authority rests after its first failure; twice as long after each further one.
const FIRST_REST: Duration = Duration::from_secs(30);
/// At most so long.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// What is known of each authority, in the configured order.
#[derive(Debug)]
pub(super) struct Circuit(Vec<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Failures since the last success.
    failures: u32,
    /// Asked after the others until then.
    rests_until: Option<Instant>,
}

impl Circuit {
    /// Nothing is known of `count` authorities.
    pub fn new(count: usize) -> Self {
        Self(vec![State::default(); count])
    }

    /// Places of all authorities in the order in which to ask them: who rests comes last, and of
    /// those the one first whose rest ends first.
    pub fn order(&self, now: Instant) -> Vec<usize> {
        let rest = |place: &usize| self.0[*place].rests_until.filter(|until| now < *until);
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        order.sort_by_key(rest); // stable, and `None` comes first
        order
    }

    /// It gave a valid token.
    pub fn worked(&mut self, place: usize) {
        self.0[place] = State::default();
    }

    /// It did not.
    pub fn failed(&mut self, place: usize, now: Instant) {
        let state = &mut self.0[place];
        let rest = FIRST_REST.saturating_mul(1 << state.failures.min(16)).min(LONGEST_REST);
        *state = State { failures: state.failures + 1, rests_until: Some(now + rest) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a point to count from; no test waits")]
    fn r_sign_35_a_failing_authority_is_asked_last_for_a_while() {
        // (failures as (place, seconds), success as (place), asked at, order)
        type Case<'a> = (&'a [(usize, u64)], Option<usize>, u64, [usize; 3]);
        let cases: [Case<'_>; 8] = [
            (&[], None, 0, [0, 1, 2]),
            (&[(0, 0)], None, 1, [1, 2, 0]),
            (&[(0, 0)], None, 30, [0, 1, 2]),
            (&[(0, 0), (0, 1)], None, 60, [1, 2, 0]),
            (&[(0, 0), (0, 1)], None, 61, [0, 1, 2]),
            (&[(0, 5), (1, 0), (2, 3)], None, 6, [1, 2, 0]),
            (&[(0, 0)], Some(0), 1, [0, 1, 2]),
            // A rest has an end, whatever happened before.
            (&[(0, 0); 40], None, 600, [0, 1, 2]),
        ];
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for (failures, worked, asked, expected) in cases {
            let mut circuit = Circuit::new(3);
            for (place, seconds) in failures {
                circuit.failed(*place, at(*seconds));
            }
            if let Some(place) = worked {
                circuit.worked(place);
            }
            assert_eq!(circuit.order(at(asked)), expected, "{failures:?} {worked:?} {asked}");
        }
    }
}
