//! Answers that are kept for a while: many documents ask for the same lists.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ports::Wanted;

/// Most bytes that are kept.
const MAX_BYTES: usize = 32 << 20;
/// Most answers that are kept.
const MAX_ANSWERS: usize = 256;

/// Answers with their end.
#[derive(Default)]
pub(super) struct Cache {
    answers: HashMap<Wanted, Answer>,
    bytes: usize,
}

struct Answer {
    der: Vec<u8>,
    until: DateTime<Utc>,
}

impl Cache {
    /// The kept answer, if it still counts.
    pub fn get(&self, wanted: &Wanted, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let answer = self.answers.get(wanted).filter(|answer| now < answer.until)?;
        Some(answer.der.clone())
    }

    /// Keeps an answer; those that end first make room.
    pub fn keep(&mut self, wanted: Wanted, der: Vec<u8>, now: DateTime<Utc>) {
        // The status of one certificate is asked once or twice; a list serves all of its issuer.
        let life = match wanted {
            Wanted::Ocsp { .. } => TimeDelta::minutes(5),
            Wanted::Crl { .. } => TimeDelta::hours(1),
        };
        if der.len() > MAX_BYTES {
            return;
        }
        self.drop(&wanted);
        while self.bytes + der.len() > MAX_BYTES || self.answers.len() == MAX_ANSWERS {
            let first = self.answers.iter().min_by_key(|(_, answer)| answer.until);
            let Some(first) = first.map(|(wanted, _)| wanted.clone()) else { break };
            self.drop(&first);
        }
        self.bytes += der.len();
        self.answers.insert(wanted, Answer { der, until: now + life });
    }

    fn drop(&mut self, wanted: &Wanted) {
        if let Some(answer) = self.answers.remove(wanted) {
            self.bytes -= answer.der.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crl(number: usize) -> Wanted {
        Wanted::Crl { url: number.to_string() }
    }

    #[test]
    fn answers_end_and_make_room() {
        let now: DateTime<Utc> = "2026-12-01T09:00:00Z".parse().unwrap();
        let mut cache = Cache::default();
        cache.keep(crl(0), vec![1], now);
        assert_eq!(cache.get(&crl(0), now + TimeDelta::minutes(59)), Some(vec![1]));
        assert_eq!(cache.get(&crl(0), now + TimeDelta::minutes(60)), None);
        cache.keep(crl(0), vec![2, 3], now);
        assert_eq!((cache.get(&crl(0), now), cache.bytes), (Some(vec![2, 3]), 2));
        for number in 1..=MAX_ANSWERS {
            cache.keep(crl(number), vec![0], now + TimeDelta::seconds(1));
        }
        assert_eq!((cache.get(&crl(0), now), cache.answers.len()), (None, MAX_ANSWERS));
        cache.keep(crl(7), vec![0; MAX_BYTES], now);
        assert_eq!((cache.answers.len(), cache.bytes), (1, MAX_BYTES));
        cache.keep(crl(8), vec![0; MAX_BYTES + 1], now);
        assert_eq!(cache.get(&crl(8), now), None);
    }
}
