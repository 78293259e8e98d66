//! One peer of a crowd: connection, socket, microphone and camera.

use super::ears::{Ears, Inbox, take};
use super::net::{Batch, open};
use super::{CrowdError, Part, Tally};
use crate::media::{Dress, OPUS, Place, VP8, codec, engine, payload};
use crate::stamp::Stamp;
use bytes::{Bytes, BytesMut};
use rtc::interceptor::{Registry, Slot as Stage};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use signaling::protocol::Session;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Instant;
use tokio::sync::watch;

/// One Opus frame of 20 ms.
const VOICE_EVERY_US: u64 = 20_000;
const OPUS_TICKS: u32 = 960;
/// 125 packets a second: 25 pictures of five packets.
const VIDEO_EVERY_US: u64 = 8_000;
const PACKETS_PER_PICTURE: u32 = 5;
const VP8_TICKS: u32 = 3_600;
/// Without a request, a key frame comes this often (in pictures).
const KEYFRAME_EVERY: u32 = 250;
/// Steps between the phases of peers that were made one after the other: a prime, so that their
/// packets spread over the whole beat.
const PHASE_US: u64 = 1_009;

const MICROPHONE: u32 = 1_001;
const CAMERA: u32 = 1_002;
const SCREEN: u32 = 1_003;

pub(super) struct Peer {
    pc: RTCPeerConnection,
    socket: UdpSocket,
    local: SocketAddr,
    /// Where the last datagram was sent: servers have one address for a peer.
    remote: Option<SocketAddr>,
    inbox: Inbox,
    place: watch::Receiver<Place>,
    connected: watch::Sender<bool>,
    sends: bool,
    /// Next due moments, µs since 1970.
    voice_at_us: u64,
    video_at_us: u64,
    voices: u32,
    videos: u32,
    pictures: u32,
    key: bool,
    keyframe_wanted: bool,
}

impl Peer {
    pub(super) fn offering(
        from: IpAddr,
        part: Part,
        place: watch::Receiver<Place>,
        now: Instant,
    ) -> Result<(Self, String), CrowdError> {
        let mut peer = Self::new(from, place, true, now)?;
        let mut tracks = vec![("microphone", MICROPHONE), ("camera", CAMERA)];
        if matches!(part, Part::Member(_)) {
            tracks.push(("screen", SCREEN));
        }
        for (name, ssrc) in tracks {
            let kind = if ssrc == MICROPHONE { RtpCodecKind::Audio } else { RtpCodecKind::Video };
            let sendonly = direction(RTCRtpTransceiverDirection::Sendonly);
            peer.pc.add_transceiver_from_track(track(name, kind, ssrc), sendonly)?;
        }
        if let Part::Member(slots) = part {
            let times = |kind, count| std::iter::repeat_n(kind, usize::from(count));
            let kinds = times(RtpCodecKind::Audio, slots.audio);
            for kind in kinds.chain(times(RtpCodecKind::Video, slots.video)) {
                let recvonly = direction(RTCRtpTransceiverDirection::Recvonly);
                peer.pc.add_transceiver_from_kind(kind, recvonly)?;
            }
        }
        let offer = peer.pc.create_offer(None)?;
        peer.pc.set_local_description(now, offer)?;
        let sdp = peer.sdp()?;
        Ok((peer, sdp))
    }

    pub(super) fn answering(
        from: IpAddr,
        offer: String,
        place: watch::Receiver<Place>,
        now: Instant,
    ) -> Result<(Self, String), CrowdError> {
        let mut peer = Self::new(from, place, false, now)?;
        peer.pc.set_remote_description(now, RTCSessionDescription::offer(offer)?)?;
        let answer = peer.pc.create_answer(None)?;
        peer.pc.set_local_description(now, answer)?;
        let sdp = peer.sdp()?;
        peer.flush();
        Ok((peer, sdp))
    }

    fn new(
        from: IpAddr,
        place: watch::Receiver<Place>,
        sends: bool,
        now: Instant,
    ) -> Result<Self, CrowdError> {
        let socket = open(from)?;
        let local = socket.local_addr()?;
        let inbox = Inbox::default();
        let ears = Ears::new(inbox.clone());
        let mut pc = RTCPeerConnectionBuilder::new()
            .with_media_engine(engine()?)
            .with_interceptor_registry(Registry::new().with(Stage::from(Ears::STAGE), ears))
            .build(now)?;
        let base_config = CandidateConfig {
            network: "udp".to_owned(),
            address: local.ip().to_string(),
            port: local.port(),
            component: 1,
            ..Default::default()
        };
        let host =
            CandidateHostConfig { base_config, ..Default::default() }.new_candidate_host()?;
        pc.add_local_candidate(RTCIceCandidate::from(&host).to_json()?)?;
        let (connected, _) = watch::channel(false);
        Ok(Self {
            pc,
            socket,
            local,
            remote: None,
            inbox,
            place,
            connected,
            sends,
            voice_at_us: 0,
            video_at_us: 0,
            voices: 0,
            videos: 0,
            pictures: 0,
            key: true,
            keyframe_wanted: false,
        })
    }

    fn sdp(&self) -> Result<String, CrowdError> {
        let description = self.pc.local_description();
        description.map(|description| description.sdp).ok_or(CrowdError::Gone)
    }

    pub(super) fn connected(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
    }

    pub(super) fn accept(&mut self, answer: String, now: Instant) -> Result<(), CrowdError> {
        self.pc.set_remote_description(now, RTCSessionDescription::answer(answer)?)?;
        self.flush();
        Ok(())
    }

    /// Sends what is due.
    pub(super) fn send(&mut self, us: u64, now: Instant, tally: &mut Tally) {
        if !self.sends || !*self.connected.borrow() {
            return;
        }
        if self.voice_at_us == 0 {
            let phase = u64::from(self.local.port()) * PHASE_US;
            self.voice_at_us = us + phase % VOICE_EVERY_US;
            self.video_at_us = us + phase % VIDEO_EVERY_US;
        }
        let mut wrote = false;
        while self.voice_at_us <= us {
            self.voice_at_us += VOICE_EVERY_US;
            wrote |= self.voice(now, tally);
        }
        while self.video_at_us <= us {
            self.video_at_us += VIDEO_EVERY_US;
            wrote |= self.video(now, tally);
        }
        if wrote {
            self.flush();
        }
    }

    fn voice(&mut self, now: Instant, tally: &mut Tally) -> bool {
        let Some(stamp) = self.stamp() else { return false };
        let header = Header {
            version: 2,
            payload_type: OPUS,
            sequence_number: self.voices as u16,
            timestamp: self.voices.wrapping_mul(OPUS_TICKS),
            ssrc: MICROPHONE,
            ..Default::default()
        };
        self.voices = self.voices.wrapping_add(1);
        self.write(header, payload(Dress::Voice, &stamp), now, tally)
    }

    fn video(&mut self, now: Instant, tally: &mut Tally) -> bool {
        let Some(stamp) = self.stamp() else { return false };
        let place = self.videos % PACKETS_PER_PICTURE;
        if place == 0 {
            self.key = self.pictures.is_multiple_of(KEYFRAME_EVERY)
                || std::mem::take(&mut self.keyframe_wanted);
        }
        let header = Header {
            version: 2,
            marker: place == PACKETS_PER_PICTURE - 1,
            payload_type: VP8,
            sequence_number: self.videos as u16,
            timestamp: self.pictures.wrapping_mul(VP8_TICKS),
            ssrc: CAMERA,
            ..Default::default()
        };
        let dress = Dress::Picture { number: self.pictures, first: place == 0, key: self.key };
        self.videos = self.videos.wrapping_add(1);
        if place == PACKETS_PER_PICTURE - 1 {
            self.pictures = self.pictures.wrapping_add(1);
        }
        self.write(header, payload(dress, &stamp), now, tally)
    }

    /// Nothing is sent in the lobby.
    fn stamp(&self) -> Option<Stamp> {
        let Place { room, by, session, epoch, on, canary } = *self.place.borrow();
        let sent_us = crate::clock::now_us();
        let talks = session != Session::Lobby && on;
        talks.then_some(Stamp { room, by, session, epoch, sent_us, canary })
    }

    fn write(&mut self, header: Header, payload: Vec<u8>, now: Instant, tally: &mut Tally) -> bool {
        let packet = Packet { header, payload: Bytes::from(payload) };
        let message = RTCMessage::RtpPacket(String::new(), packet);
        let written = self.pc.handle_write(TaggedRTCMessage { now, message }).is_ok();
        tally.sent += u64::from(written);
        written
    }

    /// Reads the socket empty.
    pub(super) fn receive(&mut self, now: Instant, batch: &mut Batch, tally: &mut Tally) {
        let room = self.place.borrow().room;
        loop {
            let more = batch.receive(&self.socket);
            for (data, at_us) in batch.datagrams() {
                let transport = TransportContext {
                    local_addr: self.local,
                    peer_addr: self.remote.unwrap_or(self.local),
                    ecn: None,
                    transport_protocol: TransportProtocol::UDP,
                };
                let message = BytesMut::from(data);
                // What does not decrypt is lost, and shows as loss.
                let _ = self.pc.handle_read(TaggedBytesMut { now, transport, message });
                let heard = take(&self.inbox);
                self.keyframe_wanted |= heard.keyframe;
                for payload in heard.payloads {
                    let Some(stamp) = Stamp::find(&payload) else {
                        tally.foreign += 1;
                        continue;
                    };
                    tally.heard += 1;
                    tally.leaked += u64::from(stamp.room != room);
                    if stamp.sent_us >= tally.began_us {
                        tally.heard_fresh += 1;
                        tally.took(at_us.saturating_sub(stamp.sent_us));
                    }
                }
            }
            if !more {
                break;
            }
        }
        self.events();
        self.flush();
    }

    /// Timers of handshakes and consent.
    pub(super) fn pass_time(&mut self, now: Instant) {
        if self.pc.poll_timeout().is_some_and(|at| at <= now) {
            // A timer that fails shows as a peer that is not connected.
            let _ = self.pc.handle_timeout(now);
            self.events();
            self.flush();
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.pc.poll_event() {
            if let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event {
                self.connected.send_replace(state == RTCPeerConnectionState::Connected);
            }
        }
    }

    fn flush(&mut self) {
        while let Some(datagram) = self.pc.poll_write() {
            let to = datagram.transport.peer_addr;
            self.remote = Some(to);
            // What the kernel does not take is lost, as on any network.
            let _ = self.socket.send_to(&datagram.message, to);
        }
    }
}

fn direction(direction: RTCRtpTransceiverDirection) -> Option<RTCRtpTransceiverInit> {
    Some(RTCRtpTransceiverInit { direction, ..Default::default() })
}

fn track(name: &str, kind: RtpCodecKind, ssrc: u32) -> MediaStreamTrack {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: codec(kind),
        ..Default::default()
    };
    let [stream, id, label] = [name; 3].map(str::to_owned);
    MediaStreamTrack::new(stream, id, label, kind, vec![encoding])
}
