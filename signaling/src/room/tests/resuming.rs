//! Resume neither loses nor doubles anything: a client that drops sockets at random ends up with
//! exactly the sequence of a twin whose sockets never break.

use super::driver::*;
use super::schedule::{Step, carry_out, step};
use crate::protocol::*;
use crate::room::Terms;
use proptest::prelude::*;

/// The seat whose socket breaks.
const UNLUCKY: u8 = 1;

/// What must arrive once and in order. Views and slots are states, compared at the end.
fn events(client: &Client) -> Vec<ServerMessage> {
    let is_state =
        |m: &&ServerMessage| matches!(m, ServerMessage::View(_) | ServerMessage::Slots { .. });
    client.processed.iter().filter(|m| !is_state(m)).cloned().collect()
}

fn terms(ring: usize) -> Terms {
    Terms { burst: 100_000, ring, ..Terms::default() }
}

/// Runs the schedule twice: as it is, and with the unlucky seat's sockets breaking at `breaks`.
fn run(steps: &[Step], breaks: &[bool], ring: usize) -> (Driver, Driver) {
    let (mut twin, mut room) = (Driver::new(terms(ring)), Driver::new(terms(ring)));
    for driver in [&mut twin, &mut room] {
        for n in 0..5 {
            driver.join(n).unwrap();
        }
    }
    for (number, step) in steps.iter().enumerate() {
        let words = format!("words {number}");
        match step {
            // The unlucky seat's own comings and goings are what differs between the two.
            Step::Join(UNLUCKY)
            | Step::Resume(UNLUCKY)
            | Step::Lose(UNLUCKY)
            | Step::Deafen(_)
            | Step::Bye(UNLUCKY)
            | Step::Remove(UNLUCKY) => continue,
            // Within the grace time throughout.
            Step::Wait(seconds) if *seconds > 3 => continue,
            _ => {}
        }
        if breaks.get(number % breaks.len()) == Some(&true) {
            // First the wire goes quiet, then the socket is found broken.
            let client = room.clients.get_mut(&UNLUCKY).unwrap();
            if client.deaf {
                room.lose(UNLUCKY);
                room.resume(UNLUCKY).unwrap();
            } else {
                client.deaf = true;
            }
        }
        let acts = match step {
            Step::Chat { from, .. } | Step::Devices { from, .. } => *from == UNLUCKY,
            Step::Ack(n) => *n == UNLUCKY,
            _ => false,
        };
        if acts && room.clients[&UNLUCKY].deaf {
            // A client acts on a socket that works.
            room.lose(UNLUCKY);
            room.resume(UNLUCKY).unwrap();
        }
        let _ = carry_out(&mut twin, step, &words);
        let _ = carry_out(&mut room, step, &words);
    }
    room.lose(UNLUCKY);
    room.resume(UNLUCKY).unwrap();
    (twin, room)
}

proptest! {
    #[test]
    fn r_meet_27_a_resume_neither_loses_nor_doubles_an_event(
        steps in prop::collection::vec(step(), 1..100),
        breaks in prop::collection::vec(any::<bool>(), 7),
    ) {
        let (twin, room) = run(&steps, &breaks, 10_000);
        let (expected, client) = (&twin.clients[&UNLUCKY], &room.clients[&UNLUCKY]);
        prop_assert_eq!(client.fresh, 1, "the ring always reaches");
        prop_assert!(client.resumes > 0);
        prop_assert_eq!(events(client), events(expected));
        prop_assert_eq!(&client.view, &expected.view);
        prop_assert_eq!(&twin.routes, &room.routes, "sockets do not move anybody");
    }

    #[test]
    fn r_meet_27_a_ring_that_no_longer_reaches_gives_a_fresh_view(
        steps in prop::collection::vec(step(), 1..100),
        breaks in prop::collection::vec(any::<bool>(), 7),
    ) {
        let (twin, room) = run(&steps, &breaks, 3);
        let (expected, client) = (&twin.clients[&UNLUCKY], &room.clients[&UNLUCKY]);
        // What arrived is a part of what happened, in order: some may be missing, none is doubled.
        let mut happened = events(expected).into_iter();
        for event in events(client) {
            prop_assert!(happened.any(|e| e == event), "doubled or out of order: {event:?}");
        }
        prop_assert_eq!(&client.view, &expected.view);
    }
}
