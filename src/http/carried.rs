//! A command that was begun is carried to its end, whether or not its browser still waits for the answer.
//!
//! A browser that closes, and the deadline of a request, take the handler away wherever it waits: also behind the commit, where
//! a room is still to be ended and people to be told. So a command runs in a task of the server's own, and its handler only
//! waits for what came of it; whoever repeats the command hears it. What only reads is given up with whoever asked, and so is a
//! command whose body is not here yet: nothing of it was begun. Everything that such a task waits for has a deadline of its own,
//! and when the process ends it is waited for as sockets are.

use std::panic::resume_unwind;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::http::error::HttpError;
use crate::protocol::error::ErrorCode;
use crate::services::Services;

/// Whether anybody still waits for the answer to a request; of one that does not say so, somebody does.
#[derive(Clone, Debug, Default)]
pub struct Waiting(CancellationToken);

impl Waiting {
    /// What `future` gives; nothing when nobody waits any more.
    pub async fn while_for<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let given = self.0.run_until_cancelled(future).await;
        // A body that its connection cut off may look as if it were whole.
        given.filter(|_| !self.0.is_cancelled())
    }
}

/// Runs a command in a task that goes on without its browser.
pub async fn to_the_end(State(services): State<Arc<Services>>, mut request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let waiting = Waiting::default();
    let _until_it_goes = waiting.0.clone().drop_guard();
    request.extensions_mut().insert(waiting);
    match services.tasks.spawn(next.run(request).in_current_span()).await {
        Ok(response) => response,
        Err(broken) => match broken.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => HttpError::new(ErrorCode::Unavailable, "the server ends; try again").into_response(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_is_given_up_also_where_it_ends_in_that_moment() {
        let waiting = Waiting::default();
        assert_eq!(waiting.while_for(async { 7 }).await, Some(7));
        let mut reads = Box::pin(waiting.while_for(std::future::pending::<()>()));
        assert!(reads.as_mut().now_or_never().is_none());
        let ends_with_it = waiting.while_for(async { waiting.0.cancel() }).await;
        assert_eq!(ends_with_it, None);
        assert_eq!(tokio::time::timeout(Duration::from_secs(30), reads).await, Ok(None));
    }
}
