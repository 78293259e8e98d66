//! A participant's media without a browser: one offer, a microphone and a camera that say who sends
//! and which mark the sender bears at that moment, and a count of what arrives.

use bytes::Bytes;
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine,
};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::*;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use signaling::media::Media;
use signaling::protocol::{ParticipantId, RoomId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState,
};

/// Receive slots of every peer, of each kind.
pub const SLOTS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);
/// Packets a second, of voice and of pictures.
const PACE: Duration = Duration::from_millis(20);

pub fn id(n: u8) -> ParticipantId {
    ParticipantId(Uuid::from_u128(u128::from(n) + 10))
}

/// What one packet said: whose it was, and the sender's mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    pub by: u8,
    pub mark: u8,
    pub video: bool,
}

pub struct Peer {
    /// Between it and the edge, if there is one.
    line: Option<SocketAddr>,
    room: RoomId,
    n: u8,
    pc: Arc<dyn PeerConnection>,
    state: watch::Receiver<RTCPeerConnectionState>,
    mark: Arc<AtomicU8>,
    heard: Arc<Mutex<BTreeMap<Said, u64>>>,
    talking: JoinHandle<()>,
}

impl Peer {
    /// Connects and begins to send at once.
    pub async fn connect(media: &Media, room: RoomId, n: u8) -> Self {
        Self::connect_over(media, room, n, None).await
    }

    /// The same, with a line between it and the edge.
    pub async fn connect_over(
        media: &Media,
        room: RoomId,
        n: u8,
        line: Option<SocketAddr>,
    ) -> Self {
        let heard = Arc::default();
        let (told, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered, mut complete) = watch::channel(false);
        let handler = Handler { told, gathered, heard: Arc::clone(&heard) };
        let pc = PeerConnectionBuilder::new()
            .with_media_engine(engine())
            .with_interceptor_registry(Registry::new())
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build()
            .await
            .unwrap();
        let voice = track(RtpCodecKind::Audio, u32::from(n) * 10 + 1);
        let face = track(RtpCodecKind::Video, u32::from(n) * 10 + 2);
        let screen = track(RtpCodecKind::Video, u32::from(n) * 10 + 3);
        for sent in [&voice, &face, &screen] {
            let sent = Arc::clone(sent) as Arc<dyn TrackLocal>;
            let init = direction(RTCRtpTransceiverDirection::Sendonly);
            pc.add_transceiver_from_track(sent, init).await.unwrap();
        }
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            for _ in 0..SLOTS {
                let init = direction(RTCRtpTransceiverDirection::Recvonly);
                pc.add_transceiver_from_kind(kind, init).await.unwrap();
            }
        }
        let offer = pc.create_offer(None).await.unwrap();
        pc.set_local_description(offer).await.unwrap();
        let gathering = complete.wait_for(|complete| *complete);
        tokio::time::timeout(PATIENCE, gathering).await.unwrap().unwrap();
        let mark = Arc::new(AtomicU8::new(0));
        let talking = tokio::spawn(talk(n, Arc::clone(&mark), voice, face));
        let mut peer = Self { line, room, n, pc: Arc::new(pc), state, mark, heard, talking };
        peer.negotiate(media).await;
        let connected = peer.state.wait_for(|s| *s == RTCPeerConnectionState::Connected);
        tokio::time::timeout(PATIENCE, connected).await.unwrap().unwrap();
        peer
    }

    async fn negotiate(&self, media: &Media) {
        let offer = self.pc.local_description().await.unwrap().sdp;
        let mut answer = media.connect(self.room, id(self.n), &offer).await.unwrap();
        if let Some(line) = self.line {
            answer = behind(&answer, line);
        }
        let answer = RTCSessionDescription::answer(answer).unwrap();
        self.pc.set_remote_description(answer).await.unwrap();
    }

    /// The network changed: the same connection over a new path.
    pub async fn restart(&self, media: &Media) {
        self.pc.restart_ice().await.unwrap();
        let offer = self.pc.create_offer(None).await.unwrap();
        self.pc.set_local_description(offer).await.unwrap();
        self.negotiate(media).await;
    }

    /// From now on every packet bears this mark.
    pub fn mark(&self, mark: u8) {
        self.mark.store(mark, Ordering::SeqCst);
    }

    /// Packets that came from `by` under this mark, of both kinds.
    pub fn heard(&self, by: u8, mark: u8) -> u64 {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(s, _)| (s.by, s.mark) == (by, mark)).map(|(_, count)| count).sum()
    }

    /// Waits until voice and picture of these come in under this mark.
    pub async fn hears(&self, all: &[u8], mark: u8) {
        let complete = || {
            let heard = self.heard.lock().unwrap();
            all.iter().all(|&by| {
                [false, true].into_iter().all(|video| heard.contains_key(&Said { by, mark, video }))
            })
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !complete() {
            let late = tokio::time::Instant::now() > deadline;
            assert!(!late, "{} did not hear {all:?}: {:?}", self.n, self.heard.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The address in an answer.
pub fn candidate(answer: &str) -> SocketAddr {
    let line = answer.lines().find(|line| line.starts_with("a=candidate:")).unwrap();
    let words: Vec<_> = line.split(' ').collect();
    format!("{}:{}", words[4], words[5]).parse().unwrap()
}

/// The answer as if the media edge were at the end of a line.
pub fn behind(answer: &str, line: SocketAddr) -> String {
    let at = |port: u16| format!(" {port} typ");
    answer.replace(&at(candidate(answer).port()), &at(line.port()))
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.talking.abort();
    }
}

struct Handler {
    told: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    heard: Arc<Mutex<BTreeMap<Said, u64>>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.told.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let heard = Arc::clone(&self.heard);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
                let [.., by, mark] = packet.payload[..] else { continue };
                let video = packet.header.payload_type == 96;
                *heard.lock().unwrap().entry(Said { by, mark, video }).or_default() += 1;
            }
        });
    }
}

/// Sends a voice and a picture packet at every beat; the pictures are key frames of one packet.
async fn talk(
    n: u8,
    mark: Arc<AtomicU8>,
    voice: Arc<TrackLocalStaticRTP>,
    face: Arc<TrackLocalStaticRTP>,
) {
    let mut beat = tokio::time::interval(PACE);
    for count in 0u32.. {
        beat.tick().await;
        let bears = mark.load(Ordering::SeqCst);
        let number = (count as u16 & 0x7fff | 0x8000).to_be_bytes();
        let picture = vec![0x90, 0xe0, number[0], number[1], count as u8, 0, 0, n, bears];
        for (track, payload_type, step, payload) in
            [(&voice, 111, 960, vec![0, 0, n, bears]), (&face, 96, 1_800, picture)]
        {
            let header = Header {
                version: 2,
                marker: true,
                payload_type,
                sequence_number: count as u16,
                timestamp: count.wrapping_mul(step),
                ssrc: track.track().await.ssrcs().next().unwrap(),
                ..Default::default()
            };
            // Before the path stands nothing can be written, and nothing is missed.
            let _ = track.write_rtp(Packet { header, payload: Bytes::from(payload) }).await;
        }
    }
}

fn direction(direction: RTCRtpTransceiverDirection) -> Option<RTCRtpTransceiverInit> {
    Some(RTCRtpTransceiverInit { direction, ..Default::default() })
}

fn engine() -> MediaEngine {
    let mut engine = MediaEngine::default();
    for (kind, payload_type) in [(RtpCodecKind::Audio, 111), (RtpCodecKind::Video, 96)] {
        let rtp_codec = codec(kind);
        engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, kind).unwrap();
    }
    engine
}

fn codec(kind: RtpCodecKind) -> RTCRtpCodec {
    let (mime_type, clock_rate, channels) = match kind {
        RtpCodecKind::Audio => (MIME_TYPE_OPUS, 48_000, 2),
        _ => (MIME_TYPE_VP8, 90_000, 0),
    };
    RTCRtpCodec { mime_type: mime_type.to_owned(), clock_rate, channels, ..Default::default() }
}

fn track(kind: RtpCodecKind, ssrc: u32) -> Arc<TrackLocalStaticRTP> {
    let name = format!("track{ssrc}");
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: codec(kind),
        ..Default::default()
    };
    let track = MediaStreamTrack::new(name.clone(), name.clone(), name, kind, vec![encoding]);
    Arc::new(TrackLocalStaticRTP::new(track))
}
