//! One socket: datagrams in batches, each with the kernel's time of arrival.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

/// Datagrams per system call.
const BATCH: usize = 32;
const DATAGRAM_BYTES: usize = 2048;
const SOCKET_BUFFER_BYTES: usize = 2 << 20;
/// Room for one time stamp.
const CONTROL_BYTES: usize = 64;

pub(super) fn open(from: IpAddr) -> io::Result<UdpSocket> {
    let socket =
        Socket::new(Domain::for_address((from, 0).into()), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // The kernel grants less where its limits are lower; lost packets would show.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    let on: libc::c_int = 1;
    // SAFETY: the option's value is an int that outlives the call.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if set < 0 { Err(io::Error::last_os_error()) } else { Ok(socket.into()) }
}

/// Buffers for one batch, used by all sockets in turn.
pub(super) struct Batch {
    buffers: Vec<[u8; DATAGRAM_BYTES]>,
    controls: Vec<[u64; CONTROL_BYTES / 8]>,
    received: Vec<(usize, u64)>,
}

impl Batch {
    pub(super) fn new() -> Self {
        let (buffers, controls) =
            (vec![[0; DATAGRAM_BYTES]; BATCH], vec![[0; CONTROL_BYTES / 8]; BATCH]);
        Self { buffers, controls, received: Vec::with_capacity(BATCH) }
    }

    /// Takes what waits at a connected peer's socket, at most one batch. True if more may wait.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> bool {
        self.received.clear();
        // SAFETY: all-zero is a valid value for these C structs.
        let mut iovs: [libc::iovec; BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for i in 0..BATCH {
            let iov_base = self.buffers[i].as_mut_ptr().cast();
            iovs[i] = libc::iovec { iov_base, iov_len: DATAGRAM_BYTES };
            messages[i].msg_hdr.msg_iov = &raw mut iovs[i];
            messages[i].msg_hdr.msg_iovlen = 1;
            messages[i].msg_hdr.msg_control = self.controls[i].as_mut_ptr().cast();
            messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
        }
        // SAFETY: every pointer set above points into storage that outlives the call.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        for message in messages.iter().take(usize::try_from(count).unwrap_or(0)) {
            self.received.push((message.msg_len as usize, arrival_us(&message.msg_hdr)));
        }
        self.received.len() == BATCH
    }

    /// The datagrams of the last batch, each with its arrival in µs since 1970.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let received = self.received.iter().zip(&self.buffers);
        received.map(|(&(length, at), buffer)| (&buffer[..length], at))
    }
}

/// When the kernel got it; 0 if it does not say.
fn arrival_us(header: &libc::msghdr) -> u64 {
    // SAFETY: `header` was filled in by recvmmsg and its control buffer is still there.
    let mut control = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !control.is_null() {
        // SAFETY: not null, and the macros stay inside the control buffer.
        let found = unsafe { &*control };
        if (found.cmsg_level, found.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
            // SAFETY: this kind of message holds one timespec; it may be unaligned.
            let at = unsafe { libc::CMSG_DATA(control).cast::<libc::timespec>().read_unaligned() };
            return at.tv_sec as u64 * 1_000_000 + at.tv_nsec as u64 / 1_000;
        }
        // SAFETY: as above.
        control = unsafe { libc::CMSG_NXTHDR(header, control) };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now_us;
    use std::net::Ipv4Addr;

    #[test]
    fn datagrams_bear_the_time_of_their_arrival_and_not_of_their_reading() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (socket, other) = (open(here).unwrap(), open(here).unwrap());
        let to = socket.local_addr().unwrap();
        let before = now_us();
        for n in 0..40u8 {
            other.send_to(&[n], to).unwrap();
        }
        let after = now_us();
        std::thread::sleep(std::time::Duration::from_millis(50));
        let mut batch = Batch::new();
        let mut seen = vec![];
        for more in [true, false] {
            assert_eq!(batch.receive(&socket), more);
            for (data, at) in batch.datagrams() {
                assert!((before..=after).contains(&at), "{before} {at} {after}");
                seen.push(data[0]);
            }
        }
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
    }
}
