//! From the call to the end of the visit.

use crate::domain::ids::TicketId;
use crate::domain::ticket::LEASE;
use crate::domain::time::Timestamp;
use crate::store::tickets::{TicketRow, Tickets};
use crate::store::{Result, on};

impl Tickets<'_> {
    /// The patient says yes to a call that still rings.
    pub async fn accept(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("accepted_at = $3, lease_until = $4", "'called'", "and accepted_at is null"))
                .bind(id)
                .bind(version)
                .bind(now)
                .bind(now + LEASE)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Who it is was corrected: whoever still looks at the old words confirms nothing.
    pub async fn read_anew(&mut self, id: TicketId, version: i64) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("lease_until = lease_until", "'called'", "and accepted_at is not null"))
                .bind(id)
                .bind(version)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The identity was confirmed: the visit begins.
    pub async fn serve(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'serving', started_at = $3, lease_until = $4, ring_until = null",
                "'called'",
                "and accepted_at is not null"
            ))
            .bind(id)
            .bind(version)
            .bind(now)
            .bind(now + LEASE)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The visit is over.
    pub async fn finish(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'done', ended_at = $3, lease_until = null, ring_until = null",
                "'serving', 'suspended', 'emergency'"
            ))
            .bind(id)
            .bind(version)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Nobody could reach an emergency: the ticket is over, but nobody has seen the patient.
    pub async fn not_reached(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("state = 'no_show', move_reason = 'not_reached', ended_at = $3", "'emergency'"))
                .bind(id)
                .bind(version)
                .bind(now)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The patient gives the place up.
    pub async fn leave(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!(
                "state = 'left', ended_at = $3, desk_id = null, doctor_id = null, lease_until = null, ring_until = null",
                "'waiting', 'called', 'emergency'"
            ))
            .bind(id)
            .bind(version)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }
}
