//! Days, terms and holidays as the rules count them: always in Europe/Rome (G-1…G-4).
//!
//! An instant is a `DateTime<Utc>`, a day is a `NaiveDate` in Rome; this module is the only place
//! that turns one into the other.

mod holidays;

pub use holidays::{Holidays, HolidaysError};

use chrono::{DateTime, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The zone of every rule (G-1).
pub const ZONE: Tz = chrono_tz::Europe::Rome;

/// The day in Rome on which `at` falls.
pub fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

/// The wall clock in Rome at `at`.
pub fn local(at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&ZONE).naive_local()
}

/// The first instant of a day in Rome.
pub fn start_of(day: NaiveDate) -> DateTime<Utc> {
    instant(day, NaiveTime::MIN)
        .expect("Rome changes its clocks at 02:00 and 03:00, not at midnight")
}

/// The instant at which clocks in Rome show `time` on `day`. `None` within the hour that is skipped
/// in spring; the first of the two within the hour that is repeated in autumn.
pub fn instant(day: NaiveDate, time: NaiveTime) -> Option<DateTime<Utc>> {
    match day.and_time(time).and_local_timezone(ZONE) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
        LocalResult::None => None,
    }
}

/// `day` as Italians write it: 05/12/2026.
pub fn show_day(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

/// `at` as Italians write it, by the clocks in Rome: 05/12/2026 15:30.
pub fn show(at: DateTime<Utc>) -> String {
    local(at).format("%d/%m/%Y %H:%M").to_string()
}

/// The clock part of [`show`]: 15:30.
pub fn show_time(at: DateTime<Utc>) -> String {
    local(at).format("%H:%M").to_string()
}

/// `840` seconds as people say it: in the largest unit of which there are at least two.
pub fn duration(seconds: u64) -> String {
    let (amount, one, many) = match seconds {
        0..120 => (seconds, "secondo", "secondi"),
        120..7200 => (seconds / 60, "minuto", "minuti"),
        7200..172_800 => (seconds / 3600, "ora", "ore"),
        _ => (seconds / 86_400, "giorno", "giorni"),
    };
    format!("{amount} {}", if amount == 1 { one } else { many })
}

/// A length of time as rules state it. The start day does not count, the last one does (G-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// Calendar days (giorni solari).
    Days(u16),
    /// Calendar months; a day that the last month lacks becomes its last day.
    Months(u16),
}

impl Term {
    /// The last day of the term.
    pub fn from_day(self, start: NaiveDate) -> NaiveDate {
        match self {
            Self::Days(n) => start.checked_add_days(Days::new(n.into())),
            Self::Months(n) => start.checked_add_months(Months::new(n.into())),
        }
        .expect("a term of at most 65535 days or months ends before the year 262000")
    }
}

/// The last day on which something may still be done: until 23:59:59 in Rome (G-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Deadline(pub NaiveDate);

impl Deadline {
    /// `now` is after the last day.
    pub fn passed(self, now: DateTime<Utc>) -> bool {
        day_of(now) > self.0
    }

    /// The first instant at which [`Deadline::passed`] is true.
    pub fn passes_at(self) -> DateTime<Utc> {
        start_of(self.0.succ_opt().expect("a deadline is centuries away from the last NaiveDate"))
    }

    /// Calendar days left after today; 0 on the last day, negative afterwards.
    pub fn days_left(self, now: DateTime<Utc>) -> i64 {
        (self.0 - day_of(now)).num_days()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_duration_is_told_in_a_unit_that_people_count_in() {
        for (seconds, words) in [
            (1, "1 secondo"),
            (119, "119 secondi"),
            (120, "2 minuti"),
            (7199, "119 minuti"),
            (7200, "2 ore"),
            (541_484, "6 giorni"),
        ] {
            assert_eq!(duration(seconds), words);
        }
    }

    #[test]
    fn g_1_the_day_is_the_one_in_rome() {
        for (instant, expected) in [
            ("2026-01-31T22:59:59Z", "2026-01-31"),
            ("2026-01-31T23:00:00Z", "2026-02-01"), // winter: UTC+1
            ("2026-07-31T21:59:59Z", "2026-07-31"),
            ("2026-07-31T22:00:00Z", "2026-08-01"), // summer: UTC+2
            ("2026-03-28T23:00:00Z", "2026-03-29"), // the night clocks go forward
            ("2026-03-29T21:59:59Z", "2026-03-29"),
            ("2026-03-29T22:00:00Z", "2026-03-30"),
            ("2026-10-24T22:00:00Z", "2026-10-25"), // the night clocks go back
            ("2026-10-25T22:59:59Z", "2026-10-25"),
            ("2026-10-25T23:00:00Z", "2026-10-26"),
        ] {
            assert_eq!(day_of(at(instant)), day(expected), "{instant}");
        }
    }

    #[test]
    fn g_1_a_wall_clock_time_that_does_not_exist_is_none() {
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
        for (date, clock, expected) in [
            ("2026-03-29", time(1, 59), Some("2026-03-29T00:59:00Z")),
            ("2026-03-29", time(2, 0), None),
            ("2026-03-29", time(2, 59), None),
            ("2026-03-29", time(3, 0), Some("2026-03-29T01:00:00Z")),
            ("2026-10-25", time(2, 30), Some("2026-10-25T00:30:00Z")),
            ("2026-10-25", time(3, 0), Some("2026-10-25T02:00:00Z")),
            ("2026-12-05", time(15, 30), Some("2026-12-05T14:30:00Z")),
        ] {
            assert_eq!(instant(day(date), clock), expected.map(at), "{date} {clock}");
        }
    }

    #[test]
    fn g_1_a_deadline_lasts_until_midnight_in_rome() {
        for (last, now, passed) in [
            ("2026-03-05", "2026-03-05T22:59:59Z", false),
            ("2026-03-05", "2026-03-05T23:00:00Z", true),
            ("2026-03-29", "2026-03-29T21:59:59Z", false), // clocks went forward that day
            ("2026-03-29", "2026-03-29T22:00:00Z", true),
            ("2026-10-25", "2026-10-25T22:59:59Z", false), // clocks went back that day
            ("2026-10-25", "2026-10-25T23:00:00Z", true),
        ] {
            let deadline = Deadline(day(last));
            assert_eq!(deadline.passed(at(now)), passed, "{last} at {now}");
            assert_eq!(at(now) >= deadline.passes_at(), passed, "{last} at {now}");
        }
        let deadline = Deadline(day("2026-03-05"));
        assert_eq!(deadline.days_left(at("2026-03-01T00:00:00Z")), 4);
        assert_eq!(deadline.days_left(at("2026-03-05T22:59:59Z")), 0);
        assert_eq!(deadline.days_left(at("2026-03-05T23:00:00Z")), -1);
    }

    #[test]
    fn g_2_the_start_day_does_not_count_and_the_last_one_does() {
        for (start, term, last) in [
            ("2026-11-30", Term::Days(90), "2027-02-28"),
            ("2026-12-05", Term::Days(90), "2027-03-05"), // the example behind C-11
            ("2027-12-05", Term::Days(90), "2028-03-04"), // leap year
            ("2026-11-30", Term::Days(45), "2027-01-14"),
            ("2026-11-30", Term::Days(1), "2026-12-01"),
            ("2026-08-31", Term::Months(6), "2027-02-28"),
            ("2027-08-31", Term::Months(6), "2028-02-29"),
            ("2026-03-15", Term::Months(3), "2026-06-15"),
        ] {
            assert_eq!(term.from_day(day(start)), day(last), "{start} {term:?}");
        }
    }

    #[test]
    fn days_and_times_are_written_as_in_italy() {
        assert_eq!(show_day(day("2026-12-05")), "05/12/2026");
        assert_eq!(show(at("2026-07-31T22:05:00Z")), "01/08/2026 00:05");
        assert_eq!(show_time(at("2026-12-05T14:30:00Z")), "15:30");
    }
}
