//! The personal data of somebody, as typed into a form, and what is kept of them.

use super::fields;

/// Who somebody is and how they are reached.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct PersonalData {
    /// First name.
    #[serde(default, rename = "nome")]
    pub given_name: String,
    /// Surname.
    #[serde(default, rename = "cognome")]
    pub surname: String,
    /// Codice fiscale: needed to sign.
    #[serde(default, rename = "codice_fiscale")]
    pub fiscal_code: String,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Mobile, for the codes.
    #[serde(default, rename = "cellulare")]
    pub mobile: String,
}

/// What is wrong, beside each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of PersonalData")]
pub struct PersonalComplaints {
    pub given_name: Option<&'static str>,
    pub surname: Option<&'static str>,
    pub fiscal_code: Option<&'static str>,
    pub email: Option<&'static str>,
    pub mobile: Option<&'static str>,
}

/// Whether somebody can be without an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Email {
    /// An account's messages go there.
    Needed,
    /// Who has none gets letters.
    Optional,
}

impl PersonalData {
    /// The same in the form in which it is kept, or everything that is wrong.
    pub fn checked(&self, email: Email) -> Result<Self, PersonalComplaints> {
        let fiscal_code = fields::fiscal_code(&self.fiscal_code);
        let mobile = fields::mobile(&self.mobile);
        let without = email == Email::Optional && self.email.is_empty();
        let wrong = PersonalComplaints {
            given_name: fields::name(&self.given_name),
            surname: fields::name(&self.surname),
            fiscal_code: fiscal_code.as_ref().err().copied(),
            email: fields::email(&self.email).filter(|_| !without),
            mobile: mobile.as_ref().err().copied(),
        };
        match (fiscal_code, mobile) {
            (Ok(fiscal_code), Ok(mobile)) if wrong == PersonalComplaints::default() => Ok(Self {
                given_name: self.given_name.trim().to_owned(),
                surname: self.surname.trim().to_owned(),
                fiscal_code,
                email: self.email.clone(),
                mobile,
            }),
            _ => Err(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> PersonalData {
        PersonalData {
            given_name: " Ada ".to_owned(),
            surname: "Bianchi".to_owned(),
            fiscal_code: "rssmra80a01h501u".to_owned(),
            email: "ada@example.it".to_owned(),
            mobile: "333 1234567".to_owned(),
        }
    }

    #[test]
    fn r_acc_04_05_12_14_what_is_kept_is_put_right() {
        let kept = ada().checked(Email::Needed).expect("nothing is wrong");
        assert_eq!(kept.given_name, "Ada");
        assert_eq!(kept.fiscal_code, "RSSMRA80A01H501U");
        assert_eq!(kept.mobile, "+393331234567");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let wrong = PersonalData::default().checked(Email::Needed).expect_err("all is missing");
        let PersonalComplaints { given_name, surname, fiscal_code, email, mobile } = wrong;
        for complaint in [given_name, surname, fiscal_code, email, mobile] {
            assert!(complaint.is_some());
        }
    }

    #[test]
    fn r_meet_46_an_address_may_be_missing_where_letters_go_but_not_be_wrong() {
        for (email, rule, accepted) in [
            ("", Email::Optional, true),
            ("", Email::Needed, false),
            ("ada", Email::Optional, false),
            ("ada@example.it", Email::Optional, true),
        ] {
            let checked = PersonalData { email: email.to_owned(), ..ada() }.checked(rule);
            assert_eq!(checked.is_ok(), accepted, "{email:?} {rule:?}");
        }
    }
}
