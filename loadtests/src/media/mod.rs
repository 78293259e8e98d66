//! One participant's media: a microphone and a camera that send stamps, and ears that count what
//! arrives.

mod ears;
mod keyframes;
mod voice;

pub use ears::{Ears, First, Heard};
pub use voice::Place;
pub(crate) use voice::{Dress, payload};

use keyframes::KeyframeRequests;
use rtc::interceptor::{Registry, Slot as Stage};
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine,
};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use voice::Voice;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState,
};

const GATHERING_TAKES_AT_MOST: Duration = Duration::from_secs(20);
pub(crate) const OPUS: u8 = 111;
pub(crate) const VP8: u8 = 96;

/// Why a participant has no media.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The WebRTC stack refused.
    #[error("webrtc: {0}")]
    Webrtc(#[from] webrtc::error::Error),
    /// No local candidate in time.
    #[error("gathering candidates took too long")]
    Gathering,
}

/// How many receive slots the hub asks for.
#[derive(Clone, Copy, Debug)]
pub struct SlotCount {
    /// Audio lines.
    pub audio: u16,
    /// Video lines.
    pub video: u16,
}

/// One peer connection. Ends when dropped.
pub struct Peer {
    pc: Arc<dyn PeerConnection>,
    state: watch::Receiver<RTCPeerConnectionState>,
    talking: JoinHandle<()>,
}

impl Peer {
    /// A connection from the local address `from` that is ready to offer. It sends stamps by
    /// `place` as soon as there is a path, and tells `ears` what it hears.
    ///
    /// # Errors
    /// [`MediaError`] when the stack refuses.
    pub async fn new(
        from: IpAddr,
        slots: SlotCount,
        place: watch::Receiver<Place>,
        ears: Arc<Ears>,
    ) -> Result<Self, MediaError> {
        let (told, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered, mut complete) = watch::channel(false);
        let pc = PeerConnectionBuilder::new()
            .with_media_engine(engine()?)
            .with_interceptor_registry(
                Registry::new()
                    .with(Stage::from(KeyframeRequests::STAGE), KeyframeRequests::default()),
            )
            .with_handler(Arc::new(Handler { told, gathered, ears }))
            .with_udp_addrs(vec![format!("{}:0", bracketed(from))])
            .build()
            .await?;
        let voice = Voice::new();
        for track in voice.tracks() {
            pc.add_transceiver_from_track(
                track as Arc<dyn TrackLocal>,
                direction(RTCRtpTransceiverDirection::Sendonly),
            )
            .await?;
        }
        let receive = |kind, count| std::iter::repeat_n(kind, usize::from(count));
        let kinds = receive(RtpCodecKind::Audio, slots.audio)
            .chain(receive(RtpCodecKind::Video, slots.video));
        for kind in kinds {
            pc.add_transceiver_from_kind(kind, direction(RTCRtpTransceiverDirection::Recvonly))
                .await?;
        }
        let offer = pc.create_offer(None).await?;
        pc.set_local_description(offer).await?;
        let complete = complete.wait_for(|complete| *complete);
        tokio::time::timeout(GATHERING_TAKES_AT_MOST, complete)
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(MediaError::Gathering)?;
        let talking = tokio::spawn(voice.talk(place));
        Ok(Self { pc: Arc::new(pc), state, talking })
    }

    /// The offer to send to the hub.
    ///
    /// # Errors
    /// [`MediaError`] when the stack has none.
    pub async fn offer(&self) -> Result<String, MediaError> {
        self.pc.local_description().await.map(|d| d.sdp).ok_or(MediaError::Gathering)
    }

    /// Takes the hub's answer.
    ///
    /// # Errors
    /// [`MediaError`] when it does not fit.
    pub async fn answer(&self, sdp: String) -> Result<(), MediaError> {
        let answer = RTCSessionDescription::answer(sdp)?;
        Ok(self.pc.set_remote_description(answer).await?)
    }

    /// Begins a new network path; the new [`Self::offer`] has to be answered.
    ///
    /// # Errors
    /// [`MediaError`] when the stack refuses.
    pub async fn restart(&self) -> Result<(), MediaError> {
        self.pc.restart_ice().await?;
        let offer = self.pc.create_offer(None).await?;
        Ok(self.pc.set_local_description(offer).await?)
    }

    /// Media can flow.
    pub fn connected(&self) -> bool {
        *self.state.borrow() == RTCPeerConnectionState::Connected
    }

    /// Ends it.
    pub async fn close(self) {
        self.talking.abort();
        // A connection that cannot close is gone anyway.
        let _ = self.pc.close().await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.talking.abort();
    }
}

struct Handler {
    told: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    ears: Arc<Ears>,
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
        let ears = Arc::clone(&self.ears);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    ears.hear(packet.header.payload_type == VP8, &packet.payload);
                }
            }
        });
    }
}

fn direction(direction: RTCRtpTransceiverDirection) -> Option<RTCRtpTransceiverInit> {
    Some(RTCRtpTransceiverInit { direction, ..Default::default() })
}

/// Opus and VP8 with the payload types that browsers use.
pub(crate) fn engine() -> Result<MediaEngine, rtc::shared::error::Error> {
    let mut engine = MediaEngine::default();
    for (kind, payload_type) in [(RtpCodecKind::Audio, OPUS), (RtpCodecKind::Video, VP8)] {
        let rtp_codec = codec(kind);
        engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, kind)?;
    }
    Ok(engine)
}

pub(crate) fn codec(kind: RtpCodecKind) -> RTCRtpCodec {
    let (mime_type, clock_rate, channels) = match kind {
        RtpCodecKind::Audio => (MIME_TYPE_OPUS, 48_000, 2),
        _ => (MIME_TYPE_VP8, 90_000, 0),
    };
    let pli = RTCPFeedback { typ: "nack".to_owned(), parameter: "pli".to_owned() };
    let rtcp_feedback = if clock_rate == 90_000 { vec![pli] } else { vec![] };
    let mime_type = mime_type.to_owned();
    RTCRtpCodec { mime_type, clock_rate, channels, rtcp_feedback, ..Default::default() }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
