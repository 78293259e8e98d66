//! The evidence log of a signature process (R-SIGN-38): who did what, when, from where, to which
//! document. The events are those of [`crate::process`]; the chain of hashes over them is the
//! portal's journal, and addresses stand beside the chain, not in it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Digest,
    process::{ProcessId, Recorded},
};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the journal, from 1.
    pub seq: i64,
    /// What happened and when.
    #[serde(flatten)]
    pub recorded: Recorded,
    /// Who caused it; absent for the clock and the service itself.
    pub actor: Option<Uuid>,
    /// From which address; absent when erased.
    pub address: Option<IpAddr>,
    /// Digest of the document's newest revision after the event; events have a `document` of theirs.
    #[serde(rename = "after")]
    pub document: Digest,
    /// Link of the journal's chain over this entry.
    pub hash: Digest,
}

/// The whole log, as it is exported beside the signed document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLog {
    /// Which process.
    pub process: ProcessId,
    /// Title of the document.
    pub title: String,
    /// Entries in order.
    pub entries: Vec<Entry>,
}

impl EvidenceLog {
    /// The export: one JSON document with sorted keys.
    pub fn to_json(&self) -> String {
        canonical(&json!({
            "format": "accordo-evidence",
            "version": 1,
            "log": self,
        }))
    }
}

/// `value` as JSON with sorted keys and no spaces: equal values give equal bytes.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(value, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};

    use super::*;
    use crate::process::Event;

    #[test]
    fn r_sign_38_the_export_is_canonical_and_reads_back() {
        let entry = |seq, event| Entry {
            seq,
            recorded: Recorded {
                v: Recorded::VERSION,
                at: Utc.timestamp_opt(1_800_000_000, 0).single().unwrap(),
                event,
            },
            actor: Some(Uuid::from_u128(1)),
            address: Some([192, 0, 2, 7].into()),
            document: Digest::of(b"x"),
            hash: Digest::of(b"y"),
        };
        let log = EvidenceLog {
            process: ProcessId(Uuid::nil()),
            title: "Verbale \"A\"".into(),
            entries: vec![
                entry(1, Event::Opened { field: "client".into() }),
                // Has a field of the name that entries have, too.
                entry(2, Event::Completed { document: Digest::of(b"z") }),
            ],
        };
        let text = log.to_json();
        assert!(text.starts_with(r#"{"format":"accordo-evidence","log":{"entries":[{"actor":"#));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(canonical(&value), text);
        assert_eq!(value["log"]["entries"][0]["event"], "opened");
        let read: EvidenceLog = serde_json::from_value(value["log"].clone()).unwrap();
        assert_eq!(read, log);
    }
}
