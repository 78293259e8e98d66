//! Random schedules: everything that people, sockets and clocks can do to a room, in any order.

use super::driver::*;
use crate::protocol::*;
use proptest::prelude::*;

/// One step. Numbers name seats, sessions and epochs loosely, so that wrong ones come up too.
#[derive(Clone, Debug)]
pub enum Step {
    Join(u8),
    Resume(u8),
    Lose(u8),
    /// What the room sends to this seat is lost on the wire until it resumes.
    Deafen(u8),
    Bye(u8),
    Chat {
        from: u8,
        age: u8,
    },
    Devices {
        from: u8,
        mic: bool,
        cam: bool,
        screen: bool,
    },
    Start,
    Admit(u8),
    AdmitAll,
    Open {
        side: Side,
        with_me: bool,
        age: u8,
    },
    Move {
        who: u8,
        to: u16,
        age: u8,
    },
    Visit(u16),
    CloseBreakout(u16, bool),
    Recall(bool),
    Timer {
        of: u16,
        minutes: u16,
        closes: bool,
    },
    Phone(u8),
    HangUp(u8),
    Quality(u8, Quality),
    Exclude(u8),
    Remove(u8),
    Reinstate(u8),
    Mute(u8),
    Lock(bool),
    Notice,
    Ack(u8),
    Wait(i64),
}

fn session(n: u16) -> Session {
    match n {
        0 => Session::Lobby,
        1 => Session::Plenary,
        n => Session::Breakout(n - 1),
    }
}

pub fn step() -> impl Strategy<Value = Step> {
    let seat = || 0..5u8;
    let side = || prop_oneof![Just(Side::Activating), Just(Side::Convened), Just(Side::Aid)];
    let age = || prop_oneof![4 => Just(0u8), 1 => 1..4u8];
    prop_oneof![
        4 => seat().prop_map(Step::Join),
        3 => seat().prop_map(Step::Resume),
        2 => seat().prop_map(Step::Lose),
        1 => seat().prop_map(Step::Deafen),
        1 => seat().prop_map(Step::Bye),
        8 => (seat(), age()).prop_map(|(from, age)| Step::Chat { from, age }),
        4 => (seat(), any::<(bool, bool, bool)>())
            .prop_map(|(from, (mic, cam, screen))| Step::Devices { from, mic, cam, screen }),
        2 => Just(Step::Start),
        2 => seat().prop_map(Step::Admit),
        2 => Just(Step::AdmitAll),
        3 => (side(), any::<bool>(), age())
            .prop_map(|(side, with_me, age)| Step::Open { side, with_me, age }),
        4 => (seat(), 0..6u16, age()).prop_map(|(who, to, age)| Step::Move { who, to, age }),
        2 => (0..6u16).prop_map(Step::Visit),
        1 => (0..6u16, any::<bool>()).prop_map(|(n, at_once)| Step::CloseBreakout(n, at_once)),
        1 => any::<bool>().prop_map(Step::Recall),
        1 => (0..6u16, 0..2u16, any::<bool>())
            .prop_map(|(of, minutes, closes)| Step::Timer { of, minutes, closes }),
        1 => (0..3u8).prop_map(Step::Phone),
        1 => (0..3u8).prop_map(Step::HangUp),
        1 => (seat(), prop_oneof![Just(Quality::Good), Just(Quality::Poor)])
            .prop_map(|(n, mark)| Step::Quality(n, mark)),
        1 => seat().prop_map(Step::Exclude),
        1 => seat().prop_map(Step::Remove),
        2 => seat().prop_map(Step::Reinstate),
        1 => seat().prop_map(Step::Mute),
        1 => any::<bool>().prop_map(Step::Lock),
        1 => Just(Step::Notice),
        3 => seat().prop_map(Step::Ack),
        2 => prop_oneof![3 => 0..3i64, 1 => 20..70i64].prop_map(Step::Wait),
    ]
}

/// Carries out one step; refusals are part of the game. Texts are numbered by the caller.
pub fn carry_out(room: &mut Driver, step: &Step, text: &str) -> Result<(), ErrorCode> {
    use ClientMessage as M;
    let aged = |room: &Driver, age: u8| Epoch(room.epoch().0.saturating_sub(u64::from(age)));
    let command = |room: &mut Driver, message| room.ask(CONCILIATOR, message);
    match *step {
        Step::Join(n) => room.join(n),
        Step::Resume(n) => room.resume(n),
        Step::Lose(n) => {
            room.lose(n);
            Ok(())
        }
        Step::Deafen(n) => {
            room.clients.entry(n).or_default().deaf = true;
            Ok(())
        }
        Step::Bye(n) => room.ask(n, M::Bye),
        Step::Chat { from, age } => {
            let epoch = aged(room, age);
            room.ask(from, M::Chat { epoch, text: text.into() })
        }
        Step::Devices { from, mic, cam, screen } => room.ask(from, M::Devices { mic, cam, screen }),
        Step::Start => command(room, M::Start),
        Step::Admit(n) => command(room, M::Admit { participant: id(n) }),
        Step::AdmitAll => command(room, M::AdmitAll),
        Step::Open { side, with_me, age } => {
            let epoch = aged(room, age);
            command(room, M::OpenBreakout { epoch, side, with_me, minutes: None, telephones: None })
        }
        Step::Move { who, to, age } => {
            let epoch = aged(room, age);
            command(
                room,
                M::Move { epoch, participant: id(who), to: session(to), telephones: None },
            )
        }
        Step::Visit(to) => command(room, M::Visit { to: session(to), telephones: None }),
        Step::CloseBreakout(n, at_once) => {
            command(room, M::CloseBreakout { session: session(n), at_once })
        }
        Step::Recall(at_once) => command(room, M::Recall { at_once }),
        Step::Timer { of, minutes, closes } => {
            let minutes = (minutes > 0).then_some(minutes);
            command(room, M::SetTimer { session: session(of), minutes, closes })
        }
        Step::Phone(n) => {
            let side = if n == 0 { Side::Convened } else { Side::Activating };
            let (name, number) = (format!("Phone {n}"), "06 1234567".into());
            command(room, M::AddPhone { name, number, side })
        }
        Step::HangUp(n) => command(room, M::Remove { participant: id(20 + n) }),
        Step::Quality(n, mark) => room.ask(n, M::Quality { mark }),
        Step::Exclude(n) => command(room, M::Exclude { participant: id(n) }),
        Step::Remove(n) => command(room, M::Remove { participant: id(n) }),
        Step::Reinstate(n) => command(room, M::Reinstate { participant: id(n) }),
        Step::Mute(n) => command(room, M::Mute { participant: id(n) }),
        Step::Lock(locked) => command(room, M::Lock { locked }),
        Step::Notice => command(room, M::Notice { text: text.into() }),
        Step::Ack(n) => {
            let seq = room.clients.get(&n).map_or(0, |client| client.last_seq);
            room.ask(n, M::Ack { seq })
        }
        Step::Wait(seconds) => {
            room.wait(seconds);
            Ok(())
        }
    }
}
