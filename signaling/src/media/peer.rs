//! A participant's media connection: what it sends, what its slots show, and its SDP answers.

use super::MediaError;
use super::allowance::Allowance;
use super::answer::{Answer, Credentials};
use super::downlink::Downlink;
use super::dtls::{Dtls, Identity};
use super::feedback::Arrivals;
use super::offer::{Extensions, Offer};
use super::slot::{Input, Kind, Layer, Slot};
use super::srtp::{Opener, Sealer};
use super::stream::Stream;
use super::udp::Path;
use super::wire::rtp::Header;
use crate::protocol::{Epoch, ParticipantId, RoomId, Session};
use rand::{Rng, RngExt};
use rtc::crypto::{HmacAlgorithm, Mac};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Incoming streams of one peer: microphone, two layers and a screen, and what they began anew.
const MAX_STREAMS: usize = 8;
/// Until a report tells the round trip.
const LIKELY_ROUND_TRIP: Duration = Duration::from_millis(80);

/// A camera in two layers, a screen, a voice and their repairs are a tenth of it.
const DATAGRAMS_PER_SECOND: u32 = 4_000;
/// A client with several networks checks each every few seconds, at first every 50 ms.
const CHECKS_PER_SECOND: u32 = 100;
/// A third of what a viewer with all slots full gets.
const REPAIRS_PER_SECOND: u32 = 600;

/// Where a participant is, by the newest routes. Only two peers with the same place hear each
/// other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) epoch: Epoch,
    pub(super) session: Session,
}

/// One slot of one viewer that shows an input of this peer.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) viewer: u64,
    pub(super) slot: usize,
}

/// What the offer says of an m-line that the client sends on.
pub(super) struct Line {
    mid: String,
    codec: u8,
    pub(super) repair: Option<u8>,
    streams: Vec<(u32, Option<u32>)>,
}

impl Line {
    /// The streams that the offer names of which this is one.
    fn named(&self, ssrc: u32) -> Option<(u32, Option<u32>)> {
        let named = |(media, repair): &&(u32, _)| *media == ssrc || *repair == Some(ssrc);
        self.streams.iter().find(named).copied()
    }
}

/// Both directions of media, once keys are agreed.
pub(super) struct Keys {
    pub(super) sealer: Sealer,
    pub(super) opener: Opener,
}

pub(super) struct Peer {
    pub(super) room: RoomId,
    pub(super) participant: ParticipantId,
    /// By its `ufrag` a datagram from a new address finds this peer.
    pub(super) credentials: Credentials,
    pub(super) mac: Box<dyn Mac>,
    pub(super) fingerprint: String,
    pub(super) dtls: Dtls,
    /// Media can flow. Stays while ICE restarts.
    pub(super) keys: Option<Keys>,
    pub(super) failed: bool,
    pub(super) last_datagram: Instant,
    /// Addresses that proved to be this peer's, oldest first.
    pub(super) addresses: Vec<SocketAddr>,
    /// The path that the client nominated last, before that the first that was proved.
    pub(super) path: Option<Path>,
    pub(super) place: Option<Place>,
    pub(super) lines: [Line; 3],
    pub(super) extensions: Extensions,
    pub(super) streams: Vec<Stream>,
    /// Audio slots, then video slots.
    pub(super) slots: Vec<Slot>,
    pub(super) audio_slots: usize,
    /// The inverse of `Slot::source`: who shows each input of this peer.
    pub(super) targets: [Vec<Target>; 3],
    /// Connected peers of the room that are in another session.
    pub(super) strangers: u64,
    pub(super) round_trip: Duration,
    pub(super) arrivals: Arrivals,
    /// What the way to this peer takes.
    pub(super) downlink: Downlink,
    /// No better layer before this: the choice must not swing.
    pub(super) next_better: Instant,
    pub(super) next_report: Instant,
    /// Datagrams that are looked at.
    pub(super) datagrams: Allowance,
    /// Connectivity checks that are answered.
    pub(super) checks: Allowance,
    /// Packets that are sent again.
    pub(super) repairs: Allowance,
    session: (u64, u32),
}

impl Peer {
    /// Builds the peer and its first answer.
    pub(super) fn answer(
        room: RoomId,
        participant: ParticipantId,
        offer: &Offer,
        (identity, candidates): (&Identity, &[SocketAddr]),
        rng: &mut impl Rng,
        (now, micros): (Instant, i64),
    ) -> Result<(Self, String), MediaError> {
        let credentials = credentials(rng);
        let mut extensions = Extensions::default();
        for section in offer.inputs() {
            let Extensions { mid, rid, repaired, transport } = section.extensions;
            extensions.mid = extensions.mid.or(mid);
            extensions.rid = extensions.rid.or(rid);
            extensions.repaired = extensions.repaired.or(repaired);
            extensions.transport = extensions.transport.or(transport);
        }
        let mut lines = offer.inputs().iter().map(|section| Line {
            mid: section.mid.clone(),
            codec: section.codec.unwrap_or_default(),
            repair: section.repair,
            streams: section.streams.clone(),
        });
        let mut line = || lines.next().ok_or(MediaError::BadOffer("three m-lines come first"));
        let peer = Self {
            room,
            participant,
            mac: mac(identity, &credentials)?,
            credentials,
            fingerprint: offer.fingerprint.clone(),
            dtls: Dtls::new(identity, &offer.fingerprint)?,
            keys: None,
            failed: false,
            last_datagram: now,
            addresses: vec![],
            path: None,
            place: None,
            lines: [line()?, line()?, line()?],
            extensions,
            streams: vec![],
            audio_slots: offer.slots().iter().filter(|s| s.kind() == Kind::Audio).count(),
            slots: slots(offer, rng),
            targets: Default::default(),
            strangers: 0,
            round_trip: LIKELY_ROUND_TRIP,
            arrivals: Arrivals::default(),
            downlink: Downlink::new(micros),
            next_better: now,
            next_report: now,
            datagrams: Allowance::new(DATAGRAMS_PER_SECOND, DATAGRAMS_PER_SECOND, now),
            checks: Allowance::new(CHECKS_PER_SECOND, CHECKS_PER_SECOND, now),
            repairs: Allowance::new(REPAIRS_PER_SECOND, REPAIRS_PER_SECOND / 2, now),
            session: (rng.random::<u64>() >> 2, 0),
        };
        let sdp = peer.describe(offer, identity, candidates);
        Ok((peer, sdp))
    }

    /// Answers a further offer of the same connection: an ICE restart. Media keys, slots and
    /// streams stay.
    pub(super) fn answer_again(
        &mut self,
        offer: &Offer,
        (identity, candidates): (&Identity, &[SocketAddr]),
        rng: &mut impl Rng,
        now: Instant,
    ) -> Result<String, MediaError> {
        let mids = offer.inputs().iter().map(|section| &section.mid);
        if offer.slots().len() != self.slots.len() || !mids.eq(self.lines.iter().map(|l| &l.mid)) {
            return Err(MediaError::BadOffer("an ICE restart keeps the m-lines"));
        }
        self.credentials = credentials(rng);
        self.mac = mac(identity, &self.credentials)?;
        self.last_datagram = now;
        self.session.1 += 1;
        Ok(self.describe(offer, identity, candidates))
    }

    fn describe(&self, offer: &Offer, identity: &Identity, candidates: &[SocketAddr]) -> String {
        let ssrcs = |slot: &Slot| (slot.ssrc, slot.repair.as_ref().map(|repair| repair.ssrc));
        let slots: Vec<_> = self.slots.iter().map(ssrcs).collect();
        Answer {
            offer,
            session: self.session,
            credentials: &self.credentials,
            fingerprint: identity.fingerprint(),
            candidates,
            slots: &slots,
        }
        .write()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.keys.is_some()
    }

    /// The stream that carries this SSRC, and whether it is the stream of its retransmissions.
    pub(super) fn stream(&self, ssrc: u32) -> Option<(usize, bool)> {
        self.streams.iter().enumerate().find_map(|(n, stream)| {
            (stream.ssrc == ssrc)
                .then_some((n, false))
                .or_else(|| (stream.repair == Some(ssrc)).then_some((n, true)))
        })
    }

    /// Finds out what an SSRC that was not seen before carries: by what its packet says
    /// (RFC 8852), by what the offer says, or by its payload type if only one m-line has that.
    pub(super) fn discover(
        &mut self,
        header: &Header,
        packet: &[u8],
        now: Instant,
    ) -> Option<(usize, bool)> {
        let Extensions { mid, rid, repaired, .. } = self.extensions;
        let text = |id: Option<u8>| {
            id.and_then(|id| header.extension(packet, id)).and_then(|v| std::str::from_utf8(v).ok())
        };
        let ssrc = header.ssrc;
        let line = match text(mid) {
            Some(mid) => self.lines.iter().position(|line| line.mid == mid)?,
            None => {
                self.lines.iter().position(|line| line.named(ssrc).is_some()).or_else(|| {
                    let mut fitting =
                        (0..3).filter(|n| self.lines[*n].codec == header.payload_type);
                    fitting.next().filter(|_| fitting.next().is_none())
                })?
            }
        };
        let input = Input::ALL[line];
        let layer = |rid| if rid == Some("h") { Layer::High } else { Layer::Low };
        let named = self.lines[line].named(ssrc);
        if self.lines[line].repair == Some(header.payload_type) {
            let media = named.map(|(media, _)| media);
            let layer = layer(text(repaired));
            let stream = self.streams.iter().position(|stream| match media {
                Some(media) => stream.ssrc == media,
                None => (stream.input, stream.layer) == (input, layer),
            })?;
            self.streams[stream].repair = Some(ssrc);
            return Some((stream, true));
        }
        if self.lines[line].codec != header.payload_type {
            return None;
        }
        let layer = layer(text(rid));
        // A sender that starts a layer anew does so under a new SSRC.
        self.streams.retain(|s| (s.input, s.layer) != (input, layer));
        if self.streams.len() >= MAX_STREAMS {
            return None;
        }
        let mut stream = Stream::new(ssrc, input, layer, now);
        stream.repair = named.and_then(|(_, repair)| repair);
        self.streams.push(stream);
        Some((self.streams.len() - 1, false))
    }

    /// Bits a second of an input in this layer, if it is being sent.
    pub(super) fn rate_of(&self, input: Input, layer: Layer, now: Instant) -> Option<u64> {
        let mut streams = self.streams.iter().filter(|s| s.is_live(now));
        streams.find(|s| (s.input, s.layer) == (input, layer)).map(Stream::rate)
    }
}

fn slots(offer: &Offer, rng: &mut impl Rng) -> Vec<Slot> {
    let slot = |section: &super::offer::Section| {
        let mut slot = Slot::new(section.kind(), rng);
        slot.payload_type = section.codec.unwrap_or_default();
        if let Some(payload_type) = section.repair {
            slot.repair_with(payload_type, rng);
        }
        let answers = section.feedback.iter().any(|feedback| feedback == "transport-cc");
        slot.transport = section.extensions.transport.filter(|_| answers);
        slot
    };
    offer.slots().iter().map(slot).collect()
}

/// Fresh ICE credentials (RFC 8839 §5.4), of which nobody can guess the ufrag either.
fn credentials(rng: &mut impl Rng) -> Credentials {
    let mut letters = |n: usize| -> String {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        (0..n).map(|_| char::from(LETTERS[usize::from(rng.random::<u8>() & 63)])).collect()
    };
    Credentials { ufrag: letters(12), password: letters(24) }
}

fn mac(identity: &Identity, credentials: &Credentials) -> Result<Box<dyn Mac>, MediaError> {
    let key = credentials.password.as_bytes();
    let mac = identity.provider().crypto().new_hmac(HmacAlgorithm::Sha1, key);
    mac.map_err(|e| MediaError::Handshake(rtc::shared::error::Error::Crypto(e.to_string())))
}
