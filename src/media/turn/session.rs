//! One client's conversation: the rules of TURN, without a socket and without a clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Turn;
use super::message::{Family, Method, Refusal, Request, Success, is_channel, read_channel_data};
use super::relayed::{Allocation, Outlet, Wanted};
use crate::config::group;
use crate::domain::first_byte::FirstByte;
use crate::domain::turn::{REALM, TurnName};
use crate::media::stun::Key;

/// UDP, the one protocol that is relayed (an IP protocol number).
const UDP: u8 = 17;
/// What a client gets that names no lifetime (RFC 8656, section 3.2).
const LIFETIME: Duration = Duration::from_mins(10);
/// The longest.
const MOST: Duration = Duration::from_hours(1);

/// A client at one address of ours.
pub(super) struct Session {
    turn: Arc<Turn>,
    /// Where it is, as it is told.
    from: SocketAddr,
    outlet: Outlet,
    allocation: Option<Arc<Allocation>>,
}

impl Session {
    pub(super) fn new(turn: Arc<Turn>, from: SocketAddr, outlet: Outlet) -> Self {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        Self { turn, from, outlet, allocation: None }
    }

    /// What it has, unless that was taken away or is over.
    pub(super) fn allocation(&self) -> Option<&Arc<Allocation>> {
        self.allocation.as_ref().filter(|allocation| self.turn.relayed.is_live(allocation))
    }

    /// When its allocation ends.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.allocation().map(|allocation| allocation.ends_at())
    }

    /// Takes one message; returns what it is answered with.
    pub(super) fn handle(&mut self, now: Instant, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.ends_at().is_none_or(|at| at <= now) {
            self.end();
        }
        if FirstByte::of_all(bytes) == Some(FirstByte::Channel) {
            self.channel_data(now, bytes);
            return None;
        }
        let request = Request::parse(bytes)?;
        match request.method {
            Method::Binding => {
                let mapped = Some(self.from);
                if !request.unknown.is_empty() {
                    return Some(request.refusal(Refusal::UnknownAttribute, None));
                }
                request.success(Success { mapped, ..Success::default() }, None)
            }
            Method::Send => {
                self.send(now, &request);
                None
            }
            _ => match self.command(now, &request) {
                Ok((success, key)) => request.success(success, Some(&key)),
                Err(refusal) => {
                    let proves = matches!(refusal, Refusal::Unauthorized | Refusal::StaleNonce);
                    let nonce = proves.then(|| self.turn.nonce(self.from.ip()));
                    Some(request.refusal(refusal, nonce.as_deref().map(|nonce| (REALM, nonce))))
                }
            },
        }
    }

    fn command(&mut self, now: Instant, request: &Request<'_>) -> Result<(Success, Key), Refusal> {
        let (name, username, key) = self.prove(request)?;
        if !request.unknown.is_empty() {
            return Err(Refusal::UnknownAttribute);
        }
        if request.method == Method::Allocate {
            return self.allocate(now, request, name, username, key);
        }
        let allocation = self.allocation().cloned().ok_or(Refusal::AllocationMismatch)?;
        if allocation.username != username {
            return Err(Refusal::WrongCredentials);
        }
        let success = match request.method {
            Method::Refresh => self.refresh(now, request, &allocation)?,
            Method::CreatePermission => {
                self.permit(request, &allocation)?;
                Success::default()
            }
            _ => {
                self.bind(request, &allocation)?;
                Success::default()
            }
        };
        Ok((success, key))
    }

    /// Who it is: the long-term credentials of RFC 8489, section 9.2.
    fn prove<'a>(&self, request: &Request<'a>) -> Result<(TurnName, &'a str, Key), Refusal> {
        if !request.is_sealed() {
            return Err(Refusal::Unauthorized);
        }
        let (Some(username), Some(REALM), Some(nonce)) = (request.username, request.realm, request.nonce) else {
            return Err(Refusal::BadRequest);
        };
        if !self.turn.is_fresh(nonce, self.from.ip()) {
            return Err(Refusal::StaleNonce);
        }
        let name = TurnName::parse(username).ok_or(Refusal::Unauthorized)?;
        let known = self.allocation().filter(|allocation| allocation.username == username);
        let key = match known {
            Some(allocation) => allocation.key.clone(),
            None => self.turn.key(username).ok_or(Refusal::Unauthorized)?,
        };
        if request.is_sealed_with(&key) { Ok((name, username, key)) } else { Err(Refusal::Unauthorized) }
    }

    fn allocate(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        name: TurnName,
        username: &str,
        key: Key,
    ) -> Result<(Success, Key), Refusal> {
        let lifetime = lifetime(request);
        if let Some(allocation) = self.allocation() {
            // The answer was lost, and the question came again.
            let is_again = allocation.transaction == request.transaction && allocation.username == username;
            return is_again.then(|| (self.told(allocation, lifetime), key)).ok_or(Refusal::AllocationMismatch);
        }
        // A right ends with its hour, and with the seat of its owner.
        let is_kept = self.turn.is_kept(name.participant).filter(|_| name.until > self.turn.now());
        let is_kept = is_kept.ok_or(Refusal::Forbidden)?;
        if request.transport.ok_or(Refusal::BadRequest)? != UDP {
            return Err(Refusal::UnsupportedTransport);
        }
        let is_v6 = match request.family {
            // Nothing was asked: the family that our media port is known by, IPv4 if both.
            None => !self.turn.announced.iter().any(SocketAddr::is_ipv4),
            Some(Family::V4) => false,
            Some(Family::V6) => true,
            Some(Family::Other) => return Err(Refusal::AddressFamilyNotSupported),
        };
        if !self.turn.announced.iter().any(|address| address.is_ipv6() == is_v6) {
            return Err(Refusal::AddressFamilyNotSupported);
        }
        let origin = group(self.from.ip());
        if !self.turn.make_room_for(name.participant, is_kept, origin) {
            return Err(Refusal::AllocationQuotaReached);
        }
        let allocation = self.turn.relayed.allocate(Wanted {
            is_v6,
            participant: name.participant,
            username: username.to_owned(),
            key: key.clone(),
            transaction: request.transaction,
            outlet: self.outlet.clone(),
            origin,
            is_kept,
            now,
            ends_at: now + lifetime,
        });
        self.turn.counters.allocations.increment(1);
        let told = self.told(&allocation, lifetime);
        self.allocation = Some(allocation);
        Ok((told, key))
    }

    fn told(&self, allocation: &Allocation, lifetime: Duration) -> Success {
        Success { relayed: Some(allocation.relayed), mapped: Some(self.from), lifetime: Some(seconds(lifetime)) }
    }

    fn refresh(&mut self, now: Instant, request: &Request<'_>, allocation: &Allocation) -> Result<Success, Refusal> {
        if request.lifetime == Some(0) {
            self.end();
            return Ok(Success { lifetime: Some(0), ..Success::default() });
        }
        if !self.turn.is_admitted(allocation.participant) {
            return Err(Refusal::Forbidden);
        }
        let lifetime = lifetime(request);
        allocation.state().ends_at = now + lifetime;
        Ok(Success { lifetime: Some(seconds(lifetime)), ..Success::default() })
    }

    /// A permission is for an address, whatever the port; only our own has one to give.
    fn permit(&self, request: &Request<'_>, allocation: &Allocation) -> Result<(), Refusal> {
        if request.peers.is_empty() {
            return Err(Refusal::BadRequest);
        }
        let ours = |peer: &SocketAddr| self.turn.announced.iter().find(|address| address.ip() == peer.ip()).copied();
        let all: Option<Vec<_>> = request.peers.iter().map(ours).collect();
        let ours = all.ok_or(Refusal::Forbidden)?;
        let mut state = allocation.state();
        if state.peer.is_none() {
            state.peer = ours.first().copied();
        }
        Ok(())
    }

    fn bind(&self, request: &Request<'_>, allocation: &Allocation) -> Result<(), Refusal> {
        let (Some(channel), [peer]) = (request.channel, request.peers.as_slice()) else {
            return Err(Refusal::BadRequest);
        };
        if !is_channel(channel) {
            return Err(Refusal::BadRequest);
        }
        if !self.turn.announced.contains(peer) {
            return Err(Refusal::Forbidden);
        }
        let mut state = allocation.state();
        // A channel and its peer belong together until the end.
        if state.channel.is_some_and(|bound| bound != channel || state.peer != Some(*peer)) {
            return Err(Refusal::BadRequest);
        }
        state.peer = Some(*peer);
        state.channel = Some(channel);
        Ok(())
    }

    fn send(&self, now: Instant, request: &Request<'_>) {
        let (Some(allocation), [peer], Some(data)) = (self.allocation(), request.peers.as_slice(), request.data) else {
            return;
        };
        if !self.turn.announced.contains(peer) {
            self.turn.counters.elsewhere.increment(1);
            return;
        }
        if allocation.state().peer.is_some() {
            allocation.hear(now);
            self.turn.mux.deliver(now, allocation.relayed, data);
        }
    }

    fn channel_data(&self, now: Instant, bytes: &[u8]) {
        let (Some(allocation), Some((channel, data))) = (self.allocation(), read_channel_data(bytes)) else { return };
        let bound = allocation.state().channel;
        if bound == Some(channel) {
            allocation.hear(now);
            self.turn.mux.deliver(now, allocation.relayed, data);
        }
    }

    fn end(&mut self) {
        if let Some(allocation) = self.allocation.take() {
            self.turn.relayed.end(&allocation);
            self.turn.counters.allocations.decrement(1);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

fn lifetime(request: &Request<'_>) -> Duration {
    request.lifetime.map_or(LIFETIME, |wanted| Duration::from_secs(wanted.into())).clamp(LIFETIME, MOST)
}

fn seconds(lifetime: Duration) -> u32 {
    u32::try_from(lifetime.as_secs()).expect("it is at most an hour")
}
