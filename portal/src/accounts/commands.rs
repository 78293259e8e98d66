//! Making accounts.

use uuid::Uuid;

use super::personal::{Email, PersonalComplaints, PersonalData};
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
    /// Who it is for.
    #[serde(flatten)]
    pub person: PersonalData,
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
    pub person: PersonalComplaints,
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
    let person = new.person.checked(Email::Needed);
    let names = passwords::Names {
        username: &new.username,
        given_name: &new.person.given_name,
        surname: &new.person.surname,
    };
    let mut wrong = Complaints {
        username: fields::username(&new.username),
        person: person.as_ref().err().cloned().unwrap_or_default(),
        password: passwords::complaint(&new.password, names),
        ..Complaints::default()
    };
    let role = new.role.parse::<Role>().ok().filter(|role| *role != Role::Guest);
    wrong.role = role.is_none().then_some("Scegli un ruolo dall'elenco.");
    if role.is_some_and(Role::of_operator) && operator.is_none() {
        wrong.operator = Some("Scegli l'operatore per cui la persona agisce.");
    }
    let (Ok(data), Some(role), true) = (person, role, wrong == Complaints::default()) else {
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
        given_name: data.given_name,
        surname: data.surname,
        fiscal_code: data.fiscal_code,
        email: data.email,
        mobile: data.mobile,
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
