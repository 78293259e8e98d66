//! The client's SDP offer: the one shape that is accepted, and what we need to know of it.

use super::MediaError;
use super::slot::Kind;

/// A checked offer: microphone, camera, screen (sendonly), then receive slots (recvonly), audio
/// before video.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// The offer without the client's candidates. An ICE-lite agent learns addresses from the
    /// checks it receives (RFC 8445 §7.3.1.3), so the client's network stays unknown to us and no
    /// check is ever sent to an address that somebody merely wrote down.
    pub(super) sdp: String,
    /// `mid` of the three m-lines the client sends on.
    pub(super) mids: [String; 3],
    /// The receive slots, in order.
    pub(super) slots: Vec<Kind>,
    /// Fingerprint of the client's certificate: the same as before means the same connection.
    pub(super) fingerprint: String,
}

#[derive(Default)]
struct Section {
    audio: bool,
    mid: String,
    sends: bool,
    receives: bool,
}

impl Offer {
    /// Most m-lines read, so that a hostile offer costs little.
    const MAX_SECTIONS: usize = 64;

    /// Checks an offer against the number of slots that this room has.
    pub(super) fn parse(
        text: &str,
        audio_slots: usize,
        video_slots: usize,
    ) -> Result<Self, MediaError> {
        let bad = MediaError::BadOffer;
        let mut sdp = String::with_capacity(text.len());
        let mut sections: Vec<Section> = vec![];
        let mut fingerprint = None;
        for line in text.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                let audio = media.starts_with("audio ");
                if !audio && !media.starts_with("video ") {
                    return Err(bad("only audio and video are carried"));
                }
                sections.push(Section { audio, ..Default::default() });
                if sections.len() > Self::MAX_SECTIONS {
                    return Err(bad("too many m-lines"));
                }
            } else if let Some(attribute) = line.strip_prefix("a=") {
                if attribute.starts_with("candidate:") || attribute == "end-of-candidates" {
                    continue;
                }
                if let Some(value) = attribute.strip_prefix("fingerprint:") {
                    fingerprint.get_or_insert_with(|| value.to_ascii_lowercase());
                }
                if let Some(section) = sections.last_mut() {
                    section.read(attribute);
                }
            }
            sdp.push_str(line);
            sdp.push_str("\r\n");
        }
        let fingerprint = fingerprint.ok_or(bad("no certificate fingerprint"))?;
        let (inputs, receivers) =
            sections.split_at_checked(3).ok_or(bad("three m-lines to send on must come first"))?;
        let shape = [true, false, false];
        if inputs.iter().zip(shape).any(|(s, audio)| s.audio != audio || !s.sends || s.receives) {
            return Err(bad("microphone, camera and screen must be sendonly and in this order"));
        }
        if receivers.iter().any(|s| s.sends || !s.receives) {
            return Err(bad("every further m-line must be recvonly"));
        }
        let audio = receivers.iter().take_while(|s| s.audio).count();
        let video = receivers.len() - audio;
        if receivers[audio..].iter().any(|s| s.audio) {
            return Err(bad("audio slots come before video slots"));
        }
        if audio > audio_slots || video > video_slots {
            return Err(bad("more slots than the room has"));
        }
        if sections.iter().any(|s| s.mid.is_empty()) {
            return Err(bad("an m-line without mid"));
        }
        let mut mids = inputs.iter().map(|s| s.mid.clone());
        let mids = std::array::from_fn(|_| mids.next().unwrap_or_default());
        let kind = |s: &Section| if s.audio { Kind::Audio } else { Kind::Video };
        let slots = receivers.iter().map(kind).collect();
        Ok(Self { sdp, mids, slots, fingerprint })
    }
}

impl Section {
    fn read(&mut self, attribute: &str) {
        match attribute {
            "sendonly" => self.sends = true,
            "recvonly" => self.receives = true,
            "sendrecv" => (self.sends, self.receives) = (true, true),
            _ => {
                if let Some(mid) = attribute.strip_prefix("mid:") {
                    mid.clone_into(&mut self.mid);
                }
            }
        }
    }
}

/// The ICE user fragment in a description.
pub(super) fn ufrag(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(sections: &[(&str, &str)]) -> String {
        let mut sdp = "v=0\r\na=fingerprint:sha-256 AB:CD\r\n".to_owned();
        for (n, (kind, direction)) in sections.iter().enumerate() {
            sdp += &format!(
                "m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:{n}\r\na={direction}\r\n\
                 a=candidate:1 1 udp 1 10.0.0.7 5000 typ host\r\n"
            );
        }
        sdp
    }

    const INPUTS: [(&str, &str); 3] =
        [("audio", "sendonly"), ("video", "sendonly"), ("video", "sendonly")];

    #[test]
    fn the_shape_of_the_protocol_is_read_and_candidates_are_left_out() {
        let mut sections = INPUTS.to_vec();
        sections.extend([("audio", "recvonly"), ("audio", "recvonly"), ("video", "recvonly")]);
        let offer = Offer::parse(&offer(&sections), 2, 1).expect("accepted");
        assert_eq!(offer.slots, [Kind::Audio, Kind::Audio, Kind::Video]);
        assert_eq!(offer.mids, ["0", "1", "2"]);
        assert_eq!(offer.fingerprint, "sha-256 ab:cd");
        assert!(!offer.sdp.contains("10.0.0.7"));
    }

    #[test]
    fn every_other_shape_is_refused() {
        let with = |extra: &[(&'static str, &'static str)]| [&INPUTS[..], extra].concat();
        let table = [
            vec![],
            INPUTS[..2].to_vec(),
            vec![INPUTS[1], INPUTS[0], INPUTS[2]],
            with(&[("audio", "sendrecv")]),
            with(&[("video", "recvonly"), ("audio", "recvonly")]),
            with(&[("audio", "recvonly"), ("audio", "recvonly"), ("audio", "recvonly")]),
            with(&[("application", "recvonly")]),
        ];
        for sections in table {
            assert!(Offer::parse(&offer(&sections), 2, 1).is_err(), "{sections:?}");
        }
        let nameless = offer(&INPUTS).replace("a=mid:1\r\n", "");
        assert!(Offer::parse(&nameless, 2, 1).is_err());
        let anonymous = offer(&INPUTS).replace("fingerprint", "x");
        assert!(Offer::parse(&anonymous, 2, 1).is_err());
    }
}
