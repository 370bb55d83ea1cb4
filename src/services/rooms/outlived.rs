//! No room outlives what it was for, and no seat its session.
//!
//! Whoever ends a visit closes the row of its room, and empties the room after the commit. Between the two a process may be
//! cut off, or never hear that its commit was one; a grant from before opens the room anew; and whoever repeats the command is
//! answered from what was kept. So the rows are compared with what is live every few seconds. A row decides only when it was
//! read and says so: where the database is away, calls go on.

use std::time::Duration;

use tokio::time::timeout;

use crate::domain::ids::RoomId;
use crate::domain::room::{Input, RoomEnd, RoomPurpose};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::store::RoomOver;

/// So long one room may take to hear it, before the next is told.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

impl Services {
    /// Ends the live rooms whose rows were closed, stops recordings to which nobody agrees any more, and takes those out
    /// whose sessions were ended.
    pub async fn sweep_outlived(&self) -> Result<(), Refusal> {
        let (rooms, sessions) = self.live.occupied();
        if rooms.is_empty() && sessions.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.read().await?;
        let over = tx.rooms().over(rooms).await?;
        let ended = tx.sessions().ended_of(sessions).await?;
        drop(tx);
        for room in over {
            tracing::info!(room.id = %room.id, "a room went on without its row");
            self.carry_over(room).await;
        }
        self.leave_seats(&ended).await;
        Ok(())
    }

    /// The same for one room, after a seat was taken by what stood in the database before.
    pub async fn look_again(&self, room: RoomId) -> Result<(), Refusal> {
        let over = self.db.read().await?.rooms().over([room]).await?;
        for room in over {
            self.carry_over(room).await;
        }
        Ok(())
    }

    /// Has a live room hear what its row says. One that does not listen hears it at the next sweep.
    async fn carry_over(&self, room: RoomOver) {
        let hears = async {
            if room.closed_at.is_some() {
                self.end_room(room.id, why(&room)).await;
            } else {
                self.live.send(room.id, Input::StopRecording).await;
            }
        };
        timeout(HEARD_WITHIN, hears).await.ok();
    }
}

/// Why a room is over whose row was closed.
fn why(room: &RoomOver) -> RoomEnd {
    match (room.purpose, room.visit_end) {
        (_, Some(end)) => end.room_end(),
        // A visit that had lost its doctor and began anew has another room.
        (RoomPurpose::Visit, None) => RoomEnd::StaffLost,
        // Of a check in which somebody sits, the row is closed for the next one alone.
        (RoomPurpose::Check, None) => RoomEnd::Replaced,
        (RoomPurpose::Emergency | RoomPurpose::Nurse, None) => RoomEnd::Finished,
    }
}
