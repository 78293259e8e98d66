//! What the portal keeps of files shared in rooms, for whom, and how long.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use portal::cases::commands::CaseError;
use portal::documents::filing::{self, Sent};
use portal::documents::upload::Upload;
use portal::documents::{Kind, store as documents};
use portal::files::shelf::Shelf;
use portal::journal::{self, Aggregate};
use portal::meetings::commands::{self, Proposal};
use portal::meetings::files::{self, Card, Origin};
use portal::meetings::{MeetingId, Mode, standing};
use portal::procedures::Side;
use portal_testing::{World, databases, world};
use uuid::Uuid;

use crate::support::{People, ask, case, convened, people, proposal};

const STARTS: &str = "2026-12-05T14:00:00Z";

fn card(world: &World, who: &People, name: &str) -> Card {
    Card {
        id: world.portal.new_id(),
        name: name.to_owned(),
        size_bytes: 5,
        owner: who.client.user,
        session: "breakout-1".to_owned(),
        origin: Origin::Upload,
        filed: false,
        at: world.portal.now(),
    }
}

#[tokio::test]
async fn r_meet_24_26_a_file_is_kept_for_its_room_and_added_to_the_case_by_its_owner_alone() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, STARTS).await;
        world.clock.set("2026-12-05T13:50:00Z");
        let occupant = async |actor| files::occupant(portal, body.id, actor, meeting.0).await;
        assert!(occupant(&who.client).await.unwrap().is_none(), "{name}: never came in");
        for actor in [&who.client, &who.delegate, &who.conciliator] {
            ask(portal, body, actor, meeting, true).await.unwrap();
        }
        assert!(occupant(&who.staff).await.unwrap().is_none(), "{name}");
        let client = occupant(&who.client).await.unwrap().unwrap();
        let shelf = Shelf { body: body.id.0, room: meeting.0 };
        assert_eq!((client.room, client.shelf), (meeting, shelf), "{name}");

        // Content that the room never took is cleared away when the room opens.
        let shared = card(&world, &who, "bolletta.txt");
        files::keep(portal, shelf, shared.id, "ciao!".into()).await.unwrap();
        files::keep_card(portal, shelf, &shared).await.unwrap();
        files::keep(portal, shelf, portal.new_id(), "mai condiviso".into()).await.unwrap();
        let cards = files::cards(portal, shelf).await.unwrap();
        assert_eq!(cards, std::slice::from_ref(&shared), "{name}");
        assert_eq!(portal.files.on_shelf(shelf).await.unwrap().len(), 2, "{name}");

        let add = async |description: &str| {
            let text = description.to_owned();
            files::file_into_case(portal, &who.client, &client, &shared, text, true).await
        };
        let id = add("Ultima bolletta").await.unwrap();
        let case = client.case.id;
        let document = documents::read(db, body.id, case, id).await.unwrap().unwrap();
        assert_eq!((document.meeting, document.name.as_str()), (Some(meeting), "bolletta.txt"));
        assert!(document.visibility.confidential && document.visibility.kind == Kind::Attachment);
        let history = Aggregate { body: body.id.0, kind: "case", id: case.0 };
        let last = journal::load(db, history).await.unwrap().pop().unwrap();
        assert!(last.event.contains("filed_from_room"), "{name} {}", last.event);
        assert!(!last.event.contains("bolletta"), "{name} {}", last.event);

        // The rules of documents hold for people of the room as well.
        let stranger = files::Occupant { relation: None, ..client.clone() };
        let refused = files::file_into_case(
            portal,
            &who.staff,
            &stranger,
            &card(&world, &who, "a.txt"),
            String::new(),
            false,
        )
        .await;
        assert!(matches!(refused, Err(CaseError::NotFound)), "{name} {refused:?}");

        // The room's end takes the file, and not the document.
        portal.files.clear(shelf).await.unwrap();
        assert_eq!(files::content(portal, shelf, shared.id).await.unwrap(), None, "{name}");
        let kept = files::document_content(portal, &document).await.unwrap();
        assert_eq!(kept.as_deref(), Some(b"ciao!".as_slice()), "{name}");
    }
}

#[tokio::test]
async fn r_meet_20_a_document_is_for_those_who_may_see_it_in_the_case() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (portal, body) = (&world.portal, &world.body);
        let who = people(&world).await;
        let meeting = convened(&world, &who, STARTS).await;
        world.clock.set("2026-12-05T13:50:00Z");
        for actor in [&who.client, &who.delegate, &who.conciliator] {
            ask(portal, body, actor, meeting, true).await.unwrap();
        }
        let of = async |actor| files::occupant(portal, body.id, actor, meeting.0).await.unwrap();
        let (client, delegate) = (of(&who.client).await.unwrap(), of(&who.delegate).await.unwrap());
        for (confidential, sides) in [
            (true, BTreeSet::from([Side::Neutral, Side::Activating])),
            (false, BTreeSet::from([Side::Neutral, Side::Activating, Side::Convened])),
        ] {
            let file = Upload::check("a.txt", b"ciao".to_vec()).unwrap();
            let description = "Allegato".to_owned();
            let kind = Kind::Attachment;
            let sent = Sent { kind, description, confidential, file, shared_in: None };
            let id = filing::send(portal, &who.client, client.case.id, sent).await.unwrap();
            let readers = files::readers(portal, &client.case, meeting, id).await.unwrap();
            assert_eq!((readers.sides, readers.seats.len()), (sides, 0), "{name}");
            let found = files::document_for(portal, &delegate, id).await.unwrap();
            assert_eq!(found.is_none(), confidential, "{name}");
            let listed = files::documents_of(portal, &who.delegate, &delegate).await.unwrap();
            assert_eq!(listed.iter().any(|one| one.id == id), !confidential, "{name}");
            assert!(files::document_for(portal, &client, id).await.unwrap().is_some(), "{name}");
        }
    }
}

#[tokio::test]
async fn r_meet_23_24_shelves_go_with_their_rooms_and_a_standing_room_keeps_its_own() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let portal = &world.portal;
        let who = people(&world).await;
        let meeting = convened(&world, &who, STARTS).await;
        let mediation = World {
            portal: portal.clone(),
            clock: world.clock.clone(),
            body: world.other_body("mediazione.localhost").await,
        };
        let them = people(&mediation).await;
        let case = case(&mediation, &them).await;
        let fixed = proposal(&them.conciliator, "2026-12-05T16:00:00Z");
        let online = Proposal { mode: Mode::VirtualRoom, minutes: 120, ..fixed };
        let mediated = commands::convene(portal, &them.staff, case, online).await.unwrap();
        let room = standing::live(db, case, portal.now()).await.unwrap().unwrap();

        let own = files::shelf_of(portal, meeting).await.unwrap().unwrap();
        assert_eq!(own, Shelf { body: world.body.id.0, room: meeting.0 }, "{name}");
        let kept = Shelf { body: mediation.body.id.0, room: room.id };
        for address in [mediated, MeetingId(room.id)] {
            let shelf = files::shelf_of(portal, address).await.unwrap();
            assert_eq!(shelf, Some(kept), "{name}: a meeting there shares its shelf");
        }
        let nobodys = Shelf { body: world.body.id.0, room: Uuid::from_u128(7) };
        for shelf in [own, kept, nobodys] {
            files::keep(portal, shelf, portal.new_id(), "ciao".into()).await.unwrap();
        }
        let left = async || {
            let shelves = portal.files.shelves().await.unwrap();
            shelves.into_iter().collect::<BTreeSet<_>>()
        };
        assert_eq!(files::sweep(portal).await.unwrap(), 1, "{name}");
        assert_eq!(left().await, BTreeSet::from([own, kept]), "{name}");
        commands::cancel(portal, &who.staff, meeting).await.unwrap();
        assert_eq!(files::sweep(portal).await.unwrap(), 1, "{name}");
        assert_eq!(left().await, BTreeSet::from([kept]), "{name}");
        world.clock.advance(TimeDelta::days(89));
        assert_eq!(files::sweep(portal).await.unwrap(), 0, "{name}");
        world.clock.advance(TimeDelta::days(1));
        assert_eq!(files::sweep(portal).await.unwrap(), 1, "{name}");
        assert_eq!(left().await, BTreeSet::new(), "{name}");
    }
}
