//! The board of a clinic, read at once: what it asks of the database does not grow with its queue.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::stage::{Site, Stage, nothing};
use crate::support::binary::Binary;
use crate::support::database;

/// What stands around a ticket: patients, decisions, answers and members of staff.
const AROUND: [&str; 4] = ["from patient p", "from triage", "join declaration d", "from account"];

fn text(entry: &Value) -> Option<&str> {
    let fields = &entry["fields"];
    fields["db.statement"].as_str().filter(|text| !text.trim().is_empty()).or_else(|| fields["summary"].as_str())
}

/// What was asked until something is asked that no board asks.
async fn asked(server: &Binary, site: &Site, doctor: &str) -> Vec<String> {
    site.get("/formula-templates", doctor).await.ok();
    let mut asked = Vec::new();
    let until = async {
        loop {
            for entry in server.logged() {
                let Some(text) = text(&entry) else { continue };
                if text.contains("from formula_template") {
                    return;
                }
                asked.push(text.to_owned());
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), until).await.expect("it is logged");
    asked
}

/// How often one reading of the board asked for each of what stands around its tickets.
async fn of_board(server: &Binary, site: &Site, doctor: &str, clinic: &str) -> (usize, [usize; 4]) {
    asked(server, site, doctor).await;
    let board = site.get(&format!("/clinics/{clinic}/board"), doctor).await.ok();
    let statements = asked(server, site, doctor).await;
    let of = AROUND.map(|what| statements.iter().filter(|text| text.contains(what)).count());
    (board["tickets"].as_array().unwrap().len(), of)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_asks_as_much_for_five_tickets_as_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = Binary::start(&["demo"], folder.path(), &[("YUNZHEN_LOG", "info,sqlx::query=debug")]);
    let site = Site::at(&server.base);
    let doctor = site.staff("doctor").await;
    let (_, ticket) = site.patient_waiting(1, nothing()).await;
    let clinic = ticket["clinic"].as_str().unwrap().to_owned();
    let (tickets, one) = of_board(&server, &site, &doctor, &clinic).await;
    for n in 2..=5 {
        site.patient_waiting(n, nothing()).await;
    }
    let (more, five) = of_board(&server, &site, &doctor, &clinic).await;
    assert_eq!(more, tickets + 4);
    assert_eq!(one, five, "{AROUND:?}");
    assert_eq!(five[..3], [1, 1, 1], "{AROUND:?}");
}

/// Two who wait, of whom a nurse has lowered the second.
async fn shown(stage: &Stage) {
    let nurse = stage.staff("nurse").await;
    let (_, first) = stage.patient_waiting(1, nothing()).await;
    let (_, second) = stage.patient_waiting(2, json!({ "sx.fever": true, "sx.temp": 39.5 })).await;
    let lower = json!({ "version": second["version"], "level": "STANDARD", "reason": "复测体温正常" });
    let path = format!("/tickets/{}/level", second["id"].as_str().unwrap());
    let lowered = stage.post(&path, &nurse, lower).await.ok();
    let board = stage.get(&format!("/clinics/{}/board", first["clinic"].as_str().unwrap()), &nurse).await.ok();
    let rows = board["tickets"].as_array().unwrap();
    let row = |no: &Value| rows.iter().find(|row| row["no"] == *no).unwrap();
    let me = stage.get("/auth/me", &nurse).await.ok();
    assert_eq!(
        (&row(&second["no"])["decided_by"]["zh"], &row(&first["no"])["decided_by"]),
        (&me["name_zh"], &Value::Null)
    );
    assert_eq!(row(&second["no"])["decided_why"], "复测体温正常");
    assert_eq!(row(&second["no"])["stated"]["temperature"], 39.5);
    for known in ["matched", "reasons", "speech", "stated", "name_masked", "age_years", "same_document"] {
        assert_eq!(row(&second["no"])[known], lowered[known], "{known}: alone and on the board");
    }
    assert_eq!(row(&first["no"])["speech"]["language"], row(&second["no"])["speech"]["language"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_on_the_board_is_what_it_is_alone() {
    shown(&Stage::open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_as_well() {
    let Some(fresh) = database::postgres().await else { return };
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    shown(&stage).await;
    stage.server.stop().await;
    fresh.db.close().await;
}
