//! What is due later.

use std::time::Duration;

use uuid::Uuid;
use yunzhen::domain::ids::JobId;
use yunzhen::store::JobRow;

use crate::support::app::TestApp;
use crate::support::on_both;

on_both! {
    async fn a_job_of_a_kind_that_nobody_knows_stays_and_is_tried_again_and_keeps_no_other_from_being_done(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let now = app.clock.now();
        let institution = db.read().await.unwrap().institutions().all().await.unwrap()[0].id;
        // The reminder of an appointment that is no more is done without a word.
        let jobs = [("sing", 1_u128), ("remind_hour", 2)].map(|(kind, n)| JobRow {
            id: JobId::from_uuid(Uuid::from_u128(n)),
            institution_id: institution,
            kind: kind.to_owned(),
            subject_id: Uuid::from_u128(n),
            run_at: now,
            attempts: 0,
        });
        let mut tx = db.begin().await.unwrap();
        tx.jobs().add(&jobs).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(app.services.run_jobs().await.unwrap(), 1);
        assert_eq!(app.services.run_jobs().await.unwrap(), 0, "not again at once");
        let claimed = async || {
            let mut tx = db.begin().await.unwrap();
            // Nothing is committed: it stays as it was.
            tx.jobs().claim(app.clock.now(), 20).await.unwrap()
        };
        app.clock.advance(Duration::from_mins(29));
        assert_eq!(claimed().await, []);
        app.clock.advance(Duration::from_mins(1));
        let due: Vec<(String, i64)> = claimed().await.into_iter().map(|job| (job.kind, job.attempts)).collect();
        assert_eq!(due, [("sing".to_owned(), 2)]);
    }
}
