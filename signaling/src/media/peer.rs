//! A participant's media connection: what it sends, what its slots show, and its SDP answers.

use super::MediaError;
use super::keyframes::{Gate, Keyframes};
use super::offer::{Offer, ufrag};
use super::slot::{Input, Kind, Layer, Slot};
use crate::protocol::{Epoch, ParticipantId, RoomId, Session};
use rand::Rng;
use rtc::interceptor::{NackGeneratorBuilder, NackResponderBuilder, Registry, Slot as Stage};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_rtcp_reports, configure_simulcast_extension_headers, configure_twcc_receiver_only,
};
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine,
};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, RTCDtlsRole, RTCIceCandidate,
};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::*;
use rtc::rtp_transceiver::{
    RTCRtpReceiverId, RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit,
};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Packets that every video slot keeps for resending: one second at the densest.
const RESEND_PACKETS: u16 = 256;
/// Missing packets further back than this are not asked for any more: the picture went on.
const ASK_BACK_PACKETS: u16 = 128;
/// Requests for one missing packet. Without an end to it a hole that cannot be filled eats the
/// sender's bandwidth for as long as it is in sight.
const ASK_TIMES: u16 = 4;
/// Packets that SRTP accepts out of order. More than are asked for: a packet that is sent again
/// is late by nature, and without RTX it comes as itself.
const REPLAY_WINDOW_PACKETS: usize = 512;
/// A layer without a packet for this long is not shown (its sender ran out of bandwidth).
const LAYER_STALE: Duration = Duration::from_millis(500);

/// Where a participant is, by the newest routes. Only two peers with the same place hear each
/// other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) epoch: Epoch,
    pub(super) session: Session,
}

/// Which way datagrams go: one of our addresses, and the client's as we see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Path {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

/// One incoming stream.
pub(super) struct Stream {
    pub(super) input: Input,
    pub(super) layer: Layer,
    pub(super) last_packet: Instant,
    pub(super) gate: Gate,
}

/// One slot of one viewer that shows an input of this peer.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) viewer: u64,
    pub(super) slot: usize,
}

pub(super) struct Peer {
    pub(super) room: RoomId,
    pub(super) participant: ParticipantId,
    pub(super) pc: RTCPeerConnection,
    /// Our ICE user fragment, by which a datagram from a new address finds this peer.
    pub(super) ufrag: String,
    pub(super) fingerprint: String,
    /// Keys are agreed: media can flow. Stays true while ICE restarts.
    pub(super) ready: bool,
    pub(super) failed: bool,
    pub(super) dirty: bool,
    pub(super) last_datagram: Instant,
    /// Addresses that proved to be this peer's, oldest first.
    pub(super) addresses: Vec<SocketAddr>,
    /// The path that the client nominated last. `rtc` keeps to the first one; but a client whose
    /// NAT forgot it is the same client on the same connection, at another address.
    pub(super) path: Option<Path>,
    /// A check that nominates is being answered.
    pub(super) nominating: Option<Path>,
    pub(super) place: Option<Place>,
    /// Incoming SSRC → what it carries. Filled when `rtc` reports a track.
    pub(super) streams: HashMap<u32, Stream>,
    /// Audio slots, then video slots.
    pub(super) slots: Vec<Slot>,
    pub(super) audio_slots: usize,
    /// The inverse of `Slot::source`: who shows each input of this peer.
    pub(super) targets: [Vec<Target>; 3],
    /// Connected peers of the room that are in another session.
    pub(super) strangers: u64,
    receivers: [RTCRtpReceiverId; 3],
}

impl Peer {
    /// Builds the peer and its first answer. Takes about a millisecond (a key is made), so it is
    /// not done on the thread that forwards.
    pub(super) fn answer(
        room: RoomId,
        participant: ParticipantId,
        offer: Offer,
        candidates: &[SocketAddr],
        rng: &mut impl Rng,
        now: Instant,
    ) -> Result<(Self, String), MediaError> {
        let mut pc = connection(now)?;
        // One sendonly transceiver per receive slot, made before the offer is applied: `rtc` pairs
        // them in order, so slot i is the i-th recvonly m-line.
        let mut slots = vec![];
        let mut senders = vec![];
        for &kind in &offer.slots {
            let slot = Slot::new(kind, rng);
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Sendonly,
                ..Default::default()
            };
            senders.push(pc.add_transceiver_from_track(track(slots.len(), &slot), Some(init))?);
            slots.push(slot);
        }
        for &candidate in candidates {
            pc.add_local_candidate(host_candidate(candidate)?)?;
        }
        let sdp = apply(&mut pc, &offer, now)?;
        for (slot, sender) in slots.iter_mut().zip(senders) {
            let mut sender = pc
                .rtp_sender(RTCRtpSenderId::from(sender))
                .ok_or(MediaError::BadOffer("a slot was not accepted"))?;
            let codecs = &sender.get_parameters().rtp_parameters.codecs;
            slot.payload_type = codecs
                .first()
                .ok_or(MediaError::BadOffer("a slot without Opus or VP8"))?
                .payload_type;
        }
        let receivers = receivers(&mut pc, &offer)?;
        let peer = Self {
            room,
            participant,
            pc,
            ufrag: ufrag(&sdp).ok_or(MediaError::BadOffer("no ICE credentials"))?.to_owned(),
            fingerprint: offer.fingerprint,
            ready: false,
            failed: false,
            dirty: false,
            last_datagram: now,
            addresses: vec![],
            path: None,
            nominating: None,
            place: None,
            streams: HashMap::new(),
            audio_slots: slots.iter().filter(|s| s.kind == Kind::Audio).count(),
            slots,
            targets: Default::default(),
            strangers: 0,
            receivers,
        };
        Ok((peer, sdp))
    }

    /// Answers a further offer of the same connection: an ICE restart. Media keys, slots and
    /// streams stay.
    pub(super) fn answer_again(
        &mut self,
        offer: &Offer,
        now: Instant,
    ) -> Result<String, MediaError> {
        if offer.slots.len() != self.slots.len() {
            return Err(MediaError::BadOffer("an ICE restart keeps the m-lines"));
        }
        let sdp = apply(&mut self.pc, offer, now)?;
        ufrag(&sdp).ok_or(MediaError::BadOffer("no ICE credentials"))?.clone_into(&mut self.ufrag);
        self.last_datagram = now;
        Ok(sdp)
    }

    /// A track was reported by `rtc`.
    pub(super) fn open(
        &mut self,
        receiver: RTCRtpReceiverId,
        ssrc: u32,
        rid: Option<&str>,
        now: Instant,
    ) {
        let position = self.receivers.iter().position(|&known| known == receiver);
        let Some(&input) = position.and_then(|i| Input::ALL.get(i)) else { return };
        let layer = if rid == Some("h") { Layer::High } else { Layer::Low };
        // A sender that starts a layer anew does so under a new SSRC.
        self.streams.retain(|_, s| (s.input, s.layer) != (input, layer));
        self.streams.insert(ssrc, Stream { input, layer, last_packet: now, gate: Gate::default() });
    }

    /// The layer to show of an input: the best one that is being sent.
    pub(super) fn best_layer(&self, input: Input, now: Instant) -> Layer {
        self.streams
            .values()
            .filter(|s| s.input == input)
            .filter(|s| now.saturating_duration_since(s.last_packet) < LAYER_STALE)
            .map(|s| s.layer)
            .max()
            .unwrap_or(Layer::Low)
    }
}

/// An ICE-lite, DTLS-passive connection for Opus and VP8.
fn connection(now: Instant) -> Result<RTCPeerConnection, MediaError> {
    let mut media = MediaEngine::default();
    // No RTX codec: `rtc` 0.21.1 drops the repair streams of simulcast layers. Without RTX a NACK
    // is answered on the media SSRC itself, in both directions.
    media.register_codec(codec(Kind::Audio), RtpCodecKind::Audio)?;
    media.register_codec(codec(Kind::Video), RtpCodecKind::Video)?;
    let nack = NackGeneratorBuilder::new()
        .with_size(ASK_BACK_PACKETS)
        .with_max_nacks_per_packet(ASK_TIMES)
        .build();
    let registry = Registry::new()
        .with(Stage::NackResponder, NackResponderBuilder::new().with_size(RESEND_PACKETS).build())
        .with(Stage::NackGenerator, nack);
    configure_simulcast_extension_headers(&mut media)?;
    let registry = configure_rtcp_reports(configure_twcc_receiver_only(registry, &mut media)?)
        .with(Stage::from(Keyframes::STAGE), Keyframes::default());
    let settings = SettingEngineBuilder::new()
        .with_lite(true)
        .with_answering_dtls_role(RTCDtlsRole::Server)
        .with_srtp_replay_protection_window(REPLAY_WINDOW_PACKETS)
        // Whether a client lives is told by what comes from it, whatever its address (`worker`).
        .with_ice_timeouts(Some(Duration::ZERO), Some(Duration::ZERO), None)
        .build();
    Ok(RTCPeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings)
        .build(now)?)
}

/// Applies an offer and returns the answer.
fn apply(pc: &mut RTCPeerConnection, offer: &Offer, now: Instant) -> Result<String, MediaError> {
    pc.set_remote_description(now, RTCSessionDescription::offer(offer.sdp.clone())?)?;
    let answer = pc.create_answer(None)?;
    pc.set_local_description(now, answer)?;
    Ok(pc.local_description().ok_or(MediaError::BadOffer("it has no answer"))?.sdp)
}

/// The receivers of microphone, camera and screen, found by the `mid` of their m-lines.
fn receivers(
    pc: &mut RTCPeerConnection,
    offer: &Offer,
) -> Result<[RTCRtpReceiverId; 3], MediaError> {
    let mut found = [None; 3];
    let ids: Vec<_> = pc.get_transceivers().collect();
    for id in ids {
        let Some(transceiver) = pc.rtp_transceiver(id) else { continue };
        let mid = transceiver.mid().as_deref();
        if let Some(i) = offer.mids.iter().position(|m| Some(m.as_str()) == mid) {
            found[i] = transceiver.receiver();
        }
    }
    match found {
        [Some(microphone), Some(camera), Some(screen)] => Ok([microphone, camera, screen]),
        _ => Err(MediaError::BadOffer("an m-line to send on was not accepted")),
    }
}

fn host_candidate(
    address: SocketAddr,
) -> Result<rtc::peer_connection::transport::RTCIceCandidateInit, MediaError> {
    let base_config = CandidateConfig {
        network: "udp".to_owned(),
        address: address.ip().to_string(),
        port: address.port(),
        component: 1,
        ..Default::default()
    };
    let host = CandidateHostConfig { base_config, ..Default::default() }.new_candidate_host()?;
    Ok(RTCIceCandidate::from(&host).to_json()?)
}

fn codec(kind: Kind) -> RTCRtpCodecParameters {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.to_owned(),
        parameter: parameter.to_owned(),
    };
    let (mime_type, clock_rate, channels, fmtp, payload_type) = match kind {
        Kind::Audio => (MIME_TYPE_OPUS, 48_000, 2, "minptime=10;useinbandfec=1", 111),
        Kind::Video => (MIME_TYPE_VP8, 90_000, 0, "", 96),
    };
    let rtcp_feedback = match kind {
        Kind::Audio => vec![],
        Kind::Video => vec![feedback("nack", ""), feedback("nack", "pli"), feedback("ccm", "fir")],
    };
    let rtp_codec = RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback,
    };
    RTCRtpCodecParameters { rtp_codec, payload_type }
}

fn track(index: usize, slot: &Slot) -> MediaStreamTrack {
    let kind = match slot.kind {
        Kind::Audio => RtpCodecKind::Audio,
        Kind::Video => RtpCodecKind::Video,
    };
    let name = format!("slot{index}");
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(slot.ssrc),
            ..Default::default()
        },
        codec: codec(slot.kind).rtp_codec,
        ..Default::default()
    };
    MediaStreamTrack::new(name.clone(), name.clone(), name, kind, vec![encoding])
}
