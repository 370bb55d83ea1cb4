//! Who comes to a connection's engine: one at a time, and nobody waits who is everybody's.
//!
//! The [engine](super::engine) has no tasks, sockets or queues of its own: whoever has a datagram for it gives it that, and takes
//! along what comes of it. So a packet of media is unlocked on the task that read it, and goes from there to the feed of its
//! section; what the engine writes leaves at once; and a connection of which nothing comes is a few structures in memory.
//!
//! Several readers, the seat and the timetable may come to it, one at a time: there is a lock. Whoever holds it may hand
//! media to the legs of others, whose ways out have locks of their own, and takes no other connection's engine. A reader is
//! everybody's and waits for nobody: what it has for an engine that is busy, with an offer of many sections say, it leaves
//! there, and whoever holds the engine reads that before anything else.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::Instant;

use rtc::media_stream::MediaStreamTrack;
use rtc::shared::error::{Error, Result};

use super::engine::Engine;
use super::inflow::Inflow;
use super::instant;
use super::port::{Inside, Port};
use super::source::Feed;
use super::timetable::{Timed, Timetable};

/// What may be left for a busy engine: two thirds of a second of a good camera. More is dropped.
const LATE: usize = 1024;

/// The engine of one connection, for everybody who comes to it.
pub(super) struct Core {
    timetable: Arc<Timetable>,
    engine: Mutex<Engine>,
    late: Mutex<VecDeque<Late>>,
}

/// What was left while the engine was busy.
enum Late {
    Datagram(Instant, Vec<u8>),
    /// It is to be asked what it has to say.
    Settle(Instant),
}

impl Core {
    /// What comes to `port` goes to `engine` from now on.
    pub(super) fn new(engine: Engine, port: &Arc<Port>, timetable: &Arc<Timetable>) -> Arc<Self> {
        let timetable = Arc::clone(timetable);
        let core = Arc::new(Self { timetable, engine: Mutex::new(engine), late: Mutex::default() });
        let inside: Weak<Self> = Arc::downgrade(&core);
        port.lead_to(inside);
        core
    }

    /// Gives the engine a track of ours, for the next receiving section that has none.
    pub(super) fn add_track(self: &Arc<Self>, track: MediaStreamTrack) -> Result<()> {
        self.with(|engine| engine.add_track(track)).unwrap_or(Err(Error::ErrConnectionClosed))
    }

    /// The engine's answer to an offer; when it refuses, media of the earlier negotiation goes on.
    pub(super) fn negotiate(self: &Arc<Self>, now: Instant, offer: String) -> Result<String> {
        let answer = self.with(|engine| {
            let answer = engine.negotiate(now, offer);
            self.ask(engine, now);
            answer
        });
        answer.unwrap_or(Err(Error::ErrConnectionClosed))
    }

    /// From now on the packets of a section go to `feed`: first those that came already.
    pub(super) fn attach(self: &Arc<Self>, now: Instant, mid: &str, feed: &Arc<Feed>) {
        self.with(|engine| engine.attach(now, mid, feed));
    }

    /// Nobody wants the packets of a section.
    pub(super) fn shut(self: &Arc<Self>, mid: &str) {
        self.with(|engine| engine.shut(mid));
    }

    /// Says something to the browser about media, as far as there is a way to protect it.
    pub(super) fn say(self: &Arc<Self>, now: Instant, packets: Vec<Box<dyn rtc::rtcp::Packet>>) {
        self.with(|engine| engine.say(now, packets));
    }

    /// Asks the engine what it has to say, and when it will have more: now, or as soon as it is free.
    pub(super) fn settle(self: &Arc<Self>, now: Instant) {
        if let Some(mut engine) = self.try_engine() {
            guarded(&mut engine, |engine| self.ask(engine, now));
        } else {
            self.leave(Late::Settle(now));
        }
        self.catch_up();
    }

    /// Ends it, and tells the browser.
    pub(super) fn close(self: &Arc<Self>, now: Instant) {
        self.with(|engine| engine.close(now));
    }

    /// Something broke over what its browser sent.
    pub(super) fn break_off(&self) {
        self.engine().break_off();
    }

    /// Waits for the engine and does something with it.
    fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut Engine) -> T) -> Option<T> {
        let done = guarded(&mut self.engine(), act);
        self.catch_up();
        done
    }

    fn ask(self: &Arc<Self>, engine: &mut Engine, now: Instant) {
        if let Some(at) = engine.ask(now) {
            let whom: Weak<Self> = Arc::downgrade(self);
            self.timetable.note(at, whom);
        }
    }

    /// Leaves something for an engine that is busy.
    fn leave(&self, what: Late) {
        let mut late = self.late();
        if late.len() < LATE {
            late.push_back(what);
        }
    }

    /// Reads what was left meanwhile. Whoever had the engine, or did not get it, comes here afterwards: the one who was last sees
    /// what the other left.
    fn catch_up(self: &Arc<Self>) {
        loop {
            fence(Ordering::SeqCst);
            if self.late().is_empty() {
                return;
            }
            let mut inflow = Inflow::default();
            {
                let Some(mut engine) = self.try_engine() else { return };
                self.read_late(&mut engine, &mut inflow);
            }
            inflow.flush(instant::now());
        }
    }

    fn read_late(self: &Arc<Self>, engine: &mut Engine, inflow: &mut Inflow) {
        loop {
            let next = self.late().pop_front();
            match next {
                Some(Late::Datagram(at, bytes)) => self.read(engine, at, &bytes, inflow),
                Some(Late::Settle(at)) => {
                    guarded(engine, |engine| self.ask(engine, at));
                }
                None => return,
            }
        }
    }

    fn read(self: &Arc<Self>, engine: &mut Engine, now: Instant, bytes: &[u8], inflow: &mut Inflow) {
        guarded(engine, |engine| {
            engine.read(now, bytes, |feed, from, packet| inflow.add(self, feed, from, packet));
        });
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine, if nobody has it.
    fn try_engine(&self) -> Option<MutexGuard<'_, Engine>> {
        match self.engine.try_lock() {
            Ok(engine) => Some(engine),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn late(&self) -> MutexGuard<'_, VecDeque<Late>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A panic is the end of this connection, and of nothing else.
fn guarded<T>(engine: &mut Engine, act: impl FnOnce(&mut Engine) -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(|| act(&mut *engine)));
    done.map_err(|_| engine.break_off()).ok()
}

impl Inside for Core {
    fn take(self: Arc<Self>, now: Instant, bytes: &[u8], inflow: &mut Inflow) {
        if let Some(mut engine) = self.try_engine() {
            self.read_late(&mut engine, inflow);
            self.read(&mut engine, now, bytes, inflow);
        } else {
            self.leave(Late::Datagram(now, bytes.to_vec()));
        }
        self.catch_up();
        inflow.touch(&self);
    }
}

impl Timed for Core {
    fn wake(self: Arc<Self>, now: Instant) {
        self.settle(now);
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
