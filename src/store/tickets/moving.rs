//! Moves by a decision: back to a place, to the head, to another level or clinic, out of the queue.

use crate::domain::ids::TicketId;
use crate::domain::ticket::{MoveReason, lane_of};
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::store::tickets::{TicketRow, Tickets};
use crate::store::{Result, on};

impl Tickets<'_> {
    /// Back to its old place: the desk was lost, or took the call back.
    pub async fn restore(&mut self, id: TicketId, version: i64, why: MoveReason) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'waiting', desk_id = null, doctor_id = null, lease_until = null, ring_until = null,
                 accepted_at = null, started_at = null, move_reason = $3",
                "'called', 'serving', 'suspended'"
            ))
            .bind(id)
            .bind(version)
            .bind(why)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The doctor did not come back: to the head of its level.
    pub async fn to_head(&mut self, id: TicketId, version: i64) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'waiting', rank = 0, desk_id = null, doctor_id = null, lease_until = null, ring_until = null,
                 accepted_at = null, started_at = null, move_reason = 'doctor_lost'",
                "'suspended'"
            ))
            .bind(id)
            .bind(version)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Closes the ticket here; `moved_to` goes on in another clinic.
    pub async fn transfer(
        &mut self,
        id: TicketId,
        version: i64,
        moved_to: TicketId,
        now: Timestamp,
    ) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'transferred', moved_to = $3, ended_at = $4, lease_until = null, ring_until = null",
                "'waiting', 'called', 'serving', 'suspended'"
            ))
            .bind(id)
            .bind(version)
            .bind(moved_to)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Out of the queue and out of the hands of a desk that called it: somebody calls at once. A patient whom a doctor
    /// has before the eyes stays there.
    pub async fn to_emergency(&mut self, id: TicketId, version: i64) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'emergency', level = 'EMERGENCY', lane = 0, desk_id = null, doctor_id = null, lease_until = null,
                 ring_until = null, accepted_at = null, started_at = null, move_reason = 'raised'",
                "'waiting', 'called', 'suspended'"
            ))
            .bind(id)
            .bind(version)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Changes the level of a waiting ticket, or brings one back from emergency; the rank, and with it the time of
    /// arrival, stays. EMERGENCY has no lane: that ticket leaves the queue.
    pub async fn set_level(
        &mut self,
        id: TicketId,
        version: i64,
        level: Level,
        why: MoveReason,
    ) -> Result<Option<TicketRow>> {
        if level == Level::Emergency {
            return self.to_emergency(id, version).await;
        }
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'waiting', level = $3, lane = $4, move_reason = $5, started_at = null",
                "'waiting', 'emergency'"
            ))
            .bind(id)
            .bind(version)
            .bind(level)
            .bind(lane_of(level))
            .bind(why)
            .fetch_optional(conn)
            .await?
        }))
    }
}
