//! A bucket for tests: as much of S3 as films need, on loopback.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio_util::task::TaskTracker;

/// What its owner calls it.
const NAME: &str = "yunzhen-films";
/// S3 takes no smaller part, except as the last.
const LEAST_PART: usize = 5 << 20;

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Bytes>,
    /// By their ids: the parts by their numbers.
    uploads: BTreeMap<String, BTreeMap<usize, Bytes>>,
    begun: usize,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Bucket>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An empty bucket, as long as the runtime lives; the options that lead there.
pub(super) async fn serve() -> Vec<(String, String)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let site = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Shared::default());
    TaskTracker::new().spawn(async move { axum::serve(listener, site).await });
    let options = [
        ("aws_endpoint", endpoint.as_str()),
        ("aws_allow_http", "true"),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "a"),
        ("aws_secret_access_key", "b"),
    ];
    options.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    Query(asked): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(key) = uri.path().strip_prefix('/').and_then(|path| path.strip_prefix(NAME)) else {
        return refuse(StatusCode::NOT_FOUND, "NoSuchBucket");
    };
    let key = key.trim_start_matches('/');
    let (mut bucket, upload) = (shared.lock(), asked.get("uploadId"));
    match (method, upload) {
        (Method::POST, _) if asked.contains_key("delete") => {
            let body = String::from_utf8_lossy(&body).into_owned();
            let keys: Vec<_> = body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).collect();
            let gone = keys.iter().map(|key| {
                bucket.objects.remove(*key);
                format!("<Deleted><Key>{key}</Key></Deleted>")
            });
            xml("DeleteResult", &gone.collect::<String>())
        }
        (Method::POST, None) if asked.contains_key("uploads") => {
            bucket.begun += 1;
            let id = bucket.begun.to_string();
            bucket.uploads.insert(id.clone(), BTreeMap::new());
            xml("InitiateMultipartUploadResult", &format!("<UploadId>{id}</UploadId>"))
        }
        (Method::PUT, Some(upload)) => {
            let number = asked.get("partNumber").and_then(|number| number.parse().ok());
            match (bucket.uploads.get_mut(upload), number) {
                (Some(parts), Some(number)) => {
                    parts.insert(number, body);
                    [(header::ETAG, "\"part\"")].into_response()
                }
                _ => refuse(StatusCode::NOT_FOUND, "NoSuchUpload"),
            }
        }
        (Method::POST, Some(upload)) => {
            let Some(parts) = bucket.uploads.remove(upload) else {
                return refuse(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            let parts: Vec<_> = parts.into_values().collect();
            if parts.iter().rev().skip(1).any(|part| part.len() < LEAST_PART) {
                return refuse(StatusCode::BAD_REQUEST, "EntityTooSmall");
            }
            bucket.objects.insert(key.to_owned(), parts.concat().into());
            xml("CompleteMultipartUploadResult", "<ETag>\"whole\"</ETag>")
        }
        (Method::DELETE, Some(upload)) => {
            bucket.uploads.remove(upload);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::PUT, None) => {
            bucket.objects.insert(key.to_owned(), body);
            [(header::ETAG, "\"whole\"")].into_response()
        }
        (Method::GET, None) => match bucket.objects.get(key) {
            Some(object) => stretch(object, &headers),
            None => refuse(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        _ => refuse(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
    }
}

/// What is asked for of an object.
fn stretch(object: &Bytes, headers: &HeaderMap) -> Response {
    let asked =
        headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let bounds = asked.and_then(|(from, to)| Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()? + 1)));
    let manners = [(header::ETAG, "\"whole\""), (header::LAST_MODIFIED, "Mon, 30 Nov 2026 10:00:00 GMT")];
    let Some((from, to)) = bounds else { return (manners, object.clone()).into_response() };
    let to = to.min(object.len());
    if from >= to {
        return refuse(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
    }
    let place = [(header::CONTENT_RANGE, format!("bytes {from}-{}/{}", to - 1, object.len()))];
    (StatusCode::PARTIAL_CONTENT, manners, place, object.slice(from..to)).into_response()
}

fn xml(name: &str, content: &str) -> Response {
    let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
    format!("<{name} xmlns=\"{namespace}\">{content}</{name}>").into_response()
}

fn refuse(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code></Error>")).into_response()
}
