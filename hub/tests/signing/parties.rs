//! Outside parties that can be stopped, fall silent or lose their answers.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use accordo_demo::qtsp::DemoSms;
use async_trait::async_trait;
use portal::meetings::MeetingId;
use portal::signatures::ports::{Live, LiveTopic};
use signing::Digest;
use signing::ports::{
    Authorisation, Credential, Grant, GrantRequest, IssueRequest, Qtsp, QtspError, Tsa, TsaError,
};
use tokio::sync::Notify;

/// How outside parties behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    Good,
    /// The trust service signs, and its answer gets lost.
    AnswerLost,
    /// The trust service never answers.
    Hangs,
    /// Nobody gives time stamps.
    NoTime,
}

/// Where a signature can be stopped: before and after everything that an outside party does for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Point {
    IssueAsked,
    Issued,
    CodeAsked,
    CodeSent,
    HashSent,
    HashSigned,
    TimeAsked,
    TimeGot,
}

/// Stops who comes to one point until it is let go.
#[derive(Default)]
pub struct Turnstile {
    closed: Mutex<Option<Point>>,
    reached: Notify,
    go: Notify,
    lost: AtomicBool,
}

impl Turnstile {
    /// Closes it for the next one who comes to this point.
    pub fn close(&self, point: Point) {
        *self.closed.lock().unwrap() = Some(point);
    }

    /// Somebody stands there.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Goes on, or finds that the line broke.
    pub fn open(&self, lost: bool) {
        self.lost.store(lost, Ordering::SeqCst);
        self.go.notify_one();
    }

    async fn pass(&self, point: Point) -> Result<(), QtspError> {
        if self.closed.lock().unwrap().take_if(|closed| *closed == point).is_none() {
            return Ok(());
        }
        self.reached.notify_one();
        self.go.notified().await;
        match self.lost.load(Ordering::SeqCst) {
            true => Err(QtspError::Unreachable("the line broke".to_owned())),
            false => Ok(()),
        }
    }
}

/// Parties with a mood between them and the portal.
pub struct Moody {
    pub qtsp: Arc<dyn Qtsp>,
    pub tsa: Arc<dyn Tsa>,
    pub mood: Arc<AtomicU8>,
    pub turnstile: Arc<Turnstile>,
}

impl Moody {
    fn is(&self, mood: Mood) -> bool {
        self.mood.load(Ordering::SeqCst) == mood as u8
    }

    /// A signature on its way back.
    async fn given(&self, signature: Vec<u8>) -> Result<Vec<u8>, QtspError> {
        self.turnstile.pass(Point::HashSigned).await?;
        if self.is(Mood::AnswerLost) {
            return Err(QtspError::Unreachable("timed out".to_owned()));
        }
        Ok(signature)
    }
}

#[async_trait]
impl Qtsp for Moody {
    async fn issue(&self, request: &IssueRequest) -> Result<Credential, QtspError> {
        self.turnstile.pass(Point::IssueAsked).await?;
        let credential = self.qtsp.issue(request).await?;
        self.turnstile.pass(Point::Issued).await?;
        Ok(credential)
    }

    async fn send_otp(&self, credential: &str) -> Result<Option<String>, QtspError> {
        self.turnstile.pass(Point::CodeAsked).await?;
        self.qtsp.send_otp(credential).await?;
        self.turnstile.pass(Point::CodeSent).await?;
        Ok(Some(format!("code for {credential}")))
    }

    async fn sign_hash(
        &self,
        id: &str,
        otp: &str,
        reference: Option<&str>,
        hash: &Digest,
    ) -> Result<Vec<u8>, QtspError> {
        if reference != Some(&format!("code for {id}")) {
            return Err(QtspError::WrongOtp);
        }
        if self.is(Mood::Hangs) {
            std::future::pending::<()>().await;
        }
        self.turnstile.pass(Point::HashSent).await?;
        self.given(self.qtsp.sign_hash(id, otp, None, hash).await?).await
    }

    fn authorisation(&self) -> Authorisation {
        self.qtsp.authorisation()
    }

    fn authorise_at(&self, request: &GrantRequest<'_>) -> Result<String, QtspError> {
        self.qtsp.authorise_at(request)
    }

    async fn sign_granted(
        &self,
        id: &str,
        grant: &Grant,
        hash: &Digest,
    ) -> Result<Vec<u8>, QtspError> {
        self.turnstile.pass(Point::HashSent).await?;
        self.given(self.qtsp.sign_granted(id, grant, hash).await?).await
    }
}

#[async_trait]
impl Tsa for Moody {
    async fn timestamp(&self, hash: &Digest) -> Result<Vec<u8>, TsaError> {
        if self.is(Mood::NoTime) {
            return Err(TsaError::Unreachable("timed out".to_owned()));
        }
        let lost = |error: QtspError| TsaError::Unreachable(error.to_string());
        self.turnstile.pass(Point::TimeAsked).await.map_err(lost)?;
        let token = self.tsa.timestamp(hash).await?;
        self.turnstile.pass(Point::TimeGot).await.map_err(lost)?;
        Ok(token)
    }
}

/// Messages of the trust service: number and text, newest last.
#[derive(Clone, Default)]
pub struct Sms(pub Arc<Mutex<Vec<(String, String)>>>);

#[async_trait]
impl DemoSms for Sms {
    async fn send(&self, to: &str, text: &str, _: &str) -> Result<(), String> {
        self.0.lock().unwrap().push((to.to_owned(), text.to_owned()));
        Ok(())
    }
}

pub struct Silent;

impl Live for Silent {
    fn changed(&self, _: MeetingId, _: LiveTopic) {}

    fn called_off(&self) {}
}
