//! Signatures that stand in court: PDF revisions, CMS and PAdES, their verification, and the
//! process that leads several people through one document.
//!
//! **Invariant:** bytes that were signed are never changed. A document only grows, by whole
//! revisions, and every revision that this crate adds after the first signature touches nothing
//! but a reserved signature field, validation data or a document time stamp.
//!
//! Deliberately absent: storage, HTTP serving, clocks (time is an argument), and any knowledge of
//! cases or rooms.

pub mod cades;
pub mod cms;
pub mod csc;
pub mod evidence;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod http;
pub mod pades;
pub mod pdf;
pub mod ports;
pub mod preservation;
pub mod process;
pub mod returned;
pub mod tsa;
pub mod verify;

#[cfg(test)]
#[path = "../fuzz/seeds.rs"]
mod seeds;

use serde::{Deserialize, Serialize};

/// A SHA-256 digest; hexadecimal in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl std::str::FromStr for Digest {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Lists of DER values as base64 in JSON.
pub mod der_list {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes each value as base64.
    pub fn serialize<S: Serializer>(list: &[Vec<u8>], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(list.iter().map(|der| STANDARD.encode(der)))
    }

    /// Reads base64 values.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Vec::<String>::deserialize(d)?
            .iter()
            .map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom))
            .collect()
    }
}
