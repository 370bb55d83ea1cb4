//! Who may read a record, who did, and why.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::audits::entries;
use super::stage::{Stage, Visit, card};
use crate::programs;

/// A visit that has ended with a signed note.
async fn ended(stage: &Stage) -> Visit {
    let visit = stage.visit().await;
    let body = json!({ "version": 0, "content": { "diagnosis": "感冒", "advice": "多饮水" } });
    stage.send(Method::PUT, &format!("/visits/{}/note", visit.id), &visit.doctor, Some(body), None).await.ok();
    stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, json!({ "version": 1 })).await.ok();
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    visit
}

async fn purposes(stage: &Stage, action: &str) -> Vec<Option<String>> {
    entries(stage, action).await.into_iter().map(|(_, _, purpose)| purpose).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn treating_needs_no_question_and_is_written_down_with_its_purpose() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let read = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await.ok();
    assert_eq!(read["access"], "treating");
    assert_eq!(purposes(&stage, "visit.read").await, [Some("treating".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_outside_of_treatment_needs_a_purpose_and_rings() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    let path = format!("/visits/{}", visit.id);
    // Its own doctor says why.
    let refused = stage.get(&path, &visit.doctor).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((403, "record.purpose_missing"), &json!("purpose")));
    let again = stage.get(&format!("{path}?purpose=continuity"), &visit.doctor).await.ok();
    assert_eq!(again["access"], "continuity");
    // A colleague who never saw the patient cannot claim to go on with a treatment, and breaks the glass in words.
    let other = stage.staff("doctor2").await;
    for query in ["", "?purpose=continuity"] {
        let refused = stage.get(&format!("{path}{query}"), &other).await;
        assert_eq!(refused.refusal(), (403, "record.purpose_missing"), "{query}");
    }
    // An address is no place for a reason, which may name somebody; and nothing rings because a page was fetched.
    assert_eq!(stage.get(&format!("{path}?purpose=break_glass"), &other).await.refusal(), (400, "request.malformed"));
    let glass = format!("{path}/break-glass");
    for reason in ["", " x "] {
        let refused = stage.post(&glass, &other, json!({ "reason": reason })).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((403, "record.purpose_missing"), &json!("reason")));
    }
    let nurse = stage.staff("nurse").await;
    assert_eq!(stage.post(&glass, &nurse, json!({ "reason": "急会诊需要" })).await.status, 403);
    assert!(entries(&stage, "visit.break_glass").await.is_empty(), "a refusal is no read");
    let admin = stage.staff("admin").await;
    assert_eq!(stage.get("/access-reviews", &admin).await.ok(), json!([]));
    let body = Some(json!({ "reason": "急会诊需要" }));
    let read = stage.send(Method::POST, &glass, &other, body.clone(), Some("once")).await.ok();
    assert_eq!(read["access"], "break_glass");
    assert_eq!(read["signed"][0]["content"]["diagnosis"], "感冒");
    let again = stage.send(Method::POST, &glass, &other, body, Some("once")).await.ok();
    assert_eq!(again, read);
    assert_eq!(purposes(&stage, "visit.break_glass").await, vec![Some("break_glass".to_owned()); 2]);
    // It rings at once, and whenever it is shown again …
    let told = rung(&stage, &admin).await;
    assert_eq!((told.len(), &told[0]["visit"], &told[1]["visit"]), (2, &json!(visit.id), &json!(visit.id)));
    // … and somebody else judges it, once.
    let reviews = stage.get("/access-reviews", &admin).await.ok();
    assert_eq!((reviews.as_array().unwrap().len(), &reviews[0]["reason"]), (1, &json!("急会诊需要")));
    let judge = format!("/access-reviews/{}", reviews[0]["id"].as_str().unwrap());
    assert_eq!((&reviews[0]["judged"], &reviews[0]["is_own"]), (&Value::Null, &json!(false)));
    let wordless = stage.post(&judge, &admin, json!({ "verdict": "justified", "words": " 好 " })).await;
    assert_eq!((wordless.refusal(), &wordless.body["field"]), ((422, "request.invalid"), &json!("words")));
    let verdict = json!({ "verdict": "justified", "words": "急诊电话已核实" });
    assert_eq!(stage.post(&judge, &other, verdict.clone()).await.status, 403);
    let judged = stage.post(&judge, &admin, verdict.clone()).await.ok();
    assert_eq!(judged.as_array().unwrap().len(), 1);
    assert_eq!(
        (&judged[0]["judged"]["verdict"], &judged[0]["judged"]["words"]),
        (&json!("justified"), &json!("急诊电话已核实"))
    );
    assert_eq!(stage.post(&judge, &admin, verdict).await.refusal(), (409, "version.conflict"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_finds_the_own_visits_of_the_last_week_and_nobody_elses() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.get("/visits/mine", &other).await.ok(), json!([]));
    let nurse = stage.staff("nurse").await;
    assert_eq!(stage.get("/visits/mine", &nurse).await.status, 403);
    let row = &stage.get("/visits/mine", &visit.doctor).await.ok()[0];
    assert_eq!((&row["visit"], &row["outcome"]), (&json!(visit.id), &json!("home_care")));
    assert_eq!((&row["is_signed"], &row["is_archived"]), (&json!(true), &json!(false)));
    let read = stage.get(&format!("/visits/{}?purpose=continuity", visit.id), &visit.doctor).await.ok();
    assert!(!row.to_string().contains(read["identity"]["name"].as_str().unwrap()), "the list names nobody in full");
    stage.clock.advance(Duration::from_hours(24));
    let again = stage.staff("doctor").await;
    assert_eq!(stage.get("/visits/mine", &again).await.ok()[0]["is_archived"], true);
    stage.clock.advance(Duration::from_hours(6 * 24 + 1));
    let later = stage.staff("doctor").await;
    assert_eq!(stage.get("/visits/mine", &later).await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_the_glass_sees_what_is_prescribed_and_each_is_written_down() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let rx = super::prescriptions::signed(&stage, &visit).await;
    let own = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await.ok();
    assert_eq!(own.get("prescriptions"), None, "its doctor reads them where they are written");
    let other = stage.staff("doctor2").await;
    let glass = format!("/visits/{}/break-glass", visit.id);
    let read =
        stage.send(Method::POST, &glass, &other, Some(json!({ "reason": "急会诊需要" })), Some("once")).await.ok();
    let shown = read["prescriptions"].as_array().unwrap();
    assert_eq!((shown.len(), &shown[0]["id"], &shown[0]["content"]), (1, &rx["id"], &rx["content"]));
    stage.send(Method::POST, &glass, &other, Some(json!({ "reason": "急会诊需要" })), Some("once")).await.ok();
    let reads = entries(&stage, "rx.read").await.into_iter().filter(|entry| entry.2.as_deref() == Some("break_glass"));
    assert_eq!(reads.count(), 2, "as often as it was shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_the_glass_is_told_of_a_sheet_that_is_not_what_was_signed() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    super::prescriptions::signed(&stage, &visit).await;
    let drafted = super::prescriptions::line("茯苓", 9000);
    super::prescriptions::begin(&stage, &visit, super::prescriptions::herbal(&[drafted])).await.ok();
    let (other, own) = (stage.staff("doctor2").await, format!("/visits/{}/prescriptions", visit.id));
    let verdicts = async || {
        let glass = format!("/visits/{}/break-glass", visit.id);
        let read = stage.post(&glass, &other, json!({ "reason": "急会诊需要" })).await.ok();
        let mine = stage.get(&own, &visit.doctor).await.ok();
        let of = |view: &Value| {
            let sheets = view["prescriptions"].as_array().unwrap().iter();
            let mut verdicts: Vec<_> = sheets.map(|one| one["is_intact"].as_bool()).collect();
            // Both were begun in the same moment of a clock that stands.
            verdicts.sort_unstable();
            verdicts
        };
        let seen = of(&read);
        assert_eq!(seen, of(&mine), "its own doctor is told the same");
        seen
    };
    assert_eq!(verdicts().await, [None, Some(true)], "nobody has signed the second");
    let path = format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display());
    let db = yunzhen::store::Db::open(&path).await.unwrap();
    let forged = "update prescription set content = replace(content, '15000', '45000') where state = 'signed'";
    crate::support::sql::run(&db, forged).await;
    db.close().await;
    assert_eq!(verdicts().await, [None, Some(false)], "the record opens all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_visit_is_found_by_document_or_number_and_never_by_browsing() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    let other = stage.staff("doctor2").await;
    let read = stage.get(&format!("/visits/{}?purpose=continuity", visit.id), &visit.doctor).await.ok();
    let by_document = json!({ "document": "resident_card", "number": card(1) });
    let found = stage.post("/visits/by-document", &other, by_document.clone()).await.ok();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &json!(visit.id)));
    assert_eq!(found[0]["is_treated"], false);
    assert_eq!(stage.post("/visits/by-document", &visit.doctor, by_document).await.ok()[0]["is_treated"], true);
    let whole = read["identity"]["name"].as_str().unwrap();
    assert!(!found.to_string().contains(whole), "a name is not told before the glass is broken");
    let nobody = json!({ "document": "resident_card", "number": card(5) });
    assert_eq!(stage.post("/visits/by-document", &other, nobody).await.ok(), json!([]));
    let clinic = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok()["clinic"].clone();
    let at = read["started_at"].as_i64().unwrap();
    let day = jiff::Timestamp::from_millisecond(at).unwrap().in_tz("Asia/Shanghai").unwrap().date().to_string();
    let by_number = json!({ "clinic": clinic, "day": day, "no": read["no"] });
    assert_eq!(stage.post("/visits/by-number", &other, by_number.clone()).await.ok()[0]["id"], json!(visit.id));
    let mut wrong = by_number.clone();
    wrong["no"] = json!(999);
    assert_eq!(stage.post("/visits/by-number", &other, wrong).await.ok(), json!([]));
    let nurse = stage.staff("nurse").await;
    assert_eq!(stage.post("/visits/by-number", &nurse, by_number).await.status, 403);
    // Whoever tries numbers is seen trying.
    assert_eq!(purposes(&stage, "visit.search").await, vec![Some("finding".to_owned()); 5]);
}

/// The broken glasses that were told to the institution's alarms.
async fn rung(stage: &Stage, admin: &str) -> Vec<Value> {
    let me = stage.get("/auth/me", admin).await.ok();
    let institution = me["institution"].as_str().unwrap();
    let events = stage.server.services.events_since(&format!("alarms:{institution}"), 0, 50).await.unwrap();
    events.into_iter().filter(|e| e.kind == "record.break_glass").map(|e| Value::Object(e.data)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_the_administrator_and_the_patient_see_who_read() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    stage.get(&format!("/visits/{}?purpose=continuity", visit.id), &visit.doctor).await.ok();
    stage.get("/me/visits", &visit.patient).await.ok();
    let path = format!("/visits/{}/readers", visit.id);
    let admin = stage.staff("admin").await;
    for who in [&visit.doctor, &admin] {
        let readers = stage.get(&path, who).await.ok();
        assert_eq!(readers[0]["is_own"], true);
        assert_eq!(readers[1]["purpose"], "continuity");
        assert!(!readers[1]["name"]["zh"].as_str().unwrap().is_empty());
    }
    let mine = stage.get(&format!("/me{path}"), &visit.patient).await.ok();
    assert_eq!(mine.as_array().unwrap().len(), 2);
    let (stranger, _) = stage.known_patient(7).await;
    assert_eq!(stage.get(&format!("/me{path}"), &stranger).await.refusal(), (404, "request.not_found"));
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.get(&path, &other).await.refusal(), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_washed_out_of_the_list_of_readers_however_often_somebody_else_reads() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    let other = stage.staff("doctor2").await;
    let glass = json!({ "reason": "急会诊需要" });
    stage.post(&format!("/visits/{}/break-glass", visit.id), &other, glass).await.ok();
    let before = entries(&stage, "visit.read_own").await.len();
    for _ in 0..30 {
        stage.get("/me/visits", &visit.patient).await.ok();
        stage.get(&format!("/visits/{}?purpose=continuity", visit.id), &visit.doctor).await.ok();
    }
    assert_eq!(entries(&stage, "visit.read_own").await.len() - before, 1, "the own record, once a minute");
    let path = format!("/me/visits/{}/readers", visit.id);
    let readers = stage.get(&path, &visit.patient).await.ok();
    let told = readers.as_array().unwrap().iter().map(|read| (&read["purpose"], &read["times"])).collect::<Vec<_>>();
    assert!(told.contains(&(&json!("break_glass"), &json!(1))), "{told:?}");
    assert!(told.contains(&(&json!("continuity"), &json!(30))), "{told:?}");
    assert_eq!(told.iter().filter(|(purpose, _)| purpose.is_null()).count(), 1, "the own reads are one line");
    let rest = stage.get(&format!("{path}?skip=1"), &visit.patient).await.ok();
    assert_eq!(rest.as_array().unwrap()[..], readers.as_array().unwrap()[1..], "the whole list is turned over");
    assert_eq!(stage.get(&format!("{path}?skip=x"), &visit.patient).await.refusal(), (400, "request.malformed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_record_away_on_paper_or_in_a_file_is_among_its_readers() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    let paper = format!("/visits/{}/documents/record", visit.id);
    let printed = stage.get(&paper, &visit.doctor).await;
    if printed.status == 503 {
        return programs::skip("a paper", "no font with Chinese letters (Debian: fonts-noto-cjk)");
    }
    assert_eq!(printed.status, 200);
    assert_eq!(stage.get(&paper, &visit.patient).await.status, 200);
    let admin = stage.staff("admin").await;
    let dispute = json!({ "reason": "医疗纠纷" });
    assert_eq!(stage.post(&format!("/visits/{}/seal", visit.id), &admin, dispute).await.status, 200);
    // Who broke the glass reads the record; its paper stays its doctor's and its patient's.
    let other = stage.staff("doctor2").await;
    let glass = json!({ "reason": "急会诊需要" });
    stage.post(&format!("/visits/{}/break-glass", visit.id), &other, glass).await.ok();
    assert_eq!(stage.get(&paper, &other).await.refusal(), (404, "request.not_found"));
    let mine = stage.get(&format!("/me/visits/{}/readers", visit.id), &visit.patient).await.ok();
    let told: Vec<_> = mine.as_array().unwrap().iter().map(|read| (read["is_own"] == true, &read["purpose"])).collect();
    let why = [json!("break_glass"), json!("dispute"), Value::Null, json!("treatment")];
    assert_eq!(told, [(false, &why[0]), (false, &why[1]), (true, &why[2]), (false, &why[3])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_takes_a_record_away_for_a_reason_that_rings_and_that_somebody_else_judges() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    let (admin, seal) = (stage.staff("admin").await, format!("/visits/{}/seal", visit.id));
    assert_eq!(stage.act(&seal, &admin).await.status, 415, "a reason is asked for");
    let long = "纠".repeat(501);
    for reason in ["", "    ", "\u{200b}\u{200b}\u{200b}\u{200b}", "....", "纠纷", &long] {
        let refused = stage.post(&seal, &admin, json!({ "reason": reason })).await;
        assert_eq!(
            (refused.refusal(), &refused.body["field"]),
            ((422, "request.invalid"), &json!("reason")),
            "{reason}"
        );
    }
    assert!(entries(&stage, "visit.seal").await.is_empty() && rung(&stage, &admin).await.is_empty());
    assert_eq!(stage.post(&seal, &admin, json!({ "reason": "患者投诉，医调委调取" })).await.status, 200);
    assert_eq!(purposes(&stage, "visit.seal").await, [Some("dispute".to_owned())]);
    let told = rung(&stage, &admin).await;
    assert_eq!((told.len(), &told[0]["visit"]), (1, &json!(visit.id)));
    let reviews = stage.get("/access-reviews", &admin).await.ok();
    assert_eq!((&reviews[0]["reason"], &reviews[0]["judged"]), (&json!("患者投诉，医调委调取"), &Value::Null));
    let judge = format!("/access-reviews/{}", reviews[0]["id"].as_str().unwrap());
    assert_eq!(reviews[0]["is_own"], true, "and whoever looks is told that another must judge");
    let verdict = json!({ "verdict": "justified", "words": "自己看自己" });
    assert_eq!(stage.post(&judge, &admin, verdict).await.status, 403, "nobody judges their own read");
    let mine = stage.get(&format!("/me/visits/{}/readers", visit.id), &visit.patient).await.ok();
    assert_eq!(mine[0]["purpose"], "dispute");
}

#[test]
fn every_action_that_is_listed_as_a_read_is_written_by_some_use_case() {
    let listed = include_str!("../../../src/store/access_reviews.rs").split_once("action in (").unwrap().1;
    let actions: Vec<&str> = listed.split(')').next().unwrap().split('\'').skip(1).step_by(2).collect();
    assert!(actions.len() > 4, "{actions:?}");
    let mut open = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/services"))];
    let mut written = String::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            written.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    for action in actions {
        assert!(written.contains(&format!("\"{action}\"")), "nobody writes {action}");
    }
}
