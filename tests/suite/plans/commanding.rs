//! Every command of the API document, given once in a way that works.

use std::collections::{BTreeSet, HashMap};

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::clock::Clock;
use yunzhen::domain::date::in_china;

use crate::clinic::stage::{LINK, Site, Visit, card, nothing};

const TCM: &str = "demo-tcm-clinic";

/// What leading a visit has commanded before.
const BY_THE_VISIT: [&str; 14] = [
    "post /auth/login",
    "post /auth/code",
    "post /auth/code/verify",
    "post /patients",
    "post /patients/{id}/consents",
    "post /declarations",
    "patch /declarations/{id}",
    "post /declarations/{id}/submit",
    "post /tickets",
    "post /tickets/{id}/accept",
    "post /desks/{id}/open",
    "post /desks/{id}/call-next",
    "post /desks/{id}/confirm",
    "post /appointments",
];

/// What wants a day that has passed, the bytes of a picture, a call that is being recorded or the code of a telephone;
/// `clinic::amendments`, `clinic::tongue`, `recording` and `api::second_factor` give them.
const ELSEWHERE: [&str; 10] = [
    "post /amendments/{id}/approve",
    "post /amendments/{id}/decline",
    "put /uploads/{id}",
    "post /uploads/{id}/finish",
    "post /visits/{id}/attachments",
    "post /visits/{id}/uploads",
    "post /visits/{id}/recording/stop",
    "post /auth/second-factor",
    "post /auth/second-factor/confirm",
    "post /auth/second-factor/off",
];

/// Who commands, and what was done; what did not work is told at the end, all of it.
struct Acting<'a> {
    site: &'a Site,
    done: BTreeSet<String>,
    failed: Vec<String>,
}

/// Gives every command.
pub async fn everything(site: &Site, visit: &Visit) {
    let mut acting = Acting { site, done: BY_THE_VISIT.map(str::to_owned).into(), failed: Vec::new() };
    let [doctor2, nurse, pharmacist, admin] = ["doctor2", "nurse", "pharmacist", "admin"];
    let staff = Staff {
        other: site.staff(doctor2).await,
        nurse: site.staff(nurse).await,
        pharmacist: site.staff(pharmacist).await,
        admin: site.staff(admin).await,
    };
    acting.record(visit, &staff).await;
    acting.prescriptions(visit, &staff).await;
    acting.room(visit, &staff).await;
    acting.end(visit, &staff).await;
    acting.queue(visit, &staff).await;
    acting.booking(&staff).await;
    acting.house(visit, &staff).await;
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|method| *method != "get") {
            let operation = format!("{method} {}", path.trim_start_matches("/api/v1"));
            if !acting.done.contains(&operation) && !ELSEWHERE.contains(&operation.as_str()) {
                acting.failed.push(format!("{operation}: nobody commanded it"));
            }
        }
    }
    assert!(acting.failed.is_empty(), "{}", acting.failed.join("\n"));
}

struct Staff {
    other: String,
    nurse: String,
    pharmacist: String,
    admin: String,
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or("nothing").to_owned()
}

fn herbal(lines: &[(&str, i64)]) -> Value {
    let lines: Vec<Value> = lines.iter().map(|(written, mg)| json!({ "written": written, "mg": mg })).collect();
    json!({ "herbal": { "lines": lines, "doses": 3, "doses_per_day": 1, "times_per_day": 2, "ml": 200,
                        "timing": "after_meal" } })
}

fn version(of: &Value) -> Value {
    json!({ "version": of["version"] })
}

impl Acting<'_> {
    async fn send(&mut self, operation: &str, id: &str, token: &str, body: Option<Value>) -> Value {
        let (method, template) = operation.split_once(' ').unwrap();
        let path = template.replace("{id}", id);
        let method: Method = method.to_uppercase().parse().unwrap();
        let answer = self.site.send(method, &path, token, body, None).await;
        if matches!(answer.status, 200 | 204) {
            self.done.insert(operation.to_owned());
        } else {
            self.failed.push(format!("{operation}: {} {}", answer.status, answer.body));
        }
        answer.body
    }

    async fn post(&mut self, template: &str, id: &str, token: &str, body: Value) -> Value {
        self.send(&format!("post {template}"), id, token, Some(body)).await
    }

    async fn act(&mut self, template: &str, id: &str, token: &str) -> Value {
        self.send(&format!("post {template}"), id, token, None).await
    }

    async fn record(&mut self, visit: &Visit, staff: &Staff) {
        let content = json!({ "complaint": "发热2天", "diagnosis": "感冒", "advice": "多饮水" });
        let save = json!({ "version": 0, "content": content });
        self.send("put /visits/{id}/note", &visit.id, &visit.doctor, Some(save)).await;
        let merge = json!({ "version": 1, "content": content });
        self.post("/visits/{id}/note/merge", &visit.id, &visit.doctor, merge).await;
        let make = json!({ "name": "感冒医嘱", "field": "advice", "body": "多休息" });
        let made = self.post("/templates", "", &visit.doctor, make).await[0].clone();
        let insert = json!({ "visit": visit.id, "version": made["version"] });
        self.post("/templates/{id}/insert", &id(&made), &visit.doctor, insert).await;
        self.post("/templates/{id}/retire", &id(&made), &visit.doctor, version(&made)).await;
        let said = json!({ "id": "0190a0a0-0000-7000-8000-0000000000ba", "text": "您好" });
        self.post("/visits/{id}/messages", &visit.id, &visit.doctor, said).await;
        let me = self.site.get("/auth/me", &staff.other).await.body;
        let ask = json!({ "doctor": me["account"], "question": "请指导辨证", "summary": "发热两天" });
        let asked = self.post("/visits/{id}/opinions", &visit.id, &visit.doctor, ask.clone()).await;
        let save = json!({ "version": 0, "opinion": "证属风热犯肺", "advice": "辛凉解表" });
        let saved = self.send("put /opinions/{id}", &id(&asked), &staff.other, Some(save)).await;
        self.post("/opinions/{id}/sign", &id(&asked), &staff.other, version(&saved)).await;
        let asked = self.post("/visits/{id}/opinions", &visit.id, &visit.doctor, ask).await;
        self.act("/opinions/{id}/withdraw", &id(&asked), &visit.doctor).await;
        let by_hand = json!({ "reason": "接触史可疑" });
        let report = self.post("/visits/{id}/case-report", &visit.id, &visit.doctor, by_hand.clone()).await;
        let why = json!({ "reason": "核酸两次阴性" });
        self.post("/case-reports/{id}/dismiss", &id(&report), &staff.other, why).await;
        let report = self.post("/visits/{id}/case-report", &visit.id, &visit.doctor, by_hand).await;
        let receipt = json!({ "receipt": "3201-2023-00042" });
        self.post("/case-reports/{id}/report", &id(&report), &staff.nurse, receipt).await;
        let adverse = json!({ "kind": "other", "is_serious": true, "happened_at": Clock::System.now().as_millis(),
                              "words": "皮疹", "measures": "停药" });
        let told = self.post("/visits/{id}/adverse-events", &visit.id, &staff.pharmacist, adverse).await;
        self.site.get(&format!("/adverse-events/{}", id(&told)), &staff.admin).await;
        let glass = json!({ "reason": "转诊询问" });
        self.post("/visits/{id}/break-glass", &visit.id, &staff.other, glass).await;
        let review = self.site.get("/access-reviews", &staff.admin).await.body[0].clone();
        let judged = json!({ "verdict": "justified", "words": "核实无误" });
        self.post("/access-reviews/{id}", &id(&review), &staff.admin, judged).await;
    }

    /// A sheet of these herbs, signed with a reason for everything that wants one.
    async fn signed(&mut self, visit: &Visit, lines: &[(&str, i64)]) -> Value {
        let new = json!({ "content": herbal(lines) });
        let rx = self.post("/visits/{id}/prescriptions", &visit.id, &visit.doctor, new).await;
        self.sign(visit, &rx).await
    }

    async fn sign(&mut self, visit: &Visit, rx: &Value) -> Value {
        let findings = rx["report"]["findings"].as_array().cloned().unwrap_or_default();
        let open = findings.iter().filter(|finding| finding["needs"] != "nothing");
        let answers: Value = open
            .map(|finding| (finding["key"].as_str().unwrap().to_owned(), json!("病情需要")))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let confirm = findings.iter().any(|finding| finding["needs"] == "confirm");
        let sign = json!({ "version": rx["version"], "answers": answers, "confirm": confirm });
        self.post("/prescriptions/{id}/sign", &id(rx), &visit.doctor, sign).await
    }

    async fn prescriptions(&mut self, visit: &Visit, staff: &Staff) {
        let basis = json!({ "kind": "return", "proof_seen": true });
        self.send("put /visits/{id}/basis", &visit.id, &visit.doctor, Some(basis)).await;
        let plain = [("茯苓", 15_000), ("陈皮", 6000)];
        let keep = json!({ "name": "我的方", "herbal": herbal(&plain)["herbal"] });
        let kept = self.post("/formula-templates", "", &visit.doctor, keep).await[0].clone();
        let rename = json!({ "version": kept["version"], "name": "二陈加味" });
        let kept = self.post("/formula-templates/{id}/rename", &id(&kept), &visit.doctor, rename).await[0].clone();
        self.post("/formula-templates/{id}/retire", &id(&kept), &visit.doctor, version(&kept)).await;
        let reason = |rx: &Value| json!({ "version": rx["version"], "reason": "请核对" });
        let items = ["form", "indication", "names", "dose", "method", "pairs", "contraindications", "allergy"];
        let items = items.iter().chain(&["duplicates", "limits"]).collect::<Vec<_>>();
        let rx = self.signed(visit, &plain).await;
        self.act("/pharmacy/{id}/claim", &id(&rx), &staff.pharmacist).await;
        self.act("/pharmacy/{id}/release", &id(&rx), &staff.pharmacist).await;
        self.act("/pharmacy/{id}/claim", &id(&rx), &staff.pharmacist).await;
        let rx = self.post("/pharmacy/{id}/return", &id(&rx), &staff.pharmacist, reason(&rx)).await;
        let save = json!({ "version": rx["version"], "content": herbal(&plain) });
        let rx = self.send("put /prescriptions/{id}", &id(&rx), &visit.doctor, Some(save)).await;
        let rx = self.sign(visit, &rx).await;
        self.act("/pharmacy/{id}/claim", &id(&rx), &staff.pharmacist).await;
        let approve = json!({ "version": rx["version"], "items": items });
        let rx = self.post("/pharmacy/{id}/approve", &id(&rx), &staff.pharmacist, approve).await;
        self.post("/pharmacy/{id}/dispense", &id(&rx), &staff.pharmacist, version(&rx)).await;
        let rx = self.signed(visit, &[("桑叶", 6000)]).await;
        self.act("/pharmacy/{id}/claim", &id(&rx), &staff.pharmacist).await;
        self.post("/pharmacy/{id}/refuse", &id(&rx), &staff.pharmacist, reason(&rx)).await;
        let rx = self.signed(visit, &[("菊花", 6000)]).await;
        self.post("/prescriptions/{id}/stop", &id(&rx), &visit.doctor, reason(&rx)).await;
        let rx = self.signed(visit, &[("甘草", 6000), ("海藻", 9000)]).await;
        self.post("/prescriptions/{id}/countersign", &id(&rx), &staff.other, reason(&rx)).await;
        let rx = self.signed(visit, &[("甘草", 6000), ("海藻", 9000)]).await;
        self.post("/prescriptions/{id}/decline", &id(&rx), &staff.other, reason(&rx)).await;
    }

    async fn room(&mut self, visit: &Visit, staff: &Staff) {
        self.act("/visits/{id}/grant", &visit.id, &visit.patient).await;
        self.act("/checks", "", &visit.patient).await;
        for is_kept in [true, false] {
            let invite = json!({ "role": "interpreter", "name": "王译员" });
            let made = self.post("/visits/{id}/invitations", &visit.id, &visit.doctor, invite).await;
            if !is_kept {
                self.act("/invitations/{id}/revoke", &id(&made), &visit.doctor).await;
                continue;
            }
            self.post("/invitations/open", "", "", json!({ "token": made["token"] })).await;
            let nonce = "0190a0a0-0000-7000-8000-0000000000bb";
            let enter = json!({ "token": made["token"], "nonce": nonce, "name": "王小译" });
            let tokens = self.post("/invitations/use", "", "", enter).await;
            let guest = tokens["access_token"].as_str().unwrap_or_default().to_owned();
            self.act("/invitations/mine/grant", "", &guest).await;
        }
        for what in ["ring", "end-ring"] {
            let desk = self.site.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.body;
            let template = format!("/desks/{{id}}/{what}");
            self.post(&template, &visit.desk, &visit.doctor, version(&desk["current"])).await;
        }
        let hold = self.post("/visits/{id}/hold", &visit.id, &staff.admin, json!({ "reason": "医疗纠纷" })).await;
        self.post("/holds/{id}/lift", &id(&hold), &staff.admin, json!({ "reason": "已了结" })).await;
        self.post("/visits/{id}/seal", &visit.id, &staff.admin, json!({ "reason": "医疗纠纷封存" })).await;
    }

    async fn end(&mut self, visit: &Visit, staff: &Staff) {
        self.post("/visits/{id}/outcome", &visit.id, &visit.doctor, json!({ "outcome": "home_care" })).await;
        let view = self.site.get(&format!("/visits/{}", visit.id), &visit.doctor).await.body;
        self.post("/visits/{id}/sign", &visit.id, &visit.doctor, version(&view["draft"])).await;
        self.act("/visits/{id}/end", &visit.id, &visit.doctor).await;
        let by_document = json!({ "document": "resident_card", "number": card(1) });
        self.post("/visits/by-document", "", &staff.other, by_document).await;
        let desk = self.site.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.body;
        let day = in_china(Clock::System.now()).to_string();
        let by_number = json!({ "clinic": desk["clinic"], "day": day, "no": view["no"] });
        self.post("/visits/by-number", "", &staff.other, by_number).await;
    }

    async fn call(&mut self, visit: &Visit, what: &str) {
        let called = self.act("/desks/{id}/call-next", &visit.desk, &visit.doctor).await;
        let template = format!("/desks/{{id}}/{what}");
        self.post(&template, &visit.desk, &visit.doctor, version(&called["current"])).await;
    }

    /// Calls, and the patient comes: the view of the desk. `holders` are those of the tickets.
    async fn serve(&mut self, visit: &Visit, holders: &HashMap<String, String>) -> Value {
        let called = self.act("/desks/{id}/call-next", &visit.desk, &visit.doctor).await["current"].clone();
        let ticket = called["ticket"].as_str().unwrap_or_default().to_owned();
        let accepted = self
            .post("/tickets/{id}/accept", &ticket, holders.get(&ticket).map_or("", String::as_str), version(&called))
            .await;
        self.post("/desks/{id}/confirm", &visit.desk, &visit.doctor, version(&accepted)).await["current"].clone()
    }

    async fn queue(&mut self, visit: &Visit, staff: &Staff) {
        // One telephone has four numbers at most.
        let (family, holder) = (self.site.holder(40).await, self.site.holder(38).await);
        let (mut tickets, mut holders) = (Vec::new(), HashMap::new());
        for n in 41..=46 {
            let holder = if n <= 44 { &family } else { &holder };
            let patient = self.site.patient(holder, n, "child").await;
            self.site.consent(holder, &patient, true).await;
            let declaration = self.site.declare(holder, &patient, nothing()).await;
            let take = json!({ "declaration": declaration["id"] });
            let ticket = self.post("/tickets", "", holder, take).await;
            holders.insert(id(&ticket), holder.clone());
            tickets.push(ticket);
        }
        // The same child, named by somebody else.
        let other = self.site.holder(39).await;
        let twin = self.site.patient(&other, 41, "child").await;
        self.site.consent(&other, &twin, true).await;
        let declaration = self.site.declare(&other, &twin, nothing()).await;
        let twin = self.post("/tickets", "", &other, json!({ "declaration": declaration["id"] })).await;
        let close = json!({ "version": twin["version"], "reason": "电话核实，重复取号" });
        self.post("/tickets/{id}/close", &id(&twin), &staff.nurse, close).await;
        let level = json!({ "version": tickets[5]["version"], "level": "ADVICE", "reason": "电话问过" });
        self.post("/tickets/{id}/level", &id(&tickets[5]), &staff.nurse, level).await;
        let answers = json!({ "breathing": "same", "general": "same" });
        self.post("/tickets/{id}/retriage", &id(&tickets[4]), &holder, answers).await;
        let call = self.act("/tickets/{id}/nurse-call", &id(&tickets[4]), &staff.nurse).await;
        self.act("/alarms/{id}/grant", &id(&call), &staff.nurse).await;
        let close = json!({ "outcome": "not_reached", "note": "" });
        self.post("/alarms/{id}/close", &id(&call), &staff.nurse, close).await;
        let flag = self.site.get(&format!("/links/{LINK}"), "").await.body["red_flags"][0]["id"].clone();
        let line = self.post("/red-flags", "", "", json!({ "link": LINK, "yes": [flag] })).await;
        let alarm = line["line"]["alarm"].as_str().unwrap_or_default().to_owned();
        self.act("/alarms/{id}/take", &alarm, &staff.nurse).await;
        self.act("/alarms/{id}/take-over", &alarm, &visit.doctor).await;
        self.act("/alarms/{id}/hand-back", &alarm, &visit.doctor).await;
        self.call(visit, "recall").await;
        let desk = self.site.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.body;
        self.post("/desks/{id}/cancel-call", &visit.desk, &visit.doctor, version(&desk["current"])).await;
        self.call(visit, "skip").await;
        self.call(visit, "wrong-person").await;
        let called = self.act("/desks/{id}/call-next", &visit.desk, &visit.doctor).await["current"].clone();
        let ticket = called["ticket"].as_str().unwrap_or_default().to_owned();
        let theirs = holders.get(&ticket).cloned().unwrap_or_default();
        self.post("/tickets/{id}/not-me", &ticket, &theirs, version(&called)).await;
        let called = self.act("/desks/{id}/call-next", &visit.desk, &visit.doctor).await["current"].clone();
        let ticket = called["ticket"].as_str().unwrap_or_default().to_owned();
        let theirs = holders.get(&ticket).cloned().unwrap_or_default();
        let accepted = self.post("/tickets/{id}/accept", &ticket, &theirs, version(&called)).await;
        let mend = json!({ "version": accepted["version"], "name": "测试患儿", "reason": "与证件不符" });
        self.post("/tickets/{id}/identity", &ticket, &visit.doctor, mend).await;
        let desk = self.site.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.body;
        self.post("/desks/{id}/cancel-call", &visit.desk, &visit.doctor, version(&desk["current"])).await;
        let current = self.serve(visit, &holders).await;
        self.post("/desks/{id}/put-back", &visit.desk, &visit.doctor, version(&current)).await;
        let current = self.serve(visit, &holders).await;
        let clinics = self.site.get("/clinics", &visit.doctor).await.body;
        let on = json!({ "version": current["version"], "clinic": clinics[1]["id"], "reason": "请中医科看" });
        self.post("/desks/{id}/transfer", &visit.desk, &visit.doctor, on).await;
        let last = self.site.get(&format!("/tickets/{}", id(&tickets[5])), &holder).await.body;
        self.post("/tickets/{id}/leave", &id(&tickets[5]), &holder, version(&last)).await;
        self.post("/desks/{id}/pause", &visit.desk, &visit.doctor, json!({})).await;
        self.act("/desks/{id}/resume", &visit.desk, &visit.doctor).await;
        self.act("/desks/{id}/close", &visit.desk, &visit.doctor).await;
    }

    async fn booking(&mut self, staff: &Staff) {
        let (holder, patient) = self.site.known_patient(50).await;
        self.site.consent(&holder, &patient, true).await;
        let born = format!("{}-01-02", in_china(Clock::System.now()).year() - 5);
        let child = |sex: &str| {
            json!({ "name": "Demo Child", "document": "passport", "number": "E7654321", "birth_date": born, "sex": sex,
                    "relation": "child" })
        };
        // A slip, which is mended.
        self.post("/patients", "", &holder, child("male")).await;
        let child = child("female");
        let child = self.post("/patients", "", &holder, child).await;
        let word = json!({ "name": "演示家长", "relation": "parent", "version": "sensitive-data-1", "agrees": true });
        self.post("/patients/{id}/guardian", &id(&child), &holder, word).await;
        let view = self.site.get(&format!("/slots?link={TCM}"), "").await.body;
        // The first of today, for the check-in, and others of a day on which no hour is over.
        let day = &view["days"].as_array().unwrap().last().unwrap()["day"];
        let later = format!("/slots?link={TCM}&day={}", day.as_str().unwrap());
        let later = self.site.get(&later, "").await.body;
        let free = |slot: &&Value| slot["doctor_name"]["en"] == "Demo Doctor B" && slot["free"].as_u64() > Some(0);
        let of = |view: &'_ Value| view["slots"].as_array().unwrap().iter().filter(free).cloned().collect::<Vec<_>>();
        let slots: Vec<Value> = of(&view).into_iter().take(1).chain(of(&later)).collect();
        let book = |slot: &Value| json!({ "slot": slot["id"], "patient": patient });
        let first = self.post("/appointments", "", &holder, book(&slots[0])).await;
        let second = self.post("/appointments", "", &holder, book(&slots[2])).await;
        let to = json!({ "slot": slots[4]["id"], "version": second["version"] });
        let second = self.post("/appointments/{id}/move", &id(&second), &holder, to).await;
        self.post("/appointments/{id}/cancel", &id(&second), &holder, version(&second)).await;
        let wish = json!({ "link": TCM, "patient": patient, "first_day": day, "last_day": day });
        let wish = self.post("/wishes", "", &holder, wish).await;
        self.act("/wishes/{id}/leave", &id(&wish), &holder).await;
        let declaration = self.site.declare_at(TCM, &holder, &patient, nothing()).await;
        let here = json!({ "declaration": declaration["id"], "version": first["version"] });
        self.post("/appointments/{id}/check-in", &id(&first), &holder, here).await;
        let rosters = self.site.get("/rosters", &staff.admin).await.body;
        let roster = &rosters[0];
        let off = json!({ "day": day, "kind": "off", "from": "00:00", "to": "24:00" });
        let roster = self.post("/rosters/{id}/exceptions", &id(roster), &staff.admin, off).await;
        let end = json!({ "last_day": day, "version": roster["version"] });
        self.post("/rosters/{id}/end", &id(&roster), &staff.admin, end).await;
        let new = json!({
            "clinic": roster["clinic"], "doctor": roster["doctor"], "weekdays": "135", "from": "09:00", "to": "12:00",
            "minutes": 15, "capacity": 1, "first_day": "2090-01-01"
        });
        self.post("/rosters/preview", "", &staff.admin, new.clone()).await;
        self.post("/rosters", "", &staff.admin, new).await;
        let head = "clinic,doctor,weekdays,from,to,minutes,capacity,first_day,last_day";
        let csv = format!("{head}\r\ntcm,doctor,2,09:00,12:00,15,1,2091-01-01,");
        self.post("/rosters/import", "", &staff.admin, json!({ "csv": csv })).await;
    }

    async fn house(&mut self, visit: &Visit, staff: &Staff) {
        let clinic = id(&self.site.get("/clinics", &staff.nurse).await.body[0]);
        self.post("/clinics/{id}/notices", &clinic, &staff.nurse, json!({ "text": "请稍候" })).await;
        let past = Clock::System.now().as_millis() - 1;
        self.post("/clinics/{id}/purpose-end", &clinic, &staff.admin, json!({ "declared_until": past })).await;
        let approve = json!({ "class": "prescription_ordinary", "due_until": past });
        self.post("/retention/approvals", "", &staff.admin, approve).await;
        self.act("/audit/verify", "", &staff.admin).await;
        self.post("/triage/assess", "", &visit.doctor, json!({ "facts": {} })).await;
        let login = json!({ "username": "nurse", "password": "yunzhen-nurse" });
        let tokens = self.post("/auth/login", "", "", login).await;
        let refresh = json!({ "refresh_token": tokens["refresh_token"] });
        let tokens = self.post("/auth/refresh", "", "", refresh).await;
        let token = tokens["access_token"].as_str().unwrap_or_default().to_owned();
        self.act("/auth/logout", "", &token).await;
        self.post("/auth/prove", "", &visit.doctor, json!({ "password": "yunzhen-doctor" })).await;
        let opened = self.site.staff("pharmacist").await;
        let change = json!({ "password": "yunzhen-pharmacist", "new": "k7mq-x3tz-9bde-wwpa" });
        self.post("/auth/password", "", &opened, change).await;
        let sessions = self.site.get("/auth/sessions", &opened).await.body;
        let current = sessions.as_array().into_iter().flatten().find(|one| one["current"] == true);
        self.act("/auth/sessions/{id}/end", &current.map(id).unwrap_or_default(), &opened).await;
        let people = self.site.get("/staff", &staff.admin).await.body;
        let named = |name: &str| people.as_array().into_iter().flatten().find(|one| one["username"] == name).map(id);
        self.act("/staff/{id}/end-sessions", &named("pharmacist").unwrap_or_default(), &staff.admin).await;
        let papers =
            json!({ "registration": "110110000012345", "practises_since": "2012-07-01", "consent_on": "2020-01-02" });
        self.post("/staff/{id}/credential", &named("doctor2").unwrap_or_default(), &staff.admin, papers).await;
    }
}
