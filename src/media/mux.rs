//! One UDP port for everybody.
//!
//! The port has a socket for each core, and each socket a reader; the kernel gives all datagrams from one address to the same
//! one, so that they stay in order. A reader takes a datagram all the way: to its connection, which unlocks it, and on to
//! everybody who watches.
//!
//! The mux is the ICE-lite agent of all connections at once. A browser proves by a sealed STUN request that it knows the
//! password we wrote into its answer; from then on its address belongs to its connection ([`super::addresses`]). The engine
//! behind a connection never sees real addresses (see [`super::port`]), so a phone that changes its network or restarts ICE
//! changes nothing there: its next sealed request moves the path, and media goes on with the next packet.
//!
//! A request proves who sent it, and not that anybody can be reached where it says it comes from: its sender may have
//! forged that, and media is a thousand times as much. So no connection moves to an address before somebody answered there
//! who knows the browser's password; at its first address it finishes a handshake, which is as much (see [`super::paths`]).
//!
//! Strangers can do nothing but be counted: without a seal no address is learned, and bytes from an unknown address are
//! dropped before anybody parses them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rtc::crypto::RTCCryptoProvider;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use super::addresses::Addresses;
use super::counters::Counters;
use super::inflow::Inflow;
use super::instant;
use super::port::Port;
use super::segments;
use super::sockets;
use super::stun::{self, Class, Key, Message};
use super::turn::{self, Relayed};
use crate::domain::turn::KNOCK;

/// The largest datagram we take; WebRTC stays below the Ethernet frame of 1,500 bytes.
const DATAGRAM: usize = 2048;
/// Datagrams that are read at a stretch, before other tasks have their turn.
const BURST: usize = 512;
/// The browser's checks come every few seconds; who has gone is looked for so often.
const SWEEP: Duration = Duration::from_secs(5);

/// The shared socket and who is behind which address.
pub(super) struct Mux {
    /// All of them at one address.
    sockets: Vec<UdpSocket>,
    /// It speaks both families, and IPv4 in the clothes of IPv6.
    is_v6: bool,
    /// The kernel takes several datagrams at once (UDP GSO).
    segments: AtomicBool,
    /// Those who reach us through our own TURN server.
    pub(super) relayed: Arc<Relayed>,
    /// Lets `yunzhen doctor` hear from this port, and learns nothing from it.
    knock: Option<Key>,
    addresses: Mutex<Addresses>,
    counters: Arc<Counters>,
    pub(super) crypto: Arc<dyn RTCCryptoProvider>,
}

impl Mux {
    /// Binds the port, with `readers` sockets where the machine can.
    pub(super) fn bind(
        address: SocketAddr,
        readers: usize,
        crypto: Arc<dyn RTCCryptoProvider>,
        counters: Arc<Counters>,
        knock: Option<&str>,
    ) -> io::Result<Arc<Self>> {
        let sockets = sockets::bind(address, readers)?;
        let knock = knock.map(|password| Key::new(password, Arc::clone(&crypto)));
        let (is_v6, relayed) = (address.is_ipv6(), Arc::default());
        let segments = AtomicBool::new(cfg!(target_os = "linux"));
        Ok(Arc::new(Self { sockets, is_v6, segments, relayed, knock, addresses: Mutex::default(), counters, crypto }))
    }

    /// The address that was bound.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.sockets[0].local_addr()
    }

    /// How many readers the port has.
    pub(super) fn readers(&self) -> usize {
        self.sockets.len()
    }

    /// The socket that packets to this address leave by: the same for all of them, so that they stay in order, and different
    /// ones for different addresses, so that cores do not wait for each other.
    fn socket(&self, to: SocketAddr) -> &UdpSocket {
        &self.sockets[usize::from(to.port()) % self.sockets.len()]
    }

    /// How many connections hold credentials here.
    pub(super) fn connections(&self) -> usize {
        self.addresses().connections()
    }

    /// Lets whoever knows `password` speak as `port`. A third registration ends the oldest.
    pub(super) fn register(&self, ufrag: &str, password: &str, port: &Arc<Port>) {
        let key = Key::new(password, Arc::clone(&self.crypto));
        self.addresses().register(ufrag, key, port);
    }

    /// Forgets a connection: its credentials, its addresses.
    pub(super) fn forget(&self, port: &Arc<Port>) {
        port.close();
        self.addresses().forget(port);
    }

    /// Sends a datagram, or drops and counts it: what the socket has no room for now would be late anyway, and a wake-up of
    /// the shared socket reaches only the last who asked for it.
    pub(super) fn send(&self, bytes: &[u8], to: SocketAddr) {
        let is_sent = if turn::is_relayed(to.ip()) {
            self.relayed.send(bytes, to)
        } else {
            self.socket(to).try_send_to(bytes, self.dressed(to)).is_ok()
        };
        if !is_sent {
            self.counters.unsent.increment(1);
        }
    }

    /// Sends datagrams of `segment` bytes that stand one after another, in one system call where the kernel can.
    pub(super) fn send_run(&self, bytes: &[u8], segment: usize, to: SocketAddr) {
        let is_run = bytes.len() > segment && !turn::is_relayed(to.ip()) && self.segments.load(Ordering::Relaxed);
        if is_run {
            match segments::send(self.socket(to), bytes, segment, self.dressed(to)) {
                Ok(()) => return,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let count = bytes.len().div_ceil(segment.max(1));
                    return self.counters.unsent.increment(u64::try_from(count).unwrap_or(0));
                }
                // A network card or a kernel that cannot do it. What ails one way alone takes it from nobody else.
                Err(error) if segments::is_never_possible(&error) => {
                    tracing::info!(%error, "datagrams are sent one by one from now on");
                    self.segments.store(false, Ordering::Relaxed);
                }
                Err(_) => {}
            }
        }
        bytes.chunks(segment.max(1)).for_each(|datagram| self.send(datagram, to));
    }

    /// An address as this socket takes it.
    fn dressed(&self, to: SocketAddr) -> SocketAddr {
        match to.ip() {
            IpAddr::V4(ip) if self.is_v6 => SocketAddr::new(ip.to_ipv6_mapped().into(), to.port()),
            _ => to,
        }
    }

    /// Reads one of the sockets until `stop`.
    pub(super) async fn read(self: Arc<Self>, reader: usize, stop: CancellationToken) {
        let (mut buffer, mut inflow) = (vec![0; DATAGRAM], Inflow::default());
        let socket = &self.sockets[reader];
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = sweep.tick(), if reader == 0 => self.addresses().sweep(instant::now()),
                _ = socket.readable() => self.drain(socket, &mut buffer, &mut inflow),
            }
        }
    }

    /// Reads what is there, up to a burst: the kernel's buffer is small, and whoever floods it drowns the others' packets.
    fn drain(&self, socket: &UdpSocket, buffer: &mut [u8], inflow: &mut Inflow) {
        for _ in 0..BURST {
            match socket.try_recv_from(buffer) {
                // A full buffer means that the datagram was cut; a relayed address is no address of the network.
                Ok((length, from)) if length < DATAGRAM && !turn::is_relayed(from.ip().to_canonical()) => {
                    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                    self.take(instant::now(), from, &buffer[..length], inflow);
                    if inflow.is_full() {
                        inflow.flush(instant::now());
                    }
                }
                Ok(_) => self.counters.strangers.increment(1),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP error of an earlier send; the socket itself is well.
                Err(_) => {}
            }
        }
        inflow.flush(instant::now());
    }

    /// Gives a datagram to its connection, and hands on what comes of it.
    pub(super) fn deliver(&self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        let mut inflow = Inflow::default();
        self.take(now, from, bytes, &mut inflow);
        inflow.flush(now);
    }

    fn take(&self, now: Instant, from: SocketAddr, bytes: &[u8], inflow: &mut Inflow) {
        if stun::is_stun(bytes) {
            match Message::parse(bytes) {
                Some(message) if message.class == Class::Request => self.check(now, from, &message, inflow),
                Some(message) if message.class == Class::Success && self.answered(now, from, &message) => {}
                // Nothing else was asked.
                _ => self.counters.strangers.increment(1),
            }
            return;
        }
        let Some(port) = self.addresses().hear(now, from) else {
            self.counters.strangers.increment(1);
            return;
        };
        port.hear(now);
        if port.strays(now, from) {
            self.follow(now, from, &port);
        }
        if !port.heed(now, bytes) {
            port.take(now, bytes, inflow);
        }
    }

    /// Answers a connectivity check, and learns the path if its seal is right.
    fn check(&self, now: Instant, from: SocketAddr, request: &Message<'_>, inflow: &mut Inflow) {
        let learned = self.addresses().learn(now, from, request);
        let Some((port, key)) = learned else {
            if let Some(key) = self.knock.as_ref().filter(|key| is_knock(request, key))
                && let Some(answer) = stun::success(request.transaction, from, key)
            {
                return self.send(&answer, from);
            }
            self.counters.forged.increment(1);
            return;
        };
        port.hear(now);
        if let Some(answer) = stun::success(request.transaction, from, &key) {
            self.send(&answer, from);
        }
        let names = request.names().unwrap_or_default();
        if let Some(question) = port.checked(now, from, request.nominates, names, inflow) {
            self.send(&question, from);
        }
    }

    /// Asks whether the browser of `port` is at `from` now, where it sends from.
    fn follow(&self, now: Instant, from: SocketAddr, port: &Port) {
        let Some((ours, theirs)) = self.addresses().names(from) else { return };
        if let Some(question) = port.strayed(now, from, (&ours, &theirs)) {
            self.send(&question, from);
        }
    }

    /// Whether this is a browser's answer to a question of ours.
    fn answered(&self, now: Instant, from: SocketAddr, answer: &Message<'_>) -> bool {
        let port = self.addresses().port(from);
        port.is_some_and(|port| port.answered(now, from, answer))
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The self-test asks whether this port can be reached.
fn is_knock(request: &Message<'_>, key: &Key) -> bool {
    request.local_ufrag() == Some(KNOCK) && request.is_sealed_with(key)
}
