//! `hub serve`: composition and life of one process.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use accordo_demo::world;
use axum::Router;
use axum::middleware;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_openssl::OpenSSLConfig;
use chrono::{DateTime, TimeDelta, Utc};
use metrics_exporter_prometheus::PrometheusHandle;
use portal::accounts::passwords::Cost;
use portal::accounts::sessions;
use portal::cases::commands;
use portal::clock::{Clock as _, SystemClock};
use portal::files::Files;
use portal::identification::{self, Terms};
use portal::leases;
use portal::media_tests;
use portal::portal::{Parts, Portal, PortalSettings};
use portal::powers;
use portal::procedures::Procedures;
use portal::random::SystemRandom;
use portal::signatures::{attempts, identity, leave, preservation, reminders, settling};
use portal::trust_lists;
use signaling::edge::{Rooms, RoomsConfig};
use signaling::media::{Media, MediaConfig};
use signaling::turn::{Relay, Turn};
use signing_minutes::TypstTypesetter;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::demo::DemoParties;
use crate::error::HubError;
use crate::meetings::Meetings;
use crate::minutes;
use crate::settings::{Mode, Settings};
use crate::signatures::LiveRooms;
use crate::{demo, guard, health, limits, relay, shell, signatures};

/// After SIGTERM, requests that run may take so long to end.
const FAREWELL: Duration = Duration::from_secs(10);
/// Between two rounds of housekeeping.
const ROUND: Duration = Duration::from_secs(60);
/// Between two looks for signatures that a stop left behind, and for terms that are over.
const SIGNATURES: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT.
pub async fn serve(settings: Settings) -> Result<(), HubError> {
    let failed = |what: &'static str| {
        move |error: &dyn std::fmt::Display| HubError::Failed(format!("{what}: {error}"))
    };
    let metrics = health::record()?;
    tracing::debug!(open_files = limits::raise_open_files(), "limit");
    let opened = guard::open(&settings, SystemClock.now()).await?;
    let db = opened.db;
    let _alone = settings.owns_database().then(|| alone(&settings)).transpose()?;
    let files = Files::local(&settings.files())?;
    let demo = match &opened.demo {
        Some(permit) => Some(DemoParties::open(permit, &settings, db.clone())?),
        None => None,
    };
    let live = Arc::new(LiveRooms::default());
    let mut signing = match &demo {
        Some(demo) => demo.ports(live.clone())?,
        None => signatures::configured(&settings.signing, live.clone())?,
    };
    if let Some(folder) = &settings.minutes.templates {
        // Better now than in a meeting.
        if let Some(fault) = minutes::first_fault(folder) {
            return Err(HubError::Settings(format!("[minutes] templates: {fault}")));
        }
        signing.typesetter = Arc::new(TypstTypesetter::with_folder(folder.clone()));
    }
    let portal = Portal::new(Parts {
        db: db.clone(),
        files,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        procedures: Procedures::shipped(),
        settings: portal_settings(&settings),
        signing,
    });

    let agreed = match demo {
        Some(_) => world::fill(&portal).await.map_err(|e| failed("demo")(&e))?,
        None => None,
    };
    let complete = Arc::new(AtomicBool::new(agreed.is_none()));
    let lease = TimeDelta::seconds(settings.rooms.lease_s.into());
    let meetings = Meetings::new(portal.clone(), lease);
    // Nobody else can be serving: no lease of a room or a signature has to run out first.
    let stopped = settings.owns_database().then(|| portal.now());
    if let Some(at) = stopped {
        leases::end_all(&db, at).await.map_err(|e| failed("leases")(&e))?;
        attempts::end_requests(&db).await.map_err(|e| failed("signatures")(&e))?;
        preservation::release(&db).await.map_err(|e| failed("archive")(&e))?;
    }
    let Opened { rooms, media, turn, relay } = open_rooms(&settings, &meetings).await?;
    meetings.attach(rooms.clone());
    live.attach(rooms.clone());

    let mut app = portal::web::router(portal.clone())
        .merge(meetings.router())
        .merge(shell::router(portal.clone()))
        .merge(crate::media_test::router(&settings, portal.clone(), media, relay))
        .merge(health::router(
            db.clone(),
            rooms.clone(),
            turn.clone(),
            metrics.clone(),
            complete.clone(),
        ));
    if let Some(demo) = &demo {
        app = app.merge(demo.router(portal.clone()));
    }
    let app = app
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(portal::web::guard::headers))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(health::measured));

    let stop = CancellationToken::new();
    let leases = tokio::spawn(meetings.keep_leases(live.bell(), stop.clone()));
    let handle = Handle::new();
    let listening = tokio::spawn(listen(settings.clone(), app, handle.clone()));
    let address = handle.listening().await;
    // After listening: the demo's outside parties are reached where the hub itself serves.
    let rounds = tokio::spawn(self::rounds(portal.clone(), metrics, stopped, stop.clone()));
    let archive = tokio::spawn(archive(portal.clone(), stop.clone()));
    match address {
        Some(address) => {
            tracing::info!(%address, "serving");
            if let (Some(meeting), Some(demo)) = (agreed, &demo) {
                let (portal, complete) =
                    (portal.with_trust_service(demo.with_codes()?), complete.clone());
                tokio::spawn(async move {
                    if let Err(error) = world::sign(&portal, meeting).await {
                        tracing::error!(%error, "signing an agreement of the demo");
                    }
                    complete.store(true, Ordering::Relaxed);
                });
            }
            announce(&settings, demo.is_some());
            signal().await.map_err(HubError::io("waiting for signals"))?;
            tracing::info!("stopping");
            rooms.shutdown().await;
            if let Some(turn) = turn {
                turn.stop().await;
            }
            handle.graceful_shutdown(Some(FAREWELL));
        }
        None => tracing::error!("not serving"),
    }
    let result = listening.await.map_err(|e| failed("server")(&e))?;
    stop.cancel();
    rounds.await.map_err(|e| failed("housekeeping")(&e))?;
    archive.await.map_err(|e| failed("archive")(&e))?;
    leases.await.map_err(|e| failed("leases")(&e))?;
    db.close().await;
    result
}

/// Sees to it that no other hub serves from this data folder, for as long as the file is open.
fn alone(settings: &Settings) -> Result<File, HubError> {
    let place = settings.data.join("hub.lock");
    let file = File::create(&place).map_err(HubError::io(place.display().to_string()))?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => {
            HubError::Failed(format!("another hub serves from {}", settings.data.display()))
        }
        TryLockError::Error(error) => HubError::io(place.display().to_string())(error),
    })?;
    Ok(file)
}

fn portal_settings(settings: &Settings) -> PortalSettings {
    let demo = settings.mode == Mode::Demo;
    PortalSettings {
        demo,
        public_url: settings.public_url(),
        idle: TimeDelta::minutes(settings.sessions.idle_min.into()),
        code_life: TimeDelta::minutes(settings.sessions.code_min.into()),
        password_cost: Cost::RECOMMENDED,
        help_phone: settings.rooms.help_phone.clone(),
        media_test_days: settings.media_test.keep_days,
        identification: Terms {
            video_days: settings.identification.video_days,
            provider_days: settings.identification.provider_days,
            evidence_days: settings.identification.evidence_days,
        },
    }
}

/// What serves meetings.
struct Opened {
    rooms: Rooms,
    media: Media,
    turn: Option<Arc<Turn>>,
    relay: Option<Relay>,
}

/// The rooms, their media and their relay. Each client gets receive slots for everybody a room can
/// hold.
async fn open_rooms(settings: &Settings, meetings: &Meetings) -> Result<Opened, HubError> {
    let mut config = RoomsConfig {
        max_rooms: settings.rooms.max_rooms,
        max_seats: settings.rooms.max_seats,
        ..RoomsConfig::default()
    };
    let bind = match settings.media.bind.as_slice() {
        [] => vec![settings.listen.ip()],
        addresses => addresses.to_vec(),
    };
    let bind = bind.into_iter().map(|ip| SocketAddr::new(ip, settings.media.port)).collect();
    let workers = match settings.media.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let media = Media::start(MediaConfig {
        bind,
        advertise: settings.media.advertise.clone(),
        workers,
        audio_slots: config.terms.audio_slots.into(),
        video_slots: config.terms.video_slots.into(),
    })
    .map_err(|e| HubError::Failed(format!("media: {e}")))?;
    let relay::Opened { turn, relay } = relay::open(settings, &media).await?;
    config.terms.relay = relay.clone();
    let meetings = Arc::new(meetings.clone());
    let clock = Arc::new(signaling::SystemClock);
    let (door, journal) = (meetings.clone(), meetings.clone());
    let rooms = Rooms::start(config, Arc::new(media.clone()), door, journal, meetings, clock);
    Ok(Opened { rooms, media, turn, relay })
}

/// A room's messages are small and follow each other: none waits until the one before was received.
async fn listen(
    settings: Settings,
    app: Router,
    handle: Handle<SocketAddr>,
) -> Result<(), HubError> {
    let what = format!("listening on {}", settings.listen);
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    match &settings.tls {
        Some(tls) => {
            let config = OpenSSLConfig::from_pem_chain_file(&tls.certificate, &tls.key)
                .map_err(|e| HubError::Settings(format!("certificate: {e}")))?;
            let server = axum_server::bind_openssl(settings.listen, config);
            let server = server.map(|acceptor| acceptor.acceptor(NoDelayAcceptor));
            server.handle(handle).serve(service).await
        }
        None => {
            let server = axum_server::bind(settings.listen).acceptor(NoDelayAcceptor);
            server.handle(handle).serve(service).await
        }
    }
    .map_err(HubError::io(what))
}

/// Tells the person at the terminal where to go.
fn announce(settings: &Settings, demo: bool) {
    let mut out = std::io::stdout().lock();
    let mut lines = format!("Accordo: {}\n", settings.public_url());
    if demo {
        lines.push_str(&demo::welcome(settings));
    }
    // Nobody may be reading: that is no reason to stop.
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

/// What is done again and again while the hub serves. `stopped`: when every other process that
/// served this database had stopped.
async fn rounds(
    portal: Portal,
    metrics: PrometheusHandle,
    stopped: Option<DateTime<Utc>>,
    stop: CancellationToken,
) {
    let mut round = tokio::time::interval(ROUND);
    let mut signatures = tokio::time::interval(SIGNATURES);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = signatures.tick() => {
                if let Err(error) = settling::resume_all(&portal, stopped).await {
                    tracing::error!(%error, "taking up signatures");
                }
            }
            _ = round.tick() => {
                pass_time(&portal).await;
                metrics.run_upkeep();
            }
        }
    }
}

/// Makes completed documents last, and follows trusted lists. On its own, because it waits for others; what is broken off is done
/// again.
async fn archive(portal: Portal, stop: CancellationToken) {
    let rounds = async {
        loop {
            if let Err(error) = preservation::round(&portal).await {
                tracing::error!(%error, "archive time stamps");
            }
            tokio::time::sleep(SIGNATURES).await;
        }
    };
    let lists = async {
        loop {
            if let Err(error) = trust_lists::round(&portal).await {
                tracing::error!(%error, "trusted lists");
            }
            tokio::time::sleep(ROUND).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = rounds => {}
        () = lists => {}
    }
}

async fn pass_time(portal: &Portal) {
    if let Err(error) = commands::pass_time(portal).await {
        tracing::error!(%error, "passing time over cases");
    }
    if let Err(error) = sessions::sweep(&portal.db, portal.settings.idle, portal.now()).await {
        tracing::error!(%error, "sweeping sessions");
    }
    if let Err(error) = reminders::pass_time(portal).await {
        tracing::error!(%error, "reminding signers");
    }
    if let Err(error) = powers::notices::pass_time(portal).await {
        tracing::error!(%error, "telling that powers run out");
    }
    if let Err(error) = portal::signatures::powers::pass_time(portal).await {
        tracing::error!(%error, "telling that signers have no powers any more");
    }
    if let Err(error) = identification::commands::pass_time(portal).await {
        tracing::error!(%error, "passing time over video identifications");
    }
    if let Err(error) = media_tests::sweep(&portal.db, portal.now()).await {
        tracing::error!(%error, "deleting outcomes of media tests");
    }
    if let Err(error) = identity::sweep(&portal.db, portal.now()).await {
        tracing::error!(%error, "forgetting round trips to the identity provider");
    }
    if let Err(error) = leave::sweep(&portal.db, portal.now()).await {
        tracing::error!(%error, "forgetting round trips to the trust service");
    }
}

async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
