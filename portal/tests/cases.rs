//! Commands of cases on both databases: rights, rules, history and messages together.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use portal::accounts::{Actor, Role};
use portal::cases::commands::{self, CaseError, NewCase};
use portal::cases::rules::{Act, Refusal};
use portal::cases::{CaseId, CaseState, Part, store};
use portal::journal::{self, Aggregate};
use portal::notifications;
use portal::organisations::{OperatorId, OperatorKind};
use portal::portal::Portal;
use portal_testing::{World, application, databases, world};

struct People {
    staff: Actor,
    conciliator: Actor,
    client: Actor,
    secretariat: Actor,
    delegate: Actor,
    seller: OperatorId,
    distributor: OperatorId,
}

async fn people(world: &World) -> People {
    let seller = world.operator("Luce Spa", OperatorKind::Seller).await;
    let distributor = world.operator("Rete Spa", OperatorKind::Distributor).await;
    People {
        staff: world.user("segreteria", Role::ServiceSecretariat, None).await,
        conciliator: world.user("conciliatore", Role::Conciliator, None).await,
        client: world.user("cliente", Role::Client, None).await,
        secretariat: world.user("seg.luce", Role::OperatorSecretariat, Some(seller)).await,
        delegate: world.user("del.luce", Role::OperatorDelegate, Some(seller)).await,
        seller,
        distributor,
    }
}

async fn open(world: &World, who: &People) -> CaseId {
    let new = NewCase {
        client: who.client.user,
        client_delegate: None,
        operator: who.seller,
        aid: None,
        application: application(),
    };
    commands::open(&world.portal, &who.staff, new).await.unwrap()
}

async fn history(portal: &Portal, body: uuid::Uuid, case: CaseId) -> Vec<String> {
    let entries =
        journal::load(&portal.db, Aggregate { body, kind: "case", id: case.0 }).await.unwrap();
    journal::verify(&entries).unwrap();
    let word = |event: &str| {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        event["event"].as_str().unwrap().to_owned()
    };
    entries.iter().map(|entry| word(&entry.event)).collect()
}

#[tokio::test]
async fn r_case_14_19_22_26_from_intake_to_assigned_with_history_and_messages() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = open(&world, &who).await;
        let portal = &world.portal;
        let act = |actor: &Actor, act: Act| {
            let (portal, actor) = (portal.clone(), actor.clone());
            async move { commands::act(&portal, &actor, case, act).await }
        };
        let adhere = Act::Adhere { operator: who.seller };
        // Before admission the operator knows nothing of it.
        assert!(matches!(act(&who.secretariat, adhere.clone()).await, Err(CaseError::NotFound)));
        act(&who.staff, Act::Admit).await.unwrap();
        let conciliator = who.conciliator.user;
        act(&who.staff, Act::AssignConciliator { conciliator }).await.unwrap();
        act(&who.secretariat, adhere.clone()).await.unwrap();
        assert!(matches!(
            act(&who.secretariat, adhere).await,
            Err(CaseError::Refused(Refusal::AlreadyAnswered))
        ));
        let delegate = who.delegate.user;
        act(&who.secretariat, Act::AssignDelegate { operator: who.seller, delegate })
            .await
            .unwrap();
        let aid = Act::RequestAid {
            operator: who.distributor,
            part: Part::Distributor,
            compulsory: false,
        };
        act(&who.delegate, aid).await.unwrap();
        act(&who.staff, Act::ConveneAid { operator: who.distributor }).await.unwrap();

        let record = store::read(db, world.body.id, case).await.unwrap().unwrap();
        assert_eq!(record.number.as_deref(), Some("N/2026/000001"), "{name}");
        assert_eq!(record.rules.state, CaseState::Assigned, "{name}");
        assert_eq!(record.rules.convened().delegate, Some(delegate), "{name}");
        assert_eq!(
            history(portal, world.body.id.0, case).await,
            [
                "sent",
                "admitted",
                "conciliator_assigned",
                "adhered",
                "delegate_assigned",
                "aid_requested",
                "aid_convened"
            ],
            "{name}"
        );
        let mails = notifications::newest(db, world.body.id, "cliente@example.it", 10).await;
        let subjects: Vec<_> = mails.unwrap().into_iter().map(|mail| mail.subject).collect();
        for word in ["Domanda ricevuta", "Avvio procedura", "Adesione dell'operatore"] {
            assert!(subjects.iter().any(|s| s.starts_with(word)), "{name} {word} {subjects:?}");
        }
    }
    databases.end().await;
}

#[tokio::test]
async fn r_role_01_and_r_tech_19_wrong_roles_and_other_bodies_are_refused_and_change_nothing() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = open(&world, &who).await;
        let other = world.other_body("mediazione.localhost").await;
        let stranger = world.user_of(&other, "segreteria", Role::ServiceSecretariat, None).await;
        let idle = world.user("altro", Role::Conciliator, None).await;
        let aid_only = world.user("admin", Role::Administrator, None).await;
        for (actor, expected_found) in [
            (&stranger, false),
            (&idle, false),
            (&aid_only, false),
            (&who.secretariat, false),
            (&who.client, true),
        ] {
            let refused = commands::act(&world.portal, actor, case, Act::Admit).await;
            match refused {
                Err(CaseError::NotAllowed) => assert!(expected_found, "{name} {actor:?}"),
                Err(CaseError::NotFound) => assert!(!expected_found, "{name} {actor:?}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        let mut new = NewCase {
            client: who.client.user,
            client_delegate: None,
            operator: who.seller,
            aid: None,
            application: application(),
        };
        assert!(matches!(
            commands::open(&world.portal, &who.client, new.clone()).await,
            Err(CaseError::NotAllowed)
        ));
        new.client = who.conciliator.user;
        assert!(matches!(
            commands::open(&world.portal, &who.staff, new).await,
            Err(CaseError::Unfit(_))
        ));
        assert_eq!(history(&world.portal, world.body.id.0, case).await, ["sent"], "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_case_11_twice_at_once_one_admission_and_numbers_without_gaps() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = open(&world, &who).await;
        let admit = || commands::act(&world.portal, &who.staff, case, Act::Admit);
        let (one, two) = tokio::join!(admit(), admit());
        assert!(one.is_ok() != two.is_ok(), "{name}: {one:?} {two:?}");
        assert_eq!(history(&world.portal, world.body.id.0, case).await, ["sent", "admitted"]);

        let (a, b, c) = tokio::join!(open(&world, &who), open(&world, &who), open(&world, &who));
        let mut numbers = Vec::new();
        for case in [a, b, c] {
            let record = store::read(db, world.body.id, case).await.unwrap().unwrap();
            numbers.push(record.number.unwrap());
        }
        numbers.sort();
        assert_eq!(numbers, ["N/2026/000002", "N/2026/000003", "N/2026/000004"], "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_case_63_time_puts_overdue_cases_on_the_worklist_once() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = open(&world, &who).await;
        commands::act(&world.portal, &who.staff, case, Act::Admit).await.unwrap();
        // Complete on 1 December 2026, 90 days: the last day is 1 March 2027 in Rome.
        for (now, events) in
            [("2027-03-01T22:59:59Z", 2), ("2027-03-01T23:00:00Z", 3), ("2027-03-05T09:00:00Z", 3)]
        {
            world.clock.set(now);
            commands::pass_time(&world.portal).await.unwrap();
            let told = history(&world.portal, world.body.id.0, case).await;
            assert_eq!(told.len(), events, "{name} {now} {told:?}");
        }
        let record = store::read(db, world.body.id, case).await.unwrap().unwrap();
        assert!(record.rules.overdue && record.rules.state == CaseState::Admitted, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn s_2_acts_of_meetings_and_signatures_and_of_other_operators_are_nobodys_to_do_directly() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let who = people(&world).await;
        let case = open(&world, &who).await;
        let act = |actor: &Actor, act: Act| {
            let (portal, actor) = (world.portal.clone(), actor.clone());
            async move { commands::act(&portal, &actor, case, act).await }
        };
        act(&who.staff, Act::Admit).await.unwrap();
        let conciliator = who.conciliator.user;
        act(&who.staff, Act::AssignConciliator { conciliator }).await.unwrap();
        act(&who.secretariat, Act::Adhere { operator: who.seller }).await.unwrap();
        let starts_at = "2026-12-20T14:00:00Z".parse().unwrap();
        let outcome = portal::cases::Outcome::Agreement;
        let agreed = Act::Conclude { outcome, meeting: starts_at };
        for direct in [
            Act::Send,
            Act::Convene { starts_at },
            Act::StartMeeting,
            Act::EndMeeting,
            agreed,
            Act::SendToSignature,
            Act::CompleteSignatures,
            Act::AbandonSignatures,
        ] {
            for actor in [&who.staff, &who.conciliator] {
                let refused = act(actor, direct.clone()).await;
                assert!(matches!(refused, Err(CaseError::NotAllowed)), "{name} {direct:?}");
            }
        }
        // Another operator's adhesion, another operator's delegate, a delegate for aid only.
        let stranger = world.user("del.rete", Role::OperatorDelegate, Some(who.distributor)).await;
        let assign = |operator, delegate| Act::AssignDelegate { operator, delegate };
        let other = act(&who.secretariat, Act::Adhere { operator: who.distributor }).await;
        assert!(matches!(other, Err(CaseError::NotAllowed)), "{name}");
        let other = act(&who.secretariat, assign(who.seller, stranger.user)).await;
        assert!(matches!(other, Err(CaseError::Unfit(_))), "{name}");
        let limited = aid_only(&world, who.seller).await;
        let other = act(&who.secretariat, assign(who.seller, limited)).await;
        assert!(matches!(other, Err(CaseError::Unfit(_))), "{name}: R-ROLE-26");
        act(&who.secretariat, assign(who.seller, who.delegate.user)).await.unwrap();
    }
    databases.end().await;
}

async fn aid_only(world: &World, operator: OperatorId) -> portal::accounts::UserId {
    let new = portal::accounts::commands::NewAccount {
        username: "solo.ausilio".into(),
        person: portal::accounts::personal::PersonalData {
            given_name: "Anna".into(),
            surname: "Bianchi".into(),
            fiscal_code: "RSSMRA80A01H501U".into(),
            email: "solo@example.it".into(),
            mobile: "+393330009999".into(),
        },
        password: portal_testing::PASSWORD.into(),
        role: Role::OperatorDelegate.key().into(),
        operator: operator.0.to_string(),
        aid_only: "si".into(),
    };
    portal::accounts::commands::create(&world.portal, world.body.id, &new).await.unwrap()
}

#[tokio::test]
async fn r_meet_04_a_withdrawal_takes_the_fixed_meeting_off_and_frees_everybody() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (who, portal) = (people(&world).await, &world.portal);
        let proposal = || portal::meetings::commands::Proposal {
            starts_at: "2026-12-20T14:00:00Z".parse().unwrap(),
            minutes: 60,
            mode: portal::meetings::Mode::VirtualRoom,
            conciliator: who.conciliator.user,
        };
        let mut cases = Vec::new();
        for _ in 0..2 {
            let case = open(&world, &who).await;
            commands::act(portal, &who.staff, case, Act::Admit).await.unwrap();
            cases.push(case);
        }
        let convene =
            |case| portal::meetings::commands::convene(portal, &who.staff, case, proposal());
        let meeting = convene(cases[0]).await.unwrap();
        convene(cases[1]).await.unwrap_err();
        let record = commands::act(portal, &who.client, cases[0], Act::Withdraw).await.unwrap();
        assert_eq!(record.rules.state, CaseState::Withdrawn, "{name}");
        let meeting =
            portal::meetings::store::read(db, world.body.id, meeting).await.unwrap().unwrap();
        assert_eq!(meeting.rules.state, portal::meetings::MeetingState::Cancelled, "{name}");
        let mails = notifications::newest(db, world.body.id, "conciliatore@example.it", 20).await;
        let told = |m: &notifications::Sent| m.subject.starts_with("Incontro annullato");
        assert!(mails.unwrap().iter().any(told), "{name}");
        convene(cases[1]).await.unwrap();
    }
    databases.end().await;
}

#[tokio::test]
async fn s_2_a_list_shows_exactly_the_cases_that_may_be_opened() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let world = world(db, &databases.folder().join(name)).await;
        let (who, portal) = (people(&world).await, &world.portal);
        let other_operator = world.operator("Altra Spa", OperatorKind::Seller).await;
        let rete = Some(who.distributor);
        let actors = [
            who.staff.clone(),
            who.conciliator.clone(),
            who.client.clone(),
            who.secretariat.clone(),
            who.delegate.clone(),
            world.user("concil.due", Role::Conciliator, None).await,
            world.user("cliente.due", Role::Client, None).await,
            world.user("del.cliente", Role::ClientDelegate, None).await,
            world.user("seg.rete", Role::OperatorSecretariat, rete).await,
            world.user("del.rete", Role::OperatorDelegate, rete).await,
            world.user("seg.altra", Role::OperatorSecretariat, Some(other_operator)).await,
            world.user("del.luce2", Role::OperatorDelegate, Some(who.seller)).await,
            world.user("capo", Role::Administrator, None).await,
        ];
        let seller = who.seller;
        let assign = Act::AssignDelegate { operator: seller, delegate: who.delegate.user };
        let steps = [
            (0, Act::Admit),
            (0, Act::AssignConciliator { conciliator: who.conciliator.user }),
            (0, Act::ConveneAid { operator: who.distributor }),
            (3, Act::Adhere { operator: seller }),
            (3, assign),
        ];
        let mut cases = Vec::new();
        for reached in 0..=steps.len() {
            let new = NewCase {
                client: who.client.user,
                client_delegate: (reached % 2 == 0).then_some(actors[7].user),
                operator: seller,
                aid: (reached > 2).then_some(who.distributor),
                application: application(),
            };
            let case = commands::open(portal, &who.staff, new).await.unwrap();
            for (actor, act) in &steps[..reached] {
                let done = commands::act(portal, &actors[*actor], case, act.clone()).await;
                assert!(done.is_ok(), "{name} {act:?} {done:?}");
            }
            cases.push(case);
        }
        let mut seen = 0;
        for actor in &actors {
            let mut listed = std::collections::BTreeSet::new();
            let all = portal::lists::ListQuery { righe: "50".into(), ..Default::default() };
            let mut listing =
                portal::lists::Listing::of(&all, (portal::cases::list::CaseColumn::Number, true));
            use portal::cases::list::{View, page};
            for view in [View::InProgress, View::Closed, View::Applications] {
                let (lines, total) = page(db, actor, view, &mut listing).await.unwrap();
                assert_eq!(lines.len(), usize::try_from(total).unwrap());
                listed.extend(lines.iter().map(|line| line.id()));
            }
            for case in &cases {
                let record = store::read(db, world.body.id, *case).await.unwrap().unwrap();
                let related = portal::cases::access::relation(actor, &record).is_some();
                assert_eq!(listed.contains(case), related, "{name} {actor:?} {record:?}");
                seen += usize::from(related);
            }
        }
        assert!(seen > 20, "{name}: {seen}");
    }
    databases.end().await;
}
