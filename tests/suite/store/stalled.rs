//! A PostgreSQL that accepts and never answers.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use yunzhen::store::{Db, StoreError, Tx};

use crate::support::database;
use crate::support::hospital::Hospital;
use crate::support::line::Line;

/// By then each of them has ended; the server's own patience is shorter.
const WITHIN: Duration = Duration::from_secs(10);

/// Connections of a pool.
const POOL: usize = 16;

/// What must end as unavailable, and in time.
async fn ends<T>(asked: impl Future<Output = Result<T, StoreError>>) {
    let said = timeout(WITHIN, asked).await.expect("an end in time");
    assert!(matches!(said.err(), Some(StoreError::Unavailable)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_never_answers_again_is_unavailable_in_time_and_what_was_begun_is_not_done() {
    let Some(fresh) = database::postgres().await else { return };
    let hospital = Hospital::open(&fresh.db, 0).await;
    let clinic = hospital.clinic;
    let line = Line::to(&fresh.url).await;
    let db = Db::open(&line.url).await.unwrap();
    let mut asks = db.begin().await.unwrap();
    assert!(asks.clinics().set_policy(clinic, false, 60).await.unwrap());
    let commits = db.begin().await.unwrap();
    // All that the pool has, as far as it goes.
    let mut others = Vec::new();
    for _ in 2..POOL {
        others.push(db.read().await.unwrap());
    }

    line.dies();
    tokio::join!(
        ends(asks.clinics().find(clinic)),
        ends(commits.commit()),
        ends(db.ping()),
        ends(async { db.begin().await.map(drop) }),
        ends(async { db.read().await.map(drop) }),
    );
    drop((asks, others));

    line.lives();
    let began = Instant::now();
    while db.ping().await.is_err() {
        assert!(began.elapsed() < WITHIN, "its dead connections give way to others");
    }
    // Nobody holds what was written any more, and it was never done.
    let held = async {
        let mut tx: Tx = db.begin().await?;
        let clinic = tx.clinics().find(clinic).await?.unwrap();
        tx.commit().await?;
        Ok::<_, StoreError>(clinic.is_open)
    };
    assert!(timeout(WITHIN, held).await.unwrap().unwrap());
    assert!(hospital.write(async |tx| tx.clinics().set_policy(clinic, true, 60).await.unwrap()).await);
    db.close().await;
    fresh.db.close().await;
}
