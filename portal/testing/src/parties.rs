//! Outside parties that never answer, for tests that need none.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use signing::Digest;
use signing::ports::{
    Credential, EvidenceForm, IssueRequest, MinutesForm, Qtsp, QtspError, Sheet, StatusError,
    StatusSource, Tsa, TsaError, Typeset, TypesetError, Typesetter, Wanted,
};
use signing::preservation::Renewal;
use signing::verify::TrustAnchors;

use portal::meetings::MeetingId;
use portal::signatures::ports::{Live, LiveTopic, PREVIEWS, SigningPorts};
use portal::trust_lists::Trust;
use tokio::sync::Semaphore;

/// Ports behind which nobody is: whatever is asked fails.
pub fn nobody() -> SigningPorts {
    SigningPorts {
        qtsp: Arc::new(Nobody),
        tsa: Arc::new(Nobody),
        status: Arc::new(Nobody),
        renewal: Renewal::default(),
        typesetter: Arc::new(Nobody),
        identification: None,
        live: Arc::new(Nobody),
        trust: Arc::new(Trust::new(TrustAnchors::none())),
        lists: None,
        previews: Arc::new(Semaphore::new(PREVIEWS)),
    }
}

struct Nobody;

const SILENT: &str = "nobody answers in this test";

#[async_trait]
impl Qtsp for Nobody {
    async fn issue(&self, _: &IssueRequest) -> Result<Credential, QtspError> {
        Err(QtspError::Unreachable(SILENT.to_owned()))
    }

    async fn send_otp(&self, _: &str) -> Result<Option<String>, QtspError> {
        Err(QtspError::Unreachable(SILENT.to_owned()))
    }

    async fn sign_hash(
        &self,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: &Digest,
    ) -> Result<Vec<u8>, QtspError> {
        Err(QtspError::Unreachable(SILENT.to_owned()))
    }
}

#[async_trait]
impl Tsa for Nobody {
    async fn timestamp(&self, _: &Digest) -> Result<Vec<u8>, TsaError> {
        Err(TsaError::Unreachable(SILENT.to_owned()))
    }
}

#[async_trait]
impl StatusSource for Nobody {
    async fn fetch(&self, _: &Wanted, _: DateTime<Utc>) -> Result<Vec<u8>, StatusError> {
        Err(StatusError::Unreachable(SILENT.to_owned()))
    }
}

impl Typesetter for Nobody {
    fn minutes(&self, form: &MinutesForm) -> Result<Typeset, TypesetError> {
        Err(TypesetError::NoTemplate(form.template.clone()))
    }

    fn evidence(&self, _: &EvidenceForm) -> Result<Vec<u8>, TypesetError> {
        Err(TypesetError::NoTemplate("evidence".to_owned()))
    }

    fn unprintable(&self, _: &str) -> Option<char> {
        None
    }

    fn appearance(&self, _: &[String], _: f32, _: f32) -> Result<Vec<u8>, TypesetError> {
        Err(TypesetError::NoTemplate("appearance".to_owned()))
    }

    fn sheet(&self, _: &Sheet) -> Result<Vec<u8>, TypesetError> {
        Err(TypesetError::NoTemplate("sheet".to_owned()))
    }
}

impl Live for Nobody {
    fn changed(&self, _: MeetingId, _: LiveTopic) {}

    fn called_off(&self) {}
}
