//! Every page that can be read, asked thirty times by everybody who may.

use std::time::{Duration, Instant};

use serde_json::Value;
use yunzhen::services::hospital::seed::DEMO_LINK;

use super::lead::Led;
use crate::child::Server;
use crate::figures::Tail;
use crate::load;
use crate::stage::Site;

/// Times that each page is asked.
const TIMES: usize = 30;
/// The goal, in milliseconds.
const WITHIN: f64 = 50.0;
/// Nobody's id.
const NOTHING: &str = "01920000-0000-7000-8000-000000000000";

/// Somebody and their token.
struct Reader {
    name: &'static str,
    token: String,
}

/// A page and how long it took.
struct Page {
    path: String,
    reader: &'static str,
    status: u16,
    bytes: usize,
    took: Tail,
}

/// Asks, and prints the slowest first.
pub async fn every_page(server: &Server, site: &Site, before: &Led, now: &Led) {
    let mut readers = vec![
        Reader { name: "doctor", token: now.visit.doctor.clone() },
        Reader { name: "patient", token: now.visit.patient.clone() },
    ];
    for name in ["nurse", "pharmacist", "admin"] {
        readers.push(Reader { name, token: site.staff(name).await });
    }
    let client = reqwest::Client::new();
    let base = format!("http://{}/api/v1", server.http);
    let mut pages = Vec::new();
    let mut unread = Vec::new();
    for path in paths(site, before, now).await {
        let url = format!("{base}{path}");
        let is_open = ask(&client, &url, "").await.0 != 401;
        let mut is_read = false;
        for reader in readers.iter().take(if is_open { 1 } else { readers.len() }) {
            let (status, bytes) = patiently(&client, &url, &reader.token).await;
            if status == 403 || status == 404 {
                continue;
            }
            let mut took = Vec::new();
            for _ in 0..TIMES {
                let begun = Instant::now();
                let (again, _) = ask(&client, &url, &reader.token).await;
                if again == 429 {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                    continue;
                }
                took.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            is_read |= status == 200;
            if !took.is_empty() {
                let reader = if is_open { "anybody" } else { reader.name };
                pages.push(Page { path: path.clone(), reader, status, bytes, took: Tail::of(&took) });
            }
        }
        if !is_read {
            unread.push(path);
        }
    }
    pages.sort_by(|a, b| b.took.p50.total_cmp(&a.took.p50));
    println!("  ms p50 / p99 / slowest of {TIMES}, load {}", load());
    for Page { path, reader, status, bytes, took } in &pages {
        let path = shortened(path);
        println!("  {:<28} {status} {bytes:>8} bytes  {reader:<11} {path}", format!("{took:.1}"));
    }
    let over: Vec<&Page> = pages.iter().filter(|page| page.took.p50 > WITHIN).collect();
    println!("  {} pages, of which {} above {WITHIN} ms at the median", pages.len(), over.len());
    println!("  read by nobody here: {}", unread.iter().map(|path| shortened(path)).collect::<Vec<_>>().join(", "));
}

/// A path without the digits of its ids.
fn shortened(path: &str) -> String {
    let part = |part: &str| if part.len() == 36 && part.contains('-') { "…".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Asks until it is not too often: a page has a pace, and so has whoever reads.
async fn patiently(client: &reqwest::Client, url: &str, token: &str) -> (u16, usize) {
    loop {
        let answer = ask(client, url, token).await;
        if answer.0 != 429 {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn ask(client: &reqwest::Client, url: &str, token: &str) -> (u16, usize) {
    let mut request = client.get(url);
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.bytes().await.unwrap().len())
}

/// Every path of the document that is read, with ids that are there: of what is under way, and of what is over.
async fn paths(site: &Site, before: &Led, now: &Led) -> Vec<String> {
    let id = |value: &Value| value.as_str().unwrap_or(NOTHING).to_owned();
    let me = site.get("/desks/mine", &now.visit.doctor).await.ok();
    let patients = site.get("/patients", &now.visit.patient).await.ok();
    let appointments = site.get("/appointments", &now.visit.patient).await.ok();
    let clinics = site.get("/clinics", &now.visit.doctor).await.ok();
    let booked = appointments.as_array().and_then(|all| all.first()).map_or(&Value::Null, |first| &first["id"]);
    let ids = [
        ("patients", id(&patients[0]["id"])),
        ("tickets", now.visit.ticket.clone()),
        ("desks", now.visit.desk.clone()),
        ("visits", now.visit.id.clone()),
        ("visits", before.visit.id.clone()),
        ("me", before.visit.id.clone()),
        ("clinics", id(&clinics[0]["id"])),
        ("declarations", id(&me["current"]["declaration"])),
        ("appointments", id(booked)),
        ("prescriptions", now.prescription.clone()),
        ("prescriptions", before.prescription.clone()),
    ];
    let queries = [
        ("/slots", "link=demo-tcm-clinic"),
        ("/tickets/current", "link=demo-fever-clinic"),
        ("/herbs", "q=gan"),
        ("/formulas", "q=gan"),
        ("/terms", "kind=disease&q=fe"),
        ("/visits/{id}/documents/record", "paper=a4"),
        ("/visits/{id}/documents/referral", "paper=a4"),
        ("/prescriptions/{id}/document", "paper=a4"),
    ];
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    let mut paths = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        if item["get"].is_null() {
            continue;
        }
        let template = template.trim_start_matches("/api/v1");
        let query = queries.iter().find(|(path, _)| *path == template).map(|(_, query)| format!("?{query}"));
        let path = template.replace("{link}", DEMO_LINK).replace("{version}", "1").replace("{day}", &today());
        let path = path.replace("/questionnaires/1", "/questionnaires/current");
        let of = template.split('/').nth(1).unwrap_or_default();
        let named = ids.iter().filter(|(name, _)| *name == of).map(|(_, id)| id.as_str());
        let named: Vec<&str> = if path.contains("{id}") { named.collect() } else { vec![""] };
        for id in if named.is_empty() { vec![NOTHING] } else { named } {
            paths.push(format!("{}{}", path.replace("{id}", id), query.as_deref().unwrap_or_default()));
        }
    }
    paths
}

/// The day in China.
fn today() -> String {
    jiff::Timestamp::now().in_tz("Asia/Shanghai").unwrap().date().to_string()
}
