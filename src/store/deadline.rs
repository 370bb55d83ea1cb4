//! How long a PostgreSQL is waited for that accepts and never answers.
//!
//! The server itself ends what takes too long, and says so. One that is gone without a word says nothing, and its connection
//! stays open for a quarter of an hour: so we wait a little longer than it was told to, and no more. What was begun on such a
//! connection is rolled back by the server; whether a commit without an answer was done is known to nobody, and who repeats
//! it under its key hears.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};
use tokio::time::timeout;

use super::{Result, StoreError};

/// Longer than the server's own [`PATIENCE`].
const WITHIN: Duration = Duration::from_secs(7);
/// What a server is told that should hurry.
pub(super) const PATIENCE: [(&str, &str); 3] =
    [("statement_timeout", "5s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "5s")];
/// A connection that was given back and does not answer gives way to another.
const GIVEN_BACK: Duration = Duration::from_secs(5);

/// How long an answer is waited for; for ever where the server does not hurry either.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within(Option<Duration>);

impl Within {
    fn of_pool(pool: &PgPool) -> Self {
        let options = pool.connect_options();
        let hurries = options.get_options().is_some_and(|options| options.contains(PATIENCE[0].0));
        Self(hurries.then_some(WITHIN))
    }

    /// Waits for an answer.
    pub(crate) async fn of<T>(self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        match self.0 {
            Some(within) => timeout(within, answer).await.unwrap_or(Err(StoreError::Unavailable)),
            None => answer.await,
        }
    }
}

/// A transaction on PostgreSQL.
#[derive(Debug)]
pub struct Timed {
    tx: Transaction<'static, Postgres>,
    within: Within,
}

impl Timed {
    pub(super) async fn begin(pool: &PgPool, how: &'static str) -> Result<Self> {
        let within = Within::of_pool(pool);
        let tx = within.of(async { Ok(pool.begin_with(how).await?) }).await?;
        Ok(Self { tx, within })
    }

    pub(super) async fn commit(self) -> Result<()> {
        self.within.of(async { Ok(self.tx.commit().await?) }).await
    }

    pub(crate) fn within(&self) -> Within {
        self.within
    }
}

impl Deref for Timed {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for Timed {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// Has a pool let go of connections that do not answer when they are given back; it would wait for each for as long as the
/// network pretends that it is there.
pub(super) fn let_go(pool: PgPoolOptions) -> PgPoolOptions {
    pool.after_release(|connection, _| {
        Box::pin(async move {
            let answered = timeout(GIVEN_BACK, connection.ping()).await;
            answered.unwrap_or_else(|late| Err(sqlx::Error::Io(std::io::Error::from(late)))).map(|()| true)
        })
    })
}
