//! Fixing, moving, cancelling.

use axum::http::StatusCode;
use portal::accounts::Actor;
use portal::cases::commands::{self as cases, CaseError};
use portal::cases::rules::Refusal;
use portal::cases::{CaseState, store};
use portal::meetings::commands::{self, MeetingError, Proposal};
use portal::meetings::{MeetingState, Mode};
use portal::notifications;
use portal_testing::{Browser, databases, world};

use crate::support::{at, case, convened, people, proposal};

#[tokio::test]
async fn r_meet_04_conflicts_are_refused_with_names_also_of_two_at_once() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        convened(&world, &who, "2026-12-05T14:00:00Z").await;
        let other = case(&world, &who).await;
        let fix = |conciliator: &Actor, time: &'static str| {
            let (portal, staff) = (world.portal.clone(), who.staff.clone());
            let proposal = proposal(conciliator, time);
            async move { commands::convene(&portal, &staff, other, proposal).await }
        };
        match fix(&who.other_conciliator, "2026-12-05T14:30:00Z").await {
            Err(MeetingError::Conflict(names)) => {
                assert_eq!(names.len(), 2, "{name}: client and delegate, {names:?}");
            }
            result => panic!("{name}: {result:?}"),
        }
        // Nothing of the refused attempt stays: the conciliator was not replaced either.
        let record = store::read(db, world.body.id, other).await.unwrap().unwrap();
        assert_eq!(record.rules.conciliator, Some(who.conciliator.user), "{name}");
        assert_eq!(record.rules.state, CaseState::Assigned, "{name}");
        for (time, refusal) in [
            ("2026-12-01T08:59:00Z", Refusal::TooSoon),
            ("2027-03-02T09:00:00Z", Refusal::AfterDeadline),
        ] {
            let result = fix(&who.conciliator, time).await;
            assert!(
                matches!(&result, Err(MeetingError::Case(CaseError::Refused(r))) if *r == refusal),
                "{name} {time}: {result:?}"
            );
        }
        // The end is not part of a meeting.
        fix(&who.conciliator, "2026-12-05T15:00:00Z").await.unwrap();

        let (one, two) = (case(&world, &who).await, case(&world, &who).await);
        let convene = |case| {
            let proposal = proposal(&who.conciliator, "2026-12-09T10:00:00Z");
            commands::convene(&world.portal, &who.staff, case, proposal)
        };
        let (one, two) = tokio::join!(convene(one), convene(two));
        assert!(one.is_ok() != two.is_ok(), "{name}: {one:?} {two:?}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_05_everybody_with_a_seat_is_told_once_and_r_meet_12_secretariats_have_none() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        let moved =
            commands::move_to(&world.portal, &who.staff, meeting, at("2026-12-06T14:00:00Z"), None)
                .await;
        let moved = moved.unwrap();
        commands::cancel(&world.portal, &who.staff, moved).await.unwrap();
        let again = commands::cancel(&world.portal, &who.staff, moved).await;
        assert!(matches!(again, Err(MeetingError::Refused(_))), "{name} {again:?}");
        for (address, told) in [
            ("cliente@example.it", 3),
            ("del.luce@example.it", 3),
            ("conciliatore@example.it", 3),
            ("seg.luce@example.it", 0),
        ] {
            let mails = notifications::newest(db, world.body.id, address, 50).await.unwrap();
            let about = |mail: &&notifications::Sent| {
                ["Convocazione –", "Incontro"].iter().any(|word| mail.subject.starts_with(word))
            };
            assert_eq!(mails.iter().filter(about).count(), told, "{name} {address}");
        }
        for (actor, allowed) in [(&who.conciliator, false), (&who.delegate, false)] {
            let result = commands::cancel(&world.portal, actor, moved).await;
            assert_eq!(result.is_ok(), allowed, "{name}");
        }
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_35_after_an_adjournment_the_next_meeting_is_convened() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let first = convened(&world, &who, "2026-12-05T14:00:00Z").await;
        let read = async |meeting| {
            portal::meetings::store::read(db, body.id, meeting).await.unwrap().unwrap()
        };
        let case = read(first).await.case;
        world.clock.set("2026-12-05T14:00:00Z");
        let next = proposal(&who.conciliator, "2026-12-12T14:00:00Z");
        let pending = commands::convene(portal, &who.staff, case, next).await;
        let pending_refused = CaseError::Refused(Refusal::MeetingPending).to_string();
        assert_eq!(pending.unwrap_err().to_string(), pending_refused, "{name}");
        let mut tx = db.begin().await.unwrap();
        let by = cases::By::default();
        commands::start_in(&mut tx, portal, body, first, by).await.unwrap();
        commands::end_in(&mut tx, portal, body, first, by).await.unwrap();
        tx.commit().await.unwrap();
        let undecided = commands::convene(portal, &who.staff, case, next).await;
        let not_adjourned = CaseError::Refused(Refusal::NotAdjourned).to_string();
        assert_eq!(undecided.unwrap_err().to_string(), not_adjourned, "{name}");
        let mut tx = db.begin().await.unwrap();
        let adjourned = portal::cases::Outcome::Adjourned;
        commands::conclude_in(&mut tx, portal, body, first, adjourned, by).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(read(first).await.rules.state, MeetingState::Adjourned, "{name}");
        let second = commands::convene(portal, &who.staff, case, next).await.unwrap();
        let second = read(second).await;
        assert_eq!((second.is_first, second.replaces), (false, None), "{name}");
        let case = store::read(db, body.id, case).await.unwrap().unwrap();
        assert_eq!(case.rules.state, CaseState::Reconvened, "{name}");
        assert!(read(first).await.is_first, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_08_the_telephone_alone_needs_a_signature_from_afar() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = case(&world, &who).await;
        let online = proposal(&who.conciliator, "2026-12-05T14:00:00Z");
        let by_telephone = Proposal { mode: Mode::CallConference, ..online };
        let refused = commands::convene(&world.portal, &who.staff, case, by_telephone).await;
        let Err(MeetingError::ByTelephone(names)) = refused else { panic!("{name} {refused:?}") };
        assert_eq!(names, std::slice::from_ref(&who.client.name), "{name}");
        // The client says so on the own page.
        let router = portal::web::router(world.portal.clone());
        let mut client = Browser::signed_in(router, &world, "cliente").await;
        let page = client.post("/profilo/firma", &[("firma", "si")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{name} {}", page.text());
        assert!(client.get("/profilo").await.text().contains("Hai dichiarato"), "{name}");
        let meeting = commands::convene(&world.portal, &who.staff, case, by_telephone).await;
        commands::cancel(&world.portal, &who.staff, meeting.unwrap()).await.unwrap();
        client.post("/profilo/firma", &[("firma", "no")]).await;
        let refused = commands::convene(&world.portal, &who.staff, case, by_telephone).await;
        assert!(matches!(refused, Err(MeetingError::ByTelephone(_))), "{name} {refused:?}");
        commands::convene(&world.portal, &who.staff, case, online).await.unwrap();
    }
    databases.end().await;
}

#[tokio::test]
async fn r_meet_28_a_postponement_is_granted_once_to_each_side_and_in_time() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let meeting = convened(&world, &who, "2026-12-10T14:00:00Z").await;
        let router = portal::web::router(world.portal.clone());
        let mut staff = Browser::signed_in(router, &world, "segreteria").await;
        let post = |page: String, to: &'static str, by: &'static str, on: &'static str| {
            let fields = [("data", to), ("ora", "15:00"), ("richiesta", by), ("richiesta_il", on)];
            (format!("{page}/spostamento"), fields)
        };
        let page = format!("/incontri/{meeting}");
        for (to, by, on, told) in [
            ("2026-12-12", "cliente", "", "Scrivi il giorno"),
            ("2026-12-12", "giudice", "2026-12-01", "Scegli dall"),
            ("2026-12-12", "cliente", "2026-12-09", "giorni"),
            ("2026-12-30", "cliente", "2026-12-01", "giorni"),
        ] {
            let (path, fields) = post(page.clone(), to, by, on);
            let refused = staff.post(&path, &fields).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {to} {by} {on}");
            assert!(refused.text().contains(told), "{name} {to} {by} {on}: {}", refused.text());
        }
        let (path, fields) = post(page, "2026-12-12", "cliente", "2026-12-01");
        let moved = staff.post(&path, &fields).await.location().to_owned();
        assert!(moved.starts_with("/incontri/"), "{name} {moved}");
        let (path, fields) = post(moved.clone(), "2026-12-14", "cliente", "2026-12-01");
        let again = staff.post(&path, &fields).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        let (path, fields) = post(moved, "2026-12-14", "convened", "2026-12-01");
        assert!(staff.post(&path, &fields).await.location().starts_with("/incontri/"), "{name}");
    }
    databases.end().await;
}
