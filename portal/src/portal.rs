//! What every page and command works with: one installation's database, files, clock and ports.

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::accounts::passwords::Cost;
use crate::bodies::Body;
use crate::clock::Clock;
use crate::db::Db;
use crate::files::Files;
use crate::identification::Terms;
use crate::procedures::{ProcedureProfile, Procedures};
use crate::random::{self, Random};
use crate::signatures::ports::SigningPorts;
use signing::ports::Qtsp;

/// Settings of the pages.
#[derive(Clone, Debug)]
pub struct PortalSettings {
    /// Outside parties are played by the hub: the outbox can be read at `/dev/outbox`.
    pub demo: bool,
    /// Address people see, without path: `https://portal.example`. A body's links carry its own
    /// host with this scheme and port.
    pub public_url: String,
    /// A sign-in ends after so long without a request (R-LOG-16).
    pub idle: TimeDelta,
    /// Life of a one-time code (R-LOG-16).
    pub code_life: TimeDelta,
    /// Work of one password check.
    pub password_cost: Cost,
    /// Number of the help desk, as shown.
    pub help_phone: String,
    /// Days that an outcome of the media test is kept.
    pub media_test_days: u16,
    /// What identifications are worth, and how long their evidence is kept.
    pub identification: Terms,
}

/// Everything a [`Portal`] is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Rows.
    pub db: Db,
    /// Documents.
    pub files: Files,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids, tokens and codes.
    pub random: Arc<dyn Random>,
    /// What differs between procedures.
    pub procedures: Procedures,
    /// Settings of the pages.
    pub settings: PortalSettings,
    /// Outside parties of minutes and signatures.
    pub signing: SigningPorts,
}

/// One installation's portal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Portal(Arc<Parts>);

impl Portal {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The same installation by another clock.
    pub fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self::new(Parts { clock, ..Parts::clone(self) })
    }

    /// The same installation with another trust service.
    pub fn with_trust_service(&self, qtsp: Arc<dyn Qtsp>) -> Self {
        let signing = SigningPorts { qtsp, ..self.signing.clone() };
        Self::new(Parts { signing, ..Parts::clone(self) })
    }
}

impl Deref for Portal {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Parts {
    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new id.
    pub fn new_id(&self) -> Uuid {
        random::id(&*self.random, self.now())
    }

    /// The procedure of a body.
    ///
    /// # Panics
    /// If the body names no profile; [`crate::bodies::create`]'s callers check that it does.
    pub fn profile(&self, key: &str) -> &ProcedureProfile {
        self.procedures.get(key).expect("a body is created with one of the profiles")
    }

    /// Address of a page of a body, for messages: scheme and port of the installation, host of the
    /// body.
    pub fn link(&self, body: &Body, path: &str) -> String {
        let (scheme, rest) = self.settings.public_url.split_once("://").unwrap_or(("https", ""));
        let port = rest.rsplit_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{}{port}{path}", body.host)
    }
}
