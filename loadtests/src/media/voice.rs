//! What a participant sends: stamps in the dress of Opus and VP8.

use super::{OPUS, VP8, codec};
use crate::clock::now_us;
use crate::stamp::{Canary, Stamp};
use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use signaling::protocol::{Epoch, ParticipantId, RoomId, Session};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_local::{TrackLocal as _, TrackLocalEvent};

/// One Opus frame.
const FRAME: Duration = Duration::from_millis(20);
const OPUS_TICKS: u32 = 960;
/// Pictures are sent with every third voice frame or so: about 16 a second.
const VOICES_PER_PICTURE: u32 = 3;
const VP8_TICKS: u32 = 5_400;
/// The size of a small talking head at that rate, in bytes.
const PICTURE_BYTES: usize = 900;
const VOICE_BYTES: usize = 130;
/// Without a request, a key frame comes this often (in pictures).
const KEYFRAME_EVERY: u32 = 160;

/// Where a sender is, as far as it knows: what its stamps say.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The meeting.
    pub room: RoomId,
    /// Who sends.
    pub by: ParticipantId,
    /// In the lobby nothing is sent.
    pub session: Session,
    /// The newest epoch known.
    pub epoch: Epoch,
    /// Microphone and camera are on.
    pub on: bool,
    /// The run's canary.
    pub canary: Canary,
}

/// Microphone, camera and screen; the screen is offered and never shared.
pub(super) struct Voice {
    microphone: Arc<TrackLocalStaticRTP>,
    camera: Arc<TrackLocalStaticRTP>,
    screen: Arc<TrackLocalStaticRTP>,
}

/// SSRCs are a peer connection's own affair: the hub tells peers apart by their keys.
const MICROPHONE: u32 = 1_001;
const CAMERA: u32 = 1_002;
const SCREEN: u32 = 1_003;

impl Voice {
    pub(super) fn new() -> Self {
        Self {
            microphone: track("microphone", RtpCodecKind::Audio, MICROPHONE),
            camera: track("camera", RtpCodecKind::Video, CAMERA),
            screen: track("screen", RtpCodecKind::Video, SCREEN),
        }
    }

    /// In the order of the protocol's m-lines.
    pub(super) fn tracks(&self) -> [Arc<TrackLocalStaticRTP>; 3] {
        [&self.microphone, &self.camera, &self.screen].map(Arc::clone)
    }

    /// Sends for as long as it is let.
    pub(super) async fn talk(self, place: watch::Receiver<Place>) {
        let keyframe = Arc::new(AtomicBool::new(true));
        let requests = listen(Arc::clone(&self.camera), Arc::clone(&keyframe));
        tokio::select! {
            () = requests => {}
            () = self.send(place, &keyframe) => {}
        }
    }

    async fn send(&self, place: watch::Receiver<Place>, keyframe: &AtomicBool) {
        let mut beat = tokio::time::interval(FRAME);
        // A machine that fell behind goes on; it does not send a burst.
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut voices, mut pictures) = (0u32, 0u32);
        loop {
            beat.tick().await;
            let Place { room, by, session, epoch, on, canary } = *place.borrow();
            if session == Session::Lobby || !on {
                continue;
            }
            let stamp = Stamp { room, by, session, epoch, sent_us: now_us(), canary };
            let header = Header {
                version: 2,
                payload_type: OPUS,
                sequence_number: voices as u16,
                timestamp: voices.wrapping_mul(OPUS_TICKS),
                ssrc: MICROPHONE,
                ..Default::default()
            };
            write(&self.microphone, header, payload(Dress::Voice, &stamp)).await;
            if voices.is_multiple_of(VOICES_PER_PICTURE) {
                let key = keyframe.swap(false, Ordering::SeqCst)
                    || pictures.is_multiple_of(KEYFRAME_EVERY);
                let header = Header {
                    version: 2,
                    marker: true,
                    payload_type: VP8,
                    sequence_number: pictures as u16,
                    timestamp: pictures.wrapping_mul(VP8_TICKS),
                    ssrc: CAMERA,
                    ..Default::default()
                };
                let dress = Dress::Picture { number: pictures, first: true, key };
                write(&self.camera, header, payload(dress, &stamp)).await;
                pictures = pictures.wrapping_add(1);
            }
            voices = voices.wrapping_add(1);
        }
    }
}

/// Turns the hub's requests into key frames.
async fn listen(camera: Arc<TrackLocalStaticRTP>, keyframe: Arc<AtomicBool>) {
    loop {
        match camera.poll().await {
            Some(TrackLocalEvent::OnRtcpPacket(_)) => keyframe.store(true, Ordering::SeqCst),
            Some(_) => {}
            // Not negotiated yet, or over: over ends the whole sender.
            None => tokio::time::sleep(FRAME).await,
        }
    }
}

async fn write(track: &TrackLocalStaticRTP, header: Header, payload: Vec<u8>) {
    // Before there is a path nothing can be written, and nothing is missed.
    let _ = track.write_rtp(Packet { header, payload: Bytes::from(payload) }).await;
}

/// What a stamp is dressed as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dress {
    /// An Opus packet: one CELT frame of 20 ms (RFC 6716 §3.1, configuration 31).
    Voice,
    /// A packet of a VP8 frame.
    Picture {
        /// Number of the frame.
        number: u32,
        /// The frame begins here.
        first: bool,
        /// It is a key frame.
        key: bool,
    },
}

/// A stamp as the payload of a packet. A picture begins with a payload descriptor with picture id
/// and TL0PICIDX (RFC 7741 §4.2), its first packet goes on with the frame tag, and for a key frame
/// start code and size (RFC 6386 §9.1).
pub(crate) fn payload(dress: Dress, stamp: &Stamp) -> Vec<u8> {
    let mut payload = Vec::with_capacity(PICTURE_BYTES);
    let length = match dress {
        Dress::Voice => {
            payload.push(31 << 3);
            VOICE_BYTES
        }
        Dress::Picture { number, first, key } => {
            let [high, low] = (number as u16 | 0x8000).to_be_bytes();
            payload.extend([0x80 | u8::from(first) << 4, 0xe0, high, low, number as u8, 0]);
            if first {
                // First bit: inverse key frame flag; fifth bit: show the frame.
                payload.extend([if key { 0x10 } else { 0x11 }, 0, 0]);
            }
            if first && key {
                let (width, height) = (640u16.to_le_bytes(), 360u16.to_le_bytes());
                payload.extend([0x9d, 0x01, 0x2a, width[0], width[1], height[0], height[1]]);
            }
            PICTURE_BYTES
        }
    };
    stamp.write(&mut payload);
    payload.resize(length, 0);
    payload
}

fn track(name: &str, kind: RtpCodecKind, ssrc: u32) -> Arc<TrackLocalStaticRTP> {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: codec(kind),
        ..Default::default()
    };
    let [stream, id, label] = [name; 3].map(str::to_owned);
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        stream,
        id,
        label,
        kind,
        vec![encoding],
    )))
}
