//! The sockets of one worker: batched system calls on buffers that are used again and again, and
//! the wake-up for commands.

use super::{MediaAddress, MediaError};
use socket2::{Domain, Protocol, Socket, Type};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// Datagrams per system call.
const BATCH: usize = 64;
/// Larger ones are cut, fail their integrity check and are dropped.
const DATAGRAM_BYTES: usize = 2048;
const SOCKET_BUFFER_BYTES: usize = 8 << 20;

/// Wakes a worker that waits for datagrams.
#[derive(Clone)]
pub(super) struct Waker(Arc<File>);

impl Waker {
    fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the descriptor is checked and owned by nobody else.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just opened and is valid.
        Ok(Self(Arc::new(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))))
    }

    pub(super) fn wake(&self) {
        // Fails only if 2^64 − 2 wake-ups are pending, and then the worker is awake.
        let _ = (&*self.0).write(&1u64.to_ne_bytes());
    }

    fn reset(&self) {
        let _ = (&*self.0).read(&mut [0; 8]);
    }
}

struct Bound {
    socket: UdpSocket,
    /// The address clients are told.
    candidate: SocketAddr,
    local: SocketAddr,
}

/// Which way datagrams go: one of our sockets, and the client's address as we see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Path {
    pub(super) socket: usize,
    pub(super) remote: SocketAddr,
}

pub(super) struct Sockets {
    bound: Vec<Bound>,
    waker: Waker,
}

impl Sockets {
    /// Binds every address. The n-th advertised address of a family stands for the n-th bound one
    /// of that family; without it the bound address is told to the clients.
    pub(super) fn bind(bind: &[SocketAddr], advertise: &[IpAddr]) -> Result<Self, MediaError> {
        let mut v4 = advertise.iter().filter(|ip| ip.is_ipv4());
        let mut v6 = advertise.iter().filter(|ip| ip.is_ipv6());
        let mut bound = vec![];
        for &address in bind {
            let socket = open(address).map_err(|source| MediaError::Bind { address, source })?;
            let local =
                socket.local_addr().map_err(|source| MediaError::Bind { address, source })?;
            let told = if address.is_ipv4() { v4.next() } else { v6.next() };
            let ip = told.copied().unwrap_or(local.ip());
            if ip.is_unspecified() {
                return Err(MediaError::NoAddress(address));
            }
            let candidate = SocketAddr::new(ip, local.port());
            bound.push(Bound { socket, candidate, local });
        }
        Ok(Self { bound, waker: Waker::new().map_err(MediaError::Thread)? })
    }

    pub(super) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// The addresses clients are told, one per socket.
    pub(super) fn candidates(&self) -> Vec<SocketAddr> {
        self.bound.iter().map(|b| b.candidate).collect()
    }

    /// Each address, as told and as bound.
    pub(super) fn addresses(&self) -> Vec<MediaAddress> {
        self.bound.iter().map(|b| MediaAddress { told: b.candidate, bound: b.local }).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.bound.len()
    }

    /// Sleeps until a datagram or a wake-up is there, or for so long; `None` waits for ever.
    pub(super) fn wait(&self, patience: Option<Duration>) {
        if self.poll(self.bound.len(), patience) {
            self.waker.reset();
        }
    }

    /// Sleeps for so long, or until a wake-up is there, and lets datagrams gather meanwhile. The
    /// wake-up stays for [`Self::wait`]: what it stands for is looked at after that.
    pub(super) fn gather(&self, span: Duration) {
        self.poll(0, Some(span));
    }

    /// True if there is a wake-up.
    fn poll(&self, sockets: usize, patience: Option<Duration>) -> bool {
        let poll = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut fds = vec![poll(self.waker.0.as_raw_fd())];
        fds.extend(self.bound[..sockets].iter().map(|b| poll(b.socket.as_raw_fd())));
        let timeout = patience.map(|patience| libc::timespec {
            tv_sec: patience.as_secs() as libc::time_t,
            tv_nsec: patience.subsec_nanos().into(),
        });
        let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let count = fds.len() as libc::nfds_t;
        // SAFETY: `fds` and `timeout` are valid for their length during the call.
        unsafe { libc::ppoll(fds.as_mut_ptr(), count, timeout, std::ptr::null()) };
        fds[0].revents != 0
    }
}

/// Datagrams that came in, in buffers that are used again.
pub(super) struct Inbox {
    buffers: Vec<[u8; DATAGRAM_BYTES]>,
    received: Vec<(usize, SocketAddr)>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { buffers: vec![[0; DATAGRAM_BYTES]; BATCH], received: Vec::with_capacity(BATCH) }
    }

    /// Takes up to one batch from a socket without waiting; returns how many came.
    pub(super) fn receive(&mut self, sockets: &Sockets, socket: usize) -> usize {
        self.received.clear();
        let fd = sockets.bound[socket].socket.as_raw_fd();
        // SAFETY: all-zero is a valid value for these C structs.
        let mut names: [libc::sockaddr_storage; BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut iovs: [libc::iovec; BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for i in 0..BATCH {
            let iov_base = self.buffers[i].as_mut_ptr().cast();
            iovs[i] = libc::iovec { iov_base, iov_len: DATAGRAM_BYTES };
            messages[i].msg_hdr.msg_iov = &raw mut iovs[i];
            messages[i].msg_hdr.msg_iovlen = 1;
            messages[i].msg_hdr.msg_name = (&raw mut names[i]).cast();
            messages[i].msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
        }
        // SAFETY: every pointer set above points into storage that outlives the call.
        let count = unsafe {
            libc::recvmmsg(
                fd,
                messages.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        for i in 0..usize::try_from(count).unwrap_or(0) {
            let from = address(&names[i]).unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into());
            self.received.push((messages[i].msg_len as usize, from));
        }
        self.received.len()
    }

    /// A batch as full as this one may not have been all.
    pub(super) fn was_full(&self) -> bool {
        self.received.len() == BATCH
    }

    /// A datagram of the last batch, and who sent it.
    pub(super) fn datagram(&mut self, i: usize) -> (&mut [u8], SocketAddr) {
        let (length, from) = self.received[i];
        (&mut self.buffers[i][..length], from)
    }
}

/// Datagrams on their way out, end to end in one buffer.
#[derive(Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    queue: Vec<(Path, std::ops::Range<usize>)>,
}

impl Outbox {
    /// Lets `write` append one datagram to a buffer; it says whether to send it. It gets the
    /// datagram's beginning.
    pub(super) fn push(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>, usize) -> bool) {
        let start = self.bytes.len();
        if write(&mut self.bytes, start) {
            self.queue.push((path, start..self.bytes.len()));
        } else {
            self.bytes.truncate(start);
        }
    }

    /// Hands everything to the kernel. What it does not take is lost, as on any network.
    pub(super) fn flush(&mut self, sockets: &Sockets) {
        for (n, bound) in sockets.bound.iter().enumerate() {
            let mut batch = Batch::new();
            for (path, range) in self.queue.iter().filter(|(path, _)| path.socket == n) {
                if batch.count == BATCH {
                    batch.send(&bound.socket);
                }
                batch.add(path.remote, &self.bytes[range.clone()]);
            }
            batch.send(&bound.socket);
        }
        self.queue.clear();
        self.bytes.clear();
    }
}

/// The C side of one `sendmmsg`, borrowing from the outbox.
struct Batch<'a> {
    names: [libc::sockaddr_storage; BATCH],
    iovs: [libc::iovec; BATCH],
    lengths: [u32; BATCH],
    count: usize,
    datagrams: std::marker::PhantomData<&'a [u8]>,
}

impl<'a> Batch<'a> {
    fn new() -> Self {
        // SAFETY: all-zero is a valid value for these C structs.
        let names = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let iovs = unsafe { std::mem::zeroed() };
        Self { names, iovs, lengths: [0; BATCH], count: 0, datagrams: std::marker::PhantomData }
    }

    fn add(&mut self, to: SocketAddr, data: &'a [u8]) {
        let n = self.count;
        let iov_base = data.as_ptr().cast_mut().cast();
        self.iovs[n] = libc::iovec { iov_base, iov_len: data.len() };
        self.lengths[n] = name(to, &mut self.names[n]);
        self.count += 1;
    }

    fn send(&mut self, socket: &UdpSocket) {
        // SAFETY: all-zero is a valid value for this C struct.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for (n, message) in messages.iter_mut().take(self.count).enumerate() {
            message.msg_hdr.msg_iov = &raw mut self.iovs[n];
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_name = (&raw mut self.names[n]).cast();
            message.msg_hdr.msg_namelen = self.lengths[n];
        }
        let (fd, mut sent) = (socket.as_raw_fd(), 0);
        while sent < self.count {
            let left = (self.count - sent) as u32;
            // SAFETY: every pointer set above outlives the call, and sendmmsg writes to none of the
            // buffers; `sent` stays below the number of messages.
            let taken = unsafe { libc::sendmmsg(fd, messages.as_mut_ptr().add(sent), left, 0) };
            match usize::try_from(taken) {
                Ok(taken) if taken > 0 => sent += taken,
                _ if io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock => break,
                // The first message cannot be sent (an unreachable address): go on behind it.
                _ => sent += 1,
            }
        }
        self.count = 0;
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // The kernel grants less where its limits are lower; that is no error.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Writes an address as C has it; returns its length.
fn name(address: SocketAddr, storage: &mut libc::sockaddr_storage) -> u32 {
    match address {
        SocketAddr::V4(v4) => {
            // SAFETY: the storage is large and aligned enough for every kind of address.
            let name = unsafe { &mut *(&raw mut *storage).cast::<libc::sockaddr_in>() };
            name.sin_family = libc::AF_INET as libc::sa_family_t;
            name.sin_port = v4.port().to_be();
            name.sin_addr.s_addr = u32::from(*v4.ip()).to_be();
            size_of::<libc::sockaddr_in>() as u32
        }
        SocketAddr::V6(v6) => {
            // SAFETY: as above.
            let name = unsafe { &mut *(&raw mut *storage).cast::<libc::sockaddr_in6>() };
            name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            name.sin6_port = v6.port().to_be();
            name.sin6_addr.s6_addr = v6.ip().octets();
            name.sin6_flowinfo = v6.flowinfo();
            name.sin6_scope_id = v6.scope_id();
            size_of::<libc::sockaddr_in6>() as u32
        }
    }
}

fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which struct the storage holds; it is large enough for it.
            let v4 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some((ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some((ip, u16::from_be(v6.sin6_port)).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket as Std;

    #[test]
    fn a_wake_up_while_datagrams_gather_is_kept() {
        let here: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let sockets = Sockets::bind(&[here], &[]).expect("bound");
        sockets.waker().wake();
        sockets.gather(Duration::from_millis(1));
        let (awake, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            sockets.wait(None);
            awake.send(())
        });
        told.recv_timeout(Duration::from_secs(10)).expect("it does not sleep");
    }

    #[test]
    fn batches_go_out_and_come_in_on_both_families() {
        for ip in ["127.0.0.1:0", "[::1]:0"] {
            let here: SocketAddr = ip.parse().expect("an address");
            let sockets = Sockets::bind(&[here], &[]).expect("bound");
            let (mut inbox, mut outbox) = (Inbox::new(), Outbox::default());
            let candidate = sockets.candidates()[0];
            let peer = Std::bind(here).expect("bound");
            let remote = peer.local_addr().expect("bound");
            for n in 0..100u8 {
                outbox.push(Path { socket: 0, remote }, |out, start| {
                    assert_eq!(start, out.len());
                    out.push(n);
                    n % 10 != 9
                });
            }
            outbox.flush(&sockets);
            let mut buffer = [0; 8];
            for n in (0..100u8).filter(|n| n % 10 != 9) {
                let (length, from) = peer.recv_from(&mut buffer).expect("arrives");
                assert_eq!((&buffer[..length], from), (&[n][..], candidate));
            }
            for n in 0..100u8 {
                peer.send_to(&[n], candidate).expect("sent");
            }
            let mut seen = vec![];
            while seen.len() < 100 {
                sockets.wait(Some(Duration::from_secs(1)));
                for i in 0..inbox.receive(&sockets, 0) {
                    let (data, from) = inbox.datagram(i);
                    assert_eq!(from, remote);
                    seen.push(data[0]);
                }
            }
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_wildcard_needs_an_advertised_address() {
        let any = "0.0.0.0:0".parse().expect("an address");
        assert!(matches!(Sockets::bind(&[any], &[]), Err(MediaError::NoAddress(_))));
        let sockets = Sockets::bind(&[any], &[Ipv4Addr::LOCALHOST.into()]).expect("bound");
        assert_eq!(sockets.candidates()[0].ip(), Ipv4Addr::LOCALHOST);
    }
}
