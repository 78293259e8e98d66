//! The adapter behind [`StatusSource`]: HTTP, bounded in time and size, to public addresses alone.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::{
    StatusCode,
    header::{ETAG, IF_NONE_MATCH},
};

use super::{addresses::Reach, cache::Cache};
use crate::{
    http,
    ports::{ListSource, NewerList, StatusError, StatusSource, Wanted},
};

/// Limit for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A response with its certificates takes a few kilobytes.
const OCSP_LIMIT: usize = 64 << 10;
/// The largest lists in use; they go into the document.
const CRL_LIMIT: usize = 10 << 20;

/// The largest trusted lists in use take about three megabytes, over a slow line a minute.
const TRUST_LIST_LIMIT: usize = 8 << 20;
const TRUST_LIST_TIMEOUT: Duration = Duration::from_secs(60);
/// Tags are digests or times.
const TAG_LIMIT: usize = 200;

/// Asks responders and fetches lists.
pub struct HttpStatus {
    http: reqwest::Client,
    reach: Reach,
    cache: Mutex<Cache>,
}

impl HttpStatus {
    /// A source that asks public addresses, and this machine only where `loopback` says so: for
    /// demonstrations, whose outside parties are played there.
    ///
    /// # Errors
    /// [`StatusError::Unreachable`] when TLS cannot be set up.
    pub fn new(loopback: bool) -> Result<Self, StatusError> {
        let reach = Reach { loopback };
        let http = http::builder(TIMEOUT).dns_resolver(reach).build();
        let http = http.map_err(|error| StatusError::Unreachable(http::describe(error)))?;
        Ok(Self { http, reach, cache: Mutex::default() })
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Nothing panics halfway through a change of it.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StatusSource for HttpStatus {
    async fn fetch(&self, wanted: &Wanted, now: DateTime<Utc>) -> Result<Vec<u8>, StatusError> {
        if let Some(kept) = self.cache().get(wanted, now) {
            return Ok(kept);
        }
        let (request, limit) = match wanted {
            Wanted::Ocsp { url, request } => {
                let post = self.http.post(self.reach.url(url)?);
                let post = post.header("content-type", "application/ocsp-request");
                (post.body(request.clone()), OCSP_LIMIT)
            }
            Wanted::Crl { url } => (self.http.get(self.reach.url(url)?), CRL_LIMIT),
        };
        let response = answer(request).await?;
        let der = http::body(response, limit).await.map_err(StatusError::Unreachable)?;
        self.cache().keep(wanted.clone(), der.clone(), now);
        Ok(der)
    }
}

#[async_trait]
impl ListSource for HttpStatus {
    async fn newer(
        &self,
        location: &str,
        tag: Option<&str>,
    ) -> Result<Option<NewerList>, StatusError> {
        let mut request = self.http.get(self.reach.url(location)?).timeout(TRUST_LIST_TIMEOUT);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let response = answer(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED && tag.is_some() {
            return Ok(None);
        }
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.filter(|tag| tag.len() <= TAG_LIMIT).map(ToOwned::to_owned);
        let bytes = http::body(response, TRUST_LIST_LIMIT).await;
        Ok(Some(NewerList { bytes: bytes.map_err(StatusError::Unreachable)?, tag }))
    }
}

/// An answer that is worth reading.
async fn answer(request: reqwest::RequestBuilder) -> Result<reqwest::Response, StatusError> {
    let response = request.send().await;
    let response = response.map_err(|error| StatusError::Unreachable(http::describe(error)))?;
    match response.status() {
        status if status.is_success() || status == StatusCode::NOT_MODIFIED => Ok(response),
        status => Err(StatusError::Unreachable(format!("HTTP {}", status.as_u16()))),
    }
}
