//! Adapters of the ports that minutes and signatures need.

use std::sync::{Arc, OnceLock};

use accordo_demo::idp::{self, DemoIdp, IdpMethod};
use async_trait::async_trait;
use portal::meetings::MeetingId;
use portal::signatures::ports::{
    Identification, IdentificationError, IdentificationRequest, Identified, Live, LiveTopic,
    PREVIEWS, SigningPorts,
};
use portal::trust_lists::{Followed, Trust};
use signaling::edge::Rooms;
use signaling::protocol::{RoomId, Topic};
use signing::Digest;
use signing::csc::{CscClient, CscConfig};
use signing::ports::{Tsa, TsaError};
use signing::preservation::{HttpStatus, Renewal};
use signing::process::Method;
use signing::tsa::{Authority, TsaClient, TsaConfig};
use signing::verify::TrustAnchors;
use signing_minutes::TypstTypesetter;
use signing_trust_lists::Signers;
use tokio::sync::{Notify, Semaphore};

use crate::error::HubError;
use crate::settings::{SigningSettings, TsaSettings};

/// Ports of a hub whose parties are reached by these addresses.
pub fn ports(
    csc: CscConfig,
    tsa: &TsaConfig,
    trust: TrustAnchors,
    identification: Option<Arc<dyn Identification>>,
    live: Arc<dyn Live>,
    preservation: (HttpStatus, Renewal),
) -> Result<SigningPorts, HubError> {
    let (status, renewal) = preservation;
    let failed = |what: &str, e: &dyn std::fmt::Display| HubError::Failed(format!("{what}: {e}"));
    Ok(SigningPorts {
        qtsp: Arc::new(CscClient::new(csc).map_err(|e| failed("trust service", &e))?),
        tsa: Arc::new(TsaClient::new(tsa).map_err(|e| failed("time stamps", &e))?),
        status: Arc::new(status),
        renewal,
        typesetter: Arc::new(TypstTypesetter::shipped()),
        identification,
        live,
        trust: Arc::new(Trust::new(trust)),
        lists: None,
        previews: Arc::new(Semaphore::new(PREVIEWS)),
    })
}

/// Where the status of certificates is asked; `loopback`: on this machine too, where a demo plays it.
pub fn status_source(loopback: bool) -> Result<HttpStatus, HubError> {
    HttpStatus::new(loopback).map_err(|e| HubError::Failed(format!("status of certificates: {e}")))
}

/// Ports of a production hub: what the settings name.
pub fn configured(
    settings: &SigningSettings,
    live: Arc<dyn Live>,
) -> Result<SigningPorts, HubError> {
    let csc = settings.csc.as_ref();
    let csc = csc.ok_or_else(|| HubError::Settings("[signing.csc] is missing".to_owned()))?;
    let read = |path: &std::path::Path| {
        std::fs::read(path).map_err(HubError::io(format!("reading {}", path.display())))
    };
    let secret = |path: &std::path::Path| {
        let bytes = read(path)?;
        Ok::<_, HubError>(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    let mut authorities = Vec::new();
    for tsa in &settings.tsa {
        let TsaSettings { url, policy, timeout_ms, user, password_file } = tsa.clone();
        let login = match (user, password_file) {
            (Some(user), Some(file)) => Some((user, secret(&file)?)),
            (None, None) => None,
            _ => {
                return Err(HubError::Settings(format!(
                    "{url}: user and password_file go together"
                )));
            }
        };
        authorities.push(Authority { url, policy, timeout_ms, login });
    }
    let mut trust = TrustAnchors::none();
    for path in &settings.trust {
        let roots = TrustAnchors::from_pem(&read(path)?)
            .map_err(|e| HubError::Settings(format!("{}: {e}", path.display())))?;
        trust.extend(roots);
    }
    let mut config =
        CscConfig::new(&csc.base_url, &csc.client_id, &secret(&csc.client_secret_file)?);
    config.api_path.clone_from(&csc.paths.api);
    config.quirks = csc.quirks.clone();
    for (path, own) in [
        (&mut config.token_path, &csc.paths.token),
        (&mut config.authorize_path, &csc.paths.authorize),
        (&mut config.revoke_path, &csc.paths.revoke),
        (&mut config.enrolment_path, &csc.paths.enrolment),
    ] {
        if let Some(own) = own {
            path.clone_from(own);
        }
    }
    config.timeout_ms = csc.timeout_ms.unwrap_or(config.timeout_ms);
    let preservation = (status_source(false)?, settings.preservation.clone());
    let mut ports =
        ports(config.clone(), &TsaConfig { authorities }, trust, None, live, preservation)?;
    if let Some(lists) = &settings.trust_lists {
        let mut signers = Signers::from(Vec::new());
        for path in &lists.signers {
            let more = Signers::from_pem(&read(path)?)
                .map_err(|e| HubError::Settings(format!("{}: {e}", path.display())))?;
            signers.extend(more);
        }
        ports.lists = Some(Followed {
            location: lists.lotl.clone(),
            signers,
            territories: lists.territories.clone(),
            source: Arc::new(status_source(false)?),
        });
    }
    if csc.stamps {
        let failed = |e: &dyn std::fmt::Display| HubError::Failed(format!("trust service: {e}"));
        let last = CscClient::new(config).map_err(|e| failed(&e))?;
        ports.tsa = Arc::new(OrElse(ports.tsa, Arc::new(last)));
    }
    Ok(ports)
}

/// Time from the first, or from the second when the first gives none.
struct OrElse(Arc<dyn Tsa>, Arc<dyn Tsa>);

#[async_trait]
impl Tsa for OrElse {
    async fn timestamp(&self, digest: &Digest) -> Result<Vec<u8>, TsaError> {
        match self.0.timestamp(digest).await {
            Ok(token) => Ok(token),
            Err(_) => self.1.timestamp(digest).await,
        }
    }
}

/// Tells the rooms of this process, once they are there.
#[derive(Default)]
pub struct LiveRooms {
    rooms: OnceLock<Rooms>,
    called_off: Arc<Notify>,
}

impl LiveRooms {
    /// The rooms that this process serves.
    pub fn attach(&self, rooms: Rooms) {
        // Attached once, by the composition.
        let _ = self.rooms.set(rooms);
    }

    /// Rings when a meeting was taken off or moved.
    pub fn bell(&self) -> Arc<Notify> {
        self.called_off.clone()
    }
}

impl Live for LiveRooms {
    fn changed(&self, meeting: MeetingId, topic: LiveTopic) {
        let Some(rooms) = self.rooms.get().cloned() else { return };
        let topic = match topic {
            LiveTopic::Minutes => Topic::Minutes,
            LiveTopic::Signatures => Topic::Signatures,
        };
        tokio::spawn(async move { rooms.changed(RoomId(meeting.0), topic).await });
    }

    fn called_off(&self) {
        self.called_off.notify_one();
    }
}

/// The demo identity provider as the portal asks it.
pub struct DemoIdentification(pub DemoIdp);

#[async_trait]
impl Identification for DemoIdentification {
    fn start(&self, request: &IdentificationRequest) -> String {
        let fields = [
            ("state", &request.state),
            ("redirect_uri", &request.return_to),
            ("fiscal_code", &request.fiscal_code),
            ("given_name", &request.given_name),
            ("surname", &request.surname),
        ];
        let query = fields.map(|(name, value)| format!("{name}={}", urlencoding::encode(value)));
        format!("{}/authorize?{}", idp::PATH, query.join("&"))
    }

    async fn redeem(&self, code: &str) -> Result<Option<Identified>, IdentificationError> {
        Ok(self.0.redeem(code).await.map(|identity| Identified {
            fiscal_code: identity.fiscal_code,
            method: match identity.method {
                IdpMethod::Spid => Method::Spid,
                IdpMethod::Cie => Method::Cie,
            },
            at: identity.at,
            reference: code.to_owned(),
        }))
    }
}
