//! The way in: from a link or a letter's code over a code by SMS to a guest's session (R-MEET-46).

use chrono::TimeDelta;

use super::{Invitation, rules, store};
use crate::accounts::sign_in::{code_hash, same};
use crate::accounts::{self, Person, sessions};
use crate::bodies::Body;
use crate::db::DbError;
use crate::notifications::{self, Channel, Message};
use crate::portal::Portal;
use crate::random::{self, Token};

/// Why somebody did not come in.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Never written, replaced by a newer one, called off, or over: not told apart.
    #[error(
        "Il collegamento non è valido: è scaduto, oppure è stato sostituito da uno più recente."
    )]
    Unknown,
    /// Too many wrong codes.
    #[error(
        "Troppi codici errati: il collegamento è bloccato. Chiedi all'assistenza di inviartene uno nuovo."
    )]
    Blocked,
    /// The last code was just sent.
    #[error("Il codice è appena partito. Attendi {0} secondi prima di chiederne un altro.")]
    TooSoon(u64),
    /// Enough codes.
    #[error(
        "Sono già stati inviati molti codici. Chiedi all'assistenza di inviarti un nuovo collegamento."
    )]
    NoMoreCodes,
    /// The code was never asked for here, or too long ago.
    #[error("Il codice non è più valido. Chiedine uno nuovo.")]
    Over,
    /// Not the code that was sent.
    #[error("Il codice non è corretto. Controlla l'ultimo SMS ricevuto.")]
    WrongCode,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl EntryError {
    /// The refusal as an address carries it: a page that is loaded again sends nothing again.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unknown | Self::Db(_) => "",
            Self::Blocked => "bloccato",
            Self::TooSoon(_) => "attesa",
            Self::NoMoreCodes => "finiti",
            Self::Over => "scaduto",
            Self::WrongCode => "errato",
        }
    }

    /// The refusal of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "bloccato" => Self::Blocked,
            "attesa" => Self::TooSoon(rules::CODE_EVERY_S.unsigned_abs()),
            "finiti" => Self::NoMoreCodes,
            "scaduto" => Self::Over,
            "errato" => Self::WrongCode,
            _ => return None,
        })
    }
}

/// What a link or a letter's code opens.
pub async fn open(
    portal: &Portal,
    body: &Body,
    secret: &str,
) -> Result<(Invitation, Person), EntryError> {
    let found = store::by_secret(&portal.db, body.id, random::hash(secret), portal.now()).await?;
    let invitation = found.ok_or(EntryError::Unknown)?;
    let person = accounts::store::person(&portal.db, body.id, invitation.user).await?;
    Ok((invitation, person.ok_or(EntryError::Unknown)?))
}

/// Sends a code to the mobile on the case. The token of a session without rights.
pub async fn send_code(portal: &Portal, body: &Body, secret: &str) -> Result<Token, EntryError> {
    let (invitation, person) = open(portal, body, secret).await?;
    if invitation.is_blocked() {
        return Err(EntryError::Blocked);
    }
    let now = portal.now();
    let mut tx = portal.db.begin().await?;
    if !store::count_code(&mut tx, invitation.id, now).await? {
        let fresh = invitation.last_code_at.map(|at| at + TimeDelta::seconds(rules::CODE_EVERY_S));
        let wait = fresh
            .map_or(0, |until| (until - now).num_milliseconds().unsigned_abs().div_ceil(1_000));
        let wait_only = invitation.codes_sent < rules::CODES;
        let refusal =
            if wait_only { EntryError::TooSoon(wait.max(1)) } else { EntryError::NoMoreCodes };
        return Err(refusal);
    }
    let token = Token::new(&*portal.random);
    sessions::begin(&mut tx, body.id, person.id, Some(invitation.id), token.hash(), now).await?;
    let code = random::code(&*portal.random);
    let expires = now + portal.settings.code_life;
    sessions::expect_code(&mut tx, token.hash(), code_hash(token.hash(), &code), expires, 0)
        .await?;
    let message = Message {
        channel: Channel::Sms,
        to: person.mobile.clone(),
        subject: String::new(),
        text: format!(
            "{code} è il codice per entrare nell'incontro di {}. Vale {} minuti. Non comunicarlo a \
             nessuno.",
            body.name,
            portal.settings.code_life.num_minutes()
        ),
        key: format!("guest-code/{}/{}", invitation.id, invitation.codes_sent + 1),
    };
    notifications::send(&mut tx, body.id.0, portal.new_id(), &message, now).await?;
    tx.commit().await?;
    Ok(token)
}

/// The right code gives the session the rights of the invited person in that room.
pub async fn code(
    portal: &Portal,
    body: &Body,
    secret: &str,
    session: &str,
    typed: &str,
) -> Result<Token, EntryError> {
    let (invitation, _) = open(portal, body, secret).await?;
    if invitation.is_blocked() {
        return Err(EntryError::Blocked);
    }
    let (now, hash) = (portal.now(), random::hash(session));
    let pending = sessions::pending(&portal.db, body.id, Some(invitation.id), hash, now).await?;
    let pending = pending.filter(|p| p.authenticated_at.is_none()).ok_or(EntryError::Over)?;
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let mut tx = portal.db.begin().await?;
    if !same(&pending.code_hash.unwrap_or_default(), &code_hash(hash, &typed)) {
        let failures = store::wrong_code(&mut tx, invitation.id).await?;
        if failures >= rules::CODE_LIMIT {
            sessions::end(&mut tx, hash).await?;
        }
        tx.commit().await?;
        let blocked = failures >= rules::CODE_LIMIT;
        return Err(if blocked { EntryError::Blocked } else { EntryError::WrongCode });
    }
    if pending.code_expires.is_none_or(|expires| expires <= now) {
        return Err(EntryError::Over);
    }
    // Guesses that ran beside this one count first.
    if !store::right_code(&mut tx, invitation.id).await? {
        return Err(EntryError::Blocked);
    }
    let new = Token::new(&*portal.random);
    if !sessions::authenticate(&mut tx, hash, new.hash(), None, now).await? {
        return Err(EntryError::Over);
    }
    tx.commit().await?;
    Ok(new)
}
