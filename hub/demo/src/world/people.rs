//! Bodies, operators and accounts of the demo world.

use portal::accounts::commands::{self, AccountError, NewAccount};
use portal::accounts::personal::PersonalData;
use portal::accounts::{Actor, Role, UserId, fields, store};
use portal::bodies::{self, Body, BodyId};
use portal::identification::operators;
use portal::organisations::{self, Operator, OperatorId, OperatorKind};
use portal::portal::Portal;

use super::WorldError;

/// Password of every demo account.
pub const PASSWORD: &str = "Accordo-2026";

/// Hosts of the demo's bodies.
pub const HOSTS: [&str; 2] = ["localhost", "mediazione.localhost"];

/// Who is authorised to identify people by video.
const IDENTIFIER: &str = "identificatore";

const SELLER: &str = "Energia Chiara S.p.A.";
const DISTRIBUTOR: &str = "Rete Locale S.p.A.";
const INSURER: &str = "Assicurazioni Esempio S.p.A.";

/// A demo account, as it is printed.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// Username, the same in both bodies.
    pub username: &'static str,
    /// Acting as.
    pub role: Role,
    given_name: &'static str,
    surname: &'static str,
    /// First fifteen characters of the codice fiscale; the check character follows from them.
    code: &'static str,
    /// Acts for this operator.
    pub operator: Option<&'static str>,
    /// Last two digits of the mobile.
    number: u8,
}

const fn account(
    username: &'static str,
    role: Role,
    (given_name, surname): (&'static str, &'static str),
    code: &'static str,
    operator: Option<&'static str>,
    number: u8,
) -> Account {
    Account { username, role, given_name, surname, code, operator, number }
}

impl Account {
    /// Mobile number, E.164; each account has its own.
    pub fn mobile(&self) -> String {
        format!("+3933300000{:02}", self.number)
    }
}

/// The people of the conciliation service.
pub const ACCOUNTS: [Account; 17] = [
    account("segreteria", Role::ServiceSecretariat, ("Laura", "Conti"), "CNTLRA75A41H501", None, 1),
    account("amministratore", Role::Administrator, ("Paolo", "Riva"), "RVIPLA70B02F205", None, 2),
    account("conciliatore", Role::Conciliator, ("Giulia", "Verdi"), "VRDGLI68C43L219", None, 3),
    account("conciliatore2", Role::Conciliator, ("Marco", "Neri"), "NREMRC65D04D612", None, 4),
    account("cliente", Role::Client, ("Mario", "Rossi"), "RSSMRA50E05H501", None, 5),
    account(
        "delegato.cliente",
        Role::ClientDelegate,
        ("Anna", "Galli"),
        "GLLNNA80H46F839",
        None,
        6,
    ),
    account(
        "referente",
        Role::ContactOfficer,
        ("Luca", "Fontana"),
        "FNTLCU72L07G273",
        Some(SELLER),
        7,
    ),
    account(
        "segreteria.operatore",
        Role::OperatorSecretariat,
        ("Sara", "Bruni"),
        "BRNSRA85M48A944",
        Some(SELLER),
        8,
    ),
    account(
        "delegato.operatore",
        Role::OperatorDelegate,
        ("Davide", "Serra"),
        "SRRDVD78P09B354",
        Some(SELLER),
        9,
    ),
    account(
        "segreteria.ausilio",
        Role::OperatorSecretariat,
        ("Elena", "Moro"),
        "MROLNE82R50L736",
        Some(DISTRIBUTOR),
        10,
    ),
    account(
        "ausilio",
        Role::OperatorDelegate,
        ("Piero", "Costa"),
        "CSTPRI69S11D969",
        Some(DISTRIBUTOR),
        11,
    ),
    account(
        "delegato.operatore2",
        Role::OperatorDelegate,
        ("Paola", "Ricci"),
        "RCCPLA84D55F205",
        Some(SELLER),
        16,
    ),
    account(
        "delegato.operatore3",
        Role::OperatorDelegate,
        ("Dario", "Fabbri"),
        "FBBDRA77R12H501",
        Some(SELLER),
        17,
    ),
    account("cliente2", Role::Client, ("Lucia", "Ferri"), "FRRLCU61T52F205", None, 12),
    account("cliente3", Role::Client, ("Franco", "Villa"), "VLLFNC55A13G224", None, 13),
    account(IDENTIFIER, Role::ServiceSecretariat, ("Silvia", "Monti"), "MNTSLV74C55H501", None, 15),
    account("cliente4", Role::Client, ("Rosa", "Greco"), "GRCRSO48B54C351", None, 14),
];

/// The people of the mediation body.
pub const MEDIATION: [Account; 5] = [
    account("segreteria", Role::ServiceSecretariat, ("Irene", "Sala"), "SLARNI77A41L781", None, 21),
    account("amministratore", Role::Administrator, ("Ugo", "Pace"), "PCAGUO71B02F205", None, 22),
    account("mediatore", Role::Conciliator, ("Chiara", "Longo"), "LNGCHR66C43L219", None, 23),
    account("cliente", Role::Client, ("Bruno", "Marini"), "MRNBRN58E05H501", None, 24),
    account(
        "delegato.operatore",
        Role::OperatorDelegate,
        ("Nadia", "Leone"),
        "LNENDA79P49B354",
        Some(INSURER),
        25,
    ),
];

/// Who acts in the demo's stories.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub staff: Actor,
    pub conciliator: Actor,
    pub second_conciliator: Actor,
    pub clients: Vec<Actor>,
    pub client_delegate: Actor,
    pub secretariat: Actor,
    pub delegate: Actor,
    pub aid_secretariat: Actor,
    pub aid_delegate: Actor,
    pub seller: OperatorId,
    pub distributor: OperatorId,
}

/// Makes the conciliation service.
pub(super) async fn conciliation(portal: &Portal) -> Result<Cast, WorldError> {
    let operators = [(SELLER, OperatorKind::Seller), (DISTRIBUTOR, OperatorKind::Distributor)];
    let name = "Servizio Conciliazione (dimostrazione)";
    let body = body(portal, HOSTS[0], name, "conciliazione", &operators, &ACCOUNTS).await?;
    let administrator = actor(portal, body.id, "amministratore").await?;
    let identifier = actor(portal, body.id, IDENTIFIER).await?.user;
    let authorised = operators::authorise(portal, &administrator, identifier, true).await;
    authorised.map_err(WorldError::of)?;
    cast(portal, body).await
}

/// Makes the mediation body.
pub(super) async fn mediation(portal: &Portal) -> Result<(), WorldError> {
    let operators = [(INSURER, OperatorKind::Seller)];
    let name = "Organismo di Mediazione (dimostrazione)";
    let host = HOSTS[1];
    body(portal, host, name, "mediazione", &operators, &MEDIATION).await.map(drop)
}

async fn body(
    portal: &Portal,
    host: &str,
    name: &str,
    procedure: &str,
    operators: &[(&str, OperatorKind)],
    accounts: &[Account],
) -> Result<Body, WorldError> {
    let body = Body {
        id: BodyId(portal.new_id()),
        host: host.to_owned(),
        name: name.to_owned(),
        procedure: procedure.to_owned(),
    };
    let mut tx = portal.db.begin().await.map_err(WorldError::of)?;
    bodies::create(&mut tx, &body, portal.now()).await.map_err(WorldError::of)?;
    for (name, kind) in operators {
        let id = OperatorId(portal.new_id());
        let operator = Operator { id, name: (*name).to_owned(), kind: *kind, compulsory: true };
        let made = organisations::store::create(&mut tx, body.id, &operator).await;
        made.map_err(WorldError::of)?;
    }
    tx.commit().await.map_err(WorldError::of)?;
    let operators = organisations::store::all(&portal.db, body.id).await.map_err(WorldError::of)?;
    for account in accounts {
        let operator = operators.iter().find(|o| Some(o.name.as_str()) == account.operator);
        make(portal, body.id, account, operator.map(|o| o.id)).await?;
    }
    Ok(body)
}

async fn make(
    portal: &Portal,
    body: BodyId,
    account: &Account,
    operator: Option<OperatorId>,
) -> Result<UserId, WorldError> {
    let new = NewAccount {
        username: account.username.to_owned(),
        person: PersonalData {
            given_name: account.given_name.to_owned(),
            surname: account.surname.to_owned(),
            fiscal_code: with_check_character(account.code)?,
            email: format!("{}@example.it", account.username),
            mobile: account.mobile(),
        },
        password: PASSWORD.to_owned(),
        role: account.role.key().to_owned(),
        operator: operator.map(|o| o.0.to_string()).unwrap_or_default(),
        aid_only: String::new(),
    };
    commands::create(portal, body, &new).await.map_err(|error| match error {
        AccountError::Fields(wrong) => WorldError(format!("{}: {wrong:?}", account.username)),
        AccountError::Db(error) => WorldError::of(error),
    })
}

pub(super) fn with_check_character(code: &str) -> Result<String, WorldError> {
    ('A'..='Z')
        .find_map(|check| fields::fiscal_code(&format!("{code}{check}")).ok())
        .ok_or_else(|| WorldError(format!("{code} is no codice fiscale")))
}

/// The people of the demo's stories, found by their usernames.
pub(super) async fn cast(portal: &Portal, body: Body) -> Result<Cast, WorldError> {
    let operators = organisations::store::all(&portal.db, body.id).await.map_err(WorldError::of)?;
    let operator = |name: &str| {
        let found = operators.iter().find(|o| o.name == name).map(|o| o.id);
        found.ok_or_else(|| WorldError(format!("{name} is missing")))
    };
    let actor = |username: &'static str| {
        let (portal, body) = (portal.clone(), body.id);
        async move { actor(&portal, body, username).await }
    };
    let mut clients = Vec::new();
    for username in ["cliente", "cliente2", "cliente3", "cliente4"] {
        clients.push(actor(username).await?);
    }
    Ok(Cast {
        staff: actor("segreteria").await?,
        conciliator: actor("conciliatore").await?,
        second_conciliator: actor("conciliatore2").await?,
        clients,
        client_delegate: actor("delegato.cliente").await?,
        secretariat: actor("segreteria.operatore").await?,
        delegate: actor("delegato.operatore").await?,
        aid_secretariat: actor("segreteria.ausilio").await?,
        aid_delegate: actor("ausilio").await?,
        seller: operator(SELLER)?,
        distributor: operator(DISTRIBUTOR)?,
    })
}

pub(super) async fn actor(
    portal: &Portal,
    body: BodyId,
    username: &str,
) -> Result<Actor, WorldError> {
    let found = store::by_username(&portal.db, body, username).await.map_err(WorldError::of)?;
    let (person, _) = found.ok_or_else(|| WorldError(format!("{username} is missing")))?;
    let profiles = store::profiles(&portal.db, body, person.id).await.map_err(WorldError::of)?;
    let profile = profiles.first().ok_or_else(|| WorldError(format!("{username} has no role")))?;
    Ok(Actor {
        body,
        user: person.id,
        name: person.name(),
        role: profile.role,
        operator: profile.operator,
        sectors: Vec::new(),
        guest: None,
    })
}
