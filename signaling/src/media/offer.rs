//! The client's SDP offer: the one shape that is accepted, and what we need to know of it.
//!
//! Candidates are not read. An ICE-lite agent learns addresses from the checks it receives
//! (RFC 8445 §7.3.1.3), so the client's network stays unknown to us and nothing is ever sent to an
//! address that somebody merely wrote down.

use super::MediaError;
use super::slot::Kind;

/// A checked offer: microphone, camera, screen (sendonly), then receive slots (recvonly), audio
/// before video.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// Every m-line, in order.
    pub(super) sections: Vec<Section>,
    /// Fingerprint of the client's certificate, as in `a=fingerprint`, in its canonical form: the
    /// same as before means the same connection.
    pub(super) fingerprint: String,
}

/// Header extensions that are understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) mid: Option<u8>,
    pub(super) rid: Option<u8>,
    pub(super) repaired: Option<u8>,
    pub(super) transport: Option<u8>,
}

impl Extensions {
    pub(super) const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
    pub(super) const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    pub(super) const REPAIRED: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
    pub(super) const TRANSPORT: &str =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

    /// Notes `value` of `a=extmap:value`. Only ids of the one-byte form are taken (RFC 8285 §4.2).
    fn read(&mut self, value: &str) {
        let Some((id, uri)) = value.split_once(' ') else { return };
        let id = id.split('/').next().and_then(|id| id.parse::<u8>().ok());
        let Some(id) = id.filter(|id| (1..=14).contains(id)) else { return };
        match uri.split(' ').next().unwrap_or_default() {
            Self::MID => self.mid = Some(id),
            Self::RID => self.rid = Some(id),
            Self::REPAIRED => self.repaired = Some(id),
            Self::TRANSPORT => self.transport = Some(id),
            _ => {}
        }
    }

    /// Those present, with their names.
    pub(super) fn named(&self) -> impl Iterator<Item = (u8, &'static str)> {
        let all = [
            (self.mid, Self::MID),
            (self.rid, Self::RID),
            (self.repaired, Self::REPAIRED),
            (self.transport, Self::TRANSPORT),
        ];
        all.into_iter().filter_map(|(id, name)| Some((id?, name)))
    }
}

/// One m-line.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    pub(super) audio: bool,
    pub(super) mid: String,
    /// Payload type of Opus or VP8.
    pub(super) codec: Option<u8>,
    /// Payload type of its retransmissions (RFC 4588).
    pub(super) repair: Option<u8>,
    /// `a=rtcp-fb` of the codec, as offered.
    pub(super) feedback: Vec<String>,
    pub(super) extensions: Extensions,
    /// Layers of a simulcast sender.
    pub(super) rids: Vec<String>,
    /// Streams named by the offer; a stream's retransmissions come second.
    pub(super) streams: Vec<(u32, Option<u32>)>,
    pub(super) sends: bool,
    pub(super) receives: bool,
    passive: bool,
    rejected: bool,
    /// `apt` of every retransmission format.
    repairs: Vec<(u8, u8)>,
}

impl Section {
    pub(super) fn kind(&self) -> Kind {
        if self.audio { Kind::Audio } else { Kind::Video }
    }

    fn read(&mut self, attribute: &str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "sendonly" => self.sends = true,
            "recvonly" => self.receives = true,
            "sendrecv" => (self.sends, self.receives) = (true, true),
            "bundle-only" => self.rejected = false,
            "mid" => value.clone_into(&mut self.mid),
            "setup" => self.passive = value == "passive",
            "extmap" => self.extensions.read(value),
            "rid" => self.rids.extend(value.strip_suffix(" send").map(str::to_owned)),
            "rtpmap" => {
                let wanted = if self.audio { "opus/48000/2" } else { "vp8/90000" };
                if let Some((format, codec)) = value.split_once(' ')
                    && codec.eq_ignore_ascii_case(wanted)
                    && self.codec.is_none()
                {
                    self.codec = format.parse().ok().filter(|format| *format < 128);
                }
            }
            "fmtp" => {
                if let Some((format, parameters)) = value.split_once(' ')
                    && let Some(apt) = parameters.trim().strip_prefix("apt=")
                    && let (Ok(format), Ok(apt)) = (format.parse(), apt.parse())
                    && format < 128
                {
                    self.repairs.push((format, apt));
                }
            }
            "rtcp-fb" => self.feedback.push(value.to_owned()),
            "ssrc" => {
                let ssrc = value.split(' ').next().and_then(|ssrc| ssrc.parse().ok());
                if let Some(ssrc) = ssrc.filter(|ssrc| !self.names(*ssrc)) {
                    self.streams.push((ssrc, None));
                }
            }
            "ssrc-group" => self.group(value),
            _ => {}
        }
    }

    fn names(&self, ssrc: u32) -> bool {
        self.streams.iter().any(|(media, repair)| *media == ssrc || *repair == Some(ssrc))
    }

    fn group(&mut self, value: &str) {
        let mut words = value.split(' ');
        let (Some("FID"), Some(media), Some(repair)) = (words.next(), words.next(), words.next())
        else {
            return;
        };
        if let (Ok(media), Ok(repair)) = (media.parse(), repair.parse::<u32>()) {
            self.streams.retain(|(ssrc, _)| *ssrc != media && *ssrc != repair);
            self.streams.push((media, Some(repair)));
        }
    }

    /// Once all its lines are read.
    fn settle(&mut self) {
        let codec = self.codec;
        let repair = self.repairs.iter().find(|(_, apt)| Some(*apt) == codec);
        self.repair = repair.map(|(format, _)| *format);
        let ours = codec.map(|codec| format!("{codec} "));
        self.feedback = std::mem::take(&mut self.feedback)
            .iter()
            .filter_map(|line| line.strip_prefix("* ").or(line.strip_prefix(ours.as_deref()?)))
            .map(str::to_owned)
            .collect();
    }
}

impl Offer {
    /// Most m-lines, and most streams of one, that are read, so that a hostile offer costs little.
    const MAX_SECTIONS: usize = 64;
    const MAX_STREAMS: usize = 8;

    /// Checks an offer against the number of slots that this room has.
    pub(super) fn parse(
        text: &str,
        audio_slots: usize,
        video_slots: usize,
    ) -> Result<Self, MediaError> {
        let bad = MediaError::BadOffer;
        let mut sections: Vec<Section> = vec![];
        let (mut fingerprint, mut bundle) = (None, "");
        for line in text.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                let audio = media.starts_with("audio ");
                if !audio && !media.starts_with("video ") {
                    return Err(bad("only audio and video are carried"));
                }
                // Port 0 with `bundle-only` (read below) is no rejection (RFC 8843 §6).
                let rejected = media.split(' ').nth(1) == Some("0");
                sections.push(Section { audio, rejected, ..Default::default() });
                if sections.len() > Self::MAX_SECTIONS {
                    return Err(bad("too many m-lines"));
                }
            } else if let Some(attribute) = line.strip_prefix("a=") {
                if let Some(value) = attribute.strip_prefix("fingerprint:") {
                    fingerprint.get_or_insert_with(|| canonical(value));
                }
                match sections.last_mut() {
                    Some(section) => section.read(attribute),
                    None => bundle = attribute.strip_prefix("group:BUNDLE ").unwrap_or(bundle),
                }
            }
        }
        sections.iter_mut().for_each(Section::settle);
        let fingerprint = fingerprint.ok_or(bad("no certificate fingerprint"))?;
        check_shape(&sections, audio_slots, video_slots)?;
        for section in &sections {
            if section.mid.is_empty() || section.mid.len() > 16 || section.mid.contains(' ') {
                return Err(bad("an m-line without a proper mid"));
            }
            if !bundle.split(' ').any(|mid| mid == section.mid) {
                return Err(bad("every m-line must be bundled"));
            }
            if section.codec.is_none() {
                return Err(bad("an m-line without Opus or VP8"));
            }
            if section.passive || section.rejected || section.streams.len() > Self::MAX_STREAMS {
                return Err(bad("an m-line that cannot be answered"));
            }
        }
        Ok(Self { sections, fingerprint })
    }

    /// The three m-lines the client sends on.
    pub(super) fn inputs(&self) -> &[Section] {
        &self.sections[..INPUTS]
    }

    /// The receive slots, in order.
    pub(super) fn slots(&self) -> &[Section] {
        &self.sections[INPUTS..]
    }
}

/// The form in which fingerprints are compared and told: lower-case hash, upper-case digits
/// (RFC 8122 §5; Firefox refuses others).
fn canonical(fingerprint: &str) -> String {
    let (hash, digits) = fingerprint.split_once(' ').unwrap_or((fingerprint, ""));
    format!("{} {}", hash.to_ascii_lowercase(), digits.to_ascii_uppercase())
}

const INPUTS: usize = 3;

fn check_shape(
    sections: &[Section],
    audio_slots: usize,
    video_slots: usize,
) -> Result<(), MediaError> {
    let bad = MediaError::BadOffer;
    let (inputs, receivers) =
        sections.split_at_checked(INPUTS).ok_or(bad("three m-lines to send on must come first"))?;
    let shape = [true, false, false];
    if inputs.iter().zip(shape).any(|(s, audio)| s.audio != audio || !s.sends || s.receives) {
        return Err(bad("microphone, camera and screen must be sendonly and in this order"));
    }
    if receivers.iter().any(|s| s.sends || !s.receives) {
        return Err(bad("every further m-line must be recvonly"));
    }
    let audio = receivers.iter().take_while(|s| s.audio).count();
    if receivers[audio..].iter().any(|s| s.audio) {
        return Err(bad("audio slots come before video slots"));
    }
    if audio > audio_slots || receivers.len() - audio > video_slots {
        return Err(bad("more slots than the room has"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "offer_tests.rs"]
pub(super) mod tests;
