//! Passwords: what they must look like, and how they are kept (Argon2id).

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::random::Random;

/// Shortest and longest password, in characters (R-ACC-29).
const LENGTH: std::ops::RangeInclusive<usize> = 8..=20;

/// Work of one password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
    pub const RECOMMENDED: Self = Self { memory_kib: 19 * 1024, passes: 2 };

    fn argon2(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, 1, None)
            .expect("the costs above are within Argon2's bounds");
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }
}

/// Names that a password must not contain (R-ACC-27).
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Username.
    pub username: &'a str,
    /// First name.
    pub given_name: &'a str,
    /// Surname.
    pub surname: &'a str,
}

/// What is wrong with a new password, for the person who chose it.
pub fn complaint(password: &str, names: Names<'_>) -> Option<&'static str> {
    let length = password.chars().count();
    if !LENGTH.contains(&length) {
        return Some("La password deve avere da 8 a 20 caratteri.");
    }
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    let special = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
    let mixed = has(char::is_lowercase) && has(char::is_uppercase);
    if !(mixed && has(|c| c.is_ascii_digit()) && has(special)) {
        return Some(
            "La password deve contenere almeno una lettera minuscola, una maiuscola, una cifra e \
             un carattere speciale.",
        );
    }
    let lower = password.to_lowercase();
    let contains = |name: &str| !name.is_empty() && lower.contains(&name.to_lowercase());
    if [names.username, names.given_name, names.surname].into_iter().any(contains) {
        return Some("La password non deve contenere nome utente, nome o cognome.");
    }
    None
}

/// Hash of a password in PHC form. Takes tens of milliseconds of a core.
pub fn hash(password: &str, cost: Cost, random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let salt = SaltString::encode_b64(&bytes).expect("16 bytes are a salt");
    let hash = cost.argon2().hash_password(password.as_bytes(), &salt);
    hash.expect("any password can be hashed with a fresh salt").to_string()
}

/// Whether `password` is the one behind `hash`. As slow as [`hash`].
pub fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|kept| Argon2::default().verify_password(password.as_bytes(), &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least that Argon2 takes.
    const LEAST: Cost = Cost { memory_kib: 8, passes: 1 };
    use crate::random::SystemRandom;

    #[test]
    fn r_acc_26_27_29_what_a_password_must_be() {
        let names = Names { username: "mrossi", given_name: "Mario", surname: "Rossi" };
        for (password, good) in [
            ("Prova-2026", true),
            ("Aa1!aaaa", true),
            ("Aa1!aaa", false),
            ("Aa1!aaaaaaaaaaaaaaaa", true),
            ("Aa1!aaaaaaaaaaaaaaaaa", false),
            ("prova-2026", false),
            ("PROVA-2026", false),
            ("Prova-prova", false),
            ("Prova2026", false),
            ("Èà1!èèèè", true),
            ("xMARIO-2026x", false),
            ("xRossi-2026x", false),
            ("1Mrossi!", false),
        ] {
            assert_eq!(complaint(password, names).is_none(), good, "{password}");
        }
    }

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let kept = hash("Prova-2026", LEAST, &SystemRandom);
        assert!(matches("Prova-2026", &kept) && !matches("prova-2026", &kept));
        assert!(!matches("Prova-2026", "broken"));
        assert_ne!(kept, hash("Prova-2026", LEAST, &SystemRandom));
    }
}
