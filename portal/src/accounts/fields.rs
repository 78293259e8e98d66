//! What people may type into the fields of an account.

/// Username (R-ACC-03, C-01).
pub fn username(text: &str) -> Option<&'static str> {
    let length = text.chars().count();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "$@*!.".contains(c);
    let good = (3..=30).contains(&length) && text.chars().all(allowed);
    (!good).then_some("Da 3 a 30 caratteri: lettere, cifre e i segni $ @ * ! .")
}

/// First name or surname (R-ACC-04).
pub fn name(text: &str) -> Option<&'static str> {
    let good = !text.trim().is_empty() && text.chars().count() <= 80 && !text.contains(is_control);
    (!good).then_some("Il campo è obbligatorio, al massimo 80 caratteri.")
}

/// E-mail address: one `@`, a domain with a dot, nothing that breaks a header (R-ACC-05).
pub fn email(text: &str) -> Option<&'static str> {
    let good = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.contains('@')
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    });
    let clean = text.len() <= 254 && !text.contains(|c: char| c.is_whitespace() || is_control(c));
    (!(good && clean)).then_some("Scrivi un indirizzo come nome@esempio.it.")
}

/// An Italian or foreign mobile in E.164 form, from what people type: blanks and a missing +39 are
/// put right (R-ACC-14). Italian mobiles begin with 3.
pub fn mobile(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "Scrivi un numero di cellulare, ad esempio +39 333 1234567.";
    let digits: String = text.chars().filter(|c| !" -./".contains(*c)).collect();
    let number = match digits.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None if digits.starts_with('3') => format!("+39{digits}"),
        None => digits,
    };
    let bare = number.strip_prefix('+').ok_or(WRONG)?;
    let good = (8..=15).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit());
    let italian = bare
        .strip_prefix("39")
        .is_none_or(|rest| rest.starts_with('3') && (9..=10).contains(&rest.len()));
    if good && italian { Ok(number) } else { Err(WRONG) }
}

/// Codice fiscale of a person: pattern and check character (R-ACC-12; DM 23/12/1976), upper case.
pub fn fiscal_code(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "Il codice fiscale non è valido.";
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let code = text.trim().to_ascii_uppercase();
    let bytes = code.as_bytes();
    if bytes.len() != 16 || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return Err(WRONG);
    }
    let letters = [0, 1, 2, 3, 4, 5, 8, 11, 15];
    // The digits may be letters where two people would share a code (omocodia).
    let digit = |b: u8| b.is_ascii_digit() || b"LMNPQRSTUV".contains(&b);
    let shape = bytes.iter().enumerate().all(|(place, b)| {
        if letters.contains(&place) { b.is_ascii_alphabetic() } else { digit(*b) }
    });
    let value = |b: u8| u32::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' });
    let sum: u32 = bytes[..15]
        .iter()
        .enumerate()
        .map(|(place, b)| if place % 2 == 0 { ODD[value(*b) as usize] } else { value(*b) })
        .sum();
    let check = u32::from(b'A') + sum % 26;
    if shape && u32::from(bytes[15]) == check { Ok(code) } else { Err(WRONG) }
}

fn is_control(c: char) -> bool {
    c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_acc_03_usernames() {
        for (text, good) in [
            ("abc", true),
            ("ab", false),
            ("a.B$@*!9", true),
            ("con spazio", false),
            ("virgola,", false),
            (&"a".repeat(30), true),
            (&"a".repeat(31), false),
            ("è.vero", false),
        ] {
            assert_eq!(username(text).is_none(), good, "{text}");
        }
    }

    #[test]
    fn r_acc_05_addresses() {
        for (text, good) in [
            ("anna@example.it", true),
            ("anna@example", false),
            ("anna.example.it", false),
            ("a@b@c.it", false),
            ("anna@example.it\nBcc: x", false),
            ("@example.it", false),
        ] {
            assert_eq!(email(text).is_none(), good, "{text}");
        }
    }

    #[test]
    fn r_acc_14_mobiles_are_kept_in_one_form_and_landlines_refused() {
        for (text, kept) in [
            ("333 1234567", Some("+393331234567")),
            ("+39 333-123.4567", Some("+393331234567")),
            ("0039 3331234567", Some("+393331234567")),
            ("+33612345678", Some("+33612345678")),
            ("06 1234567", None),
            ("+39 06 1234567", None),
            ("+39333", None),
            ("telefono", None),
            ("", None),
        ] {
            assert_eq!(mobile(text).ok().as_deref(), kept, "{text}");
        }
    }

    #[test]
    fn r_acc_12_fiscal_codes() {
        for (text, good) in [
            ("RSSMRA80A01H501U", true),
            ("rssmra80a01h501u", true),
            ("RSSMRA80A01H501X", false),
            ("RSSMRA80A01H50", false),
            ("RSSMRA80A0AH501U", false),
            ("00743110157", false),
            ("RSSMRAÀ0A01H501U", false),
        ] {
            assert_eq!(fiscal_code(text).is_ok(), good, "{text}");
        }
    }
}
