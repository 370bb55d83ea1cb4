//! Levels: by whom and why they change while somebody waits.

use serde_json::{Value, json};

use super::stage::Stage;

/// The one ticket on the fever clinic's board.
async fn row(stage: &Stage, staff: &str) -> Value {
    let clinics = stage.get("/clinics", staff).await.ok();
    let clinic = clinics[0]["id"].as_str().unwrap();
    stage.get(&format!("/clinics/{clinic}/board"), staff).await.ok()["tickets"][0].clone()
}

async fn answer(stage: &Stage, patient: &str, ticket: &Value, answers: Value) -> Value {
    stage.post(&format!("/tickets/{}/retriage", ticket["id"].as_str().unwrap()), patient, answers).await.ok()
}

/// A nurse makes the ticket STANDARD, whatever was declared.
pub async fn make_standard(stage: &Stage, nurse: &str, ticket: &Value) {
    let lower = json!({ "version": ticket["version"], "level": "STANDARD", "reason": "电话问过" });
    stage.post(&format!("/tickets/{}/level", ticket["id"].as_str().unwrap()), nurse, lower).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_the_three_questions_raise_names_its_rule_and_the_rule_sets_version() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    make_standard(&stage, &nurse, &ticket).await;
    let before = row(&stage, &nurse).await;
    let declared = before["matched"].as_array().unwrap().clone();
    let raised = answer(&stage, &patient, &ticket, json!({ "breathing": "worse", "general": "same" })).await;
    assert_eq!((&raised["level"], &raised["moved"]), (&json!("URGENT"), &json!("raised")));
    let waiting = yunzhen::domain::triage::waiting_room();
    let ruleset = json!({ "version": waiting.version(), "status": "draft" });
    assert_eq!(raised["ruleset"], ruleset);
    let rule = waiting.rules().find(|rule| rule.id == "W11").unwrap();
    assert_eq!(raised["reasons"][0], json!(rule.tell));
    let after = row(&stage, &nurse).await;
    assert_eq!((&after["level"], &after["ruleset"], &after["nurse_call"]), (&json!("URGENT"), &ruleset, &json!(true)));
    let mut matched = vec![json!("W11")];
    matched.extend(declared);
    assert_eq!(after["matched"], json!(matched), "what was declared is still a reason");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_of_the_waiting_room_says_why_in_the_words_of_its_rule() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    let answers = json!({ "breathing": "much_worse", "general": "same", "temperature": 41.0 });
    let view = answer(&stage, &patient, &ticket, answers).await;
    assert_eq!((&view["phase"], &view["level"]), (&json!("emergency"), &json!("EMERGENCY")));
    let alarms = stage.get("/alarms", &nurse).await.ok();
    assert_eq!((&alarms[0]["kind"], &alarms[0]["ticket"]), (&json!("worsened"), &ticket["id"]));
    let terms: Vec<Value> =
        ["W01", "W03", "W13"].map(|id| json!(yunzhen::domain::triage::rule(id).unwrap().why)).into();
    assert_eq!(alarms[0]["reasons"], json!(terms));
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_read_terms_figures_and_how_to_speak_where_the_patient_reads_sentences() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let answers = json!({
        "sx.fever": true, "sx.temp": 39.5, "sx.temp.site": "armpit", "fev.days": 2, "vs.spo2": 97, "vs.rr": 18, "vs.hr": 88,
        "a11y": ["large_text", "sign", "interpreter"],
    });
    let (patient, ticket) = stage.patient_waiting(1, answers).await;
    let high = yunzhen::domain::triage::rule("U13").unwrap();
    let at = |told: &Value| told["reasons"].as_array().unwrap().clone();
    let seen = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &patient).await.ok();
    assert!(at(&seen).contains(&json!(high.tell)));
    let waiting = row(&stage, &doctor).await;
    assert!(at(&waiting).contains(&json!(high.why)) && !at(&waiting).contains(&json!(high.tell)));
    let stated = json!({ "temperature": 39.5, "fever_days": 2.0, "spo2": 97.0, "breaths": 18.0, "pulse": 88.0 });
    let speech = json!({ "language": "zh-CN", "needs": ["interpreter", "sign"] });
    assert_eq!((&waiting["stated"], &waiting["speech"]), (&stated, &speech));
    let called = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let current = &called["current"];
    assert!(at(&current["triage"]).contains(&json!(high.why)));
    assert_eq!((&current["stated"], &current["speech"]), (&stated, &speech));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_measured_again_in_the_waiting_room_stands_for_what_was_declared() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true, "sx.temp": 38.0, "vs.spo2": 97 })).await;
    let worse = json!({ "breathing": "same", "general": "worse", "temperature": 39.4 });
    answer(&stage, &patient, &ticket, worse).await;
    let stated = row(&stage, &nurse).await["stated"].clone();
    assert_eq!((&stated["temperature"], &stated["spo2"]), (&json!(39.4), &json!(97.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_on_which_no_rule_speaks_decide_nothing() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true, "sx.temp": 39.5 })).await;
    assert_eq!(ticket["level"], "URGENT");
    let before = row(&stage, &nurse).await;
    let answers = json!({ "breathing": "better", "general": "better", "temperature": 36.5 });
    let view = answer(&stage, &patient, &ticket, answers).await;
    assert_eq!((&view["level"], &view["phase"]), (&json!("URGENT"), &json!("waiting")), "only a person may lower it");
    let after = row(&stage, &nurse).await;
    assert_eq!((&after["matched"], &after["ruleset"]), (&before["matched"], &before["ruleset"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_a_person_set_says_who_and_why_and_the_same_answers_do_not_undo_it() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true, "sx.temp": 39.5 })).await;
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    let lower = json!({ "version": ticket["version"], "level": "STANDARD", "reason": "复测体温正常" });
    let lowered = stage.post(&format!("{path}/level"), &nurse, lower).await.ok();
    let me = stage.get("/auth/me", &nurse).await.ok();
    assert_eq!(lowered["decided_by"]["zh"], me["name_zh"]);
    assert_eq!(lowered["decided_why"], "复测体温正常");
    let seen = stage.get(&path, &patient).await.ok();
    assert_eq!(seen["reasons"].as_array().unwrap().len(), 1, "what the rules had said is no reason any more");
    assert!(!seen.to_string().contains("复测体温正常"), "a note between colleagues");
    let calm = json!({ "breathing": "same", "general": "same" });
    assert_eq!(answer(&stage, &patient, &ticket, calm).await["level"], "STANDARD");
    let fever = json!({ "breathing": "same", "general": "same", "temperature": 39.2 });
    assert_eq!(answer(&stage, &patient, &ticket, fever).await["level"], "URGENT");
    let raised = row(&stage, &nurse).await;
    assert_eq!((&raised["matched"][0], &raised["decided_by"]), (&json!("W13"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_alarm_lowers_by_the_doctor_who_said_so() {
    let stage = Stage::open().await;
    let doctor = stage.staff("doctor").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    answer(&stage, &patient, &ticket, json!({ "breathing": "much_worse", "general": "same" })).await;
    let alarm = stage.get("/alarms", &doctor).await.ok()[0]["id"].as_str().unwrap().to_owned();
    stage.act(&format!("/alarms/{alarm}/take"), &doctor).await.ok();
    let close = json!({ "outcome": "false_alarm", "note": "" });
    stage.post(&format!("/alarms/{alarm}/close"), &doctor, close).await.ok();
    let row = row(&stage, &doctor).await;
    let me = stage.get("/auth/me", &doctor).await.ok();
    assert_eq!((&row["level"], &row["decided_by"]["zh"]), (&json!("URGENT"), &me["name_zh"]));
    assert_eq!(row["decided_why"], "false_alarm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holders_fourth_emergency_is_folded_and_what_staff_raise_always_rings() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (_, ticket) = stage.patient_waiting(2, json!({ "sx.fever": true })).await;
    let (token, patient, _) = declared_emergency(&stage).await;
    for _ in 1..5 {
        let view = stage.declare(&token, &patient, json!({ "sx.dysp": "sentence" })).await;
        assert_eq!(view["result"]["level"], "EMERGENCY");
    }
    let alarms = stage.get("/alarms", &nurse).await.ok();
    let behind = alarms.as_array().unwrap().iter().map(|one| one["behind"].as_i64().unwrap());
    assert_eq!(behind.collect::<Vec<_>>(), [0, 0, 2]);
    let level = json!({ "version": ticket["version"], "level": "EMERGENCY", "reason": "" });
    stage.post(&format!("/tickets/{}/level", ticket["id"].as_str().unwrap()), &nurse, level).await.ok();
    assert_eq!(stage.get("/alarms", &nurse).await.ok().as_array().unwrap().len(), 4);
}

/// A patient who declared an emergency and has no number yet: token, patient, declaration.
async fn declared_emergency(stage: &Stage) -> (String, String, Value) {
    let (token, patient) = stage.known_patient(1).await;
    stage.consent(&token, &patient, true).await;
    let declaration = stage.declare(&token, &patient, json!({ "sx.dysp": "sentence" })).await;
    assert_eq!(declaration["result"]["level"], "EMERGENCY");
    (token, patient, declaration)
}

async fn close(stage: &Stage, staff: &str, alarm: &Value, outcome: &str) -> super::stage::Answer {
    let alarm = alarm["id"].as_str().unwrap();
    stage.act(&format!("/alarms/{alarm}/take"), staff).await.ok();
    stage.post(&format!("/alarms/{alarm}/close"), staff, json!({ "outcome": outcome, "note": "" })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alarm_of_a_declaration_belongs_to_the_number_that_is_taken_with_it_and_settles_it() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (token, _, declaration) = declared_emergency(&stage).await;
    assert_eq!(stage.get("/alarms", &nurse).await.ok()[0]["ticket"], Value::Null);
    let ticket = stage.post("/tickets", &token, json!({ "declaration": declaration["id"] })).await.ok();
    assert_eq!(ticket["phase"], "emergency");
    let alarms = stage.get("/alarms", &nurse).await.ok();
    assert_eq!(alarms.as_array().unwrap().len(), 1, "the same alarm, not another");
    assert_eq!((&alarms[0]["id"], &alarms[0]["ticket"]), (&declaration["result"]["alarm"], &ticket["id"]));
    assert_eq!(ticket["nurse_call"], alarms[0]["id"]);
    close(&stage, &nurse, &alarms[0], "handed_to120").await.ok();
    let seen = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &token).await.ok();
    assert_eq!(seen["phase"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_whose_alarm_nobody_answers_any_more_rings_again_when_its_number_is_taken() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (token, _, declaration) = declared_emergency(&stage).await;
    let alarms = stage.get("/alarms", &nurse).await.ok();
    close(&stage, &nurse, &alarms[0], "not_reached").await.ok();
    let ticket = stage.post("/tickets", &token, json!({ "declaration": declaration["id"] })).await.ok();
    let again = stage.get("/alarms", &nurse).await.ok();
    assert_eq!((&again[0]["ticket"], &again[0]["kind"]), (&ticket["id"], &json!("triage")));
    assert_eq!(again[0]["reasons"], alarms[0]["reasons"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_alarm_before_the_number_is_a_doctors_word_and_makes_it_urgent() {
    let stage = Stage::open().await;
    let (nurse, doctor) = (stage.staff("nurse").await, stage.staff("doctor").await);
    let (token, patient, declaration) = declared_emergency(&stage).await;
    let alarms = stage.get("/alarms", &doctor).await.ok();
    close(&stage, &doctor, &alarms[0], "false_alarm").await.ok();
    let ticket = stage.post("/tickets", &token, json!({ "declaration": declaration["id"] })).await.ok();
    assert_eq!((&ticket["phase"], &ticket["level"]), (&json!("waiting"), &json!("URGENT")));
    let leave = json!({ "version": ticket["version"] });
    stage.post(&format!("/tickets/{}/leave", ticket["id"].as_str().unwrap()), &token, leave).await.ok();
    stage.clock.advance(std::time::Duration::from_millis(1));
    stage.declare(&token, &patient, json!({ "sx.dysp": "sentence" })).await;
    let alarms = stage.get("/alarms", &nurse).await.ok();
    let refused = close(&stage, &nurse, &alarms[0], "false_alarm").await;
    assert_eq!(refused.refusal(), (403, "triage.lowering_refused"));
}

async fn take(stage: &Stage, token: &str, declaration: &Value) -> super::stage::Answer {
    stage.post("/tickets", token, json!({ "declaration": declaration["id"] })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_milder_declaration_from_before_gives_no_number() {
    let stage = Stage::open().await;
    let (token, patient) = stage.known_patient(1).await;
    stage.consent(&token, &patient, true).await;
    let mild = stage.declare(&token, &patient, json!({})).await;
    stage.clock.advance(std::time::Duration::from_millis(1));
    let grave = stage.declare(&token, &patient, json!({ "sx.fever": true, "sx.temp": 39.5 })).await;
    assert_eq!(take(&stage, &token, &mild).await.refusal(), (409, "declaration.outdated"));
    assert_eq!(take(&stage, &token, &grave).await.ok()["level"], "URGENT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_milder_declaration_from_after_does_not_take_an_emergency_back() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (token, patient, grave) = declared_emergency(&stage).await;
    stage.clock.advance(std::time::Duration::from_millis(1));
    let mild = stage.declare(&token, &patient, json!({})).await;
    let ticket = take(&stage, &token, &mild).await.ok();
    assert_eq!((&ticket["phase"], &ticket["level"]), (&json!("emergency"), &json!("EMERGENCY")));
    let alarms = stage.get("/alarms", &nurse).await.ok();
    assert_eq!(alarms.as_array().unwrap().len(), 1);
    assert_eq!((&alarms[0]["id"], &alarms[0]["ticket"]), (&grave["result"]["alarm"], &ticket["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_ran_out_is_taken_again_with_the_same_declaration_for_a_day() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, person) = stage.known_patient(1).await;
    stage.consent(&patient, &person, true).await;
    let declaration = stage.declare(&patient, &person, json!({ "sx.fever": true })).await;
    let ticket = take(&stage, &patient, &declaration).await.ok();
    make_standard(&stage, &stage.staff("nurse").await, &ticket).await;
    let id = ticket["id"].as_str().unwrap();
    let raised = json!({ "breathing": "worse", "general": "same" });
    answer(&stage, &patient, &ticket, raised).await;
    for _ in 0..3 {
        stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        stage.pass(std::time::Duration::from_secs(91)).await;
        stage.act(&format!("/desks/{desk}/open"), &doctor).await.ok();
    }
    let seen = stage.get(&format!("/tickets/{id}"), &patient).await.ok();
    assert_eq!(seen["phase"], "no_show");
    let again = take(&stage, &patient, &declaration).await.ok();
    assert_eq!(again["level"], "URGENT", "what was raised while waiting stays raised");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_that_led_to_a_visit_or_is_a_day_old_gives_no_number() {
    let stage = Stage::open().await;
    let (token, patient) = stage.known_patient(1).await;
    stage.consent(&token, &patient, true).await;
    let declaration = stage.declare(&token, &patient, json!({ "sx.fever": true })).await;
    let ticket = take(&stage, &token, &declaration).await.ok();
    assert_eq!(take(&stage, &token, &declaration).await.refusal(), (409, "ticket.exists"));
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let version = json!({ "version": view["current"]["version"] });
    let id = ticket["id"].as_str().unwrap();
    let accepted = stage.post(&format!("/tickets/{id}/accept"), &token, version).await.ok();
    let version = json!({ "version": accepted["version"] });
    let view = stage.post(&format!("/desks/{desk}/confirm"), &doctor, version).await.ok();
    let visit = view["current"]["visit"].as_str().unwrap();
    stage.post(&format!("/visits/{visit}/outcome"), &doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{visit}/end"), &doctor).await.ok();
    assert_eq!(take(&stage, &token, &declaration).await.refusal(), (409, "declaration.outdated"));
    stage.clock.advance(std::time::Duration::from_millis(1));
    let next = stage.declare(&token, &patient, json!({ "sx.fever": true })).await;
    // A day has 86 400 seconds; the access token has fewer, so the holder signs in again.
    stage.clock.advance(std::time::Duration::from_hours(24));
    let (token, _) = stage.known_patient(1).await;
    assert_eq!(take(&stage, &token, &next).await.refusal(), (409, "declaration.outdated"));
}
