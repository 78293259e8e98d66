//! What can happen to a video identification, and when. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::document::IdentityDocument;
use super::{State, Terms};
use crate::accounts::UserId;
use crate::calendar;
use crate::words::words;

/// Codes sent to one contact in one session.
pub const CODES: u8 = 4;
/// Wrong codes for one contact in one session.
pub const WRONG_CODES: u8 = 5;
/// A session in which nothing happens goes back to the queue.
pub const IDLE: TimeDelta = TimeDelta::minutes(30);
/// A request that nobody takes up lapses.
pub const LAPSES: TimeDelta = TimeDelta::days(30);

/// The contacts that are confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    /// The mobile, by SMS.
    Mobile,
    /// The e-mail address.
    Email,
}

words!(Contact { Mobile = "cellulare"; Email = "posta"; });

/// What the operator states, having seen it live (R-MEET-31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// The face was seen live, and it is that of the document.
    Face,
    /// The document was shown on both sides, and looks genuine.
    Document,
    /// The document's data are those of the account.
    Data,
    /// The person acts of their own will and is alone.
    Will,
}

words!(Statement {
    Face = "volto", "Ho visto il volto dal vivo e corrisponde alla foto del documento";
    Document = "documento", "Ho visto il documento, fronte e retro, e i suoi elementi di sicurezza";
    Data = "dati", "Nome, cognome e codice fiscale corrispondono a quelli del profilo";
    Will = "volonta", "La persona è consapevole, è da sola e agisce liberamente";
});

/// Why somebody was not identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Face and document do not agree.
    Face,
    /// The document is not valid or not legible.
    Document,
    /// Data of document and account differ.
    Data,
    /// The contacts could not be confirmed.
    Contacts,
    /// Picture or sound were not good enough.
    Quality,
    /// Something seemed wrong.
    Suspicion,
}

words!(Cause {
    Face = "volto", "Il volto non corrisponde al documento";
    Document = "documento", "Il documento non è valido o non è leggibile";
    Data = "dati", "I dati del documento non corrispondono al profilo";
    Contacts = "recapiti", "I recapiti non sono stati confermati";
    Quality = "qualita", "Audio o video insufficienti";
    Suspicion = "sospetto", "Dubbi sulla regolarità della richiesta";
});

/// One contact's way to being confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Hash of the code that was sent last.
    pub code: Option<String>,
    /// When that code ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Codes sent.
    pub sent: u8,
    /// Wrong codes entered.
    pub wrong: u8,
    /// When the right one came.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// What stands in the row beside its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Version of the consent that was given.
    pub consent: String,
    /// SHA-256 of its text.
    pub consent_digest: String,
    /// When the person would like to be called, in their words.
    pub preference: String,
    /// The person came into the room of this session.
    pub met_at: Option<DateTime<Utc>>,
    /// What the operator wrote down; erased at its term.
    pub document: Option<IdentityDocument>,
    /// Makes the document's digest in the journal say nothing to who does not have the document.
    pub salt: String,
    /// The mobile.
    pub mobile: Confirmation,
    /// The e-mail address.
    pub email: Confirmation,
    /// Why it was refused.
    pub cause: Option<Cause>,
    /// The operator's words to it.
    pub note: String,
    /// Until when the person is identified.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Details {
    /// One contact's way.
    pub fn confirmation(&self, contact: Contact) -> &Confirmation {
        match contact {
            Contact::Mobile => &self.mobile,
            Contact::Email => &self.email,
        }
    }

    fn confirmation_mut(&mut self, contact: Contact) -> &mut Confirmation {
        match contact {
            Contact::Mobile => &mut self.mobile,
            Contact::Email => &mut self.email,
        }
    }
}

/// A video identification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    /// Who wants to be identified.
    pub person: UserId,
    /// How far it is.
    pub state: State,
    /// Who identifies, once in session.
    pub operator: Option<UserId>,
    /// The session's room: every session has its own.
    pub room: Option<Uuid>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When the person is expected.
    pub appointment_at: Option<DateTime<Utc>>,
    /// When something happened last.
    pub touched_at: DateTime<Utc>,
    /// When it came to its end.
    pub ended_at: Option<DateTime<Utc>>,
    /// The rest.
    pub details: Details,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what they are called")]
pub enum Act {
    /// An operator fixes when.
    Appoint { operator: UserId, at: DateTime<Utc> },
    /// An operator begins, in a new room.
    Take { operator: UserId, room: Uuid },
    /// The person came into the room.
    Meet,
    /// The operator writes down the document; `digest` is what the journal keeps of it.
    Document { document: IdentityDocument, digest: String },
    /// A code goes to a contact; `code` is its hash.
    Send { contact: Contact, code: String, expires_at: DateTime<Utc> },
    /// The person enters a code; its hash.
    Enter { contact: Contact, code: String },
    /// The operator interrupts: the person will be called again.
    PutBack,
    /// The operator identifies.
    Approve { statements: Vec<Statement>, terms: Terms },
    /// The operator does not.
    Refuse { cause: Cause, note: String },
    /// The person does not want to any more.
    Withdraw,
    /// Time passes.
    Pass,
}

/// What happened, as the journal keeps it: ids and digests, no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are what they are called")]
pub enum Event {
    /// Asked for, with consent.
    Requested { person: UserId, consent: String, consent_digest: String },
    /// An appointment.
    Appointed { operator: UserId, at: DateTime<Utc> },
    /// A session began.
    Taken { operator: UserId, room: Uuid },
    /// The person came into the room.
    Met,
    /// The document was written down.
    Document { digest: String },
    /// A code was sent.
    CodeSent { contact: Contact },
    /// A wrong or late code was entered.
    CodeWrong { contact: Contact, wrong: u8 },
    /// A contact is confirmed.
    Confirmed { contact: Contact },
    /// Back to the queue.
    PutBack { by_time: bool },
    /// Identified.
    Approved { statements: Vec<Statement>, expires_at: DateTime<Utc> },
    /// Not identified.
    Refused { cause: Cause },
    /// Given up by the person.
    Withdrawn,
    /// Forgotten.
    Lapsed,
    /// What was written down of the document was erased.
    Erased,
}

/// Why something cannot be done now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is, to the person")]
pub enum Refusal {
    #[error("La richiesta non è più in questo stato: ricarica la pagina.")]
    WrongState,
    #[error("Hai già una richiesta di identificazione aperta.")]
    OpenAlready,
    #[error("Sei già identificato: una nuova identificazione non serve.")]
    IdentifiedAlready,
    #[error("Prima di proseguire occorre il consenso alla video-identificazione.")]
    NoConsent,
    #[error("Nessuno può identificare se stesso.")]
    Oneself,
    #[error("Scegli un momento futuro, entro trenta giorni.")]
    BadAppointment,
    #[error("Hai chiesto troppi codici: l'operatore deve riprendere la sessione da capo.")]
    TooManyCodes,
    #[error("Troppi codici errati: l'operatore deve riprendere la sessione da capo.")]
    TooManyWrong,
    #[error("Il recapito è già confermato.")]
    ConfirmedAlready,
    #[error("La persona non è ancora entrata nella stanza.")]
    NotMet,
    #[error("Mancano i dati del documento.")]
    NoDocument,
    #[error("Il documento è scaduto.")]
    DocumentExpired,
    #[error("Cellulare e posta elettronica devono essere confermati con il codice.")]
    NotConfirmed,
    #[error("Per approvare occorre confermare tutte le verifiche.")]
    NotStated,
}

impl Video {
    /// A new request, with the consent that was given.
    pub fn request(
        person: UserId,
        (consent, consent_digest): (String, String),
        preference: String,
        now: DateTime<Utc>,
    ) -> (Self, Event) {
        let event = Event::Requested {
            person,
            consent: consent.clone(),
            consent_digest: consent_digest.clone(),
        };
        let details = Details { consent, consent_digest, preference, ..Details::default() };
        let video = Self {
            person,
            state: State::Waiting,
            operator: None,
            room: None,
            requested_at: now,
            appointment_at: None,
            touched_at: now,
            ended_at: None,
            details,
        };
        (video, event)
    }

    /// Does it, or says why not; nothing has changed then. [`Event::CodeWrong`] is a thing that
    /// happens: it must be kept.
    pub fn handle(&mut self, act: Act, now: DateTime<Utc>) -> Result<Event, Refusal> {
        let event = self.decide(act, now)?;
        self.touched_at = now;
        if !self.state.open() {
            self.ended_at = Some(now);
        }
        Ok(event)
    }

    fn decide(&mut self, act: Act, now: DateTime<Utc>) -> Result<Event, Refusal> {
        match act {
            Act::Appoint { operator, at } => {
                self.needs(State::Waiting)?;
                if operator == self.person {
                    return Err(Refusal::Oneself);
                }
                if at <= now || at > now + LAPSES {
                    return Err(Refusal::BadAppointment);
                }
                self.appointment_at = Some(at);
                Ok(Event::Appointed { operator, at })
            }
            Act::Take { operator, room } => {
                self.needs(State::Waiting)?;
                if operator == self.person {
                    return Err(Refusal::Oneself);
                }
                (self.state, self.operator, self.room) =
                    (State::InSession, Some(operator), Some(room));
                Ok(Event::Taken { operator, room })
            }
            Act::Meet => {
                self.needs(State::InSession)?;
                self.details.met_at = Some(now);
                Ok(Event::Met)
            }
            Act::Document { document, digest } => {
                self.needs(State::InSession)?;
                if document.expired(calendar::day_of(now)) {
                    return Err(Refusal::DocumentExpired);
                }
                self.details.document = Some(document);
                Ok(Event::Document { digest })
            }
            Act::Send { contact, code, expires_at } => {
                self.needs(State::InSession)?;
                let free = self.details.confirmation_mut(contact).free()?;
                if free.sent >= CODES {
                    return Err(Refusal::TooManyCodes);
                }
                (free.code, free.expires_at) = (Some(code), Some(expires_at));
                free.sent += 1;
                Ok(Event::CodeSent { contact })
            }
            Act::Enter { contact, code } => {
                self.needs(State::InSession)?;
                let one = self.details.confirmation_mut(contact).free()?;
                let in_time = one.expires_at.is_some_and(|end| now < end);
                if in_time && one.code.as_ref() == Some(&code) {
                    (one.code, one.confirmed_at) = (None, Some(now));
                    return Ok(Event::Confirmed { contact });
                }
                one.wrong += 1;
                Ok(Event::CodeWrong { contact, wrong: one.wrong })
            }
            Act::PutBack => {
                self.needs(State::InSession)?;
                self.put_back();
                Ok(Event::PutBack { by_time: false })
            }
            Act::Approve { statements, terms } => self.approve(statements, terms, now),
            Act::Refuse { cause, note } => {
                self.needs(State::InSession)?;
                self.state = State::Refused;
                (self.details.cause, self.details.note) = (Some(cause), note);
                Ok(Event::Refused { cause })
            }
            Act::Withdraw => {
                if !self.state.open() {
                    return Err(Refusal::WrongState);
                }
                self.state = State::Withdrawn;
                Ok(Event::Withdrawn)
            }
            Act::Pass => match self.state {
                State::InSession if now >= self.touched_at + IDLE => {
                    self.put_back();
                    Ok(Event::PutBack { by_time: true })
                }
                State::Waiting if now >= self.lapses_at() => {
                    self.state = State::Lapsed;
                    Ok(Event::Lapsed)
                }
                _ => Err(Refusal::WrongState),
            },
        }
    }

    fn approve(
        &mut self,
        statements: Vec<Statement>,
        terms: Terms,
        now: DateTime<Utc>,
    ) -> Result<Event, Refusal> {
        self.needs(State::InSession)?;
        if self.details.met_at.is_none() {
            return Err(Refusal::NotMet);
        }
        let document = self.details.document.as_ref().ok_or(Refusal::NoDocument)?;
        let (today, last_day) = (calendar::day_of(now), document.expires_on);
        if document.expired(today) {
            return Err(Refusal::DocumentExpired);
        }
        let both = [&self.details.mobile, &self.details.email];
        if both.iter().any(|one| one.confirmed_at.is_none()) {
            return Err(Refusal::NotConfirmed);
        }
        if Statement::ALL.iter().any(|one| !statements.contains(one)) {
            return Err(Refusal::NotStated);
        }
        let document_ends = last_day.succ_opt().map_or(now, calendar::start_of);
        let expires_at = document_ends.min(now + Terms::days(terms.video_days));
        self.state = State::Approved;
        self.details.expires_at = Some(expires_at);
        Ok(Event::Approved { statements, expires_at })
    }

    /// When the request is forgotten.
    fn lapses_at(&self) -> DateTime<Utc> {
        self.appointment_at.unwrap_or(self.requested_at).max(self.requested_at) + LAPSES
    }

    fn needs(&self, state: State) -> Result<(), Refusal> {
        if self.state == state { Ok(()) } else { Err(Refusal::WrongState) }
    }

    /// Whatever one session found out is worth nothing in the next one.
    fn put_back(&mut self) {
        let Details { consent, consent_digest, preference, .. } = std::mem::take(&mut self.details);
        self.details = Details { consent, consent_digest, preference, ..Details::default() };
        (self.state, self.operator, self.room) = (State::Waiting, None, None);
        self.appointment_at = None;
    }
}

impl Confirmation {
    fn free(&mut self) -> Result<&mut Self, Refusal> {
        if self.confirmed_at.is_some() {
            Err(Refusal::ConfirmedAlready)
        } else if self.wrong >= WRONG_CODES {
            Err(Refusal::TooManyWrong)
        } else {
            Ok(self)
        }
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
