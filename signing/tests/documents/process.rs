//! Three people sign one document, one after the other.

use chrono::TimeDelta;
use signing::{
    Digest,
    pades::{
        Meta, Prepared, SignerChain, ValidationData, add_validation_data, finish, finish_timestamp,
        prepare, prepare_timestamp,
    },
};

use crate::{
    authority::{Authority, Identity, Role, now, rsa_key},
    sample::{FIELDS, Layout, TIMESTAMP_FIELD, appearance, with_fields},
};

/// A document with three signatures, and who made them.
pub struct Signed {
    pub authority: Authority,
    pub people: Vec<Identity>,
    /// The document after 0, 1, 2, 3 signatures.
    pub steps: Vec<Vec<u8>>,
}

impl Signed {
    pub fn new(layout: Layout) -> Self {
        // Some minutes ago: nobody believes a document time stamp from the future.
        let authority = Authority::new(now() - TimeDelta::minutes(10));
        let people = vec![
            authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U"),
            authority.one_shot_with(
                rsa_key(2048),
                Role::Signer,
                "Luca",
                "Bianchi",
                "BNCLCU75B02F205X",
            ),
            authority.one_shot("Niccolò", "D'Aquì", "DQANCL70C43L219Z"),
        ];
        let mut signed = Self { authority, people, steps: vec![with_fields(layout)] };
        for field in FIELDS {
            let next = signed.sign(signed.pdf(), field);
            signed.steps.push(next);
        }
        signed
    }

    /// The fully signed document.
    pub fn pdf(&self) -> &[u8] {
        self.steps.last().unwrap()
    }

    fn sign(&self, pdf: &[u8], field: &str) -> Vec<u8> {
        let person = &self.people[FIELDS.iter().position(|name| *name == field).unwrap()];
        let prepared = prepared(&self.authority, pdf, field, person);
        let raw = person.sign_digest(&prepared.to_sign());
        let token = self.authority.token(&Digest::of(&raw), self.authority.at);
        finish(prepared.clone(), &raw, Some(&token)).unwrap()
    }

    /// Evidence for everybody, made a minute later.
    pub fn validation_data(&self) -> ValidationData {
        let at = self.authority.at;
        let people = self.people.iter();
        ValidationData {
            certificates: vec![
                self.authority.root.der(),
                self.authority.ca.der(),
                self.authority.tsa.der(),
            ],
            ocsp: people.map(|person| self.authority.ocsp(&person.cert, at, None)).collect(),
            crls: vec![self.authority.crl(at - TimeDelta::hours(1))],
        }
    }

    /// With validation data.
    pub fn long_term(&self) -> Vec<u8> {
        add_validation_data(self.pdf(), &self.validation_data()).unwrap()
    }

    /// With validation data and a document time stamp.
    pub fn archived(&self) -> Vec<u8> {
        let prepared = prepare_timestamp(&self.long_term(), TIMESTAMP_FIELD).unwrap();
        let at = self.authority.at + TimeDelta::seconds(1);
        finish_timestamp(prepared.clone(), &self.authority.token(&prepared.to_stamp(), at)).unwrap()
    }
}

/// The first half of a signature.
pub fn prepared(authority: &Authority, pdf: &[u8], field: &str, person: &Identity) -> Prepared {
    let meta = Meta {
        name: "Anna Rossi (12 0 obj)".to_owned(),
        reason: "Sottoscrizione del verbale – perché sì /ByteRange[0 9999999999".to_owned(),
        location: "Roma".to_owned(),
    };
    let chain = SignerChain::from_der(vec![person.der(), authority.ca.der()]).unwrap();
    prepare(pdf, field, &chain, Some(&appearance("Anna Rossi")), &meta, authority.at).unwrap()
}
