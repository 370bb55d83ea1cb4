//! A server whose PostgreSQL accepts and never answers.

use std::time::Duration;

use tokio::time::timeout;

use super::stage::Stage;
use crate::support::database;
use crate::support::line::Line;

/// So long a request may take that the database does not answer; docs/ARCHITECTURE.md says so.
const WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_database_never_answers_ends_as_unavailable_in_time_and_works_again_afterwards() {
    let Some(fresh) = database::postgres().await else { return };
    let line = Line::to(&fresh.url).await;
    let stage = Stage::open_with(|config| config.database_url = Some(line.url.clone())).await;
    let doctor = stage.staff("doctor").await;
    let clinics = stage.get("/clinics", &doctor).await.ok();
    let desk = clinics[0]["desks"][0]["id"].as_str().unwrap().to_owned();

    line.dies();
    let opens = format!("/desks/{desk}/open");
    let asked = async { tokio::join!(stage.get("/clinics", &doctor), stage.act(&opens, &doctor)) };
    let (read, written) = timeout(WITHIN, asked).await.expect("an answer in time");
    assert_eq!((read.refusal(), written.refusal()), ((503, "server.unavailable"), (503, "server.unavailable")));

    line.lives();
    let works = async { while stage.get("/clinics", &doctor).await.status != 200 {} };
    timeout(WITHIN, works).await.expect("it works again");
    let clinics = stage.get("/clinics", &doctor).await.ok();
    assert_eq!(clinics[0]["desks"][0]["state"], "closed", "nothing of it was done");
    stage.act(&opens, &doctor).await.ok();
}
