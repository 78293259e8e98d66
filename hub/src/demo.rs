//! The parties outside the house, played on loopback (DESIGN §6.6).

use std::sync::Arc;

use accordo_demo::idp::DemoIdp;
use accordo_demo::qtsp::{DemoQtsp, DemoSms};
use accordo_demo::world::load::{self, OpenMeetings};
use accordo_demo::world::{self, Account};
use async_trait::async_trait;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use portal::accounts;
use portal::clock::{Clock as _, SystemClock};
use portal::db::{Db, DbError};
use portal::notifications::{self, Channel, Message};
use portal::portal::Portal;
use portal::random::{self, SystemRandom};
use portal::signatures::leave::RETURN;
use portal::signatures::ports::{Live, SigningPorts};
use portal::trust_lists::Followed;
use serde::Deserialize;
use signing::csc::{CscClient, CscConfig, Quirks};
use signing::ports::Qtsp;
use signing::preservation::Renewal;
use signing::verify::TrustAnchors;
use signing_trust_lists::Signers;

use crate::error::HubError;
use crate::guard::{DEMO_ROOT, DemoPermit};
use crate::settings::Settings;
use crate::signatures::{self, DemoIdentification};

/// Trust service and identity provider of a demo hub.
pub struct DemoParties {
    qtsp: DemoQtsp,
    idp: DemoIdp,
    quirks: Quirks,
}

impl DemoParties {
    /// Opens them; what they promise lies in the data folder. Their root is written to
    /// `demo-root.pem` there, for validators.
    pub fn open(permit: &DemoPermit, settings: &Settings, db: Db) -> Result<Self, HubError> {
        let failed = |e: &dyn std::fmt::Display| HubError::Failed(format!("demo parties: {e}"));
        let now: accordo_demo::Now = Arc::new(|| SystemClock.now());
        let folder = settings.data.join(permit.folder());
        // They are reached where the hub listens, whatever people see.
        let origin = format!("http://{}", settings.listen);
        let sms = Arc::new(OutboxSms { db });
        let qtsp = DemoQtsp::new(&folder, &origin, sms, now.clone()).map_err(|e| failed(&e))?;
        let root = settings.data.join(DEMO_ROOT);
        std::fs::write(&root, qtsp.root_pem())
            .map_err(HubError::io(format!("writing {}", root.display())))?;
        let public = settings.public_url();
        let (scheme, rest) = public.split_once("://").unwrap_or(("http", ""));
        let port = rest.rsplit_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
        let back = |host: &&str| format!("{scheme}://{host}{port}{RETURN}");
        qtsp.register_returns(world::HOSTS.iter().map(back).collect());
        Ok(Self { qtsp, idp: DemoIdp::new(now), quirks: settings.signing.demo.clone() })
    }

    /// The ways to them.
    pub fn ports(&self, live: Arc<dyn Live>) -> Result<SigningPorts, HubError> {
        let trust = TrustAnchors::from_pem(self.qtsp.root_pem().as_bytes())
            .map_err(|e| HubError::Failed(format!("demo root: {e}")))?;
        let identification = Some(Arc::new(DemoIdentification(self.idp.clone())) as Arc<_>);
        let csc = CscConfig { quirks: self.quirks.clone(), ..self.qtsp.csc_config() };
        let tsa = self.qtsp.tsa_config();
        let preservation = (signatures::status_source(true)?, Renewal::default());
        let mut ports = signatures::ports(csc, &tsa, trust, identification, live, preservation)?;
        let signers = Signers::from_pem(self.qtsp.list_signer_pem().as_bytes())
            .map_err(|e| HubError::Failed(format!("demo lists: {e}")))?;
        ports.lists = Some(Followed {
            location: self.qtsp.list_of_lists(),
            signers,
            territories: vec![self.qtsp.list_territory().to_owned()],
            source: Arc::new(signatures::status_source(true)?),
        });
        Ok(ports)
    }

    /// The trust service as the demo's own people use it, who read their codes from the outbox.
    pub fn with_codes(&self) -> Result<Arc<dyn Qtsp>, HubError> {
        let client = CscClient::new(self.qtsp.csc_config());
        Ok(Arc::new(client.map_err(|e| HubError::Failed(format!("demo trust service: {e}")))?))
    }

    /// Their pages and endpoints, and meetings for load tests. Machines speak to them: outside the
    /// same-origin check.
    pub fn router(&self, portal: Portal) -> Router {
        let load = Router::new().route("/demo/load/meetings", post(open_meetings));
        self.qtsp.router().merge(self.idp.router()).merge(load.with_state(portal))
    }
}

#[derive(Deserialize)]
struct Wanted {
    count: usize,
}

/// `POST /demo/load/meetings`: meetings whose rooms can be entered at once.
async fn open_meetings(
    State(portal): State<Portal>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<OpenMeetings>, (StatusCode, String)> {
    let made = load::open(&portal, wanted.count).await;
    made.map(Json).map_err(|error| (StatusCode::CONFLICT, error.to_string()))
}

/// Codes of the demo trust service go to the outbox of every body that knows the mobile.
struct OutboxSms {
    db: Db,
}

#[async_trait]
impl DemoSms for OutboxSms {
    async fn send(&self, to: &str, text: &str, key: &str) -> Result<(), String> {
        self.put(to, text, key).await.map_err(|e| e.to_string())
    }
}

impl OutboxSms {
    async fn put(&self, to: &str, text: &str, key: &str) -> Result<(), DbError> {
        let now = SystemClock.now();
        let message = Message {
            channel: Channel::Sms,
            to: to.to_owned(),
            subject: String::new(),
            text: text.to_owned(),
            key: format!("qtsp/{key}"),
        };
        let bodies = accounts::store::bodies_of_mobile(&self.db, to).await?;
        let mut tx = self.db.begin().await?;
        for body in bodies {
            let id = random::id(&SystemRandom, now);
            notifications::send(&mut tx, body.0, id, &message, now).await?;
        }
        tx.commit().await
    }
}

/// What a demo hub says when it is ready: where to go and as whom.
pub fn welcome(settings: &Settings) -> String {
    let url = settings.public_url();
    let port = settings.listen.port();
    let mut text = format!(
        "Messages (SMS codes, mail): {url}/dev/outbox\n\
         Accounts, all with the password {}:\n",
        world::PASSWORD
    );
    list(&mut text, &world::ACCOUNTS);
    text.push_str(&format!("Mediation body: http://mediazione.localhost:{port}\n"));
    list(&mut text, &world::MEDIATION);
    text.push_str(&format!(
        "  People without an account come by the links in http://mediazione.localhost:{port}/dev/outbox\n"
    ));
    text
}

fn list(text: &mut String, accounts: &[Account]) {
    for account in accounts {
        let operator = account.operator.map(|name| format!(", {name}")).unwrap_or_default();
        let (username, role) = (account.username, account.role.label());
        text.push_str(&format!("  {username:22} {role}{operator}\n"));
    }
}
