//! One document, named in several ways: by a slip, by a lie, or by two who answer for one person. Who treats the person
//! knows of all of them, and nobody keeps anybody else out.

use serde_json::{Value, json};

use super::audits::{details, entries};
use super::prescriptions::{begin, herbal, line, returning, rules, sign, tick};
use super::stage::{Stage, Visit, card, nothing};

async fn named(stage: &Stage, token: &str, identity: Value) -> String {
    let patient = stage.post("/patients", token, identity).await.ok()["id"].as_str().unwrap().to_owned();
    stage.consent(token, &patient, true).await;
    patient
}

fn by_card(name: &str, n: u32, relation: &str) -> Value {
    json!({ "name": name, "document": "resident_card", "number": card(n), "relation": relation })
}

async fn waits(stage: &Stage, token: &str, patient: &str) -> Value {
    let declaration = stage.declare(token, patient, nothing()).await;
    let ticket = stage.post("/tickets", token, json!({ "declaration": declaration["id"] })).await.ok();
    stage.clock.advance(std::time::Duration::from_millis(1));
    ticket
}

/// A desk calls whoever is next, which is the ticket of this holder, and the holder says yes; the desk's view.
async fn called(stage: &Stage, doctor: &str, desk: &str, patient: &str) -> Value {
    let view = stage.act(&format!("/desks/{desk}/call-next"), doctor).await.ok();
    let ticket = view["current"]["ticket"].as_str().unwrap();
    let version = json!({ "version": view["current"]["version"] });
    stage.post(&format!("/tickets/{ticket}/accept"), patient, version).await.ok();
    stage.get(&format!("/desks/{desk}"), doctor).await.ok()
}

async fn seen(stage: &Stage, username: &str, n: usize, patient: &str) -> (Visit, Value) {
    let (doctor, desk) = stage.doctor_at_desk(username, n).await;
    let view = called(stage, &doctor, &desk, patient).await;
    let ticket = view["current"]["ticket"].as_str().unwrap().to_owned();
    let version = json!({ "version": view["current"]["version"] });
    let view = stage.post(&format!("/desks/{desk}/confirm"), &doctor, version).await.ok();
    let id = view["current"]["visit"].as_str().unwrap().to_owned();
    (Visit { patient: patient.to_owned(), doctor, desk, ticket, id }, view["current"].clone())
}

async fn ends(stage: &Stage, visit: &Visit) {
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_seen_is_found_by_the_passport_although_another_named_it_first_with_a_wrong_birthday() {
    let stage = Stage::open().await;
    let (own, other) = (stage.holder(1).await, stage.holder(2).await);
    let passport = |birth_date: &str, relation: &str| {
        json!({ "name": "JOHN SMITH", "document": "passport", "number": "E76543210", "birth_date": birth_date,
                "sex": "male", "relation": relation })
    };
    named(&stage, &other, passport("2001-01-01", "child")).await;
    let patient = named(&stage, &own, passport("1975-05-05", "myself")).await;
    waits(&stage, &own, &patient).await;
    let (visit, current) = seen(&stage, "doctor", 0, &own).await;
    let lie = json!([{ "name": "JOHN SMITH", "birth_date": "2001-01-01", "sex": "male" }]);
    assert_eq!(current["named_otherwise"], lie, "the doctor is told to compare");
    let colleague = stage.staff("doctor2").await;
    let by_document = json!({ "document": "passport", "number": "e 7654-3210" });
    let found = stage.post("/visits/by-document", &colleague, by_document).await.ok();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &json!(visit.id)));
    // The same letters on another kind of paper are somebody else's.
    let permit = json!({ "document": "taiwan_permit", "number": "76543210" });
    assert_eq!(stage.post("/visits/by-document", &colleague, permit).await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_under_another_spelling_is_in_the_gate_and_its_visit_is_shown_and_read() {
    let stage = Stage::open().await;
    let holder = stage.holder(1).await;
    let first = named(&stage, &holder, by_card("周一", 1, "myself")).await;
    waits(&stage, &holder, &first).await;
    let (before, current) = seen(&stage, "doctor", 0, &holder).await;
    assert_eq!((&current["previous"], &current["named_otherwise"]), (&json!([]), &Value::Null));
    tick(&stage, &before, returning()).await.ok();
    let liquorice = begin(&stage, &before, herbal(&[line("甘草", 6000)])).await.ok();
    sign(&stage, &before, &liquorice, json!({})).await.ok();
    ends(&stage, &before).await;

    let second = named(&stage, &holder, by_card("周壹", 1, "myself")).await;
    waits(&stage, &holder, &second).await;
    let (visit, current) = seen(&stage, "doctor2", 1, &holder).await;
    let shown = &current["previous"];
    assert_eq!((shown.as_array().unwrap().len(), &shown[0]["visit"]), (1, &json!(before.id)));
    assert_eq!(shown[0]["named"]["name"], "周一");
    assert_eq!(current["named_otherwise"][0]["name"], "周一");
    let readers = stage.get(&format!("/me/visits/{}/readers", before.id), &holder).await.ok();
    assert_eq!(
        (readers.as_array().unwrap().len(), &readers[0]["purpose"]),
        (1, &json!("treatment")),
        "its line was shown"
    );
    let read = stage.get(&format!("/visits/{}", before.id), &visit.doctor).await.ok();
    assert_eq!(read["access"], "treating", "the one on the desk is the one of that visit");
    tick(&stage, &visit, returning()).await.ok();
    let seaweed = begin(&stage, &visit, herbal(&[line("海藻", 10_000)])).await.ok();
    let against = rules(&seaweed).into_iter().find(|rule| rule.starts_with("18F"));
    assert!(against.is_some(), "海藻 against 甘草 of the other spelling: {:?}", rules(&seaweed));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_telephone_has_one_number_for_one_card_however_it_spells_the_name() {
    let stage = Stage::open().await;
    let holder = stage.holder(1).await;
    let first = named(&stage, &holder, by_card("钱一", 1, "myself")).await;
    let second = named(&stage, &holder, by_card("钱二", 1, "myself")).await;
    waits(&stage, &holder, &first).await;
    let declaration = stage.declare(&holder, &second, nothing()).await;
    let again = stage.post("/tickets", &holder, json!({ "declaration": declaration["id"] })).await;
    assert_eq!(again.refusal(), (409, "ticket.exists"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_telephones_wait_for_one_person_and_two_doctors_never_see_that_person_at_once() {
    let stage = Stage::open().await;
    let (mother, father) = (stage.holder(1).await, stage.holder(2).await);
    let child = |relation| by_card("测试患者", 3, relation);
    let (hers, his) = (named(&stage, &mother, child("parent")).await, named(&stage, &father, child("parent")).await);
    let (first, second) = (waits(&stage, &mother, &hers).await, waits(&stage, &father, &his).await);
    assert_ne!(first["no"], second["no"], "neither is refused, and neither learns of the other");
    let mine = stage.get(&format!("/tickets/{}", second["id"].as_str().unwrap()), &father).await.ok();
    assert!(mine.get("same_document").is_none());
    let nurse = stage.staff("nurse").await;
    let clinic = first["clinic"].as_str().unwrap();
    let board = stage.get(&format!("/clinics/{clinic}/board"), &nurse).await.ok();
    let pairs: Vec<_> =
        board["tickets"].as_array().unwrap().iter().map(|row| (&row["no"], &row["same_document"])).collect();
    assert_eq!(pairs, [(&first["no"], &json!([second["no"]])), (&second["no"], &json!([first["no"]]))]);

    let (visit, current) = seen(&stage, "doctor", 0, &mother).await;
    assert_eq!(current["same_document"], json!([second["no"]]));
    let (doctor, desk) = stage.doctor_at_desk("doctor2", 1).await;
    let view = called(&stage, &doctor, &desk, &father).await;
    assert_eq!(view["current"]["same_document"], json!([first["no"]]));
    let confirm = async || {
        let body = json!({ "version": view["current"]["version"] });
        stage.post(&format!("/desks/{desk}/confirm"), &doctor, body).await
    };
    assert_eq!(confirm().await.refusal(), (409, "ticket.same_document"));
    ends(&stage, &visit).await;
    let view = confirm().await.ok();
    assert_eq!(view["current"]["previous"][0]["visit"], json!(visit.id), "what the other parent's visit was is known");
    assert_eq!(view["current"]["previous"][0]["named"], Value::Null, "and it was named alike");
    let summaries = stage.get("/me/visits", &father).await.ok();
    assert!(summaries.as_array().unwrap().iter().all(|one| one["id"] != json!(visit.id)), "by its own holder alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_numbers_with_one_document_a_nurse_closes_one_and_never_the_last() {
    let stage = Stage::open().await;
    let (mother, stranger) = (stage.holder(1).await, stage.holder(2).await);
    let child = |relation| by_card("测试患者", 3, relation);
    let (hers, theirs) =
        (named(&stage, &mother, child("parent")).await, named(&stage, &stranger, child("carer")).await);
    let (kept, closed) = (waits(&stage, &mother, &hers).await, waits(&stage, &stranger, &theirs).await);
    let nurse = stage.staff("nurse").await;
    let close = async |ticket: &Value, token: &str, reason: &str| {
        let body = json!({ "version": ticket["version"], "reason": reason });
        stage.post(&format!("/tickets/{}/close", ticket["id"].as_str().unwrap()), token, body).await
    };
    assert_eq!(close(&closed, &mother, "不是我").await.refusal(), (403, "auth.forbidden"));
    let wordless = close(&closed, &nurse, " 否 ").await;
    assert_eq!((wordless.refusal(), &wordless.body["field"]), ((422, "request.invalid"), &json!("reason")));
    assert_eq!(close(&closed, &nurse, "电话核实，不是本人").await.ok()["phase"], "left");
    let topic = format!("ticket:{}", closed["id"].as_str().unwrap());
    let told = stage.server.services.events_since(&topic, 0, 50).await.unwrap();
    assert!(told.iter().any(|event| event.kind == "ticket.left"), "its holder is told");
    assert_eq!(entries(&stage, "ticket.close").await.len(), 1);
    let alone = close(&kept, &nurse, "再关一个").await;
    assert_eq!(alone.refusal(), (409, "ticket.state"), "the other one stays");
    let again = close(&closed, &nurse, "再关一次").await;
    assert_eq!(again.refusal(), (409, "ticket.state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_rings_a_card_opens_no_record_of_another_telephones_and_shows_none() {
    let stage = Stage::open().await;
    let (own, phone) = (stage.holder(1).await, stage.holder(2).await);
    let patient = named(&stage, &own, by_card("测试患者", 1, "myself")).await;
    waits(&stage, &own, &patient).await;
    let (before, _) = seen(&stage, "doctor", 0, &own).await;
    super::proofs::sign(&stage, &before, 0, "感冒", None).await;
    ends(&stage, &before).await;
    // A doctor who knows the number names it from an own telephone, under another name, and calls that.
    let lie = named(&stage, &phone, by_card("周一", 1, "myself")).await;
    waits(&stage, &phone, &lie).await;
    let (doctor, desk) = stage.doctor_at_desk("doctor2", 1).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    assert_eq!(view["current"]["previous"], json!([]), "nor a diagnosis");
    assert_eq!(view["current"]["named_otherwise"][0]["name"], "测***", "something to compare, and no whole name");
    let path = format!("/visits/{}", before.id);
    for query in ["", "?purpose=continuity"] {
        let read = stage.get(&format!("{path}{query}"), &doctor).await;
        assert_eq!(read.refusal(), (403, "record.purpose_missing"), "{query}");
    }
    let admin = stage.staff("admin").await;
    assert_eq!(stage.get("/access-reviews", &admin).await.ok(), json!([]));
    let body = json!({ "reason": "急会诊需要" });
    let read = stage.post(&format!("{path}/break-glass"), &doctor, body).await.ok();
    assert_eq!(read["access"], "break_glass", "a ringing number is no treatment");
    assert_eq!(stage.get("/access-reviews", &admin).await.ok().as_array().unwrap().len(), 1, "and somebody judges it");
    // Once the doctor has said that this is the one, it is read for a purpose, and its owner sees that.
    let view = called_again(&stage, &doctor, &desk, &phone, &view).await;
    let version = json!({ "version": view["current"]["version"] });
    let view = stage.post(&format!("/desks/{desk}/confirm"), &doctor, version).await.ok();
    assert_eq!(view["current"]["previous"][0]["diagnosis"], "感冒");
    assert_eq!(stage.get(&path, &doctor).await.refusal(), (403, "record.purpose_missing"));
    assert_eq!(stage.get(&format!("{path}?purpose=continuity"), &doctor).await.ok()["access"], "continuity");
    let readers = stage.get(&format!("/me/visits/{}/readers", before.id), &own).await.ok();
    let purposes: Vec<_> = readers.as_array().unwrap().iter().map(|one| one["purpose"].as_str().unwrap()).collect();
    // The second: its diagnosis stood beside the document that was confirmed.
    assert_eq!(purposes, ["continuity", "treatment", "break_glass"]);
}

/// The holder of a call says yes; the desk's view.
async fn called_again(stage: &Stage, doctor: &str, desk: &str, patient: &str, view: &Value) -> Value {
    let ticket = view["current"]["ticket"].as_str().unwrap();
    let version = json!({ "version": view["current"]["version"] });
    stage.post(&format!("/tickets/{ticket}/accept"), patient, version).await.ok();
    stage.get(&format!("/desks/{desk}"), doctor).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_rings_the_doctor_has_the_declaration_and_the_earlier_visits_of_this_very_name() {
    let stage = Stage::open().await;
    let holder = stage.holder(1).await;
    let patient = named(&stage, &holder, by_card("测试患者", 1, "myself")).await;
    waits(&stage, &holder, &patient).await;
    let (before, _) = seen(&stage, "doctor", 0, &holder).await;
    super::proofs::sign(&stage, &before, 0, "感冒", None).await;
    ends(&stage, &before).await;
    waits(&stage, &holder, &patient).await;
    let (doctor, desk) = stage.doctor_at_desk("doctor2", 1).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let current = &view["current"];
    assert!(current["answers"].as_object().unwrap().len() > 3 && current["triage"]["level"].is_string(), "{current}");
    assert_eq!(
        (&current["previous"][0]["visit"], &current["previous"][0]["diagnosis"]),
        (&json!(before.id), &json!("感冒"))
    );
    assert_eq!(stage.get(&format!("/visits/{}", before.id), &doctor).await.ok()["access"], "treating");
    // What the same telephone spells otherwise waits for the doctor's word.
    let version = json!({ "version": current["version"] });
    stage.post(&format!("/desks/{desk}/cancel-call"), &doctor, version).await.ok();
    assert_eq!(stage.get(&format!("/visits/{}", before.id), &doctor).await.refusal(), (403, "record.purpose_missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_who_it_is_is_mended_where_the_document_is_compared_and_not_after_somebody_was_seen() {
    let stage = Stage::open().await;
    let holder = stage.holder(1).await;
    let patient = named(&stage, &holder, by_card("周一", 1, "myself")).await;
    waits(&stage, &holder, &patient).await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (other, nurse) = (stage.staff("doctor2").await, stage.staff("nurse").await);
    let mend = async |token: &str, ticket: &Value, version: &Value, said: Value| {
        let mut body = said;
        body["version"] = version.clone();
        stage.post(&format!("/tickets/{}/identity", ticket.as_str().unwrap()), token, body).await
    };
    let spelling = json!({ "name": "周壹", "reason": "与身份证不符" });
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let (ticket, ringing) = (view["current"]["ticket"].clone(), view["current"]["version"].clone());
    assert_eq!(mend(&doctor, &ticket, &ringing, spelling.clone()).await.refusal(), (409, "ticket.state"), "it rings");
    let view = called_again(&stage, &doctor, &desk, &holder, &view).await;
    let version = view["current"]["version"].clone();
    assert_eq!(mend(&other, &ticket, &version, spelling.clone()).await.status, 404, "another doctor's patient");
    assert_eq!(mend(&holder, &ticket, &version, spelling.clone()).await.refusal(), (403, "auth.forbidden"));
    for (said, field) in [
        (json!({ "name": "周壹", "reason": " " }), "reason"),
        (json!({ "name": "周\u{202e}壹", "reason": "写错" }), "name"),
        (json!({ "number": "110101199001010099", "reason": "写错" }), "number"),
        (json!({ "birth_date": "1991-01-01", "reason": "写错" }), "birth_date"),
        (json!({ "name": "周一", "reason": "写错" }), "name"),
    ] {
        let refused = mend(&doctor, &ticket, &version, said).await;
        assert_eq!((refused.status, &refused.body["field"]), (422, &json!(field)));
    }
    assert_eq!(entries(&stage, "patient.correct").await, []);
    let row = mend(&doctor, &ticket, &version, spelling.clone()).await.ok();
    assert!(!row.to_string().contains("周壹"), "a board names nobody in full: {row}");
    let seen = async || stage.get(&format!("/desks/{desk}"), &doctor).await.ok()["current"].clone();
    assert_eq!(seen().await["identity"]["name"], "周壹");
    let confirm = async |version: &Value| {
        stage.post(&format!("/desks/{desk}/confirm"), &doctor, json!({ "version": version })).await
    };
    assert_eq!(confirm(&version).await.refusal(), (409, "ticket.state"), "by whoever looks at the old words");
    // The nurse mends a digit; the card says birthday and sex.
    let version = seen().await["version"].clone();
    let digit = json!({ "number": card(2), "reason": "号码写错一位" });
    mend(&nurse, &ticket, &version, digit).await.ok();
    let current = seen().await;
    assert_eq!((&current["identity"]["name"], &current["identity"]["sex"]), (&json!("周壹"), &json!("female")));
    assert_eq!(current["identity"]["document_tail"], json!(card(2)[14..]));
    let said = details(&stage, "patient.correct").await;
    assert_eq!((&said[0]["fields"], &said[1]["fields"]), (&json!(["name"]), &json!(["number", "sex"])));
    assert_eq!(said[0]["is"], said[1]["was"]);
    assert!(said[0]["was"] != said[0]["is"] && !format!("{said:?}").contains('周'), "by hashes: {said:?}");
    assert_eq!(entries(&stage, "patient.correct").await[1].2.as_deref(), Some("号码写错一位"));
    let found =
        stage.post("/visits/by-document", &other, json!({ "document": "resident_card", "number": card(1) })).await;
    assert_eq!(found.ok(), json!([]), "nobody is found by the wrong number any more");

    let view = confirm(&current["version"]).await.ok();
    let visit = view["current"]["visit"].as_str().unwrap().to_owned();
    let version = seen().await["version"].clone();
    let late = json!({ "name": "周二", "reason": "又写错" });
    assert_eq!(
        mend(&doctor, &ticket, &version, late.clone()).await.refusal(),
        (409, "ticket.state"),
        "it is confirmed"
    );
    let id = ticket.as_str().unwrap().to_owned();
    let visit = Visit { patient: holder.clone(), doctor: doctor.clone(), desk: desk.clone(), ticket: id, id: visit };
    super::proofs::sign(&stage, &visit, 0, "感冒", None).await;
    ends(&stage, &visit).await;
    assert!(super::forged::audit(&stage).1, "{}", super::forged::audit(&stage).0);
    // What was signed says whose it is: the same person, called again, is that one.
    waits(&stage, &holder, &patient).await;
    let view = called(&stage, &doctor, &desk, &holder).await;
    let (ticket, version) = (&view["current"]["ticket"], &view["current"]["version"]);
    let settled = mend(&doctor, ticket, version, late).await;
    assert_eq!((settled.refusal(), &settled.body["field"]), ((409, "identity.settled"), &json!("name")));
}

#[tokio::test(flavor = "multi_thread")]
async fn birth_date_and_sex_are_mended_until_somebody_was_called_and_then_the_doctor_is_told() {
    let stage = Stage::open().await;
    let holder = stage.holder(1).await;
    let passport = |birth_date: &str, sex: &str| {
        json!({ "name": "JOHN SMITH", "document": "passport", "number": "E76543210", "birth_date": birth_date,
                "sex": sex, "relation": "myself" })
    };
    let patient = named(&stage, &holder, passport("1957-05-05", "male")).await;
    assert_eq!(entries(&stage, "patient.correct").await, []);
    assert_eq!(named(&stage, &holder, passport("1975-05-05", "female")).await, patient, "a slip");
    waits(&stage, &holder, &patient).await;
    named(&stage, &holder, passport("1975-05-06", "female")).await;
    assert_eq!(entries(&stage, "patient.correct").await.len(), 2);
    let told = details(&stage, "patient.correct").await;
    assert_eq!(told, [json!({ "fields": ["birth_date", "sex"] }), json!({ "fields": ["birth_date"] })], "and no date");
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let refused = async |birth_date: &str, sex: &str| {
        let answer = stage.post("/patients", &holder, passport(birth_date, sex)).await;
        assert_eq!(answer.refusal(), (409, "declaration.closed"));
        answer.body["field"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused("2019-05-06", "female").await, "birth_date");
    assert_eq!(refused("1975-05-06", "male").await, "sex");
    assert_eq!(named(&stage, &holder, passport("1975-05-06", "female")).await, patient, "who says the same is heard");
    // Neither does it help that the call was taken back, or that the visit is long over.
    let version = json!({ "version": view["current"]["version"] });
    stage.post(&format!("/desks/{desk}/cancel-call"), &doctor, version).await.ok();
    assert_eq!(refused("2019-05-06", "female").await, "birth_date");
    let view = called(&stage, &doctor, &desk, &holder).await;
    let version = json!({ "version": view["current"]["version"] });
    let view = stage.post(&format!("/desks/{desk}/confirm"), &doctor, version).await.ok();
    let id = view["current"]["visit"].as_str().unwrap().to_owned();
    ends(&stage, &Visit { patient: holder.clone(), doctor, desk, ticket: String::new(), id }).await;
    assert_eq!(refused("1975-05-06", "male").await, "sex");
    assert_eq!(entries(&stage, "patient.correct").await.len(), 2);
}
