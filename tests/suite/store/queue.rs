//! The whole queue under hands that press at once, and through seeded days beside a naive copy of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use yunzhen::domain::ids::TicketId;
use yunzhen::domain::ticket::{AGEING_STREAK, AGEING_WAIT, MoveReason, TicketState, lane_of};
use yunzhen::domain::triage::Level;
use yunzhen::store::{Db, StoreError, TicketRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;

on_both! {
    async fn twelve_desks_of_a_clinic_that_never_called_take_the_first_twelve_at_once(db: Db) {
        let hospital = Hospital::open(&db, 12).await;
        let joined = hospital.join_many(15, Level::Standard).await;
        let called = join_all((0..12).map(|desk| hospital.try_call(desk))).await;
        let called: BTreeSet<TicketId> = called.into_iter().map(|ticket| ticket.unwrap().unwrap().id).collect();
        assert_eq!(called, joined[..12].iter().map(|ticket| ticket.id).collect());
    }

    async fn nobody_is_overtaken_because_the_first_in_line_is_being_written_to(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let first = hospital.join_many(2, Level::Standard).await.remove(0);
        let mut nurse = db.begin().await.unwrap();
        assert!(nurse.tickets().set_retriage(first.id, hospital.now(), false).await.unwrap());
        let (called, ()) = tokio::join!(hospital.call(0), async {
            db.ping().await.unwrap();
            nurse.commit().await.unwrap();
        });
        assert_eq!(called.id, first.id);
    }

    async fn who_leaves_while_a_desk_calls_is_not_called(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let joined = hospital.join_many(2, Level::Standard).await;
        let mut leaving = db.begin().await.unwrap();
        leaving.tickets().leave(joined[0].id, joined[0].version, hospital.now()).await.unwrap().unwrap();
        let (called, ()) = tokio::join!(hospital.call(0), async {
            db.ping().await.unwrap();
            leaving.commit().await.unwrap();
        });
        assert_eq!(called.id, joined[1].id);
    }

    async fn emergency_never_waits(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let ticket = hospital.join(Level::Standard).await;
        let why = MoveReason::Raised;
        let moved = hospital.write(async |tx| {
            tx.tickets().set_level(ticket.id, ticket.version, Level::Emergency, why).await.unwrap()
        });
        assert_eq!(moved.await, None);
        assert_eq!(hospital.find(ticket.id).await, ticket);
    }

    async fn a_read_cannot_write(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let mut tx = db.read().await.unwrap();
        assert!(tx.tickets().draw_no(hospital.clinic, "2026-11-24").await.is_err());
    }

    async fn a_seeded_day_keeps_the_order_that_the_rules_say(db: Db) {
        Day::new(Hospital::open(&db, 4).await, 1).run(600).await;
    }

    async fn another_seeded_day_keeps_the_order_that_the_rules_say(db: Db) {
        Day::new(Hospital::open(&db, 2).await, 2).run(600).await;
    }
}

#[tokio::test]
async fn sqlite_in_memory_is_refused_for_each_connection_would_see_another_database() {
    assert!(matches!(Db::open("sqlite::memory:").await, Err(StoreError::Other(_))));
}

/// A seeded day in a clinic, beside a naive copy of the queue: a list that is sorted whenever somebody is called.
struct Day {
    hospital: Hospital,
    chance: StdRng,
    waiting: Vec<TicketRow>,
    /// By desk.
    held: BTreeMap<usize, TicketRow>,
    urgent_in_a_row: i64,
    /// How often each rule was seen, so that a day that proves nothing fails.
    aged: usize,
    missed: usize,
    refused: usize,
}

impl Day {
    fn new(hospital: Hospital, seed: u64) -> Self {
        let (waiting, held) = (Vec::new(), BTreeMap::new());
        let chance = StdRng::seed_from_u64(seed);
        Self { hospital, chance, waiting, held, urgent_in_a_row: 0, aged: 0, missed: 0, refused: 0 }
    }

    async fn run(mut self, steps: usize) {
        for step in 0..steps {
            self.hospital.pass(Duration::from_secs(self.chance.random_range(0..300)));
            match self.chance.random_range(0..10) {
                0..4 => self.join().await,
                4..7 => self.call().await,
                7..9 => self.answer().await,
                _ => self.relevel().await,
            }
            self.waiting.sort_by_key(|t| (t.lane, t.rank, t.id));
            let expected: Vec<TicketId> = self.waiting.iter().map(|t| t.id).collect();
            assert_eq!(self.hospital.order().await, expected, "after step {step}");
        }
        let seen = (self.aged, self.missed, self.refused);
        assert!(seen.0 > 0 && seen.1 > 0 && seen.2 > 0, "aged, missed, refused: {seen:?}");
    }

    async fn join(&mut self) {
        let levels = [Level::Urgent, Level::Urgent, Level::Standard, Level::Advice];
        let level = levels[self.chance.random_range(0..levels.len())];
        self.waiting.push(self.hospital.join(level).await);
    }

    /// What the rules say is next, found by looking at everybody; and whether by the ageing rule.
    fn expected(&self) -> Option<(TicketId, bool)> {
        let before = self.hospital.now() - AGEING_WAIT;
        let is_aged = |t: &&TicketRow| t.level == Level::Standard && t.arrived_at < before;
        let aged = self.waiting.iter().find(is_aged).filter(|_| self.urgent_in_a_row >= AGEING_STREAK);
        aged.map(|t| (t.id, true)).or_else(|| self.waiting.first().map(|t| (t.id, false)))
    }

    async fn call(&mut self) {
        let desk = self.chance.random_range(0..self.hospital.desks.len());
        let expected = self.expected();
        let answer = {
            // A refused call must drop its transaction, so this one is not left to `write`.
            let mut tx = self.hospital.db.begin().await.unwrap();
            let answer = tx.tickets().call_next(self.hospital.caller(desk), self.hospital.now()).await;
            if answer.is_ok() {
                tx.commit().await.unwrap();
            }
            answer
        };
        if self.held.contains_key(&desk) && expected.is_some() {
            assert!(matches!(answer, Err(StoreError::Conflict)), "a doctor who has a patient gets no other");
            self.refused += 1;
            return;
        }
        let called = answer.unwrap();
        assert_eq!(called.as_ref().map(|t| (t.id, t.move_reason == Some(MoveReason::Aged))), expected);
        let Some(ticket) = called else { return };
        self.aged += usize::from(ticket.move_reason.is_some());
        self.urgent_in_a_row = if ticket.level == Level::Urgent { self.urgent_in_a_row + 1 } else { 0 };
        self.waiting.retain(|t| t.id != ticket.id);
        self.held.insert(desk, ticket);
    }

    /// A called patient answers and is seen, or does not hear.
    async fn answer(&mut self) {
        let Some((_, ticket)) = self.held.pop_first() else { return };
        let now = self.hospital.now();
        if self.chance.random_range(0..3) > 0 {
            let serving = self.hospital.serve(&ticket).await;
            let done = self
                .hospital
                .write(async |tx| tx.tickets().finish(serving.id, serving.version, now).await.unwrap().unwrap());
            assert_eq!(done.await.state, TicketState::Done);
            return;
        }
        let missed = self
            .hospital
            .write(async |tx| tx.tickets().miss(ticket.id, ticket.version, 3, 3, now).await.unwrap().unwrap());
        let missed = missed.await;
        self.missed += 1;
        // Room may have been made behind it.
        for waiting in &mut self.waiting {
            *waiting = self.hospital.find(waiting.id).await;
        }
        assert_eq!(missed.state == TicketState::NoShow, ticket.miss_count == 2);
        if missed.state == TicketState::Waiting {
            self.check_places(&ticket, &missed);
            self.waiting.push(missed);
        }
    }

    /// A missed call costs three places: those of its lane who would have come after it, and now come before it.
    fn check_places(&self, before: &TicketRow, after: &TicketRow) {
        let lane = || self.waiting.iter().filter(|t| t.lane == before.lane);
        let behind = lane().filter(|t| (t.rank, t.id) > (before.rank, before.id)).count();
        let passed =
            lane().filter(|t| (t.rank, t.id) > (before.rank, before.id) && (t.rank, t.id) < (after.rank, after.id));
        assert_eq!(passed.count(), behind.min(3));
    }

    async fn relevel(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let at = self.chance.random_range(0..self.waiting.len());
        let level = [Level::Urgent, Level::Standard, Level::Advice][self.chance.random_range(0..3)];
        let before = self.waiting[at].clone();
        let moved = self.hospital.write(async |tx| {
            tx.tickets().set_level(before.id, before.version, level, MoveReason::Raised).await.unwrap().unwrap()
        });
        let moved = moved.await;
        assert_eq!((moved.rank, moved.lane), (before.rank, lane_of(level)), "the time of arrival stays");
        self.waiting[at] = moved;
    }
}
