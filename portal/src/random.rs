//! Randomness: ids, tokens and one-time codes, from a source that is passed in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// A source of random bytes.
pub trait Random: Send + Sync + std::fmt::Debug {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// OpenSSL's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        openssl::rand::rand_bytes(bytes).expect("a system without randomness cannot go on");
    }
}

/// An id that sorts by time (UUID version 7).
pub fn id(random: &dyn Random, now: DateTime<Utc>) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// A secret that is shown once and kept only as its hash: 256 bits, safe in addresses and cookies.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What the person or the browser gets.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Hash under which a token that came back is looked up.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// A one-time code of six digits, every one equally likely.
pub fn code(random: &dyn Random) -> String {
    const CODES: u32 = 1_000_000;
    // Numbers from here on would make small codes likelier.
    const LIMIT: u32 = u32::MAX - u32::MAX % CODES;
    loop {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        let number = u32::from_le_bytes(bytes);
        if number < LIMIT {
            return format!("{:06}", number % CODES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ() {
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        let ids = [1_000, 1_000, 2_000].map(|ms| id(&SystemRandom, at(ms)));
        assert!(ids[0] != ids[1] && ids[0] < ids[2] && ids[1] < ids[2]);
    }

    #[test]
    fn a_token_is_found_by_its_hash_and_never_printed() {
        let token = Token::new(&SystemRandom);
        assert_eq!(token.hash(), hash(token.reveal()));
        assert!(!format!("{token:?}").contains(token.reveal()));
        assert_ne!(token, Token::new(&SystemRandom));
    }

    #[test]
    fn r_log_03_a_code_has_six_digits_and_skewed_numbers_are_drawn_again() {
        #[derive(Debug)]
        struct Fixed(std::sync::Mutex<Vec<u32>>);
        impl Random for Fixed {
            fn fill(&self, bytes: &mut [u8]) {
                let next = self.0.lock().unwrap().pop().unwrap();
                bytes.copy_from_slice(&next.to_le_bytes());
            }
        }
        let source = |numbers: &[u32]| Fixed(std::sync::Mutex::new(numbers.to_vec()));
        assert_eq!(code(&source(&[7])), "000007");
        assert_eq!(code(&source(&[1_234_567])), "234567");
        assert_eq!(code(&source(&[42, u32::MAX])), "000042");
    }
}
