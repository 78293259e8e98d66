//! What participants say, without sockets: for fuzzing.

use super::driver::Driver;
use crate::protocol::{ClientEnvelope, Session};
use crate::room::routes::Routes;
use crate::room::{Input, Terms};

/// Most lines of one run.
const LINES: usize = 200;

/// Reads lines as frames of sockets. The first byte says whose: `0` to `4` for a participant, `-` and
/// `+` before a number for a lost and a resumed socket, `.` for a second that passes. Panics where a
/// room would, and if somebody hears of a session in which they are not.
pub fn read(bytes: &[u8]) {
    let mut room = Driver::started(Terms { burst: 1_000_000, ..Terms::default() });
    for line in bytes.split(|byte| *byte == b'\n').take(LINES) {
        match *line {
            [b'.', ..] => room.wait(1),
            [b'-', n, ..] => room.lose(n % 5),
            [b'+', n, ..] => {
                let n = n % 5;
                room.lose(n);
                if room.resume(n).is_err() {
                    let _ = room.join(n);
                }
            }
            [n, ref frame @ ..] => say(&mut room, n % 5, frame),
            [] => {}
        }
        for n in 0..5 {
            let Some(client) = room.clients.get(&n) else { continue };
            for message in client.processed.iter().chain(&client.unnumbered) {
                serde_json::to_string(message).expect("everything that is said has a form");
            }
        }
        room.forget();
        if room.closed {
            return;
        }
        keeps_sessions_apart(&room.routes);
    }
}

fn keeps_sessions_apart(routes: &Routes) {
    for (viewer, slots) in &routes.viewers {
        let here = routes.sessions.get(viewer);
        let heard = slots.audio.iter().flatten();
        let seen = slots.video.iter().flatten().map(|source| &source.participant);
        for other in heard.chain(seen) {
            assert_eq!(routes.sessions.get(other), here, "a route between two sessions");
            assert_ne!(here, Some(&Session::Lobby), "a route in the lobby");
        }
    }
}

fn say(room: &mut Driver, n: u8, frame: &[u8]) {
    let Some(connection) = room.clients.get(&n).and_then(|client| client.connection) else {
        let _ = room.join(n);
        return;
    };
    let envelope = std::str::from_utf8(frame).ok();
    let envelope = envelope.and_then(|text| serde_json::from_str::<ClientEnvelope>(text).ok());
    room.input(match envelope {
        Some(envelope) => Input::Message { connection, envelope },
        None => Input::Garbled { connection, re: 0 },
    });
}
