//! The browser's protocol types are generated from the wire types.

use signaling::protocol::*;
use std::path::Path;
use ts_rs::{Config, TS};

/// One type on one line, with its own comment above. Comments on fields stay in the Rust source.
fn declaration<T: TS>(config: &Config) -> String {
    let docs = T::docs().unwrap_or_default();
    let declared = plain(&T::decl(config));
    // A flattened message is named, not repeated.
    let declared = declared
        .replace(&plain(&ClientMessage::inline(config)), "ClientMessage")
        .replace(&plain(&ServerMessage::inline(config)), "ServerMessage");
    let declared = match declared.split_once(" = ") {
        // Replaced its own declaration, too.
        Some((name, "ClientMessage;" | "ServerMessage;")) => {
            let inline = match name {
                "type ClientMessage" => ClientMessage::inline(config),
                _ => ServerMessage::inline(config),
            };
            format!("{name} = {};", plain(&inline))
        }
        _ => declared,
    };
    format!("{docs}export {declared}\n\n").replace(" } | {", " }\n  | {")
}

/// Without comments and line breaks.
fn plain(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("/**") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out.replace('\n', "")
}

fn generated() -> String {
    let config = Config::new();
    let mut text = String::from(
        "// Wire types of `accordo.v1`. Generated from signaling/src/protocol.rs by the test \
         `typescript`; do not edit.\n\n",
    );
    macro_rules! declare {
        ($($ty:ty),+ $(,)?) => { $(text.push_str(&declaration::<$ty>(&config));)+ };
    }
    declare!(
        RoomId,
        ParticipantId,
        FileId,
        Epoch,
        Session,
        Role,
        Side,
        SeatReason,
        Telephones,
        Listener,
        MoveReason,
        Quality,
        ClientEnvelope,
        ClientMessage,
        ServerEnvelope,
        ServerMessage,
        View,
        Person,
        Outside,
        SharedFile,
        FileKind,
        FileOrigin,
        Showing,
        Breakout,
        Timer,
        VideoSource,
        VideoKind,
        Watch,
        IceServer,
        Topic,
        ErrorCode,
        Retry,
        LeaveReason,
        LeaveAction,
    );
    text
}

/// Rewrites the file when it is out of date, and fails once to have it committed.
#[test]
fn the_browser_types_are_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/src/protocol.ts");
    let expected = generated();
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    if present != expected {
        std::fs::write(&path, &expected).unwrap();
        panic!("{} was out of date and has been rewritten: commit it", path.display());
    }
}
