//! Holidays and the days between them (G-3, G-4). The list is data: `config/holidays.toml`.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::Deserialize;

/// The list shipped with the product, used where an installation gives no other.
const SHIPPED: &str = include_str!("../../../config/holidays.toml");

/// Why a list of holidays was refused.
#[derive(Debug, thiserror::Error)]
pub enum HolidaysError {
    /// Not TOML, or not of the documented shape.
    #[error("holidays: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A day that no year has.
    #[error("holidays: no year has day {day} of month {month}")]
    NoSuchDay {
        /// 1–12.
        month: u32,
        /// 1–31.
        day: u32,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixed {
    month: u32,
    day: u32,
    #[expect(dead_code, reason = "names the entry for whoever edits the list")]
    name: String,
    #[serde(default)]
    from: Option<i32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Movable {
    after_easter: i64,
    #[expect(dead_code, reason = "names the entry for whoever edits the list")]
    name: String,
}

/// The national holidays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holidays {
    #[serde(default)]
    fixed: Vec<Fixed>,
    #[serde(default)]
    movable: Vec<Movable>,
}

impl Holidays {
    /// Reads a list in the format of `config/holidays.toml`.
    pub fn parse(text: &str) -> Result<Self, HolidaysError> {
        let list: Self = toml::from_str(text)?;
        for Fixed { month, day, .. } in &list.fixed {
            // 2024 is a leap year, so it has every day that any year has.
            if NaiveDate::from_ymd_opt(2024, *month, *day).is_none() {
                return Err(HolidaysError::NoSuchDay { month: *month, day: *day });
            }
        }
        Ok(list)
    }

    /// The list shipped with the product.
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("config/holidays.toml is read by a test")
    }

    /// Sunday or national holiday (G-4).
    pub fn is_holiday(&self, day: NaiveDate) -> bool {
        day.weekday() == Weekday::Sun
            || self.fixed.iter().any(|h| {
                (h.month, h.day) == (day.month(), day.day())
                    && h.from.is_none_or(|year| day.year() >= year)
            })
            || self.movable.iter().any(|h| (day - easter(day.year())).num_days() == h.after_easter)
    }

    /// Giorno lavorativo: Monday to Friday and not a holiday (G-3).
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        day.weekday() != Weekday::Sat && !self.is_holiday(day)
    }

    /// Giorno feriale: Monday to Saturday and not a holiday (G-3).
    pub fn is_weekday(&self, day: NaiveDate) -> bool {
        !self.is_holiday(day)
    }

    /// The last day of a term of `n` working days (G-2: `start` does not count). `start` itself for
    /// a term of none.
    pub fn add_working_days(&self, start: NaiveDate, n: u16) -> NaiveDate {
        let mut day = start;
        let mut left = n;
        while left > 0 {
            day = day.checked_add_days(Days::new(1)).expect("65535 working days fit a NaiveDate");
            left -= u16::from(self.is_working_day(day));
        }
        day
    }
}

/// Easter Sunday of a Gregorian year (anonymous Gregorian computus, Nature 1876).
fn easter(year: i32) -> NaiveDate {
    let a = year.rem_euclid(19);
    let (b, c) = (year.div_euclid(100), year.rem_euclid(100));
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    let (month, day) = (n / 31, n % 31 + 1);
    NaiveDate::from_ymd_opt(year, month.unsigned_abs(), day.unsigned_abs())
        .expect("the computus yields a day between 22 March and 25 April")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_where_the_church_put_it() {
        for expected in [
            "1818-03-22",
            "1943-04-25",
            "1981-04-19",
            "2000-04-23",
            "2008-03-23",
            "2011-04-24",
            "2024-03-31",
            "2025-04-20",
            "2026-04-05",
            "2027-03-28",
            "2038-04-25",
            "2049-04-18",
        ] {
            assert_eq!(easter(day(expected).year()), day(expected));
        }
    }

    #[test]
    fn g_4_national_holidays_and_sundays() {
        let holidays = Holidays::shipped();
        for (date, expected) in [
            ("2026-01-01", true),
            ("2026-01-06", true),
            ("2026-04-05", true), // Easter, a Sunday
            ("2026-04-06", true), // Lunedì dell'Angelo
            ("2026-04-07", false),
            ("2026-04-25", true),
            ("2026-05-01", true),
            ("2026-06-02", true),
            ("2026-08-15", true),
            ("2024-10-04", false), // a Friday, before the law of 2025
            ("2027-10-04", true),  // a Monday, after it
            ("2027-11-01", true),
            ("2026-12-08", true),
            ("2026-12-25", true),
            ("2026-12-26", true),
            ("2026-12-24", false),
            ("2026-11-22", true), // an ordinary Sunday
            ("2026-11-21", false),
        ] {
            assert_eq!(holidays.is_holiday(day(date)), expected, "{date}");
        }
    }

    #[test]
    fn g_3_saturday_is_a_weekday_but_no_working_day() {
        let holidays = Holidays::shipped();
        for (date, working, weekday) in [
            ("2026-11-20", true, true),   // Friday
            ("2026-11-21", false, true),  // Saturday
            ("2026-11-22", false, false), // Sunday
            ("2026-12-08", false, false), // Tuesday, Immacolata
            ("2026-12-26", false, false), // Saturday and holiday
        ] {
            assert_eq!(holidays.is_working_day(day(date)), working, "{date}");
            assert_eq!(holidays.is_weekday(day(date)), weekday, "{date}");
        }
    }

    #[test]
    fn g_2_working_days_skip_weekends_and_holidays() {
        let holidays = Holidays::shipped();
        for (start, n, last) in [
            ("2026-11-20", 0, "2026-11-20"),
            ("2026-11-20", 1, "2026-11-23"),
            ("2026-12-04", 2, "2026-12-09"), // over the Immacolata
            ("2026-12-23", 3, "2026-12-29"), // over Christmas and a weekend
            ("2026-04-02", 2, "2026-04-07"), // over Easter Monday
            ("2026-11-21", 30, "2027-01-07"),
        ] {
            assert_eq!(holidays.add_working_days(day(start), n), day(last), "{start} + {n}");
        }
    }

    #[test]
    fn g_6_a_list_with_an_impossible_day_is_refused() {
        let refused = Holidays::parse("[[fixed]]\nmonth = 2\nday = 30\nname = 'x'");
        assert!(matches!(refused, Err(HolidaysError::NoSuchDay { month: 2, day: 30 })));
        assert!(Holidays::parse("[[fixed]]\nmonth = 2").is_err());
    }
}
