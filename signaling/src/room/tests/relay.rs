//! Who may use the relay, and for how long.

use super::driver::{Driver, id};
use crate::protocol::{ClientMessage, IceServer, ServerMessage};
use crate::room::Terms;
use crate::turn::{Relay, Secret};

const URL: &str = "turns:hub.example.it:443?transport=tcp";

fn told(room: &Driver, who: u8) -> Vec<IceServer> {
    let told = room.clients[&who].unnumbered.iter().rev().find_map(|m| match m {
        ServerMessage::Welcome { ice_servers, .. }
        | ServerMessage::IceServers { ice_servers, .. } => Some(ice_servers.clone()),
        _ => None,
    });
    told.unwrap()
}

#[test]
fn r_meet_38_each_seat_gets_credentials_of_its_own_and_new_ones_on_request() {
    let secret = Secret::new("a secret of the relay").unwrap();
    let relay = Some(Relay { urls: vec![URL.to_owned()], secret });
    let mut room = Driver::new(Terms { relay, ..Terms::default() });
    room.join(1).unwrap();
    room.join(2).unwrap();
    let [first, second] = [1, 2].map(|n| told(&room, n).remove(0));
    let until = (room.now + crate::turn::CREDENTIAL_LIFE).timestamp();
    assert_eq!(first.urls, [URL]);
    assert_eq!(first.username, Some(format!("{until}:{}", id(1).0)));
    assert_ne!(first.credential, second.credential);
    room.wait(300);
    room.ask(1, ClientMessage::IceServers).unwrap();
    assert_eq!(told(&room, 1)[0].username, Some(format!("{}:{}", until + 300, id(1).0)));
}

#[test]
fn without_a_relay_none_is_named() {
    let mut room = Driver::new(Terms::default());
    room.join(1).unwrap();
    assert_eq!(told(&room, 1), []);
}
