//! The handshake that agrees on media keys: DTLS 1.2 as its server, driven by `rtc-dtls`.

use super::srtp::{self, Opener, Profile, Sealer};
use super::wire::hello::ClientHello;
use bytes::BytesMut;
use rtc::crypto::{HashAlgorithm, RTCCryptoProvider, default_provider};
use rtc::dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::TransportProtocol;
use rtc::shared::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A flight that nobody answered is sent again after this.
const FLIGHT_INTERVAL: Duration = Duration::from_millis(300);
/// Datagrams kept while a hello is not whole: it comes in two or three, and maybe again.
const MOST_HELD: usize = 8;
const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";
/// `rtc-dtls` tells associations apart by address. Ours has one for each endpoint, whatever address
/// the client has at the moment.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// The certificate of this media edge, made anew at every start.
pub(super) struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    fingerprint: String,
}

impl Identity {
    pub(super) fn generate() -> Result<Self, Error> {
        let provider = default_provider().map_err(|e| Error::Crypto(e.to_string()))?;
        let certificate =
            Certificate::generate_self_signed(vec!["accordo".to_owned()], provider.crypto())?;
        let fingerprint = fingerprint(provider.as_ref(), &certificate.certificate[0])?;
        Ok(Self { provider, certificate, fingerprint })
    }

    /// As in `a=fingerprint`.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn provider(&self) -> &dyn RTCCryptoProvider {
        self.provider.as_ref()
    }
}

/// SHA-256 of a certificate, in the canonical form that [`super::offer::Offer`] keeps too.
fn fingerprint(provider: &dyn RTCCryptoProvider, der: &[u8]) -> Result<String, Error> {
    let digest = provider
        .crypto()
        .hash(HashAlgorithm::Sha256, der)
        .map_err(|e| Error::Crypto(e.to_string()))?;
    let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(format!("sha-256 {}", bytes.join(":")))
}

const AEAD: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
const COUNTER: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;

/// How to shake hands with the client whose certificate has this fingerprint.
fn config(
    identity: &Identity,
    expected: &str,
    profiles: &[SrtpProtectionProfile],
) -> Result<Arc<HandshakeConfig>, Error> {
    let (provider, expected) = (Arc::clone(&identity.provider), expected.to_owned());
    let verify = move |certificates: &[Vec<u8>], _: &[_]| {
        let presented = certificates.first().ok_or(Error::ErrNonCertificate)?;
        (fingerprint(provider.as_ref(), presented)? == expected)
            .then_some(())
            .ok_or(Error::ErrNoMatchingCertificateFingerprint)
    };
    let config = ConfigBuilder::default()
        .with_crypto_provider(Arc::clone(&identity.provider))
        .with_certificates(vec![identity.certificate.clone()])
        .with_srtp_protection_profiles(profiles.to_vec())
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        // No authority vouches for a browser: the fingerprint in its offer does.
        .with_insecure_skip_verify(true)
        .with_verify_peer_certificate(Some(Arc::new(verify)))
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .with_flight_interval(FLIGHT_INTERVAL)
        .build(false, None)?;
    Ok(Arc::new(config))
}

/// What a record brought about.
pub(super) enum Progress {
    /// Nothing to note.
    Nothing,
    /// Keys are agreed, with the certificate that the offer named.
    Keys(Box<(Sealer, Opener)>),
    /// The client is gone.
    Closed,
}

/// One association.
pub(super) struct Dtls {
    endpoint: Endpoint,
    provider: Arc<dyn RTCCryptoProvider>,
    /// Until the client's hello is whole.
    opening: Option<Opening>,
}

/// What came of a client whose hello is not whole yet: the hello decides how to answer.
struct Opening {
    hello: ClientHello,
    held: Vec<BytesMut>,
    /// How to answer one who offers the faster cipher.
    aead: Arc<HandshakeConfig>,
}

impl Dtls {
    /// Waits for the client whose certificate has this fingerprint.
    pub(super) fn new(identity: &Identity, expected: &str) -> Result<Self, Error> {
        let any = config(identity, expected, &[AEAD, COUNTER])?;
        let aead = config(identity, expected, &[AEAD])?;
        let endpoint = Endpoint::new(PEER, TransportProtocol::UDP, Some(any));
        let opening = Some(Opening { hello: ClientHello::default(), held: Vec::new(), aead });
        Ok(Self { endpoint, provider: Arc::clone(&identity.provider), opening })
    }

    /// A datagram of the client.
    pub(super) fn read(&mut self, data: &[u8], now: Instant) -> Result<Progress, Error> {
        let Some(mut opening) = self.opening.take() else { return self.shake(data, now) };
        opening.hello.add(data);
        opening.held.push(BytesMut::from(data));
        match opening.hello.offers_aead() {
            None if opening.held.len() < MOST_HELD => {
                self.opening = Some(opening);
                return Ok(Progress::Nothing);
            }
            // `rtc-dtls` takes the client's favourite, which in browsers is the slower one.
            Some(true) => self.endpoint.set_server_config(Some(opening.aead)),
            _ => {}
        }
        let mut progress = Progress::Nothing;
        for datagram in opening.held {
            progress = self.shake(&datagram, now)?;
        }
        Ok(progress)
    }

    fn shake(&mut self, data: &[u8], now: Instant) -> Result<Progress, Error> {
        let mut progress = Progress::Nothing;
        for event in self.endpoint.read(now, PEER, None, BytesMut::from(data))? {
            match event {
                EndpointEvent::HandshakeComplete => {
                    progress = Progress::Keys(Box::new(self.keys()?));
                }
                EndpointEvent::PeerClosed => progress = Progress::Closed,
                // Nothing but keys is wanted of this association.
                _ => {}
            }
        }
        Ok(progress)
    }

    fn keys(&self) -> Result<(Sealer, Opener), Error> {
        let state = self.endpoint.get_connection_state(PEER).ok_or(Error::HandshakeInProgress)?;
        let profile = match state.srtp_protection_profile() {
            AEAD => Profile::AeadAes128Gcm,
            COUNTER => Profile::Aes128CmHmacSha1_80,
            _ => return Err(Error::ErrNoSuchSrtpProfile),
        };
        let material =
            state.export_keying_material(EXPORTER_LABEL, &[], profile.material_bytes())?;
        srtp::keyed(self.provider.crypto(), profile, material.as_ref())
            .ok_or(Error::ErrNoSuchSrtpProfile)
    }

    /// The next datagram for the client.
    pub(super) fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.endpoint.poll_transmit().map(|transmit| transmit.message)
    }

    /// When [`Self::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout(&PEER)
    }

    /// Sends again what was lost.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.endpoint.handle_timeout(PEER, now)
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, now: Instant) {
        // It fails only for an association that never was.
        let _ = self.endpoint.close(now);
    }
}
