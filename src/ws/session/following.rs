//! What a browser follows: topics with their events, and tickets with their views; nothing of them is lost or told twice.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::ids::TicketId;
use crate::protocol::error::ErrorCode;
use crate::protocol::live::ServerMessage;
use crate::services::Announcement;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::ws::limits::ANSWER_WITHIN;
use crate::ws::session::farewell::End;
use crate::ws::session::{Session, in_time};

/// Topics and tickets that one socket may follow.
const FOLLOWED: usize = 16;
/// Whoever missed more events than this is told to read the state anew: it says what all of them would.
const REPLAYED: i64 = 1000;
/// Says that events were passed over, up to the number that it bears.
const SKIPPED: &str = "topic.skipped";
/// Events read from the log at once.
const PAGE: i64 = 200;

impl Session {
    fn has_place(&self) -> Result<(), Refusal> {
        if self.topics.len() + self.tickets.len() >= FOLLOWED {
            return Err(Refusal::new(ErrorCode::TooManyMessages, "a socket follows 16 topics"));
        }
        Ok(())
    }

    pub(super) async fn subscribe(&mut self, name: String, since: Option<i64>) -> Result<(), Refusal> {
        if !self.topics.contains_key(&name) {
            self.has_place()?;
        }
        let topic: Topic = name.parse().map_err(|()| Refusal::field(ErrorCode::Invalid, "topic", "no such topic"))?;
        let asked = async {
            self.services.may_hear(self.actor, topic).await?;
            let head = self.services.topic_head(&name).await?;
            if let Topic::Desk(desk) = topic {
                self.services.renew_desk(self.actor, desk).await?;
            }
            Ok(head)
        };
        let head = in_time(asked).await?;
        // A number from the future is from another database: begin again from what is here.
        let from = since.filter(|seen| (0..=head).contains(seen)).unwrap_or(head);
        if let Topic::Desk(desk) = topic {
            self.desk = Some(desk);
        }
        self.topics.insert(name.clone(), from);
        if head - from > REPLAYED {
            let (kind, at) = (SKIPPED.to_owned(), self.services.clock.now());
            let skipped = Announcement { topic: name.clone(), seq: head, at, kind, data: serde_json::Map::new() };
            self.pass_on(&skipped).await.ok();
        }
        // What was missed is sent at the next repair at the latest; at once is better.
        self.catch_up(&name).await.ok();
        Ok(())
    }

    pub(super) async fn watch(&mut self, ticket: TicketId) -> Result<(), Refusal> {
        let view = in_time(self.services.ticket_for(self.actor, ticket)).await?;
        if !self.tickets.contains_key(&ticket) {
            self.has_place()?;
            // It is counted before anything is written: who is given up here watches all the same.
            tokio::time::timeout(ANSWER_WITHIN, self.services.watch_ticket(ticket)).await.ok();
        }
        self.tickets.insert(ticket, [Topic::Ticket(ticket).to_string(), Topic::Clinic(view.clinic).to_string()]);
        self.send(&ServerMessage::Ticket { ticket: Box::new(view) }).await.ok();
        Ok(())
    }

    pub(super) async fn overhear(
        &mut self,
        heard: Result<Arc<Announcement>, broadcast::error::RecvError>,
    ) -> Result<(), End> {
        match heard {
            Ok(announcement) if announcement.topic == self.end_topic => Err(self.signed_out().await),
            Ok(announcement) => {
                let mut is_own = false;
                for (ticket, touched_by) in &self.tickets {
                    if touched_by.contains(&announcement.topic) {
                        self.stale.insert(*ticket);
                        is_own |= touched_by[0] == announcement.topic;
                    }
                }
                let next = self.topics.get(&announcement.topic).map(|last| last + 1);
                match next {
                    Some(next) if announcement.seq == next => self.pass_on(&announcement).await?,
                    // What is missing comes at the next repair at the latest.
                    Some(next) if announcement.seq > next => self.catch_up(&announcement.topic).await.map(drop)?,
                    Some(_) | None => {}
                }
                // A change of the own ticket cannot wait for the next glance: it may be the call.
                if is_own { self.push_stale().await } else { Ok(()) }
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.stale.extend(self.tickets.keys());
                self.repair().await.map(drop)
            }
            Err(broadcast::error::RecvError::Closed) => Err(End::Gone),
        }
    }

    async fn pass_on(&mut self, announcement: &Announcement) -> Result<(), End> {
        let Announcement { topic, seq, at, kind, data } = announcement.clone();
        self.topics.insert(topic.clone(), seq);
        self.send(&ServerMessage::Event { topic, seq, at, kind, data }).await
    }

    /// Sends what the event log holds after the last number that was sent. While the database is away, the socket stays, and
    /// the next repair tries again; whether it answered.
    pub(super) async fn catch_up(&mut self, topic: &str) -> Result<bool, End> {
        while let Some(last) = self.topics.get(topic).copied() {
            let Ok(events) = in_time(self.services.events_since(topic, last, PAGE)).await else { return Ok(false) };
            let is_last = i64::try_from(events.len()).is_ok_and(|n| n < PAGE);
            for event in events {
                self.pass_on(&event).await?;
            }
            if is_last {
                break;
            }
        }
        Ok(true)
    }

    /// Compares everything with the database, until it does not answer; whether it did.
    pub(super) async fn repair(&mut self) -> Result<bool, End> {
        if !self.still_signed_in().await? {
            return Ok(false);
        }
        for topic in self.topics.keys().cloned().collect::<Vec<_>>() {
            if !self.catch_up(&topic).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) async fn push_stale(&mut self) -> Result<(), End> {
        let mut stale = std::mem::take(&mut self.stale).into_iter();
        while let Some(ticket) = stale.next() {
            match in_time(self.services.ticket_for(self.actor, ticket)).await {
                Ok(view) => self.send(&ServerMessage::Ticket { ticket: Box::new(view) }).await?,
                // While the database is away, the next glance tries again.
                Err(refusal) if refusal.code == ErrorCode::Unavailable => {
                    self.stale.insert(ticket);
                    self.stale.extend(stale);
                    break;
                }
                // A ticket that is not theirs, or does not read, is looked at again when it changes.
                Err(_) => {}
            }
        }
        Ok(())
    }
}
