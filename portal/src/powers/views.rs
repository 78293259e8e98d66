//! Powers as pages show them.

use chrono::{DateTime, Utc};

use super::register::Standing;
use super::{Power, PowerKind};
use crate::calendar::{self, Deadline};

/// Days before the end from which a page warns.
const SOON_DAYS: i64 = 7;

/// One line of a list of powers.
pub struct Line {
    /// Id of the document.
    pub id: uuid::Uuid,
    /// Who holds them.
    pub person: String,
    /// Kind of document.
    pub kind: &'static str,
    /// Day of the document.
    pub dated: String,
    /// What they are good for at this moment.
    pub state: String,
    /// Colour of `state`.
    pub class: &'static str,
    /// Where they hold: an operator, a client, one case.
    pub scope: String,
    /// They can be ended.
    pub open: bool,
}

impl Line {
    /// Of a document held by `person`, at `now`.
    pub fn of(power: &Power, person: String, scope: String, now: DateTime<Utc>) -> Self {
        let (state, class) = state(power, now);
        Self {
            id: power.id.0,
            person,
            kind: power.kind.label(),
            dated: calendar::show_day(power.dated),
            state,
            class,
            scope,
            open: power.ended_at.is_none(),
        }
    }
}

/// What a document is good for, and the colour of that.
fn state(power: &Power, now: DateTime<Utc>) -> (String, &'static str) {
    let day = calendar::show_day;
    if let Some(ended) = power.ended_at {
        return (format!("Chiuso il {}", day(calendar::day_of(ended))), "");
    }
    if power.kind.is_aid_only() {
        return ("Non permette di firmare".to_owned(), "");
    }
    match power.until {
        None => ("Vale senza scadenza".to_owned(), "state-good"),
        Some(Deadline(last)) => match Deadline(last).days_left(now) {
            ..0 => (format!("Scaduto il {}", day(last)), "state-bad"),
            0 => (format!("Scade oggi, {}", day(last)), "state-wait"),
            left @ 1..=SOON_DAYS => {
                (format!("Scade tra {}, il {}", days(left), day(last)), "state-wait")
            }
            _ => (format!("Vale fino al {}", day(last)), "state-good"),
        },
    }
}

fn days(left: i64) -> String {
    match left {
        1 => "un giorno".to_owned(),
        left => format!("{left} giorni"),
    }
}

/// What a signer's powers are at a moment.
pub struct StandingView {
    /// In one or two words.
    pub state: &'static str,
    /// The document, or what is missing.
    pub words: String,
    /// Colour.
    pub class: &'static str,
    /// The person cannot sign.
    pub missing: bool,
    /// The last day, if it is near.
    pub ends_soon: Option<String>,
}

impl StandingView {
    /// Of a standing at `now`.
    pub fn of(standing: Standing<'_>, now: DateTime<Utc>) -> Self {
        match standing {
            Ok(power) => {
                let near = power.until.filter(|until| until.days_left(now) <= SOON_DAYS);
                let (state, class) = match near {
                    Some(_) => ("Poteri in scadenza", "state-wait"),
                    None => ("Poteri validi", "state-good"),
                };
                let ends_soon = near.map(|until| calendar::show_day(until.0));
                Self { state, words: words(power), class, missing: false, ends_soon }
            }
            Err(lack) => {
                let (state, words) = ("Non può firmare", lack.words());
                Self { state, words, class: "state-bad", missing: true, ends_soon: None }
            }
        }
    }
}

/// By what somebody signs: "Procura del 01/10/2026", and until when it holds.
pub fn words(power: &Power) -> String {
    let until = power.until.map(|until| format!(", fino al {}", calendar::show_day(until.0)));
    format!("{}{}", title(power), until.unwrap_or_default())
}

/// The same as the minutes state it, without an end: they are signed before it.
pub fn title(power: &Power) -> String {
    let dated = calendar::show_day(power.dated);
    match power.kind {
        PowerKind::Commitment => format!("Impegno a produrre la procura del {dated}"),
        kind => format!("{} del {dated}", kind.label()),
    }
}
