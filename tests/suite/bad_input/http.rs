//! Every body, path and query of the HTTP API.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::protocol::error::ErrorCode;

use super::schema::Wrong;
use super::{Case, Document};
use crate::clinic::stage::{Answer, LINK, Stage, Visit};

/// The link of the clinic whose time is booked.
const TCM: &str = "demo-tcm-clinic";

/// One operation of the document, on something that is there.
struct Operation {
    method: Method,
    template: String,
    path: String,
    schema: Value,
}

/// A site with one of everything, and a token for everybody.
struct Scene {
    stage: Stage,
    ids: Vec<(&'static str, String)>,
    tokens: Vec<String>,
    document: Document,
}

impl Scene {
    async fn open() -> Self {
        let stage = Stage::open().await;
        let visit = stage.visit().await;
        let (patient, ticket) = stage.patient_waiting(3, json!({ "sx.fever": true })).await;
        let id = stage.patient(&patient, 2, "carer").await;
        let draft = stage.post("/declarations", &patient, json!({ "patient": id, "link": LINK })).await.ok();
        let flag = stage.get(&format!("/links/{LINK}"), "").await.ok()["red_flags"][0]["id"].clone();
        let call = stage.post("/red-flags", "", json!({ "link": LINK, "yes": [flag] })).await.ok();
        let alarm = call["line"]["alarm"].as_str().unwrap().to_owned();
        stage.act(&format!("/alarms/{alarm}/take"), &visit.doctor).await.ok();
        let staff = ["nurse", "pharmacist", "admin", "doctor2"].map(|name| stage.staff(name));
        let staff = join_all(staff).await;
        let mut ids = Self::of_the_hospital(&stage, &visit, &staff[2], &staff[3]).await;
        let roster = stage.get("/rosters", &staff[2]).await.ok()[0].clone();
        ids.extend([
            ("patients", id),
            ("declarations", draft["id"].as_str().unwrap().to_owned()),
            ("tickets", ticket["id"].as_str().unwrap().to_owned()),
            ("desks", visit.desk),
            ("visits", visit.id),
            ("clinics", ticket["clinic"].as_str().unwrap().to_owned()),
            ("alarms", alarm),
        ]);
        let mut tokens = vec![visit.doctor, patient, String::new()];
        tokens.extend(staff);
        let mut sensible = sensible();
        sensible["clinic"] = roster["clinic"].clone();
        sensible["doctor"] = roster["doctor"].clone();
        Self { stage, ids, tokens, document: Document::new(sensible) }
    }

    /// A prescription, a question to another doctor, a template, a read to be judged, a roster, an appointment.
    async fn of_the_hospital(
        stage: &Stage,
        visit: &Visit,
        administrator: &str,
        other: &str,
    ) -> Vec<(&'static str, String)> {
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let basis = json!({ "kind": "return", "proof_seen": true });
        stage.send(Method::PUT, &format!("/visits/{}/basis", visit.id), &visit.doctor, Some(basis), None).await.ok();
        let lines = [json!({ "written": "茯苓", "mg": 15_000 })];
        let herbal = json!({ "lines": lines, "doses": 3, "doses_per_day": 1, "times_per_day": 2, "ml": 200,
                             "timing": "after_meal" });
        let path = format!("/visits/{}/prescriptions", visit.id);
        let rx = stage.post(&path, &visit.doctor, json!({ "content": { "herbal": herbal.clone() } })).await.ok();
        let make = json!({ "name": "感冒医嘱", "field": "advice", "body": "多饮水" });
        let made = stage.post("/templates", &visit.doctor, make).await.ok();
        let kept = json!({ "name": "我的方", "herbal": herbal });
        let kept = stage.post("/formula-templates", &visit.doctor, kept).await.ok();
        let read = format!("/visits/{}/break-glass", visit.id);
        stage.post(&read, other, json!({ "reason": "转诊询问" })).await.ok();
        let reviews = stage.get("/access-reviews", administrator).await.ok();
        // Not before: who is asked breaks no glass.
        let asked = stage.get("/auth/me", other).await.ok()["account"].clone();
        let question = json!({ "doctor": asked.clone(), "question": "求治法", "summary": "发热" });
        let opinion = stage.post(&format!("/visits/{}/opinions", visit.id), &visit.doctor, question).await.ok();
        let by_hand = format!("/visits/{}/case-report", visit.id);
        let report = stage.post(&by_hand, &visit.doctor, json!({ "reason": "接触史可疑" })).await.ok();
        let rosters = stage.get("/rosters", administrator).await.ok();
        stage.server.services.roll_slots().await.unwrap();
        let slots = stage.get(&format!("/slots?link={TCM}"), "").await.ok();
        let slot = slots["slots"].as_array().or_else(|| slots.as_array()).unwrap()[0]["id"].clone();
        let (holder, patient) = stage.known_patient(9).await;
        stage.consent(&holder, &patient, true).await;
        let book = json!({ "slot": slot, "patient": patient });
        let appointment = stage.post("/appointments", &holder, book).await.ok();
        let hold = format!("/visits/{}/hold", visit.id);
        let hold = stage.post(&hold, administrator, json!({ "reason": "医疗纠纷" })).await.ok();
        vec![
            // A reason is looked at before it is looked for.
            ("amendments", "0190a0a0-0000-7000-8000-0000000000ae".to_owned()),
            ("staff", asked.as_str().unwrap().to_owned()),
            ("holds", id(&hold)),
            ("opinions", id(&opinion)),
            ("case-reports", id(&report)),
            ("prescriptions", id(&rx)),
            ("pharmacy", id(&rx)),
            ("templates", id(&made[0])),
            ("formula-templates", id(&kept[0])),
            ("access-reviews", id(&reviews[0])),
            ("rosters", id(&rosters[0])),
            ("appointments", id(&appointment)),
        ]
    }

    /// The operations that take a JSON body.
    fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (template, item) in self.document.0["paths"].as_object().unwrap() {
            let template = template.trim_start_matches("/api/v1");
            for (method, operation) in item.as_object().unwrap() {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                if schema.is_object() {
                    let method = method.to_uppercase().parse().unwrap();
                    let (path, template) = (self.filled(template), template.to_owned());
                    found.push(Operation { method, template, path, schema: schema.clone() });
                }
            }
        }
        found
    }

    fn filled(&self, template: &str) -> String {
        let of = template.split('/').nth(1).unwrap_or_default();
        let id = self.ids.iter().find(|(name, _)| *name == of).map_or("nothing", |(_, id)| id.as_str());
        template.replace("{id}", id)
    }

    async fn send(&self, method: &Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
        // The doors that need no token let five a second in.
        self.stage.clock.advance(Duration::from_millis(200));
        self.stage.send(method.clone(), path, token, body.cloned(), None).await
    }

    /// Who may do this, found by asking with a body that nobody can mean.
    async fn token_for(&self, operation: &Operation) -> String {
        for token in &self.tokens {
            let asked = self.send(&operation.method, &operation.path, token, Some(&json!(7))).await;
            if !matches!(asked.status, 401 | 403) {
                return token.clone();
            }
        }
        panic!("nobody may {} {}", operation.method, operation.template);
    }
}

/// Values for fields of which not every text is sensible, so that a body has one fault alone.
fn sensible() -> Value {
    json!({
        "link": LINK, "phone": "13800000077", "code": "123456", "document": "passport", "number": "E12345678",
        "name": "Zhang", "birth_date": "1990-01-01", "yes": ["breath"], "level": "EMERGENCY",
        "role": "interpreter", "temperature": 37.0, "heart_rate": 80, "respiratory_rate": 16, "oxygen_saturation": 98,
        "systolic": 120, "diastolic": 80, "day": "2030-01-01", "first_day": "2030-01-01",
        "class": "prescription_ordinary", "registration": "110110000012345", "practises_since": "2010-07-01",
        "consent_on": "2020-01-02", "licence_through": "2030-12-31",
    })
}

/// Codes that name by themselves what they refuse; a field beside them would tell a guesser more than a person needs.
fn names_itself(code: &str, field: &str) -> bool {
    let pairs = [
        ("link.unknown", "link"),
        ("auth.bad_credentials", "username"),
        ("auth.bad_credentials", "password"),
        ("auth.bad_credentials", "code"),
        ("auth.session_ended", "refresh_token"),
        // Without a second factor nothing is there that a code could open.
        ("request.not_found", "code"),
        ("consent.outdated", "version"),
        ("invitation.unknown", "token"),
        // A line and a column of the file are nearer than the field that holds it.
        ("import.invalid", "csv"),
        // Only what a pharmacist approved is dispensed, with or without a reason.
        ("request.not_found", "reason"),
    ];
    // Ten thousand objects are too large for any body, before anything in it is read.
    pairs.contains(&(code, field)) || code == "request.too_large"
}

/// What is wrong with an answer to a wrong body; nothing when it is as promised.
fn fault(case: &Case, answer: &Answer) -> Option<String> {
    let code = answer.body["code"].as_str().unwrap_or("no code");
    let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code);
    let field = answer.body["field"].as_str().unwrap_or_default();
    // Inside of a choice the reader knows no path: the choice's own, or the field's bare name, is what it can tell.
    let (above, below) = (format!("{field}."), format!(".{field}"));
    let outside = case.field.starts_with(&above) || case.field.ends_with(&below);
    let inside = field.starts_with(&format!("{}.", case.field)) || field.ends_with(&format!(".{}", case.field));
    let is_near = !field.is_empty() && (outside || inside);
    let is_of_kind = match case.wrong {
        Wrong::Missing | Wrong::Mistyped => code == "request.malformed",
        // Two names where one is to be chosen are no choice, whichever they are.
        Wrong::Unknown => code == "request.unknown_field" || (code == "request.malformed" && outside),
        Wrong::Oversized | Wrong::Null => known.is_some_and(|known| known.status() < 500),
    };
    let is_named = field == case.field || is_near || names_itself(code, &case.field);
    let is_status = known.is_some_and(|known| known.status() == answer.status);
    let is_right = is_of_kind && is_named && is_status;
    (!is_right).then(|| format!("{:?} {}: {} {}", case.wrong, case.field, answer.status, answer.body))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_every_body_is_refused_by_a_stable_code_that_names_it() {
    let scene = Scene::open().await;
    let mut faults = Vec::new();
    let mut tried = 0;
    for operation in scene.operations() {
        let token = scene.token_for(&operation).await;
        for case in scene.document.cases(&operation.schema) {
            let answer = scene.send(&operation.method, &operation.path, &token, Some(&case.body)).await;
            tried += 1;
            let Some(fault) = fault(&case, &answer) else { continue };
            // What is wrong with the body beside the fault may be told first: then it is told of the body without it, too.
            if matches!(case.wrong, Wrong::Oversized) && answer.status == 422 {
                let sample = scene.document.sample(&operation.schema);
                let plain = scene.send(&operation.method, &operation.path, &token, Some(&sample)).await;
                if plain.status == 422 && plain.body["field"] == answer.body["field"] {
                    continue;
                }
            }
            faults.push(format!("{} {} {fault}", operation.method, operation.template));
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried >= 300, "only {tried} bodies");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_too_deep_or_no_object_is_refused_before_it_is_read() {
    let scene = Scene::open().await;
    let large = json!({ "x": "x".repeat(257 * 1024) });
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    for operation in scene.operations() {
        let token = scene.token_for(&operation).await;
        let wrong = [(&large, "request.too_large"), (&deep, "request.malformed"), (&Value::Null, "request.malformed")];
        for (body, code) in wrong {
            let answer = scene.send(&operation.method, &operation.path, &token, Some(body)).await;
            assert_eq!(answer.refusal().1, code, "{} {}", operation.method, operation.template);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_breaks_anything() {
    let scene = Scene::open().await;
    let numbers = [json!(i64::MAX), json!(i64::MIN), json!(u64::MAX), json!(-1), json!(1.5), json!(1e300), json!(0)];
    for operation in scene.operations() {
        let token = scene.token_for(&operation).await;
        let sample = scene.document.sample(&operation.schema);
        for field in sample.as_object().unwrap().iter().filter(|(_, value)| value.is_number()).map(|(name, _)| name) {
            for number in &numbers {
                let mut body = sample.clone();
                body[field] = number.clone();
                let answer = scene.send(&operation.method, &operation.path, &token, Some(&body)).await;
                assert!(answer.status < 500, "{} {field} {number}: {}", operation.template, answer.body);
            }
        }
    }
    scene.stage.get("/clinics", &scene.tokens[0]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_an_id_is_not_there() {
    let scene = Scene::open().await;
    let paths = scene.document.0["paths"].as_object().unwrap();
    for (template, item) in paths.iter().filter(|(template, _)| template.contains("{id}")) {
        let path = template.trim_start_matches("/api/v1");
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = schema.is_object().then(|| scene.document.sample(schema));
            for id in ["nonsense", "%00", "0190a0a0-0000-7000-8000-0000000000ff", &"9".repeat(2000)] {
                let path = path.replace("{id}", id);
                let mut answers = Vec::new();
                for token in &scene.tokens {
                    let answer = scene.send(&method, &path, token, body.as_ref()).await;
                    answers.push(answer);
                }
                for answer in &answers {
                    let (status, code) = answer.refusal();
                    let is_known = ErrorCode::ALL.iter().any(|one| one.as_str() == code && one.status() == status);
                    assert!(is_known && status < 500, "{method} {path}: {status} {}", answer.body);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_its_field_is_refused_by_name() {
    let scene = Scene::open().await;
    let patient = &scene.tokens[1];
    let refused = scene.stage.get("/tickets/current", patient).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((400, "request.malformed"), &json!("link")));
    let refused = scene.stage.get(&format!("/tickets/current?link={LINK}&zz=1"), patient).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.unknown_field"), &json!("zz")));
    let refused = scene.stage.get(&format!("/tickets/current?link={}", "x".repeat(10_000)), patient).await;
    assert_eq!(refused.refusal(), (404, "link.unknown"));
}
