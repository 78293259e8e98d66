//! Clients over TCP and TLS: a task for each connection.

use super::Shared;
use super::door::{NoFrame, Verdict, frame};
use super::session::Session;
use bytes::{Buf as _, BytesMut};
use openssl::ssl::{Ssl, SslAcceptor};
use socket2::SockRef;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_openssl::SslStream;

/// From the connection to the allocation; also for the TLS handshake.
const ALLOCATE_WITHIN: Duration = Duration::from_secs(10);
/// A client that takes nothing for so long is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// While so much waits for the client, nothing more is taken from the media edge: its datagrams are
/// lost, which tells the sender to send less, and the ones that get through are young.
const WAITING_BYTES: usize = 16 * 1024;
/// The same for what waits in the kernel.
const KERNEL_WAITING_BYTES: u32 = 32 * 1024;
/// After an error of `accept` (no file descriptors left).
const BREATH: Duration = Duration::from_millis(100);

pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener, tls: Option<SslAcceptor>) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, client)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        // Too many: the connection is closed, and the client tries another way.
        let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else { continue };
        let (tasks, shared, tls) = (shared.tasks.clone(), Arc::clone(&shared), tls.clone());
        tasks.spawn(async move {
            let _permit = permit;
            tune(&stream);
            match tls {
                None => Client::new(shared, stream, client).run().await,
                Some(tls) => {
                    let Ok(ssl) = Ssl::new(tls.context()) else { return };
                    let Ok(mut stream) = SslStream::new(ssl, stream) else { return };
                    let handshake = timeout(ALLOCATE_WITHIN, Pin::new(&mut stream).accept());
                    let shaken = tokio::select! {
                        () = shared.stop.cancelled() => return,
                        shaken = handshake => shaken,
                    };
                    if matches!(shaken, Ok(Ok(()))) {
                        Client::new(shared, stream, client).run().await;
                    }
                }
            }
        });
    }
}

/// Media must not wait for one another, nor grow old in a queue.
fn tune(stream: &TcpStream) {
    // Where the system refuses, media are later than they could be, and that is all.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(KERNEL_WAITING_BYTES);
}

struct Client<S> {
    shared: Arc<Shared>,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    address: SocketAddr,
    opened: Instant,
    session: Option<Session>,
    /// Read, not yet a whole frame.
    read: BytesMut,
    /// Not yet written.
    waiting: BytesMut,
    /// Since when the client takes nothing of what waits.
    stalled: Option<Instant>,
}

/// What ends a wait.
enum Event {
    Written(std::io::Result<usize>),
    Read(std::io::Result<usize>),
    FromRooms(Vec<u8>),
    Over,
}

/// The connection is of no use any more.
struct Over;

impl<S: AsyncRead + AsyncWrite> Client<S> {
    fn new(shared: Arc<Shared>, stream: S, address: SocketAddr) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            shared,
            reader,
            writer,
            address,
            opened: Instant::now(),
            session: None,
            read: BytesMut::new(),
            waiting: BytesMut::new(),
            stalled: None,
        }
    }

    /// Until the client, its allocation or the relay ends.
    async fn run(mut self) {
        loop {
            let event = self.event().await;
            if self.handle(event).is_err() {
                return;
            }
        }
    }

    async fn event(&mut self) -> Event {
        let end = self.end();
        let full = self.waiting.len() >= WAITING_BYTES;
        let session = &mut self.session;
        let from_rooms = async {
            match session {
                Some(session) if !full => session.receive().await,
                _ => pending().await,
            }
        };
        tokio::select! {
            () = self.shared.stop.cancelled() => Event::Over,
            () = sleep_until(end) => Event::Over,
            done = self.writer.write(&self.waiting), if !self.waiting.is_empty() => {
                Event::Written(done)
            }
            // A client that does not read is not listened to.
            done = self.reader.read_buf(&mut self.read), if !full => Event::Read(done),
            wrapped = from_rooms => Event::FromRooms(wrapped),
        }
    }

    fn end(&self) -> Instant {
        let end = match &self.session {
            Some(session) => Instant::now() + session.left(),
            None => self.opened + ALLOCATE_WITHIN,
        };
        self.stalled.map_or(end, |since| end.min(since + WRITE_WITHIN))
    }

    fn handle(&mut self, event: Event) -> Result<(), Over> {
        match event {
            Event::Written(Ok(done)) if done > 0 => {
                self.waiting.advance(done);
                self.stalled = None;
            }
            Event::Read(Ok(done)) if done > 0 => self.frames()?,
            Event::FromRooms(wrapped) => self.waiting.extend_from_slice(&wrapped),
            Event::Written(_) | Event::Read(_) | Event::Over => return Err(Over),
        }
        if !self.waiting.is_empty() {
            self.stalled.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    /// Takes every whole frame that was read.
    fn frames(&mut self) -> Result<(), Over> {
        while let Some(length) = frame(&self.read) {
            let length = length.map_err(|NoFrame| Over)?;
            if self.read.len() < length {
                break;
            }
            let packet = self.read.split_to(length);
            if let Some(reply) = self.packet(&packet)? {
                self.waiting.extend_from_slice(&reply);
            }
        }
        Ok(())
    }

    fn packet(&mut self, packet: &[u8]) -> Result<Option<Vec<u8>>, Over> {
        if let Some(session) = &mut self.session {
            return Ok(session.take(packet));
        }
        match self.shared.terms.judge(packet, self.address, self.shared.clock.now()) {
            Verdict::Silence => Err(Over),
            Verdict::Reply(reply) => Ok(Some(reply)),
            Verdict::Allocate(wish) => {
                match Session::open(&self.shared, wish, self.address, true) {
                    Ok(session) => {
                        let granted = session.granted();
                        self.session = Some(session);
                        Ok(Some(granted))
                    }
                    Err(refusal) => Ok(Some(refusal)),
                }
            }
        }
    }
}
