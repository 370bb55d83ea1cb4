//! For those who watch the server: alive, ready, figures.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::config::FORWARDED_FOR;
use crate::http::error::HttpError;
use crate::services::Services;
use crate::services::refusal::Refusal;

/// What proxies write beside a request that they pass on, whichever of it the operator chose.
const PASSED_ON: [&str; 6] = [FORWARDED_FOR, "forwarded", "via", "x-real-ip", "x-forwarded-host", "x-forwarded-proto"];

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`: the database answers, nothing that patients wait for fails by a fault of ours, and we are not going away.
pub async fn ready(State(services): State<Arc<Services>>) -> Response {
    if services.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down").into_response();
    }
    if services.ping().await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response();
    }
    let (failed, is_urgent) = services.ailing.list();
    let words = failed.join("; ");
    if is_urgent {
        return (StatusCode::SERVICE_UNAVAILABLE, words).into_response();
    }
    if failed.is_empty() { "ok".into_response() } else { format!("ok, but {words}").into_response() }
}

/// `GET /metrics`: Prometheus text, for those whom the operator chose. No label holds a personal datum.
pub async fn metrics(
    State(services): State<Arc<Services>>,
    Extension(handle): Extension<Option<PrometheusHandle>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    // What a proxy on this machine passes on comes from anywhere.
    let is_direct = !PASSED_ON.iter().any(|name| headers.contains_key(*name));
    if !is_direct || !services.config.metrics_from.iter().any(|network| network.contains(peer.ip())) {
        return HttpError(Refusal::not_found()).into_response();
    }
    let (rooms, connections) = services.live.counts();
    #[expect(clippy::cast_precision_loss, reason = "a process holds far fewer than 2^52 rooms")]
    {
        metrics::gauge!("yunzhen_rooms").set(rooms as f64);
        metrics::gauge!("yunzhen_rooms_most").set(services.config.rooms as f64);
        metrics::gauge!("yunzhen_connections").set(connections as f64);
    }
    let text = handle.map(|handle| handle.render()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
