//! The three ways to the relay, over loopback.

use super::super::door::frame;
use super::super::stun::{Message, Writer, attribute as a, kind};
use super::super::*;
use super::{REALM, SEAT, WISH, Who, code, nonce_in, request, seat, secret, with_peers};
use crate::SystemClock;
use crate::protocol::ParticipantId;
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;
use uuid::Uuid;

const WAIT: Duration = Duration::from_secs(10);

/// A relay whose media edge answers every datagram with the same bytes.
async fn relay() -> (Turn, SocketAddr) {
    let media = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = media.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = media.recv_from(&mut buffer).await {
            let _ = media.send_to(&buffer[..length], from).await;
        }
    });
    let local = "127.0.0.1:0".parse().unwrap();
    let config = TurnConfig {
        realm: REALM.into(),
        secret: secret(),
        media: vec![MediaAddress { told: address, bound: address }],
        listen: vec![Listen::Udp(local), Listen::Tcp(local), Listen::Tls(local, acceptor())],
        allocations: 100,
    };
    (Turn::start(config, Arc::new(SystemClock)).await.unwrap(), address)
}

fn acceptor() -> SslAcceptor {
    let key = PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let mut certificate = X509::builder().unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&certificate.build()).unwrap();
    acceptor.build()
}

/// One way in, as packets.
enum Way {
    Udp(UdpSocket),
    Stream(Box<dyn Stream>, Vec<u8>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Way {
    async fn to(relay: &Turn, n: usize) -> Self {
        let (scheme, transport, address) = relay.ways[n];
        match (scheme, transport) {
            ("turn", "udp") => {
                let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                socket.connect(address).await.unwrap();
                Self::Udp(socket)
            }
            ("turn", _) => {
                Self::Stream(Box::new(TcpStream::connect(address).await.unwrap()), vec![])
            }
            _ => {
                let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
                connector.set_verify(SslVerifyMode::NONE);
                let ssl = Ssl::new(connector.build().context()).unwrap();
                let tcp = TcpStream::connect(address).await.unwrap();
                let mut stream = SslStream::new(ssl, tcp).unwrap();
                Pin::new(&mut stream).connect().await.unwrap();
                Self::Stream(Box::new(stream), vec![])
            }
        }
    }

    async fn send(&mut self, packet: &[u8]) {
        match self {
            Self::Udp(socket) => {
                socket.send(packet).await.unwrap();
            }
            Self::Stream(stream, _) => {
                let padded = packet.len().next_multiple_of(4);
                let padding = &[0; 4][..padded - packet.len()];
                stream.write_all(&[packet, padding].concat()).await.unwrap();
            }
        }
    }

    /// The next packet; `None` if the relay closed the way.
    async fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Udp(socket) => {
                let mut buffer = [0; 2048];
                let length = timeout(WAIT, socket.recv(&mut buffer)).await.unwrap().unwrap();
                Some(buffer[..length].to_vec())
            }
            Self::Stream(stream, read) => loop {
                if let Some(Ok(length)) = frame(read)
                    && length <= read.len()
                {
                    let rest = read.split_off(length);
                    return Some(std::mem::replace(read, rest));
                }
                match timeout(WAIT, stream.read_buf(read)).await.unwrap() {
                    Ok(length) if length > 0 => {}
                    _ => return None,
                }
            },
        }
    }

    async fn ask(&mut self, packet: &[u8]) -> Vec<u8> {
        self.send(packet).await;
        self.next().await.unwrap()
    }

    /// Opens an allocation; the code of the refusal otherwise.
    async fn allocate(&mut self, who: &Who) -> Result<String, u16> {
        let asked = self.ask(&Writer::new(kind::ALLOCATE, [1; 12]).finish()).await;
        let nonce = nonce_in(&asked);
        let granted = self.ask(&request(kind::ALLOCATE, who, &nonce, WISH)).await;
        if code(&granted) == 0 { Ok(nonce) } else { Err(code(&granted)) }
    }
}

#[tokio::test]
async fn r_meet_45_packets_pass_over_udp_tcp_and_tls() {
    let (turn, media) = relay().await;
    let who = seat(SEAT, SystemClock.now());
    let mut ways = vec![];
    for n in 0..3 {
        let mut way = Way::to(&turn, n).await;
        let nonce = way.allocate(&who).await.unwrap();
        let permit = with_peers(kind::CREATE_PERMISSION, &who, &nonce, &[], &[media]);
        assert_eq!(code(&way.ask(&permit).await), 0);
        let send = Writer::new(kind::SEND_INDICATION, [4; 12])
            .put_address(a::XOR_PEER_ADDRESS, media)
            .put(a::DATA, b"a datagram")
            .finish();
        let back = way.ask(&send).await;
        let back = Message::parse(&back).unwrap();
        assert_eq!(back.kind, kind::DATA_INDICATION);
        assert_eq!(back.get(a::DATA), Some(&b"a datagram"[..]));
        let channel = [(a::CHANNEL_NUMBER, &[0x40, 0, 0, 0][..])];
        let bind = with_peers(kind::CHANNEL_BIND, &who, &nonce, &channel, &[media]);
        assert_eq!(code(&way.ask(&bind).await), 0);
        for size in [1_u16, 3, 1_200] {
            let data = vec![9; usize::from(size)];
            let packet = [&[0x40, 0][..], &size.to_be_bytes(), &data].concat();
            let back = way.ask(&packet).await;
            assert_eq!(back[..packet.len()], packet, "way {n}, {size} bytes");
        }
        ways.push((way, nonce));
    }
    assert_eq!(turn.allocations(), 3);
    assert_eq!(turn.relayed_bytes(), 3 * 2 * (10 + 1 + 3 + 1_200));
    for (way, nonce) in &mut ways {
        let end = request(kind::REFRESH, &who, nonce, &[(a::LIFETIME, &[0; 4])]);
        assert_eq!(code(&way.ask(&end).await), 0);
    }
    timeout(WAIT, async {
        while turn.allocations() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("ended allocations are gone");
    timeout(WAIT, turn.stop()).await.expect("the relay stops");
}

#[tokio::test]
async fn limits_hold_per_seat_and_garbage_closes_a_stream() {
    let (turn, _) = relay().await;
    let who = seat(SEAT, SystemClock.now());
    let mut ways = vec![];
    for _ in 0..ALLOCATIONS_PER_SEAT {
        let mut way = Way::to(&turn, 0).await;
        way.allocate(&who).await.unwrap();
        ways.push(way);
    }
    assert_eq!(Way::to(&turn, 1).await.allocate(&who).await, Err(486));
    let other = seat(ParticipantId(Uuid::from_u128(8)), SystemClock.now());
    assert!(Way::to(&turn, 1).await.allocate(&other).await.is_ok());
    for n in [1, 2] {
        let mut way = Way::to(&turn, n).await;
        way.send(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n").await;
        assert_eq!(way.next().await, None);
    }
    let mut open = Way::to(&turn, 2).await;
    open.allocate(&other).await.unwrap();
    timeout(WAIT, turn.stop()).await.expect("the relay stops");
    assert_eq!(open.next().await, None);
    assert_eq!(turn.allocations(), 0);
}
