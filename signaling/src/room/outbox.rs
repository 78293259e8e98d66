//! The numbered messages of one seat, kept until acknowledged, so that a lost socket loses nothing.

use crate::protocol::{ServerEnvelope, ServerMessage, View};
use std::collections::VecDeque;

/// Bounded ring of one seat's sequenced messages. Numbers begin at 1 and never start anew while the
/// seat is inside, so that a `last_seq` means the same message on every socket.
#[derive(Debug)]
pub(super) struct Outbox {
    kept: VecDeque<ServerEnvelope>,
    capacity: usize,
    /// About the bytes of `kept`, and the most of them.
    weight: usize,
    most: usize,
    last: u64,
}

impl Outbox {
    pub(super) fn new(capacity: usize, most: usize) -> Self {
        Self { kept: VecDeque::new(), capacity, weight: 0, most, last: 0 }
    }

    /// Numbers a message and keeps it; the oldest is dropped when the ring is full.
    pub(super) fn push(&mut self, message: ServerMessage) -> &ServerEnvelope {
        self.last += 1;
        self.weight += weight(&message);
        while self.kept.len() >= self.capacity || (self.weight > self.most && !self.kept.is_empty())
        {
            self.drop_oldest();
        }
        self.kept.push_back(ServerEnvelope { seq: self.last, message });
        self.kept.back().expect("a message was pushed just now")
    }

    /// Forgets everything up to `seq`. False if that was never sent.
    pub(super) fn ack(&mut self, seq: u64) -> bool {
        if seq > self.last {
            return false;
        }
        while self.kept.front().is_some_and(|kept| kept.seq <= seq) {
            self.drop_oldest();
        }
        // An idle seat holds no memory for what it once had to be told.
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
        true
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.weight -= weight(&oldest.message);
        }
    }

    /// All messages after `last_seq`, or `None` if some of them are no longer there (or `last_seq`
    /// was never sent).
    pub(super) fn after(&self, last_seq: u64) -> Option<impl Iterator<Item = &ServerEnvelope>> {
        let oldest = self.kept.front().map_or(self.last + 1, |kept| kept.seq);
        let reaches = last_seq <= self.last && last_seq + 1 >= oldest;
        reaches.then(|| self.kept.iter().filter(move |kept| kept.seq > last_seq))
    }

    /// Forgets everything: a fresh view follows. Returns the number of the last message.
    pub(super) fn clear(&mut self) -> u64 {
        self.kept = VecDeque::new();
        self.weight = 0;
        self.last
    }
}

/// About the bytes that a kept message takes.
fn weight(message: &ServerMessage) -> usize {
    let more = match message {
        ServerMessage::Chat { text, .. } | ServerMessage::Notice { text, .. } => text.len(),
        ServerMessage::Slots { audio, video, .. } => {
            size_of_val(audio.as_slice()) + size_of_val(video.as_slice())
        }
        ServerMessage::View(View { people, breakouts, .. }) => {
            let words = people.iter().map(|p| p.name.len() + p.label.len()).sum::<usize>();
            words + size_of_val(people.as_slice()) + size_of_val(breakouts.as_slice())
        }
        _ => 0,
    };
    size_of::<ServerEnvelope>() + more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(n: u64, capacity: usize) -> Outbox {
        let mut outbox = Outbox::new(capacity, usize::MAX);
        for _ in 0..n {
            outbox.push(ServerMessage::Muted);
        }
        outbox
    }

    fn after(outbox: &Outbox, seq: u64) -> Option<Vec<u64>> {
        outbox.after(seq).map(|kept| kept.map(|e| e.seq).collect())
    }

    #[test]
    fn replays_what_was_not_seen_and_says_when_it_cannot() {
        let mut outbox = filled(5, 3);
        assert_eq!(after(&outbox, 5), Some(vec![]));
        assert_eq!(after(&outbox, 2), Some(vec![3, 4, 5]));
        assert_eq!(after(&outbox, 1), None, "2 was dropped");
        assert_eq!(after(&outbox, 6), None, "6 was never sent");
        assert!(outbox.ack(4));
        assert_eq!(after(&outbox, 4), Some(vec![5]));
        assert_eq!(after(&outbox, 3), None, "4 was acknowledged and is gone");
        assert!(!outbox.ack(9));
        assert_eq!(outbox.clear(), 5);
        assert_eq!(after(&outbox, 5), Some(vec![]));
        assert_eq!(outbox.push(ServerMessage::Muted).seq, 6);
    }

    #[test]
    fn keeps_no_more_bytes_than_allowed_and_none_when_acknowledged() {
        let chat = |n: usize| ServerMessage::Notice { text: "x".repeat(n), at_ms: 0 };
        let mut outbox = Outbox::new(100, 10_000);
        for _ in 0..50 {
            outbox.push(chat(1_000));
            assert!(outbox.weight <= 10_000, "{}", outbox.weight);
        }
        assert!(outbox.kept.len() >= 5, "{} kept", outbox.kept.len());
        assert_eq!(outbox.weight, outbox.kept.iter().map(|e| weight(&e.message)).sum::<usize>());
        outbox.push(chat(20_000));
        assert_eq!(after(&outbox, 50), Some(vec![51]), "the newest is kept, whatever it weighs");
        assert!(outbox.ack(51));
        assert_eq!((outbox.weight, outbox.kept.capacity()), (0, 0));
    }
}
