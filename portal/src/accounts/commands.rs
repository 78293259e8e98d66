//! Making accounts.

use uuid::Uuid;

use super::{AccountState, Person, Profile, Role, UserId, fields, passwords, store};
use crate::bodies::BodyId;
use crate::db::DbError;
use crate::organisations::{self, OperatorId};
use crate::portal::Portal;

/// A new account, as typed.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct NewAccount {
    /// R-ACC-03.
    #[serde(default)]
    pub username: String,
    /// First name.
    #[serde(default, rename = "nome")]
    pub given_name: String,
    /// Surname.
    #[serde(default, rename = "cognome")]
    pub surname: String,
    /// Codice fiscale.
    #[serde(default, rename = "codice_fiscale")]
    pub fiscal_code: String,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Mobile.
    #[serde(default, rename = "cellulare")]
    pub mobile: String,
    /// First password.
    #[serde(default)]
    pub password: String,
    /// The word of a [`Role`].
    #[serde(default, rename = "ruolo")]
    pub role: String,
    /// Id of the operator, for its people.
    #[serde(default, rename = "operatore")]
    pub operator: String,
    /// `si`: enabled for technical aid only.
    #[serde(default, rename = "solo_ausilio")]
    pub aid_only: String,
}

/// What is wrong, beside each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of NewAccount")]
pub struct Complaints {
    pub username: Option<&'static str>,
    pub given_name: Option<&'static str>,
    pub surname: Option<&'static str>,
    pub fiscal_code: Option<&'static str>,
    pub email: Option<&'static str>,
    pub mobile: Option<&'static str>,
    pub password: Option<&'static str>,
    pub role: Option<&'static str>,
    pub operator: Option<&'static str>,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Fields to put right.
    #[error("fields to put right")]
    Fields(Box<Complaints>),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Makes an active account with one profile.
pub async fn create(
    portal: &Portal,
    body: BodyId,
    new: &NewAccount,
) -> Result<UserId, AccountError> {
    let operator = match new.operator.parse::<Uuid>() {
        Ok(id) => organisations::store::find(&portal.db, body, OperatorId(id)).await?,
        Err(_) => None,
    };
    let mut wrong = Complaints {
        username: fields::username(&new.username),
        given_name: fields::name(&new.given_name),
        surname: fields::name(&new.surname),
        email: fields::email(&new.email),
        ..Complaints::default()
    };
    let kept = |result: Result<String, &'static str>| match result {
        Ok(text) => (text, None),
        Err(complaint) => (String::new(), Some(complaint)),
    };
    let (fiscal_code, complaint) = kept(fields::fiscal_code(&new.fiscal_code));
    wrong.fiscal_code = complaint;
    let (mobile, complaint) = kept(fields::mobile(&new.mobile));
    wrong.mobile = complaint;
    let names = passwords::Names {
        username: &new.username,
        given_name: &new.given_name,
        surname: &new.surname,
    };
    wrong.password = passwords::complaint(&new.password, names);
    let role = new.role.parse::<Role>().ok().filter(|role| *role != Role::Guest);
    wrong.role = role.is_none().then_some("Scegli un ruolo dall'elenco.");
    if role.is_some_and(Role::of_operator) && operator.is_none() {
        wrong.operator = Some("Scegli l'operatore per cui la persona agisce.");
    }
    let Some(role) = role.filter(|_| wrong == Complaints::default()) else {
        return Err(AccountError::Fields(Box::new(wrong)));
    };

    let (password, cost) = (new.password.clone(), portal.settings.password_cost);
    let random = portal.random.clone();
    let hash = tokio::task::spawn_blocking(move || passwords::hash(&password, cost, &*random))
        .await
        .expect("hashing does not panic");
    let person = Person {
        id: UserId(portal.new_id()),
        username: new.username.clone(),
        given_name: new.given_name.trim().to_owned(),
        surname: new.surname.trim().to_owned(),
        fiscal_code,
        email: new.email.clone(),
        mobile,
        state: AccountState::Active,
        created_at: portal.now(),
    };
    let profile = Profile {
        id: portal.new_id(),
        role,
        operator: operator.filter(|_| role.of_operator()).map(|o| o.id),
        aid_only: role == Role::OperatorDelegate && new.aid_only == "si",
    };
    let mut tx = portal.db.begin().await?;
    if !store::insert(&mut tx, body, &person, &hash).await? {
        wrong.username = Some("Il nome utente esiste già.");
        return Err(AccountError::Fields(Box::new(wrong)));
    }
    store::add_profile(&mut tx, body, person.id, &profile).await?;
    tx.commit().await?;
    Ok(person.id)
}
