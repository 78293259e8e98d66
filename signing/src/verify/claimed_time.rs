//! When a signature says that it was made: nobody vouches for that.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::cms::asn1::Item;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The time in a signed attribute: `UTCTime` until 2049, `GeneralizedTime` after (RFC 5652 §11.3).
pub(super) fn signing_time(value: Item<'_>) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(value.value).ok()?;
    let format = match value.tag {
        UTC_TIME => "%y%m%d%H%M%SZ",
        GENERALIZED_TIME => "%Y%m%d%H%M%SZ",
        _ => return None,
    };
    NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc())
}

/// `D:YYYYMMDDHHmmSS` with `Z` or an offset (ISO 32000-1 §7.9.4).
pub(super) fn pdf_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.strip_prefix("D:")?;
    let (local, zone) = (text.get(..14)?, text.get(14..)?.replace('\'', ""));
    let local = NaiveDateTime::parse_from_str(local, "%Y%m%d%H%M%S").ok()?;
    if zone.is_empty() || zone.starts_with('Z') {
        return Some(local.and_utc());
    }
    let hours: i64 = zone.get(1..3)?.parse().ok()?;
    let minutes: i64 = zone.get(3..5).unwrap_or("00").parse().ok()?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let offset = chrono::TimeDelta::minutes(sign * (hours * 60 + minutes));
    local.and_utc().checked_sub_signed(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pdf_dates_are_read_with_their_offset() {
        let noon = DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").unwrap();
        for text in ["D:20261120120000Z", "D:20261120130000+01'00'", "D:20261120130000+01'00"] {
            assert_eq!(pdf_date(text), Some(noon.to_utc()), "{text}");
        }
        for text in ["", "D:", "20261120120000Z", "D:2026112012000é", "D:20261320120000Z"] {
            assert_eq!(pdf_date(text), None, "{text}");
        }
    }
}
