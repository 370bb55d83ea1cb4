//! The fair-queue receipt: whoever holds a ticket, or audits a day, plays the queue again and checks that nobody was
//! overtaken without a stated rule.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::civil::Date;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::domain::date::bounds;
use crate::domain::fairness::{Finding, Place, QueueEvent, Want, What, replay};
use crate::domain::hex::hex;
use crate::domain::ids::{AccountId, ClinicId, TicketId};
use crate::domain::permission::{AdministratorAct, HolderAct};
use crate::domain::signature::{Purpose, queue_subject};
use crate::domain::ticket::{MoveReason, TicketState};
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::queue_day::{Passed, QUEUE_FORMAT, QueueContent, QueueDay, Receipt};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::signing::SignAs;
use crate::services::tickets::place;
use crate::services::topics::Topic;
use crate::services::verifying::findings;
use crate::services::visits::sealing::with_key;
use crate::store::{EventRow, TicketRow, Tx};

/// Events read at once.
const PAGE: i64 = 1000;
/// Events of one day; more than a clinic with twenty desks has.
const MOST: usize = 50_000;

/// The smallest step of time.
const MOMENT: Duration = Duration::from_millis(1);
/// An event has the moment at which its change began, and its number from the commit: so long after another it may come
/// and be the earlier one.
const LATE: Duration = Duration::from_mins(1);

/// A queue's log: what happened, and the printed numbers.
#[derive(Default)]
struct Log {
    /// Whose day it is. Around midnight others join as well.
    day: HashSet<TicketId>,
    events: Vec<QueueEvent>,
    numbers: HashMap<TicketId, i64>,
    /// What each ticket was doing last.
    last: HashMap<TicketId, TicketState>,
    /// There was more than may be in one: what is here ends with the last event.
    is_cut: bool,
}

impl Log {
    /// Reads what happened before `end`; whether there may be more.
    fn take(&mut self, page: &[EventRow], end: Timestamp, most: usize) -> bool {
        for event in page {
            if event.at >= end + LATE {
                return false;
            }
            if event.at >= end {
                continue;
            }
            if self.events.len() >= most {
                self.is_cut = true;
                return false;
            }
            read(event, self);
        }
        !page.is_empty()
    }
}

impl Services {
    /// The receipt of a ticket: everybody who came later and was called before, with the rule, and the events by which
    /// its holder can play the queue again.
    pub async fn receipt(&self, act: HolderAct, id: TicketId) -> Result<Receipt, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let ticket = tx.tickets().find(id).await?;
        let ticket = ticket.filter(|t| t.holder_id == Some(act.holder) && t.institution_id == act.institution);
        let ticket = ticket.ok_or_else(Refusal::not_found)?;
        let until = ticket.called_at.or(ticket.ended_at).unwrap_or(now);
        let log = log_of(&mut tx, ticket.clinic_id, &ticket.day, until + MOMENT).await?;
        drop(tx);
        apart(move || receipt_of(&ticket, &log, until, now)).await
    }

    /// A day of a clinic's queue for an auditor, from midnight to midnight there: its events, what the replay found, and
    /// the server's signature over them. A day that goes on, or in which more happened than fits, says that it is not
    /// complete, and until when it is.
    pub async fn queue_day(&self, act: AdministratorAct, clinic: ClinicId, day: &str) -> Result<QueueDay, Refusal> {
        let wrong = || Refusal::field(ErrorCode::Invalid, "day", "a day such as 2026-03-02");
        let date: Date = day.parse().map_err(|_| wrong())?;
        // Read and played before anybody is kept from writing: the writer is held for the signature alone.
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let row = tx.clinics().find(clinic).await?.filter(|row| row.institution_id == act.institution);
        let row = row.ok_or_else(Refusal::not_found)?;
        let (from, end) = bounds(&place(&row), date).ok_or_else(wrong)?;
        // The number of a day is written as the calendar writes it, whatever was asked.
        let day = date.to_string();
        let log = log_of(&mut tx, clinic, &day, end.min(now + MOMENT)).await?;
        let name = tx.institutions().find(act.institution).await?.map(|row| row.name_en).unwrap_or_default();
        drop(tx);
        let last = log.events.last().map_or(from, |event| event.at);
        let until = if log.is_cut { last } else { end.min(now) };
        let complete = !log.is_cut && now >= end + LATE;
        if log.is_cut {
            tracing::warn!(clinic.id = %clinic, day, events = log.events.len(), "a queue's day does not fit into its file");
        }
        let subject = queue_subject(clinic, &day);
        let (code, events) = (row.code, log.events);
        let content = QueueContent { name, clinic: code, id: clinic, day, from, until, complete, events };
        let played = apart(move || played(&content)).await??;
        let mut work = self.begin().await?;
        let (institution, hash) = (act.institution, &played.hash);
        let signature = self.sign(&mut work, institution, SignAs::Server, Purpose::QueueDay, &subject, hash).await?;
        let signature = with_key(&mut work.tx, signature).await?;
        work.audit(institution, &act.account.to_string(), "queue.export", &subject).await?;
        work.commit().await?;
        Ok(QueueDay {
            format: QUEUE_FORMAT.to_owned(),
            complete,
            until,
            content: played.content,
            findings: played.findings,
            overtakings: played.overtakings,
            signature,
        })
    }
}

/// A day that was played again, and its words as they are signed.
struct Played {
    content: String,
    hash: String,
    findings: Vec<Value>,
    overtakings: u32,
}

/// Plays a queue where it keeps nobody else waiting: a day may be of thousands.
async fn apart<T: Send + 'static>(play: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(play).await.map_err(|e| Refusal::internal(&e))
}

fn played(content: &QueueContent) -> Result<Played, Refusal> {
    let told = replay(&content.events);
    let content = serde_json::to_string(content).map_err(|e| Refusal::internal(&e))?;
    Ok(Played {
        hash: hex(&Sha256::digest(content.as_bytes())),
        content,
        findings: findings(&told),
        overtakings: u32::try_from(told.overtakings.len()).unwrap_or(u32::MAX),
    })
}

/// The receipt of a ticket, from what its queue was told until a moment.
fn receipt_of(ticket: &TicketRow, log: &Log, until: Timestamp, now: Timestamp) -> Receipt {
    let id = ticket.id;
    let told = replay(&log.events);
    let passed = told.overtakings.iter().filter(|one| one.waiting == id);
    let passed =
        passed.map(|one| Passed { no: log.numbers.get(&one.called).copied().unwrap_or(0), at: one.at, rule: one.rule });
    let is_own = |finding: &&Finding| match finding {
        Finding::Overtaken(one) => one.waiting == id || one.called == id,
        Finding::PlaceWithoutReason { ticket, .. }
        | Finding::NotWaiting { ticket, .. }
        | Finding::AnothersPatient { ticket, .. } => *ticket == id,
    };
    let findings = told.findings.iter().filter(is_own).count();
    let last = log.events.last().map_or(ticket.arrived_at, |event| event.at);
    Receipt {
        ticket: id,
        no: ticket.no,
        day: ticket.day.clone(),
        arrived_at: ticket.arrived_at,
        called_at: ticket.called_at,
        passed: passed.collect(),
        findings: u32::try_from(findings).unwrap_or(u32::MAX),
        complete: !log.is_cut,
        until: if log.is_cut { last } else { until },
        events: log.events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect(),
        as_of: now,
    }
}

/// The queue of a clinic from the first number of a day until before a moment.
async fn log_of(tx: &mut Tx, clinic: ClinicId, day: &str, end: Timestamp) -> Result<Log, Refusal> {
    let tickets = tx.tickets().of_day(clinic, day).await?;
    let mut log = Log { day: tickets.iter().copied().collect(), ..Log::default() };
    let Some(first) = tickets.first() else { return Ok(log) };
    let topic = Topic::Ticket(*first).to_string();
    let Some(begin) = tx.events().since(&topic, 0, 1).await?.pop() else { return Ok(log) };
    let topic = Topic::Clinic(clinic).to_string();
    // The numbers of two topics are their own: the clinic's is found by the moment. Whoever draws after the first waits for
    // its commit: nothing of this day was written before it.
    let mut after = seq_long_before(tx, &topic, begin.at).await?;
    loop {
        let page = tx.events().since(&topic, after, PAGE).await?;
        after = page.last().map_or(after, |last| last.seq);
        if !log.take(&page, end, MOST) {
            return Ok(log);
        }
    }
}

/// The number of an event that was certainly written before a moment, found by halving. Numbers follow the commits, and an
/// event's moment is that at which its change began: around any moment the two do not agree. So an earlier moment is looked
/// for, from which no commit comes so late as this. Of what follows the caller leaves out what is none of its own.
async fn seq_long_before(tx: &mut Tx, topic: &str, at: Timestamp) -> Result<i64, Refusal> {
    let at = at - LATE;
    let (mut low, mut high) = (0, tx.events().head(topic).await?);
    while low < high {
        let middle = low + (high - low) / 2;
        match tx.events().since(topic, middle, 1).await?.pop() {
            Some(event) if event.at < at => low = event.seq,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// What an event says of the queue. Tickets that were carried over from the day before are not in it.
fn read(event: &EventRow, log: &mut Log) {
    let field = |name: &str| event.payload.get(name).filter(|value| !value.is_null());
    let number = |name: &str| field(name).and_then(Value::as_i64);
    let moment = |name: &str| number(name).map(Timestamp::from_millis);
    let id = |value: &Value| value.as_str().and_then(|text| text.parse::<TicketId>().ok());
    let Some(ticket) = field("ticket").and_then(id).filter(|ticket| log.day.contains(ticket)) else { return };
    let state = field("state").and_then(|state| serde_json::from_value::<TicketState>(state.clone()).ok());
    let (Some(state), Some(lane), Some(rank)) = (state, number("lane"), number("rank")) else { return };
    let why = field("moved").and_then(|why| serde_json::from_value::<MoveReason>(why.clone()).ok());
    let place = Place { lane, rank };
    let at = event.at;
    let before = log.last.insert(ticket, state);
    if event.kind == "ticket.joined" {
        log.numbers.insert(ticket, number("no").unwrap_or(0));
        let doctor = field("want").and_then(|doctor| doctor.as_str()?.parse::<AccountId>().ok());
        let want = doctor.zip(moment("want_until")).map(|(doctor, until)| Want { doctor, until });
        let arrived = moment("arrived").unwrap_or(at);
        let transferred = why == Some(MoveReason::Transferred);
        let what = What::Joined { place, arrived, slot: moment("slot"), want, transferred };
        log.events.push(QueueEvent { at, ticket, what });
        if state != TicketState::Waiting {
            log.events.push(QueueEvent { at, ticket, what: What::Gone });
        }
        return;
    }
    if !log.numbers.contains_key(&ticket) {
        return;
    }
    if event.kind == "ticket.freed" {
        log.events.push(QueueEvent { at, ticket, what: What::Freed });
        return;
    }
    let what = match state {
        TicketState::Waiting => {
            let shift = number("shift").and_then(|places| u32::try_from(places).ok());
            What::Moved { place, why, shift }
        }
        // Rung again: the call is the same.
        TicketState::Called if before == Some(TicketState::Called) => return,
        TicketState::Called => {
            let Some(doctor) = field("by").and_then(|doctor| doctor.as_str()?.parse().ok()) else { return };
            What::Called { doctor, aged: why == Some(MoveReason::Aged) }
        }
        _ => What::Gone,
    };
    // They step aside first: it is put before them, and they do not pass it.
    for pair in field("aside").and_then(Value::as_array).into_iter().flatten() {
        let (Some(other), Some(rank)) = (pair.get(0).and_then(id), pair.get(1).and_then(Value::as_i64)) else {
            continue;
        };
        log.events.push(QueueEvent { at, ticket: other, what: What::Aside { place: Place { lane, rank } } });
    }
    log.events.push(QueueEvent { at, ticket, what });
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn ticket(n: u32) -> TicketId {
        TicketId::from_uuid(Uuid::from_u128(n.into()))
    }

    /// The log of a day of nine tickets, of which nothing was read.
    fn nine() -> Log {
        Log { day: (1..=9).map(ticket).collect(), ..Log::default() }
    }

    /// So many tickets that joined a millisecond after each other.
    fn joined(count: u32) -> Vec<EventRow> {
        let event = |n: u32| EventRow {
            seq: n.into(),
            kind: "ticket.joined".to_owned(),
            payload: json!({ "ticket": ticket(n), "state": "waiting", "lane": 3, "rank": n, "no": n }),
            at: at(n.into()),
        };
        (1..=count).map(event).collect()
    }

    #[test]
    fn a_log_that_is_cut_says_so_and_one_that_just_fits_does_not() {
        let (mut fits, mut cut) = (nine(), nine());
        assert!(fits.take(&joined(3), at(99), 3) && !fits.take(&[], at(99), 3), "it asks on until nothing comes");
        assert_eq!((fits.events.len(), fits.is_cut), (3, false));
        assert!(!cut.take(&joined(4), at(99), 3));
        assert_eq!((cut.events.len(), cut.is_cut), (3, true));
    }

    #[test]
    fn what_happened_at_the_end_or_later_is_not_in_it() {
        let mut log = nine();
        let mut events = joined(9);
        // It began before the end and was written after others.
        events[8].at = at(3);
        assert!(log.take(&events, at(4), 100), "one that was written late may come");
        assert_eq!(log.events.iter().map(|event| event.at).collect::<Vec<_>>(), [at(1), at(2), at(3), at(3)]);
        events[8].at = at(4) + LATE;
        assert!(!log.take(&events[8..], at(4), 100), "nothing comes so late");
        assert_eq!((log.events.len(), log.is_cut), (4, false));
    }

    #[test]
    fn whoever_has_a_number_of_another_day_is_not_in_it() {
        let mut log = nine();
        assert!(log.take(&joined(11), at(99), 100));
        assert_eq!(
            log.events.iter().map(|event| event.ticket).collect::<Vec<_>>(),
            (1..=9).map(ticket).collect::<Vec<_>>()
        );
    }
}
