//! The sockets of one worker: batched system calls, and the wake-up for commands.

use super::{MediaAddress, MediaError};
use bytes::BytesMut;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

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
    queue: Vec<(SocketAddr, BytesMut)>,
}

pub(super) struct Udp {
    bound: Vec<Bound>,
    waker: Waker,
    buffers: Vec<[u8; DATAGRAM_BYTES]>,
    received: Vec<(usize, SocketAddr)>,
}

impl Udp {
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
            bound.push(Bound { socket, candidate, local, queue: vec![] });
        }
        let waker = Waker::new().map_err(MediaError::Thread)?;
        let buffers = vec![[0; DATAGRAM_BYTES]; BATCH];
        Ok(Self { bound, waker, buffers, received: vec![] })
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

    /// Sleeps until a datagram or a wake-up is there, or for `ms`; −1 waits for ever.
    pub(super) fn wait(&self, ms: i32) {
        let poll = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut fds = vec![poll(self.waker.0.as_raw_fd())];
        fds.extend(self.bound.iter().map(|b| poll(b.socket.as_raw_fd())));
        // SAFETY: `fds` is valid for its length during the call.
        unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, ms) };
        if fds[0].revents != 0 {
            self.waker.reset();
        }
    }

    pub(super) fn sockets(&self) -> usize {
        self.bound.len()
    }

    /// Takes up to one batch from a socket without waiting; returns how many came.
    pub(super) fn receive(&mut self, socket: usize) -> usize {
        self.received.clear();
        let fd = self.bound[socket].socket.as_raw_fd();
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

    /// A datagram of the last batch, and who sent it.
    pub(super) fn datagram(&self, i: usize) -> (&[u8], SocketAddr) {
        let (length, from) = self.received[i];
        (&self.buffers[i][..length], from)
    }

    /// The address a client used to reach this socket.
    pub(super) fn candidate(&self, socket: usize) -> SocketAddr {
        self.bound[socket].candidate
    }

    /// Queues a datagram from one of our candidate addresses.
    pub(super) fn send(&mut self, from: SocketAddr, to: SocketAddr, data: BytesMut) {
        let by_address = self.bound.iter().position(|b| b.candidate == from);
        let by_family = || self.bound.iter().position(|b| b.candidate.is_ipv4() == to.is_ipv4());
        if let Some(i) = by_address.or_else(by_family) {
            self.bound[i].queue.push((to, data));
        }
    }

    /// Hands everything queued to the kernel. What it does not take is lost, as on any network.
    pub(super) fn flush(&mut self) {
        for bound in &mut self.bound {
            for chunk in bound.queue.chunks(BATCH) {
                send_batch(&bound.socket, chunk);
            }
            bound.queue.clear();
        }
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

fn send_batch(socket: &UdpSocket, batch: &[(SocketAddr, BytesMut)]) {
    let names: Vec<SockAddr> = batch.iter().map(|(to, _)| SockAddr::from(*to)).collect();
    // SAFETY: all-zero is a valid value for these C structs.
    let mut iovs: [libc::iovec; BATCH] = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    for (i, (_, data)) in batch.iter().enumerate() {
        iovs[i] = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
        messages[i].msg_hdr.msg_iov = &raw mut iovs[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = names[i].as_ptr().cast_mut().cast();
        messages[i].msg_hdr.msg_namelen = names[i].len();
    }
    let mut sent = 0;
    while sent < batch.len() {
        let left = (batch.len() - sent) as u32;
        // SAFETY: every pointer set above outlives the call, and sendmmsg writes to none of the
        // buffers; `sent` stays below the number of messages.
        let taken =
            unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr().add(sent), left, 0) };
        match usize::try_from(taken) {
            Ok(taken) if taken > 0 => sent += taken,
            _ if io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock => return,
            // The first message cannot be sent (an unreachable address): go on behind it.
            _ => sent += 1,
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
    fn batches_go_out_and_come_in_on_both_families() {
        for ip in ["127.0.0.1:0", "[::1]:0"] {
            let here: SocketAddr = ip.parse().expect("an address");
            let mut udp = Udp::bind(&[here], &[]).expect("bound");
            let candidate = udp.candidates()[0];
            let peer = Std::bind(here).expect("bound");
            let peer_address = peer.local_addr().expect("bound");
            for n in 0..100u8 {
                udp.send(candidate, peer_address, BytesMut::from(&[n][..]));
            }
            udp.flush();
            let mut buffer = [0; 8];
            for n in 0..100u8 {
                let (length, from) = peer.recv_from(&mut buffer).expect("arrives");
                assert_eq!((&buffer[..length], from), (&[n][..], candidate));
            }
            for n in 0..100u8 {
                peer.send_to(&[n], candidate).expect("sent");
            }
            let mut seen = vec![];
            while seen.len() < 100 {
                udp.wait(1000);
                for i in 0..udp.receive(0) {
                    let (data, from) = udp.datagram(i);
                    assert_eq!(from, peer_address);
                    seen.push(data[0]);
                }
            }
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_wildcard_needs_an_advertised_address() {
        let any = "0.0.0.0:0".parse().expect("an address");
        assert!(matches!(Udp::bind(&[any], &[]), Err(MediaError::NoAddress(_))));
        let udp = Udp::bind(&[any], &[Ipv4Addr::LOCALHOST.into()]).expect("bound");
        assert_eq!(udp.candidates()[0].ip(), Ipv4Addr::LOCALHOST);
    }
}
