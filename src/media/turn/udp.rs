//! TURN over UDP: one socket, a session per address.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use super::Turn;
use super::relayed::Outlet;
use super::session::Session;
use crate::media::instant;

/// The largest datagram that is read.
const DATAGRAM: usize = 2048;
/// How often ended sessions are forgotten.
const SWEEP: Duration = Duration::from_secs(10);

impl Turn {
    /// Serves a bound socket until `stop`.
    pub(in crate::media) async fn serve_udp(self: Arc<Self>, socket: UdpSocket, stop: CancellationToken) {
        let socket = Arc::new(socket);
        let mut sessions: HashMap<SocketAddr, Session> = HashMap::new();
        let mut buffer = vec![0; DATAGRAM];
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = sweep.tick() => {
                    let now = instant::now();
                    sessions.retain(|_, session| session.ends_at().is_some_and(|at| at > now));
                }
                received = socket.recv_from(&mut buffer) => {
                    // An error is an ICMP message about an earlier answer; the socket itself is well.
                    let Ok((length, from)) = received else { continue };
                    if length < DATAGRAM {
                        self.take(&mut sessions, &socket, from, &buffer[..length]);
                    }
                }
            }
        }
    }

    fn take(
        self: &Arc<Self>,
        sessions: &mut HashMap<SocketAddr, Session>,
        socket: &Arc<UdpSocket>,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        let now = instant::now();
        let is_known = sessions.contains_key(&from);
        if !is_known && !self.may_answer(now, from.ip(), bytes) {
            self.counters.unproved.increment(1);
            return;
        }
        let Some(session) = sessions.get_mut(&from) else {
            let mut fresh = Session::new(Arc::clone(self), from, Outlet::Datagram(Arc::clone(socket), from));
            if let Some(answer) = fresh.handle(now, bytes) {
                self.answer(socket, &answer, from);
            }
            // Only an allocation is worth a place: a stranger leaves nothing behind.
            if fresh.allocation().is_some() {
                sessions.insert(from, fresh);
            }
            return;
        };
        if let Some(answer) = session.handle(now, bytes) {
            self.answer(socket, &answer, from);
        }
        if session.allocation().is_none() {
            sessions.remove(&from);
        }
    }

    fn answer(&self, socket: &UdpSocket, bytes: &[u8], to: SocketAddr) {
        if socket.try_send_to(bytes, to).is_err() {
            self.counters.lost.increment(1);
        }
    }
}

/// Binds the socket.
pub(in crate::media) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::DGRAM, None)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    // The kernel grants what its limits allow; less is no reason not to start.
    let _ = (socket.set_recv_buffer_size(1 << 20), socket.set_send_buffer_size(1 << 20));
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}
