//! Whether a socket may go on: its session stands, its token is good, and it is still the one of its connection.

use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;
use crate::ws::limits::CloseCode;
use crate::ws::session::farewell::{End, slow};
use crate::ws::session::{Session, in_time};

impl Session {
    /// Ends the conversation when the session was ended and nobody told us. While the database is away, the socket stays;
    /// whether it answered.
    pub(super) async fn still_signed_in(&mut self) -> Result<bool, End> {
        match in_time(self.services.session_stands(self.actor)).await {
            Ok(false) => Err(self.signed_out().await),
            Ok(true) if self.services.clock.now() >= self.ends => Err(token_ended()),
            Ok(true) => {
                self.is_proved = true;
                Ok(true)
            }
            Err(_) => Ok(false),
        }
    }

    /// Whether the session was asked for in the database, now if not before.
    pub(super) async fn is_proved(&mut self) -> Result<bool, End> {
        if self.is_proved { Ok(true) } else { self.still_signed_in().await }
    }

    /// The session was ended, and all its connections with it.
    pub(super) async fn signed_out(&mut self) -> End {
        // A connection that was made in the moment of the end is not known to whoever ended it.
        self.services.live.end_session(self.actor.session()).await;
        End::Close(CloseCode::Expired, Refusal::new(ErrorCode::Unauthenticated, "the session was ended; sign in again"))
    }

    /// Why this socket is not the one of its connection any more.
    pub(super) async fn replaced(&mut self) -> End {
        if let Err(end) = self.still_signed_in().await {
            return end;
        }
        if self.services.live.is_slow(self.connection) {
            return slow();
        }
        End::Close(CloseCode::Replaced, Refusal::new(ErrorCode::Replaced, "another window took over"))
    }
}

/// Nobody renewed the token.
pub(super) fn token_ended() -> End {
    End::Close(CloseCode::Expired, Refusal::new(ErrorCode::Unauthenticated, "the token ended"))
}
