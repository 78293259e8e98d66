//! How much of the hub a stranger gets: so many requests a minute from one address, so many large
//! ones at once from all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Probes and connections at once. A probe holds at most 2 MiB.
const AT_ONCE: usize = 64;
/// Requests in a row from one address: a whole office behind one router tests before a meeting.
const BURST: f64 = 240.0;
/// Requests a second from one address for long.
const PER_SECOND: f64 = 4.0;
/// Addresses that are remembered; above it those that asked for nothing lately are forgotten.
const ADDRESSES: usize = 4_096;

/// The limits of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Limits {
    busy: Arc<Semaphore>,
    buckets: Arc<Mutex<HashMap<IpAddr, Bucket>>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Default for Limits {
    fn default() -> Self {
        Self { busy: Arc::new(Semaphore::new(AT_ONCE)), buckets: Arc::default() }
    }
}

impl Limits {
    /// Whether one more request from this address is served.
    pub fn allow(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES && !buckets.contains_key(&address) {
            let full_again = Duration::from_secs_f64(BURST / PER_SECOND);
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.filled) < full_again);
            if buckets.len() >= ADDRESSES {
                return false;
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket { tokens: BURST, filled: now });
        let passed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * PER_SECOND).min(BURST);
        bucket.filled = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        allowed
    }

    /// A place among those that are served at once, if one is free.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.busy.clone().try_acquire_owned().ok()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "some moment to count from")]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn r_test_08_one_address_gets_so_many_requests_and_more_only_as_time_passes() {
        let (limits, now) = (Limits::default(), Instant::now());
        let served = (0..1_000).filter(|_| limits.allow(address(1), now)).count();
        assert_eq!(served, BURST as usize);
        assert!(limits.allow(address(2), now), "others are served");
        let later = now + Duration::from_secs(1);
        let served = (0..1_000).filter(|_| limits.allow(address(1), later)).count();
        assert_eq!(served, PER_SECOND as usize);
    }

    #[test]
    fn many_addresses_do_not_fill_the_memory() {
        let (limits, now) = (Limits::default(), Instant::now());
        let count = |from: u32, now| {
            (0..2 * ADDRESSES as u32).filter(|n| limits.allow(address(from + n), now)).count()
        };
        assert_eq!(count(0, now), ADDRESSES);
        assert_eq!(count(1 << 20, now + Duration::from_secs(61)), ADDRESSES);
    }

    #[test]
    fn places_come_back() {
        let limits = Limits::default();
        let taken: Vec<_> = std::iter::from_fn(|| limits.place()).collect();
        assert_eq!(taken.len(), AT_ONCE);
        drop(taken);
        assert!(limits.place().is_some());
    }
}
