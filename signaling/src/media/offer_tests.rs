//! Which offers are taken, and what is read of them.

use super::*;
use proptest::prelude::*;

/// An offer with these m-lines and directions.
pub(in super::super) fn offer(sections: &[(&str, &str)]) -> String {
    let mids: Vec<_> = (0..sections.len()).map(|n| n.to_string()).collect();
    let mut sdp =
        format!("v=0\r\na=group:BUNDLE {}\r\na=fingerprint:SHA-256 ab:CD\r\n", mids.join(" "));
    for (n, (kind, direction)) in sections.iter().enumerate() {
        let codec = match *kind {
            "audio" => "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n",
            _ => {
                "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
                 a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 goog-remb\r\n"
            }
        };
        sdp += &format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:{n}\r\na=setup:actpass\r\na={direction}\r\n\
             a=extmap:3 {}\r\na=extmap:4/sendonly {}\r\n{codec}\
             a=candidate:1 1 udp 1 10.0.0.7 5000 typ host\r\n",
            Extensions::TRANSPORT,
            Extensions::MID,
        );
    }
    sdp
}

pub(in super::super) const INPUTS: [(&str, &str); 3] =
    [("audio", "sendonly"), ("video", "sendonly"), ("video", "sendonly")];

#[test]
fn the_shape_of_the_protocol_is_read() {
    let mut sections = INPUTS.to_vec();
    sections.extend([("audio", "recvonly"), ("audio", "recvonly"), ("video", "recvonly")]);
    let text = offer(&sections).replace(
        "a=mid:1\r\n",
        "a=mid:1\r\na=rid:q send\r\na=rid:h send\r\na=ssrc:7 cname:x\r\na=ssrc:8 cname:x\r\n\
         a=ssrc-group:FID 7 8\r\na=ssrc:7 msid:x y\r\n",
    );
    let offer = Offer::parse(&text, 2, 1).expect("accepted");
    let kinds: Vec<_> = offer.slots().iter().map(Section::kind).collect();
    assert_eq!(kinds, [Kind::Audio, Kind::Audio, Kind::Video]);
    assert_eq!(offer.fingerprint, "sha-256 AB:CD");
    let camera = &offer.inputs()[1];
    assert_eq!((camera.codec, camera.repair), (Some(96), Some(97)));
    assert_eq!(camera.rids, ["q", "h"]);
    assert_eq!(camera.streams, [(7, Some(8))]);
    assert_eq!(camera.feedback, ["nack", "nack pli", "goog-remb"]);
    assert_eq!((camera.extensions.transport, camera.extensions.mid), (Some(3), Some(4)));
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
    let good = offer(&INPUTS);
    Offer::parse(&good, 2, 1).expect("accepted");
    for (present, instead) in [
        ("a=mid:1\r\n", ""),
        ("fingerprint", "x"),
        ("BUNDLE 0 1", "BUNDLE 0"),
        ("opus", "G722"),
        ("setup:actpass", "setup:passive"),
        ("m=video 9", "m=video 0"),
    ] {
        let text = good.replace(present, instead);
        assert!(Offer::parse(&text, 2, 1).is_err(), "{present} → {instead}");
    }
}

proptest! {
    #[test]
    fn hostile_offers_never_panic(
        cut in 0usize..2_000, at in 0usize..2_000, noise in "[\\x00-\\u{ff}]{0,40}",
    ) {
        let mut text = offer(&INPUTS);
        let at = at.min(text.len());
        text.insert_str(at, &noise);
        let _ = Offer::parse(&text, 2, 1);
        text.truncate((0..=cut.min(text.len())).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0));
        let _ = Offer::parse(&text, 2, 1);
    }
}
