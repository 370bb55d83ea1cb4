//! The connections of this process. Most of them wait for hours: whoever comes or goes is filed, so that nobody is looked
//! through who is not meant.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId, SessionId};
use crate::domain::room::SEAT_GRACE;
use crate::domain::time::Timestamp;
use crate::services::live::ends::Ends;
use crate::services::live::{LOST_OF_ADDRESS, LOST_OF_ALL, LOST_OF_ONE, Outbox, SOCKETS};
use crate::services::rooms::stills::Stills;

pub(super) struct Connection {
    pub(super) session: SessionId,
    pub(super) subject: String,
    /// Where it began; of IPv6 the network.
    pub(super) address: IpAddr,
    pub(super) outbox: Option<Outbox>,
    /// Which of its sockets the outbox belongs to, or did; the first is 0.
    pub(super) socket: u64,
    /// Those that its socket has not taken yet.
    pub(super) stills: Arc<Stills>,
    pub(super) rooms: Vec<RoomId>,
    /// How the last of its rooms ended for it.
    pub(super) ends: Ends,
    /// The seats that it took in them.
    pub(super) participants: Vec<ParticipantId>,
    /// Those of its rooms that it entered as a patient through an open door.
    pub(super) halls: Vec<RoomId>,
    pub(super) lost_at: Option<Timestamp>,
    /// The socket did not read what waited for it.
    pub(super) slow: bool,
}

/// Where a connection is filed, beside its session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It has a socket and no seat.
    Waiting,
    /// It has a seat.
    Seated,
    /// It has neither, since then.
    Idle(Timestamp),
}

impl Connection {
    /// The first socket of a session.
    pub(super) fn new(session: SessionId, (subject, address): (String, IpAddr), outbox: Outbox) -> Self {
        let (stills, outbox, socket) = (Arc::default(), Some(outbox), 0);
        let (rooms, participants, halls) = (Vec::new(), Vec::new(), Vec::new());
        let (ends, lost_at, slow) = (Ends::default(), None, false);
        Self { session, subject, address, outbox, socket, stills, rooms, ends, participants, halls, lost_at, slow }
    }

    fn place(&self) -> Place {
        match self.lost_at {
            _ if !self.rooms.is_empty() => Place::Seated,
            Some(at) => Place::Idle(at),
            None => Place::Waiting,
        }
    }

    /// It was lost for so long that nobody takes it up again.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.lost_at.is_some_and(|at| now.since(at) >= SEAT_GRACE)
    }
}

/// The lost ones without a seat, the oldest first.
type Idle = BTreeSet<(Timestamp, ConnectionId)>;

#[derive(Default)]
pub(super) struct Connections {
    known: HashMap<ConnectionId, Connection>,
    sessions: HashMap<SessionId, Vec<ConnectionId>>,
    seated: HashMap<IpAddr, HashSet<ConnectionId>>,
    idle: Idle,
    idle_at: HashMap<IpAddr, Idle>,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.known.get(&id)
    }

    /// All of them; nothing that happens often asks for that.
    pub(super) fn all(&self) -> impl Iterator<Item = &Connection> {
        self.known.values()
    }

    /// Those with a seat.
    pub(super) fn seated(&self) -> impl Iterator<Item = &Connection> {
        self.seated.values().flatten().filter_map(|id| self.known.get(id))
    }

    /// Those with a seat in this room.
    pub(super) fn seated_in(&self, room: RoomId) -> Vec<ConnectionId> {
        let sits = |id: &&ConnectionId| self.known.get(*id).is_some_and(|entry| entry.rooms.contains(&room));
        self.seated.values().flatten().filter(sits).copied().collect()
    }

    /// Those of an address with a seat.
    pub(super) fn seated_at(&self, address: IpAddr) -> impl Iterator<Item = &Connection> {
        self.seated.get(&address).into_iter().flatten().filter_map(|id| self.known.get(id))
    }

    /// Those of a session.
    pub(super) fn of_session(&self, session: SessionId) -> Vec<ConnectionId> {
        self.sessions.get(&session).cloned().unwrap_or_default()
    }

    /// The oldest socket of a session that has as many open as it may have.
    pub(super) fn oldest_of_too_many(&self, session: SessionId) -> Option<ConnectionId> {
        let is_open = |id: &ConnectionId| self.known.get(id).is_some_and(|entry| entry.outbox.is_some());
        let open: Vec<_> = self.of_session(session).into_iter().filter(is_open).collect();
        open.iter().min().copied().filter(|_| open.len() >= SOCKETS)
    }

    pub(super) fn insert(&mut self, id: ConnectionId, entry: Connection) {
        self.remove(id);
        self.sessions.entry(entry.session).or_default().push(id);
        self.file(id, entry.address, entry.place());
        self.known.insert(id, entry);
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        let entry = self.known.remove(&id)?;
        self.unfile(id, entry.address, entry.place());
        if let Some(others) = self.sessions.get_mut(&entry.session) {
            others.retain(|other| *other != id);
            if others.is_empty() {
                self.sessions.remove(&entry.session);
            }
        }
        Some(entry)
    }

    /// Changes one, and files it where it belongs then.
    pub(super) fn change<T>(&mut self, id: ConnectionId, change: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        let entry = self.known.get_mut(&id)?;
        let before = entry.place();
        let changed = change(entry);
        let (address, after) = (entry.address, entry.place());
        if before != after {
            self.unfile(id, address, before);
            self.file(id, address, after);
        }
        Some(changed)
    }

    /// Forgets the oldest lost ones without a seat, where its session, its address or all together have too many.
    pub(super) fn forget_oldest_lost(&mut self, session: SessionId, address: IpAddr) {
        let lost = |id: ConnectionId| match self.known.get(&id)?.place() {
            Place::Idle(at) => Some((at, id)),
            Place::Waiting | Place::Seated => None,
        };
        let mut of_one: Vec<_> = self.of_session(session).into_iter().filter_map(lost).collect();
        of_one.sort_unstable();
        let excess = of_one.len().saturating_sub(LOST_OF_ONE);
        for (_, id) in of_one.into_iter().take(excess) {
            self.remove(id);
        }
        while let Some((_, id)) = oldest_above(LOST_OF_ADDRESS, self.idle_at.get(&address)) {
            self.remove(id);
        }
        while let Some((_, id)) = oldest_above(LOST_OF_ALL, Some(&self.idle)) {
            self.remove(id);
        }
    }

    /// Forgets those that were lost for too long.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        let idle = self.idle.iter().take_while(|(at, _)| now.since(*at) >= SEAT_GRACE).map(|(_, id)| *id);
        let seated = self.seated.values().flatten();
        let left = seated.filter(|id| self.known.get(id).is_some_and(|entry| entry.is_over(now))).copied();
        for id in idle.chain(left).collect::<Vec<_>>() {
            self.remove(id);
        }
    }

    fn file(&mut self, id: ConnectionId, address: IpAddr, place: Place) {
        match place {
            Place::Waiting => {}
            Place::Seated => {
                self.seated.entry(address).or_default().insert(id);
            }
            Place::Idle(at) => {
                self.idle.insert((at, id));
                self.idle_at.entry(address).or_default().insert((at, id));
            }
        }
    }

    fn unfile(&mut self, id: ConnectionId, address: IpAddr, place: Place) {
        match place {
            Place::Waiting => {}
            Place::Seated => {
                if let Some(seated) = self.seated.get_mut(&address) {
                    seated.remove(&id);
                    if seated.is_empty() {
                        self.seated.remove(&address);
                    }
                }
            }
            Place::Idle(at) => {
                self.idle.remove(&(at, id));
                if let Some(idle) = self.idle_at.get_mut(&address) {
                    idle.remove(&(at, id));
                    if idle.is_empty() {
                        self.idle_at.remove(&address);
                    }
                }
            }
        }
    }
}

fn oldest_above(most: usize, idle: Option<&Idle>) -> Option<(Timestamp, ConnectionId)> {
    idle.filter(|idle| idle.len() > most)?.first().copied()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::sync::mpsc;
    use uuid::Uuid;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Come(u8),
        Go(u8),
        Back(u8),
        Sit(u8, u8),
        Rise(u8, u8),
        End(u8),
        Pass(u16),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => any::<u8>().prop_map(Step::Come),
            4 => any::<u8>().prop_map(Step::Go),
            1 => any::<u8>().prop_map(Step::Back),
            1 => (any::<u8>(), 0..3_u8).prop_map(|(n, room)| Step::Sit(n, room)),
            1 => (any::<u8>(), 0..3_u8).prop_map(|(n, room)| Step::Rise(n, room)),
            1 => (0..3_u8).prop_map(Step::End),
            1 => (0..400_u16).prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 0..150)
    }

    fn connection(n: u8) -> ConnectionId {
        ConnectionId::from_uuid(Uuid::from_u128(n.into()))
    }

    fn session(n: u8) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(u128::from(n) % 3))
    }

    fn address(n: u8) -> IpAddr {
        Ipv4Addr::from_bits(u32::from(n) % 2).into()
    }

    fn room(n: u8) -> RoomId {
        RoomId::from_uuid(Uuid::from_u128(n.into()))
    }

    /// What would be found by looking through all of them.
    fn found(all: &Connections, is_meant: impl Fn(&Connection) -> bool) -> BTreeSet<ConnectionId> {
        all.known.iter().filter(|(_, entry)| is_meant(entry)).map(|(id, _)| *id).collect()
    }

    fn is_idle(entry: &Connection) -> bool {
        entry.lost_at.is_some() && entry.rooms.is_empty()
    }

    proptest! {
        #[test]
        fn what_is_filed_is_what_looking_through_all_would_find(plan in steps()) {
            let mut all = Connections::default();
            let mut now = Timestamp::from_millis(0);
            for step in plan {
                match step {
                    Step::Come(n) => {
                        let outbox = mpsc::channel(1).0;
                        all.insert(connection(n), Connection::new(session(n), (String::new(), address(n)), outbox));
                    }
                    Step::Go(n) => {
                        all.change(connection(n), |entry| entry.lost_at = Some(now));
                        all.forget_oldest_lost(session(n), address(n));
                        prop_assert!(found(&all, |one| is_idle(one) && one.session == session(n)).len() <= LOST_OF_ONE);
                    }
                    Step::Back(n) => {
                        all.change(connection(n), |entry| entry.lost_at = None);
                    }
                    Step::Sit(n, of) => {
                        all.change(connection(n), |entry| entry.rooms.push(room(of)));
                    }
                    Step::Rise(n, of) => {
                        all.change(connection(n), |entry| entry.rooms.retain(|other| *other != room(of)));
                    }
                    Step::End(n) => {
                        for id in all.of_session(session(n)) {
                            all.remove(id);
                        }
                        prop_assert!(found(&all, |one| one.session == session(n)).is_empty());
                    }
                    Step::Pass(secs) => {
                        now = now + Duration::from_secs(secs.into());
                        all.sweep(now);
                        prop_assert!(found(&all, |one| one.is_over(now)).is_empty());
                    }
                }
                for n in 0..3 {
                    let of_session: BTreeSet<_> = all.of_session(session(n)).into_iter().collect();
                    prop_assert_eq!(of_session, found(&all, |one| one.session == session(n)));
                    let seated: BTreeSet<_> = all.seated.get(&address(n)).into_iter().flatten().copied().collect();
                    let wanted = found(&all, |one| !one.rooms.is_empty() && one.address == address(n));
                    prop_assert_eq!(seated, wanted);
                    let idle: BTreeSet<_> = all.idle_at.get(&address(n)).into_iter().flatten().map(|one| one.1).collect();
                    prop_assert_eq!(idle, found(&all, |one| is_idle(one) && one.address == address(n)));
                }
                let idle: BTreeSet<_> = all.idle.iter().map(|one| one.1).collect();
                prop_assert_eq!(idle, found(&all, is_idle));
                let empty = all.sessions.values().any(Vec::is_empty) || all.seated.values().any(HashSet::is_empty);
                prop_assert!(!empty && !all.idle_at.values().any(BTreeSet::is_empty), "nothing is left of who has gone");
            }
        }
    }
}
