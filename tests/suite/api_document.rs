//! The API document is checked in, it is what the server says of itself, and it holds everything that the browser does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use axum::http::{StatusCode, header};
use serde_json::Value;
use yunzhen::protocol::error::ErrorCode;
use yunzhen::services::refusal::Refusal;

use crate::support::app::TestApp;

#[test]
fn the_checked_in_api_document_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written.trim_end() == yunzhen::app::openapi().trim_end(),
        "stale: cargo run -- openapi > docs/openapi.json"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let mut ids: Vec<_> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert!(count > 40 && ids.len() == count);
}

/// The types of a source that have a schema, by the schema's name.
fn schemas(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("ToSchema") {
        let mut named = None;
        // What stands between the derive and the type: the rest of the derive, other attributes, words.
        for line in source[at..].lines().skip(1).map(str::trim) {
            if let Some(rest) = line.split_once("schema(as = ").map(|(_, rest)| rest) {
                named = rest.split([')', ',']).next();
            }
            let mut words = line.split_whitespace().skip_while(|word| !matches!(*word, "struct" | "enum"));
            if !line.starts_with("//") && !line.starts_with('#') && words.next().is_some() {
                let name = words.next().and_then(|name| name.split(['<', '(', '{', ';']).next());
                found.extend(named.or(name).filter(|name| !name.starts_with('$')).map(str::to_owned));
                break;
            }
        }
    }
    found
}

#[test]
fn a_schema_is_found_by_its_own_name_or_by_the_one_that_it_is_given() {
    let source = "#[derive(Clone, utoipa::ToSchema)]\n#[serde(x)]\n#[schema(as = LabelStep)]\npub struct Step {\n}\n\
        #[derive(\n    Clone, utoipa::ToSchema,\n)]\npub struct Moment(i64);\n\
        #[derive(ToSchema)]\n/// An enum Of words.\npub(crate) enum Word<T> {}\n";
    assert_eq!(schemas(source), ["LabelStep", "Moment", "Word"]);
}

#[test]
fn no_two_types_share_the_name_of_a_schema() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut named: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).expect("it can be read").map(|entry| entry.expect("it is there").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for name in schemas(&fs::read_to_string(&path).expect("sources are UTF-8")) {
                named.entry(name).or_default().push(path.clone());
            }
        }
    }
    assert!(named.len() > 200, "only {} types were found", named.len());
    // The later of two would stand in the document for both.
    named.retain(|_, files| files.len() > 1);
    assert!(named.is_empty(), "{named:?}");
}

/// Names that stand in the client's code where a path is put together from a closed set of words.
const WORDS: [(&str, &str, &[&str]); 4] = [
    ("app/patient/ticket.ts", "path", &["accept", "not-me", "leave"]),
    ("app/chat.ts", "path", &["/visits/{}"]),
    ("app/staff/alarms.ts", "how", &["take", "take-over", "hand-back"]),
    (
        "app/desk/desk.ts",
        "what",
        &[
            "open",
            "pause",
            "resume",
            "close",
            "call-next",
            "recall",
            "skip",
            "cancel-call",
            "confirm",
            "wrong-person",
            "transfer",
            "ring",
            "end-ring",
            "put-back",
        ],
    ),
];

/// The sources of the browser client, without their tests: path below `web/src` and text.
fn client() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/src");
    let mut open = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        let name = path.strip_prefix(&root).expect("it is below").to_string_lossy().into_owned();
        if path.is_dir() {
            open.extend(fs::read_dir(path).expect("it can be read").map(|entry| entry.expect("it is there").path()));
        } else if [".ts", ".vue"].iter().any(|ending| name.ends_with(ending)) && !name.contains(".test.") {
            found.push((name, fs::read_to_string(path).expect("sources are UTF-8")));
        }
    }
    found
}

/// The requests in a source: method and path, with `{}` for what is filled in.
fn requests(file: &str, source: &str) -> Vec<(String, String)> {
    const CALLS: [&str; 8] = ["get", "post", "send", "put", "patch", "delete", "blob", "request"];
    let mut found = Vec::new();
    for call in CALLS {
        for (at, _) in source.match_indices(call) {
            let before = source[..at].chars().next_back().unwrap_or(' ');
            let Some(arguments) = after_generics(&source[at + call.len()..]).and_then(|rest| rest.strip_prefix('('))
            else {
                continue;
            };
            if before.is_alphanumeric() {
                continue;
            }
            let (method, arguments) = match (call, literal(arguments)) {
                ("request", Some((method, rest))) => (method, rest.trim_start_matches([',', ' '])),
                ("request", None) => continue,
                ("blob", _) => ("get".to_owned(), arguments),
                ("send", _) => ("post".to_owned(), arguments),
                _ => (call.to_owned(), arguments),
            };
            if let Some((path, _)) = literal(arguments) {
                let whole = filled(file, &path).into_iter();
                let paths = whole
                    .map(|path| path.split('?').next().unwrap_or_default().to_owned())
                    .filter(|path| path.starts_with('/'));
                found.extend(paths.map(|path| (method.to_lowercase(), path)));
            }
        }
    }
    found
}

/// What follows `<…>`, if that is there.
fn after_generics(text: &str) -> Option<&str> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => return Some(&text[at..]),
            '\n' => return None,
            _ => {}
        }
    }
    None
}

/// The text literal that comes first, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '`' | '"'))?;
    let (inside, rest) = text[1..].split_once(quote)?;
    Some((inside.to_owned(), rest))
}

/// A template with its holes filled: by their words where they have some, else by `{}`.
fn filled(file: &str, template: &str) -> Vec<String> {
    let Some((before, rest)) = template.split_once("${") else { return vec![template.to_owned()] };
    let (hole, after) = rest.split_once('}').expect("a hole ends");
    let words = WORDS.iter().find(|(of, name, _)| *of == file && *name == hole).map_or(&["{}"][..], |found| found.2);
    let tails = filled(file, after);
    words.iter().flat_map(|word| tails.iter().map(move |tail| format!("{before}{word}{tail}"))).collect()
}

/// A path of the document with `{}` for its parameters.
fn nameless(path: &str) -> String {
    let parts = path.trim_start_matches("/api/v1").split('/');
    parts.map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn every_request_of_the_browser_client_is_in_the_document() {
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    let mut known = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        known.extend(item.as_object().unwrap().keys().map(|method| (method.clone(), nameless(path))));
    }
    let mut asked = BTreeSet::new();
    for (file, source) in client() {
        asked.extend(requests(&file, &source));
    }
    let missing: Vec<_> = asked.difference(&known).collect();
    assert!(missing.is_empty(), "the client asks for what is not in the document: {missing:?}");
    // What only other programs ask for. A new operation that no screen uses is either here or forgotten.
    let unasked: Vec<_> = known.difference(&asked).map(|(method, path)| format!("{method} {path}")).collect();
    let others =
        ["get /auth/me", "get /clinics/{}/queue-days/{}", "get /desks/{}", "get /calendar/{}", "post /triage/assess"];
    // Their paths are chosen or answered before they are asked.
    let chosen = [
        "get /prescriptions/{}/document",
        "get /visits/{}/documents/record",
        "get /visits/{}/documents/referral",
        "post /appointments",
        "post /appointments/{}/cancel",
        "post /appointments/{}/check-in",
        "post /appointments/{}/move",
        "post /tickets",
        "post /wishes",
    ];
    let known: BTreeSet<&str> = others.into_iter().chain(chosen).collect();
    assert_eq!(unasked.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
}

#[test]
fn requests_are_found_in_every_spelling() {
    let source = "await http.get<A[]>('/a')\n open.post<{ b: B | null }>(\n  `/b/${b.id}/c`, {})\n \
        http.request<C>('PATCH', `/c/${c}`, {}) http.blob(`/d/${d}`) http.send(`/e/${e}`) forget('/e') http.get(path) target('/f')";
    let found = requests("x.ts", source);
    let wanted = [("get", "/a"), ("post", "/b/{}/c"), ("post", "/e/{}"), ("get", "/d/{}"), ("patch", "/c/{}")];
    assert_eq!(found, wanted.map(|(method, path)| (method.to_owned(), path.to_owned())));
}

#[tokio::test]
async fn the_document_and_its_viewer_are_served_and_fetch_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let (status, headers, bytes) = app.page("/api/openapi.json").await;
    assert_eq!((status, &headers[header::CONTENT_TYPE]), (StatusCode::OK, &"application/json".parse().unwrap()));
    let served: Value = serde_json::from_slice(&bytes).unwrap();
    let own: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    assert!(served == own, "what is served is what is checked in");

    let (status, _, _) = app.page("/api/docs").await;
    assert!(status.is_redirection(), "{status}");
    let (status, headers, bytes) = app.page("/api/docs/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    let html = String::from_utf8(bytes).unwrap();
    let parts =
        html.split(['"', '\'']).filter(|text| text.starts_with("./") || ends_in(text, "js") || ends_in(text, "css"));
    let parts: BTreeSet<&str> = parts.collect();
    assert!(parts.len() >= 3, "{html}");
    for part in parts {
        let path = PathBuf::from("/api/docs").join(part.trim_start_matches("./"));
        let (status, _, bytes) = app.page(path.to_str().unwrap()).await;
        assert!(status == StatusCode::OK && !bytes.is_empty(), "{part}: {status}");
        if part.ends_with("initializer.js") {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains("/api/openapi.json") && !text.contains("://"), "{text}");
        }
    }
    assert!(!html.contains("://"), "{html}");
}

#[tokio::test]
async fn a_server_of_which_something_breaks_says_so_and_is_not_ready_where_patients_wait_for_that() {
    let app = TestApp::start().await;
    let ailing = &app.services.ailing;
    let broke = || Err::<(), _>(Refusal::internal("it broke"));
    ailing.heard("the house was not tidied", false, &broke());
    let (status, _, body) = app.page("/readyz").await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"ok, but the house was not tidied"[..]));
    ailing.heard("the queue was not swept", true, &broke());
    assert_eq!(app.page("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    ailing.heard("the queue was not swept", true, &Ok(()));
    ailing.heard("the house was not tidied", false, &Err::<(), _>(Refusal::new(ErrorCode::Unavailable, "away")));
    assert_eq!(app.page("/readyz").await.2, b"ok");
}

#[tokio::test]
async fn a_server_without_its_database_lives_but_is_not_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.page("/healthz").await.0, StatusCode::OK);
    assert_eq!(app.page("/readyz").await.0, StatusCode::OK);
    app.db.close().await;
    assert_eq!(app.page("/healthz").await.0, StatusCode::OK);
    assert_eq!(app.page("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.page("/metrics").await.0, StatusCode::OK);
    assert_eq!(app.page_from("192.0.2.1", "/metrics", None).await.0, StatusCode::NOT_FOUND, "not from anywhere");
    let by_proxies = [
        ("x-forwarded-for", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
        ("x-real-ip", "192.0.2.1"),
        ("via", "1.1 front"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "clinic.example"),
    ];
    for written in by_proxies {
        let proxied = app.page_from("127.0.0.1", "/metrics", Some(written)).await;
        assert_eq!(proxied.0, StatusCode::NOT_FOUND, "nor through the proxy beside us: {written:?}");
    }
}

fn ends_in(name: &str, extension: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|found| found == extension)
}
