//! Every body, path and query of the HTTP API.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::protocol::error::ErrorCode;

use super::schema::Wrong;
use super::{Case, Document};
use crate::clinic::stage::{Answer, LINK, Stage};

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
        let ids = vec![
            ("patients", id),
            ("declarations", draft["id"].as_str().unwrap().to_owned()),
            ("tickets", ticket["id"].as_str().unwrap().to_owned()),
            ("desks", visit.desk),
            ("visits", visit.id),
            ("clinics", ticket["clinic"].as_str().unwrap().to_owned()),
            ("alarms", alarm),
        ];
        let tokens = vec![visit.doctor, patient, String::new()];
        Self { stage, ids, tokens, document: Document::new(sensible()) }
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
        "role": "interpreter",
    })
}

/// Codes that name by themselves what they refuse; a field beside them would tell a guesser more than a person needs.
fn names_itself(code: &str, field: &str) -> bool {
    let pairs = [
        ("link.unknown", "link"),
        ("auth.bad_credentials", "username"),
        ("auth.bad_credentials", "password"),
        ("auth.session_ended", "refresh_token"),
        ("consent.outdated", "version"),
        ("invitation.unknown", "token"),
    ];
    pairs.contains(&(code, field))
}

/// What is wrong with an answer to a wrong body; nothing when it is as promised.
fn fault(case: &Case, answer: &Answer) -> Option<String> {
    let code = answer.body["code"].as_str().unwrap_or("no code");
    let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code);
    let is_of_kind = match case.wrong {
        Wrong::Missing | Wrong::Mistyped => code == "request.malformed",
        Wrong::Unknown => code == "request.unknown_field",
        Wrong::Oversized | Wrong::Null => known.is_some_and(|known| known.status() < 500),
    };
    let is_named = answer.body["field"] == case.field.as_str() || names_itself(code, &case.field);
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
            faults.extend(fault(&case, &answer).map(|f| format!("{} {} {f}", operation.method, operation.template)));
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
