//! Leases: who holds a ticket must be heard.

use crate::domain::ids::{AccountId, DeskId, TicketId};
use crate::domain::ticket::{DOCTOR_GRACE, LEASE};
use crate::domain::time::Timestamp;
use crate::store::tickets::{TicketRow, Tickets};
use crate::store::{Result, on};

impl Tickets<'_> {
    /// The desk's lease ran out in a visit: the visit waits for its doctor.
    pub async fn suspend(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("state = 'suspended', lease_until = $3", "'serving'"))
                .bind(id)
                .bind(version)
                .bind(now + DOCTOR_GRACE)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The doctor is back: the visit goes on.
    pub async fn go_on(&mut self, id: TicketId, version: i64, now: Timestamp) -> Result<Option<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(moving!("state = 'serving', lease_until = $3", "'suspended'"))
                .bind(id)
                .bind(version)
                .bind(now + LEASE)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The doctor works at this desk now, and so does whoever the doctor holds; the version stays, for nothing moved.
    pub async fn sit_at(&mut self, doctor: AccountId, desk: DeskId) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update ticket
                 set desk_id = $2
                 where doctor_id = $1 and state in ('called', 'serving', 'suspended') and desk_id <> $2",
            )
            .bind(doctor)
            .bind(desk)
            .execute(conn)
            .await?
            .rows_affected()
        }))
    }

    /// Renews the lease of whatever a doctor holds; the version stays, for nothing moved.
    pub async fn renew(&mut self, doctor: AccountId, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update ticket set lease_until = $2 where doctor_id = $1 and state in ('called', 'serving')")
                .bind(doctor)
                .bind(until)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }

    /// After a restart: gives every holder until `until` to be heard, and every call that rings until `until` to be
    /// answered; our own absence is nobody's fault.
    pub async fn forgive(&mut self, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update ticket
                 set lease_until = case when lease_until < $1 then $1 else lease_until end,
                     ring_until = case when state = 'called' and ring_until < $1 then $1 else ring_until end
                 where state in ('called', 'serving', 'suspended')
                   and (lease_until < $1 or (state = 'called' and ring_until < $1))",
            )
            .bind(until)
            .execute(conn)
            .await?
            .rows_affected()
        }))
    }

    // Every condition here repeats that of the index `ticket_leased`: SQLite uses it only where it stands to the letter.

    /// Tickets that ring since before `since` and still at `now`, and of whose call nobody was told by text message, past
    /// the first `skip`.
    pub async fn untold(&mut self, since: Timestamp, now: Timestamp, limit: i64, skip: i64) -> Result<Vec<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where state in ('called', 'serving', 'suspended') and state = 'called' and accepted_at is null
                    and called_at < $1 and ring_until > $2
                    and not exists (
                        select 1
                        from ring_text
                        where ring_text.ticket_id = ticket.id and ring_text.call_count = ticket.call_count
                    )
                 order by called_at, id
                 limit $3 offset $4"
            ))
            .bind(since)
            .bind(now)
            .bind(limit)
            .bind(skip)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Tickets whose ring or lease has run out, oldest first, past the first `skip`.
    pub async fn overdue(&mut self, now: Timestamp, limit: i64, skip: i64) -> Result<Vec<TicketRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where state in ('called', 'serving', 'suspended')
                    and (lease_until < $1 or (state = 'called' and accepted_at is null and ring_until < $1))
                 order by lease_until, id
                 limit $2 offset $3"
            ))
            .bind(now)
            .bind(limit)
            .bind(skip)
            .fetch_all(conn)
            .await?
        }))
    }
}
