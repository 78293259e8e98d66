//! Signing in: username and password, then always a one-time code by SMS (R-LOG-02).

use super::{AccountState, Person, UserId, passwords, sessions, store};
use crate::bodies::Body;
use crate::db::{DbError, Tx};
use crate::notifications::{self, Channel, Message};
use crate::portal::Portal;
use crate::random::{self, Token};

/// Wrong passwords in a row that suspend an account (R-ACC-59).
const PASSWORD_LIMIT: i64 = 5;
/// Wrong codes in a row that block an account, across resends (R-LOG-05).
const CODE_LIMIT: i64 = 5;
/// Codes that can be sent again in one sign-in (R-LOG-04).
pub const RESEND_LIMIT: i32 = 3;

/// Why somebody did not come in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such username, or not its password: the two are not told apart.
    #[error("Nome utente o password non corretti.")]
    Credentials,
    /// R-ACC-59.
    #[error(
        "L'utenza è sospesa per troppe password errate. Contatta l'amministratore di sistema per \
         riattivarla."
    )]
    Suspended,
    /// R-LOG-05, R-LOG-06.
    #[error(
        "L'accesso è bloccato per troppi codici errati. Chiedi lo sblocco all'assistenza del \
         servizio."
    )]
    Blocked,
    /// The sign-in took too long, or was never begun here.
    #[error("L'accesso è scaduto. Inserisci di nuovo nome utente e password.")]
    Over,
    /// Not the code that was sent.
    #[error("Il codice non è corretto. Controlla l'ultimo SMS ricevuto.")]
    WrongCode,
    /// The code is too old.
    #[error("Il codice è scaduto. Premi «Invia un nuovo codice».")]
    OldCode,
    /// R-LOG-04.
    #[error("Il codice è già stato inviato di nuovo tre volte. Ricomincia l'accesso più tardi.")]
    NoMoreCodes,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// First step. The token of a session without rights; a code is on its way to the mobile.
pub async fn password(
    portal: &Portal,
    body: &Body,
    username: &str,
    password: &str,
) -> Result<Token, SignInError> {
    let found = store::by_username(&portal.db, body.id, username).await?;
    // An unknown username costs the same time as a wrong password.
    let hash = match &found {
        Some((_, hash)) => hash.clone(),
        None => nobodys_hash(portal).await,
    };
    let typed = password.to_owned();
    let right = tokio::task::spawn_blocking(move || passwords::matches(&typed, &hash))
        .await
        .expect("checking a password does not panic");
    let Some((person, _)) = found else { return Err(SignInError::Credentials) };
    usable(person.state)?;
    let mut tx = portal.db.begin().await?;
    if !right {
        let state = store::wrong_password(&mut tx, person.id, PASSWORD_LIMIT).await?;
        tx.commit().await?;
        usable(state)?;
        return Err(SignInError::Credentials);
    }
    store::right_password(&mut tx, person.id).await?;
    let token = Token::new(&*portal.random);
    sessions::begin(&mut tx, body.id, person.id, None, token.hash(), portal.now()).await?;
    send(portal, &mut tx, body, &person, token.hash(), 0).await?;
    tx.commit().await?;
    Ok(token)
}

/// Sends another code (R-LOG-04); the earlier one ends.
pub async fn resend(portal: &Portal, body: &Body, token: &str) -> Result<(), SignInError> {
    let (pending, person, hash) = begun(portal, body, token).await?;
    if pending.resends >= RESEND_LIMIT {
        return Err(SignInError::NoMoreCodes);
    }
    let mut tx = portal.db.begin().await?;
    send(portal, &mut tx, body, &person, hash, pending.resends + 1).await?;
    Ok(tx.commit().await?)
}

/// Second step. The token of the session that follows; with rights at once if the person has one
/// profile only.
pub async fn code(
    portal: &Portal,
    body: &Body,
    token: &str,
    typed: &str,
) -> Result<Token, SignInError> {
    let (pending, person, hash) = begun(portal, body, token).await?;
    let now = portal.now();
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let expected = pending.code_hash.unwrap_or_default();
    let mut tx = portal.db.begin().await?;
    if !same(&expected, &code_hash(hash, &typed)) {
        let state = store::wrong_code(&mut tx, person.id, CODE_LIMIT).await?;
        if state != AccountState::Active {
            sessions::end(&mut tx, hash).await?;
        }
        tx.commit().await?;
        usable(state)?;
        return Err(SignInError::WrongCode);
    }
    if pending.code_expires.is_none_or(|expires| expires <= now) {
        return Err(SignInError::OldCode);
    }
    let profiles = store::profiles(&portal.db, body.id, person.id).await?;
    let only = match profiles.as_slice() {
        [one] => Some(one.id),
        _ => None,
    };
    let new = Token::new(&*portal.random);
    store::right_code(&mut tx, person.id).await?;
    if !sessions::authenticate(&mut tx, hash, new.hash(), only, now).await? {
        return Err(SignInError::Over);
    }
    tx.commit().await?;
    Ok(new)
}

/// How often a code may still be sent again, and the end of the number it goes to. Nothing if the
/// sign-in is over.
pub async fn progress(
    portal: &Portal,
    body: &Body,
    token: &str,
) -> Result<Option<(i32, String)>, DbError> {
    match begun(portal, body, token).await {
        Ok((pending, person, _)) => {
            let shown: String = person.mobile.chars().rev().take(3).collect();
            Ok(Some((RESEND_LIMIT - pending.resends, shown.chars().rev().collect())))
        }
        Err(SignInError::Db(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

async fn begun(
    portal: &Portal,
    body: &Body,
    token: &str,
) -> Result<(sessions::Pending, Person, [u8; 32]), SignInError> {
    let hash = random::hash(token);
    let pending = sessions::pending(&portal.db, body.id, None, hash, portal.now()).await?;
    let pending = pending.filter(|p| p.authenticated_at.is_none()).ok_or(SignInError::Over)?;
    let person = store::person(&portal.db, body.id, UserId(pending.user_id)).await?;
    let person = person.ok_or(SignInError::Over)?;
    usable(person.state)?;
    Ok((pending, person, hash))
}

fn usable(state: AccountState) -> Result<(), SignInError> {
    match state {
        AccountState::Active => Ok(()),
        // As if there were nobody of that name.
        AccountState::Guest => Err(SignInError::Credentials),
        AccountState::Suspended => Err(SignInError::Suspended),
        AccountState::Blocked => Err(SignInError::Blocked),
    }
}

async fn send(
    portal: &Portal,
    tx: &mut Tx,
    body: &Body,
    person: &Person,
    session: [u8; 32],
    resends: i32,
) -> Result<(), DbError> {
    let now = portal.now();
    let code = random::code(&*portal.random);
    let expires = now + portal.settings.code_life;
    sessions::expect_code(tx, session, code_hash(session, &code), expires, resends).await?;
    let message = Message {
        channel: Channel::Sms,
        to: person.mobile.clone(),
        subject: String::new(),
        text: format!(
            "{code} è il codice di accesso a {}. Vale {} minuti. Non comunicarlo a nessuno.",
            body.name,
            portal.settings.code_life.num_minutes()
        ),
        key: format!("sign-in/{}/{resends}", hex::encode(&session[..16])),
    };
    notifications::send(tx, body.id.0, portal.new_id(), &message, now).await.map(drop)
}

/// The hash of a code is worth nothing without the session it belongs to.
pub(crate) fn code_hash(session: [u8; 32], code: &str) -> [u8; 32] {
    random::hash(&format!("{}/{code}", hex::encode(session)))
}

/// Compares in a time that tells nothing.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && openssl::memcmp::eq(one, other)
}

/// A hash that no password fits, of the same cost.
async fn nobodys_hash(portal: &Portal) -> String {
    static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    let hash = HASH.get_or_init(|| async {
        let (cost, random) = (portal.settings.password_cost, portal.random.clone());
        tokio::task::spawn_blocking(move || {
            passwords::hash(Token::new(&*random).reveal(), cost, &*random)
        })
        .await
        .expect("hashing does not panic")
    });
    hash.await.clone()
}
