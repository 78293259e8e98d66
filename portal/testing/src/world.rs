//! A portal with one body, on a clock that stands until it is moved.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};

use portal::accounts::commands::{self, NewAccount};
use portal::accounts::passwords::Cost;
use portal::accounts::personal::PersonalData;
use portal::accounts::{Actor, Role, UserId, store};
use portal::bodies::{self, Body, BodyId};
use portal::clock::Clock;
use portal::db::Db;
use portal::documents::upload::Upload;
use portal::files::Files;
use portal::identification::Terms;
use portal::organisations::{self, Operator, OperatorId, OperatorKind};
use portal::portal::{Parts, Portal, PortalSettings};
use portal::powers::commands::{self as powers, NewPower, Scope};
use portal::powers::{PowerId, PowerKind};
use portal::procedures::Procedures;
use portal::random::SystemRandom;
use portal::signatures::ports::SigningPorts;

use super::parties::nobody;

/// The database of a test answers.
const OPEN: &str = "the database of a test is open";

/// Password of every account that [`World::user`] makes.
pub const PASSWORD: &str = "Prova-2026";

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<DateTime<Utc>>>);

impl TestClock {
    /// Stands at a time, e.g. `2026-12-01T09:00:00Z`.
    pub fn at(time: &str) -> Self {
        Self(Arc::new(Mutex::new(instant(time))))
    }

    /// Moves to a time.
    pub fn set(&self, time: &str) {
        *self.now_mut() = instant(time);
    }

    /// Moves on.
    pub fn advance(&self, by: TimeDelta) {
        *self.now_mut() += by;
    }

    fn now_mut(&self) -> MutexGuard<'_, DateTime<Utc>> {
        self.0.lock().expect("nobody panics while holding the time")
    }
}

fn instant(time: &str) -> DateTime<Utc> {
    time.parse().expect("tests write times as 2026-12-01T09:00:00Z")
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now_mut()
    }
}

/// A portal with one body, and what tests need to fill it.
pub struct World {
    /// The portal.
    pub portal: Portal,
    /// Its clock.
    pub clock: TestClock,
    /// Its oldest body, at `localhost`, with the procedure `conciliazione`.
    pub body: Body,
}

/// A portal on `db`, with its files in `folder`, where no outside party answers; it is the morning
/// of 1 December 2026.
pub async fn world(db: &Db, folder: &Path) -> World {
    world_with(db, folder, TestClock::at("2026-12-01T09:00:00Z"), nobody()).await
}

/// A portal on `db`, by `clock`, with these outside parties.
pub async fn world_with(db: &Db, folder: &Path, clock: TestClock, signing: SigningPorts) -> World {
    let portal = portal_on(db, folder, Arc::new(clock.clone()), signing);
    let body = add_body(&portal, "localhost", "conciliazione").await;
    World { portal, clock, body }
}

/// A portal on what is in `db` already.
pub fn portal_on(db: &Db, folder: &Path, clock: Arc<dyn Clock>, signing: SigningPorts) -> Portal {
    Portal::new(Parts {
        db: db.clone(),
        files: Files::local(&folder.join("files")).expect("a test's folder is writable"),
        clock,
        random: Arc::new(SystemRandom),
        procedures: Procedures::shipped(),
        settings: PortalSettings {
            demo: true,
            public_url: "http://localhost:8080".to_owned(),
            idle: TimeDelta::minutes(30),
            code_life: TimeDelta::minutes(5),
            password_cost: Cost { memory_kib: 8, passes: 1 },
            help_phone: "800 166 654".to_owned(),
            media_test_days: 90,
            identification: Terms { video_days: 1_095, provider_days: 1_095, evidence_days: 7_305 },
        },
        signing,
    })
}

async fn add_body(portal: &Portal, host: &str, procedure: &str) -> Body {
    let body = Body {
        id: BodyId(portal.new_id()),
        host: host.to_owned(),
        name: format!("Organismo {host}"),
        procedure: procedure.to_owned(),
    };
    let mut tx = portal.db.begin().await.expect(OPEN);
    bodies::create(&mut tx, &body, portal.now()).await.expect("each body has a host of its own");
    tx.commit().await.expect(OPEN);
    body
}

impl World {
    /// Another body.
    pub async fn other_body(&self, host: &str) -> Body {
        add_body(&self.portal, host, "mediazione").await
    }

    /// An operator of the world's body.
    pub async fn operator(&self, name: &str, kind: OperatorKind) -> OperatorId {
        let id = OperatorId(self.portal.new_id());
        let operator = Operator { id, name: name.to_owned(), kind, compulsory: true };
        let mut tx = self.portal.db.begin().await.expect(OPEN);
        let created = organisations::store::create(&mut tx, self.body.id, &operator).await;
        created.expect("each operator has a name of its own");
        tx.commit().await.expect(OPEN);
        id
    }

    /// An account of the world's body, acting in `role`, with a mobile and an address of its own.
    pub async fn user(&self, username: &str, role: Role, operator: Option<OperatorId>) -> Actor {
        self.user_of(&self.body, username, role, operator).await
    }

    /// The same in another body.
    pub async fn user_of(
        &self,
        body: &Body,
        username: &str,
        role: Role,
        operator: Option<OperatorId>,
    ) -> Actor {
        let number = store::everybody(&self.portal.db, body.id).await.expect(OPEN).len();
        let new = NewAccount {
            username: username.to_owned(),
            person: PersonalData {
                given_name: "Anna".to_owned(),
                surname: format!("Di {username}"),
                fiscal_code: "RSSMRA80A01H501U".to_owned(),
                email: format!("{username}@example.it"),
                mobile: format!("+39333000{number:04}"),
            },
            password: PASSWORD.to_owned(),
            role: role.key().to_owned(),
            operator: operator.map(|o| o.0.to_string()).unwrap_or_default(),
            aid_only: String::new(),
        };
        let made = commands::create(&self.portal, body.id, &new).await;
        let user: UserId = made.expect("the fields of a test's account are right");
        let person = store::person(&self.portal.db, body.id, user).await.expect(OPEN);
        let name = person.expect("it was just made").name();
        Actor { body: body.id, user, name, role, operator, sectors: Vec::new(), guest: None }
    }

    /// The secretariat records powers of `holder` with a document of this kind and day.
    pub async fn powers(
        &self,
        staff: &Actor,
        holder: UserId,
        scope: Scope,
        (kind, dated): (PowerKind, &str),
    ) -> PowerId {
        let new = NewPower {
            person: holder,
            scope,
            kind,
            dated: dated.parse().expect("tests write days as 2026-12-01"),
            until: None,
            file: Upload::check("procura.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec())
                .expect("it begins as a PDF"),
        };
        powers::record(&self.portal, staff, new).await.expect("the holder can have these powers")
    }

    /// A power of attorney for every case of the holder's operator, long before.
    pub async fn power_of_attorney(&self, staff: &Actor, holder: &Actor) -> PowerId {
        let operator = holder.operator.expect("only an operator's delegate has one");
        let document = (PowerKind::Poa, "2026-01-15");
        self.powers(staff, holder.user, Scope::Operator(operator), document).await
    }
}
