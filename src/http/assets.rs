//! The embedded browser client.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use yunzhen_web::Asset;

use crate::http::error::HttpError;
use crate::protocol::error::ErrorCode;

/// Serves a file of the client; for a page's path its `index.html`; never anything below `/api`.
pub async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if path.starts_with("/api/") || path == "/api" || !is_read {
        return HttpError::new(ErrorCode::NotFound, "no such path").into_response();
    }
    if let Some(asset) = yunzhen_web::find(path).filter(|asset| asset.path != "index.html") {
        return file(asset, request.headers());
    }
    let wants_page = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok());
    let is_page = wants_page.is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"));
    let has_ending = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    match yunzhen_web::find("index.html") {
        Some(index) if is_page && !has_ending => file(index, request.headers()),
        Some(_) => (StatusCode::NOT_FOUND, "no such file").into_response(),
        None => (StatusCode::NOT_FOUND, "this server was built without its browser client").into_response(),
    }
}

fn file(asset: &'static Asset, asked: &HeaderMap) -> Response {
    let accepts = |coding: &str| {
        let accepted = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        accepted.split(',').any(|part| part.split(';').next().is_some_and(|name| name.trim() == coding))
    };
    let (coding, bytes) = match (asset.brotli, asset.gzip) {
        (Some(bytes), _) if accepts("br") => (Some("br"), bytes),
        (_, Some(bytes)) if accepts("gzip") => (Some("gzip"), bytes),
        _ => (None, asset.identity),
    };
    // Names below assets/ hold a hash of their content; everything else is asked for anew.
    let keep = if asset.path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let is_known = asked.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == asset.etag.as_bytes());
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.mime));
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding
        && !is_known
    {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}
