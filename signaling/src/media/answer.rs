//! Our SDP answer. The same shape for everybody, so it is written, not negotiated.

use super::offer::{Extensions, Offer, Section};
use super::slot::Kind;
use std::fmt::Write;
use std::net::SocketAddr;

/// `a=rtcp-fb` that we understand, as far as they were offered.
const FEEDBACK: [&str; 4] = ["transport-cc", "nack", "nack pli", "ccm fir"];
/// Silence is not sent, and each packet carries the one before it at low quality (RFC 7587 §7.1).
const OPUS: &str = "minptime=10;useinbandfec=1;usedtx=1";
/// Of a host candidate (RFC 8445 §5.1.2.1).
const BEST_PRIORITY: usize = 2_130_706_431;
/// One name for all that we send.
pub(super) const CNAME: &str = "accordo";

/// The ICE credentials of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) ufrag: String,
    pub(super) password: String,
}

/// What the answer says of us.
pub(super) struct Answer<'a> {
    pub(super) offer: &'a Offer,
    /// The SDP session id and its version, which rises with every answer.
    pub(super) session: (u64, u32),
    pub(super) credentials: &'a Credentials,
    pub(super) fingerprint: &'a str,
    pub(super) candidates: &'a [SocketAddr],
    /// SSRCs of every slot: media, and repair if there is one.
    pub(super) slots: &'a [(u32, Option<u32>)],
}

impl Answer<'_> {
    /// The SDP.
    pub(super) fn write(&self) -> String {
        let mut sdp = String::with_capacity(700 * self.offer.sections.len());
        self.describe(&mut sdp).expect("a string takes everything");
        sdp
    }

    fn describe(&self, sdp: &mut String) -> std::fmt::Result {
        let (id, version) = self.session;
        write!(sdp, "v=0\r\no=- {id} {version} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")?;
        write!(sdp, "a=ice-lite\r\na=group:BUNDLE")?;
        for section in &self.offer.sections {
            write!(sdp, " {}", section.mid)?;
        }
        write!(sdp, "\r\n")?;
        for (n, section) in self.offer.sections.iter().enumerate() {
            self.section(sdp, section, n == 0)?;
            match n.checked_sub(self.offer.inputs().len()) {
                None => self.input(sdp, section)?,
                Some(slot) => self.slot(sdp, slot)?,
            }
        }
        Ok(())
    }

    fn section(&self, sdp: &mut String, section: &Section, first: bool) -> std::fmt::Result {
        let codec = section.codec.unwrap_or_default();
        let kind = if section.audio { "audio" } else { "video" };
        write!(sdp, "m={kind} 9 UDP/TLS/RTP/SAVPF {codec}")?;
        if let Some(repair) = section.repair {
            write!(sdp, " {repair}")?;
        }
        let Credentials { ufrag, password } = self.credentials;
        write!(
            sdp,
            "\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\n\
             a=fingerprint:{}\r\na=setup:passive\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
            section.mid, self.fingerprint
        )?;
        if first {
            for (n, candidate) in self.candidates.iter().enumerate() {
                let (ip, port, priority) = (candidate.ip(), candidate.port(), BEST_PRIORITY - n);
                write!(sdp, "a=candidate:{n} 1 udp {priority} {ip} {port} typ host\r\n")?;
            }
            write!(sdp, "a=end-of-candidates\r\n")?;
        }
        match section.kind() {
            Kind::Audio => {
                write!(sdp, "a=rtpmap:{codec} opus/48000/2\r\na=fmtp:{codec} {OPUS}\r\n")?;
            }
            Kind::Video => write!(sdp, "a=rtpmap:{codec} VP8/90000\r\n")?,
        }
        if let Some(repair) = section.repair {
            write!(sdp, "a=rtpmap:{repair} rtx/90000\r\na=fmtp:{repair} apt={codec}\r\n")?;
        }
        for feedback in FEEDBACK.into_iter().filter(|f| section.feedback.iter().any(|o| o == f)) {
            write!(sdp, "a=rtcp-fb:{codec} {feedback}\r\n")?;
        }
        for (id, name) in section.extensions.named() {
            // We name our streams by SSRC.
            if section.sends || name == Extensions::TRANSPORT {
                write!(sdp, "a=extmap:{id} {name}\r\n")?;
            }
        }
        Ok(())
    }

    fn input(&self, sdp: &mut String, section: &Section) -> std::fmt::Result {
        write!(sdp, "a=recvonly\r\n")?;
        for rid in &section.rids {
            write!(sdp, "a=rid:{rid} recv\r\n")?;
        }
        if !section.rids.is_empty() {
            write!(sdp, "a=simulcast:recv {}\r\n", section.rids.join(";"))?;
        }
        Ok(())
    }

    fn slot(&self, sdp: &mut String, n: usize) -> std::fmt::Result {
        write!(sdp, "a=sendonly\r\na=msid:slot{n} slot{n}\r\n")?;
        let Some(&(ssrc, repair)) = self.slots.get(n) else { return Ok(()) };
        // Browsers take the SSRC of the first line for the stream itself.
        write!(sdp, "a=ssrc:{ssrc} cname:{CNAME}\r\n")?;
        if let Some(repair) = repair {
            write!(sdp, "a=ssrc:{repair} cname:{CNAME}\r\na=ssrc-group:FID {ssrc} {repair}\r\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::offer::tests::{INPUTS, offer};
    use super::*;

    #[test]
    fn the_answer_mirrors_the_offer() {
        let mut sections = INPUTS.to_vec();
        sections.extend([("audio", "recvonly"), ("video", "recvonly")]);
        let text =
            offer(&sections).replace("a=mid:1\r\n", "a=mid:1\r\na=rid:q send\r\na=rid:h send\r\n");
        let offer = Offer::parse(&text, 1, 1).expect("accepted");
        let credentials = Credentials { ufrag: "uuuu".into(), password: "pppp".into() };
        let sdp = Answer {
            offer: &offer,
            session: (1, 2),
            credentials: &credentials,
            fingerprint: "sha-256 aa",
            candidates: &["192.0.2.1:5000".parse().expect("an address")],
            slots: &[(11, None), (12, Some(13))],
        }
        .write();
        let part = |n: usize| sdp.split("m=").nth(n + 1).expect("an m-line");
        assert!(sdp.contains("a=group:BUNDLE 0 1 2 3 4\r\n"), "{sdp}");
        assert!(part(0).contains("a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n"), "{sdp}");
        assert!(part(0).contains("192.0.2.1 5000 typ host"), "{sdp}");
        assert!(part(1).contains("a=simulcast:recv q;h\r\n"), "{sdp}");
        assert!(part(1).contains("a=fmtp:97 apt=96\r\n"), "{sdp}");
        assert!(
            part(1).contains("a=rtcp-fb:96 nack pli\r\n") && !sdp.contains("goog-remb"),
            "{sdp}"
        );
        assert!(part(3).contains("a=sendonly\r\n") && part(3).contains("a=ssrc:11 "), "{sdp}");
        assert!(part(4).contains("a=ssrc-group:FID 12 13\r\n"), "{sdp}");
    }
}
