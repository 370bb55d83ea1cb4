//! Process records: what there is of a visit, and the film itself in stretches.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{RecordingId, VisitId};
use crate::domain::permission::DoctorAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Id};
use crate::protocol::error::Problem;
use crate::protocol::visit::RecordingView;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(own)).routes(routes!(list)).routes(routes!(play))
}

/// The newest recordings of the doctor's own visits; the read is audited.
#[utoipa::path(get, path = "/recordings", tag = "visit", security(("bearer" = [])),
    responses((status = 200, body = Vec<RecordingView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn own(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
) -> Result<Json<Vec<RecordingView>>, HttpError> {
    Ok(Json(services.own_recordings(act).await?))
}

/// The recordings of a visit, for its doctor; the read is audited.
#[utoipa::path(get, path = "/visits/{id}/recordings", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<RecordingView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
) -> Result<Json<Vec<RecordingView>>, HttpError> {
    Ok(Json(services.recordings(act, id).await?))
}

/// A stretch of a recording: `Range: bytes=…` is honoured, and no answer is longer than 4 MiB. Each read is audited.
#[utoipa::path(get, path = "/recordings/{id}/media", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 206, body = Vec<u8>, content_type = "video/webm"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 416)))]
async fn play(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<RecordingId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, HttpError> {
    let (from, to) = range(&headers);
    let stretch = services.play(act, id, from, to).await?;
    let status = if stretch.bytes.is_empty() { StatusCode::RANGE_NOT_SATISFIABLE } else { StatusCode::PARTIAL_CONTENT };
    let place = if stretch.bytes.is_empty() {
        format!("bytes */{}", stretch.total)
    } else {
        format!("bytes {}-{}/{}", stretch.range.start, stretch.range.end - 1, stretch.total)
    };
    let headers = [
        (header::CONTENT_TYPE, "video/webm".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_RANGE, place),
    ];
    Ok((status, headers, stretch.bytes))
}

/// The first range that is asked for; the whole when none is, or when it is not understood.
fn range(headers: &HeaderMap) -> (u64, Option<u64>) {
    let text = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bounds = text.strip_prefix("bytes=").and_then(|text| text.split_once('-'));
    let Some((from, to)) = bounds else { return (0, None) };
    from.parse().map_or((0, None), |from| (from, to.parse().ok()))
}
