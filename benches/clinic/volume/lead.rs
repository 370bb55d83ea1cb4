//! One visit, led by everybody who has a part in it, through the doors of the real server.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::stage::{Site, Visit};

/// The ten items of a pharmacist, found suitable.
const ITEMS: [&str; 10] =
    ["form", "indication", "names", "dose", "method", "pairs", "contraindications", "allergy", "duplicates", "limits"];
/// A sheet without a finding.
const HERBS: [&str; 8] = ["茯苓", "陈皮", "桔梗", "荆芥", "防风", "薄荷", "牛蒡子", "连翘"];
/// The clinic that has bookable hours.
const BOOKED: &str = "demo-tcm-clinic";
/// Saves of the record before it is signed.
const SAVES: u32 = 2;

/// What a visit left behind that is asked for by its id.
pub struct Led {
    /// The visit.
    pub visit: Visit,
    /// Its prescription.
    pub prescription: String,
    /// A reason for each finding of the prescription.
    answers: Value,
}

/// From the call to the bag: messages, record, prescription, signatures, papers; it is over afterwards.
pub async fn whole(site: &Site) -> Led {
    let led = finish(site, write(site, site.visit().await, 0).await).await;
    book(site, &led.visit.patient).await;
    led
}

/// The led patient comes again, so often, and then once more: up to a saved record and a sheet that nobody signed.
pub async fn again(site: &Site, times: u32) -> Led {
    let first = site.visit().await;
    let patients = site.get("/patients", &first.patient).await.ok();
    let patient = patients[0]["id"].as_str().unwrap().to_owned();
    let mut led = write(site, first, 1).await;
    for time in 0..times {
        let Led { visit, .. } = finish(site, led).await;
        let (doctor, desk) = (&visit.doctor, &visit.desk);
        site.act(&format!("/desks/{desk}/open"), doctor).await.ok();
        let stated = json!({ "sx.fever": true, "sx.temp": 38.2 });
        let declared = site.declare(&visit.patient, &patient, stated).await;
        site.post("/tickets", &visit.patient, json!({ "declaration": declared["id"] })).await.ok();
        let called = site.act(&format!("/desks/{desk}/call-next"), doctor).await.ok();
        let ticket = called["current"]["ticket"].as_str().unwrap().to_owned();
        let version = json!({ "version": called["current"]["version"] });
        let accepted = site.post(&format!("/tickets/{ticket}/accept"), &visit.patient, version).await.ok();
        let version = json!({ "version": accepted["version"] });
        let view = site.post(&format!("/desks/{desk}/confirm"), doctor, version).await.ok();
        let id = view["current"]["visit"].as_str().unwrap().to_owned();
        led = write(site, Visit { ticket, id, ..visit }, 2 + time).await;
    }
    led
}

/// What a doctor writes while the patient is there.
async fn write(site: &Site, visit: Visit, conversation: u32) -> Led {
    let at = format!("/visits/{}", visit.id);
    for (n, (token, text)) in [(&visit.patient, "您好"), (&visit.doctor, "您好，请说")].into_iter().enumerate() {
        let id = format!("0190a0a0-{n:04}-7000-{:04x}-ffffffffffff", 0x8000 + conversation);
        site.post(&format!("{at}/messages"), token, json!({ "id": id, "text": text })).await.ok();
    }
    for version in 0..SAVES {
        let body = json!({ "version": version, "content": record(version) });
        site.send(Method::PUT, &format!("{at}/note"), &visit.doctor, Some(body), None).await.ok();
    }
    let basis = json!({ "kind": "return", "proof_seen": true });
    site.send(Method::PUT, &format!("{at}/basis"), &visit.doctor, Some(basis), None).await.ok();
    let lines = HERBS.map(|written| json!({ "written": written, "mg": 6000 }));
    let content = json!({ "herbal": { "lines": lines, "doses": 3, "doses_per_day": 1, "times_per_day": 2, "ml": 200,
                                      "timing": "after_meal" } });
    let made = site.post(&format!("{at}/prescriptions"), &visit.doctor, json!({ "content": content })).await.ok();
    let prescription = made["id"].as_str().unwrap().to_owned();
    let findings = made["report"]["findings"].as_array().unwrap().iter();
    let answers = findings.map(|finding| (finding["key"].as_str().unwrap().to_owned(), json!("病情需要")));
    Led { visit, prescription, answers: answers.collect::<Map<String, Value>>().into() }
}

/// Everybody signs, and the visit ends.
async fn finish(site: &Site, led: Led) -> Led {
    let Led { visit, prescription, .. } = &led;
    let (doctor, pharmacist) = (&visit.doctor, site.staff("pharmacist").await);
    let of = |act: &str| format!("/pharmacy/{prescription}/{act}");
    let sign = json!({ "version": 1, "answers": led.answers });
    let signed = site.post(&format!("/prescriptions/{prescription}/sign"), doctor, sign).await.ok();
    site.act(&of("claim"), &pharmacist).await.ok();
    let sheet = json!({ "version": signed["version"], "items": ITEMS });
    let approved = site.post(&of("approve"), &pharmacist, sheet).await.ok();
    site.post(&of("dispense"), &pharmacist, json!({ "version": approved["version"] })).await.ok();
    let at = format!("/visits/{}", visit.id);
    site.post(&format!("{at}/sign"), doctor, json!({ "version": SAVES })).await.ok();
    // Without a font there is no paper, and no code on it.
    for path in [format!("{at}/documents/record?paper=a4"), format!("/prescriptions/{prescription}/document?paper=a4")]
    {
        site.get(&path, doctor).await;
    }
    site.post(&format!("{at}/outcome"), doctor, json!({ "outcome": "home_care" })).await.ok();
    site.act(&format!("{at}/end"), doctor).await.ok();
    site.act(&format!("/desks/{}/close", visit.desk), doctor).await.ok();
    led
}

async fn book(site: &Site, patient: &str) {
    let mine = site.get("/patients", patient).await.ok();
    // The slots are made soon after the start.
    let slot = loop {
        let slots = site.get(&format!("/slots?link={BOOKED}"), patient).await.ok();
        match find_id(&slots) {
            Some(slot) => break slot,
            None => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    };
    site.post("/appointments", patient, json!({ "slot": slot, "patient": mine[0]["id"] })).await.ok();
}

/// The first `id` of a slot, wherever the answer keeps it.
fn find_id(value: &Value) -> Option<Value> {
    match value {
        Value::Array(all) => all.iter().find_map(find_id),
        Value::Object(fields) => match (fields.get("starts_at"), fields.get("id")) {
            (Some(_), Some(id)) => Some(id.clone()),
            _ => fields.values().find_map(find_id),
        },
        _ => None,
    }
}

/// A record that can be signed.
fn record(version: u32) -> Value {
    json!({
        "complaint": format!("发热两天，伴咽痛、咳嗽（{version}）"),
        "history": "患者两天前受凉后出现发热，最高体温三十八度二，伴咽痛、咳嗽，无胸闷气促。",
        "vitals": { "temperature": 38.2, "heart_rate": 88.0 },
        "advice": "多饮水，注意休息，三日后复诊。",
        "exams": {
            "findings": { "ask.chills": { "terms": ["ask.chills.both"], "words": "午后重" } },
            "tongue": { "body": ["tongue.red_tip"], "coating": ["coating.thin", "coating.white"] },
            "pulse": { "state": "not_taken", "why": "remote" }
        },
        "diagnoses": [
            { "kind": "disease", "code": "A01.01.01.02" },
            { "kind": "pattern", "code": "B02.02.05.05", "tm1": ["SF8A"] },
            { "kind": "western", "code": "J11.1" }
        ],
        "principle": ["X-FA-02"]
    })
}
