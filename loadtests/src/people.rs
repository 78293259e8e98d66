//! People that a run makes up: every meeting has its own.

use rand::{Rng, RngExt as _};

/// Somebody with an account, made by the run or there before it.
#[derive(Clone, Debug)]
pub struct Person {
    /// Part in the story.
    pub part: &'static str,
    /// Account.
    pub username: String,
    /// Its password.
    pub password: String,
    /// First name.
    pub given_name: &'static str,
    /// Surname; nobody else's.
    pub surname: String,
    /// Codice fiscale.
    pub fiscal_code: String,
    /// Mobile, E.164.
    pub mobile: String,
    /// Mail.
    pub email: String,
}

impl Person {
    /// Makes somebody up.
    pub fn new(part: &'static str, password: &str, random: &mut impl Rng) -> Self {
        let surname = surname(random);
        let username = format!("{}.{}", part.replace(' ', "."), surname.to_lowercase());
        let number = random.random_range(0..100_000_000u32);
        Self {
            part,
            email: format!("{username}@example.it"),
            username,
            password: password.to_owned(),
            given_name: "Prova",
            surname,
            fiscal_code: fiscal_code(random),
            mobile: format!("+3934{number:08}"),
        }
    }
}

/// Seven letters that nobody else in the run has, in all likelihood.
fn surname(random: &mut impl Rng) -> String {
    let mut letters = (0..7).map(|_| char::from(b'a' + random.random_range(0..26u8)));
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A codice fiscale of nobody: six letters, a day of birth, a municipality, and the check character
/// that follows from them (DM 23/12/1976).
fn fiscal_code(random: &mut impl Rng) -> String {
    const MONTHS: &[u8] = b"ABCDEHLMPRST";
    let mut letter = |from: &[u8]| char::from(from[random.random_range(0..from.len())]);
    let consonants = b"BCDFGLMNPRSTVZ";
    let name: String = (0..6).map(|_| letter(consonants)).collect();
    let month = letter(MONTHS);
    let (year, day) = (random.random_range(40..99), random.random_range(1..29));
    let first = format!("{name}{year}{month}{day:02}H501");
    format!("{first}{}", check_character(&first))
}

fn check_character(first: &str) -> char {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let value = |b: u8| u32::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' });
    let weight = |(place, b): (usize, u8)| {
        if place.is_multiple_of(2) { ODD[value(b) as usize] } else { value(b) }
    };
    let sum: u32 = first.bytes().enumerate().map(weight).sum();
    char::from(b'A' + (sum % 26) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn check_characters_are_those_of_known_codes() {
        for code in ["RSSMRA80A01H501U", "MRTMTT91D08F205J"] {
            let (first, check) = code.split_at(15);
            assert_eq!(check_character(first).to_string(), check, "{code}");
        }
    }

    #[test]
    fn people_have_what_an_account_asks_for() {
        let mut random = rand::rngs::StdRng::seed_from_u64(1);
        let one = Person::new("client", "Riunione-26", &mut random);
        let other = Person::new("client", "Riunione-26", &mut random);
        assert_ne!(one.username, other.username);
        assert!(one.username.len() <= 30, "R-ACC-03");
        assert_eq!((one.fiscal_code.len(), one.mobile.len()), (16, 13));
    }
}
