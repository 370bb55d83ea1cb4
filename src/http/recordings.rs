//! Process records: what there is of a visit, and the film itself in stretches.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{RecordingId, VisitId};
use crate::domain::permission::{DoctorAct, HolderAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Id};
use crate::protocol::error::Problem;
use crate::protocol::intake::ConsentRecord;
use crate::protocol::recording::RecordingView;
use crate::services::Services;
use crate::services::recordings::Asked;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(own))
        .routes(routes!(list))
        .routes(routes!(play))
        .routes(routes!(stop_recording))
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

/// The patient takes the consent back in the call: the recording stops at once, what was recorded before is kept.
#[utoipa::path(post, path = "/visits/{id}/recording/stop", tag = "visit", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = ConsentRecord), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn stop_recording(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<VisitId>,
    Bare(command): Bare,
) -> Result<Json<ConsentRecord>, HttpError> {
    Ok(Json(services.stop_recording(act, id, &command).await?))
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
    let stretch = services.play(act, id, range(&headers)).await?;
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

/// The range that is asked for (RFC 9110, section 14.1.2); the whole when none is, or when it is not understood.
fn range(headers: &HeaderMap) -> Asked {
    let text = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bounds = text.strip_prefix("bytes=").and_then(|text| text.trim().split_once('-'));
    let Some((from, to)) = bounds else { return Asked::From(0) };
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if from <= to => Asked::Between(from, to),
        (Ok(from), Err(_)) if to.is_empty() => Asked::From(from),
        (Err(_), Ok(count)) if from.is_empty() => Asked::Last(count),
        _ => Asked::From(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_range_is_understood_and_what_is_none_means_the_whole() {
        let asked = |text: &str| range(&HeaderMap::from_iter([(header::RANGE, text.parse().expect("a header"))]));
        assert_eq!(asked("bytes=5-"), Asked::From(5));
        assert_eq!(asked("bytes=5-9"), Asked::Between(5, 9));
        assert_eq!(asked("bytes=-500"), Asked::Last(500));
        for none in ["", "bytes=", "bytes=-", "bytes=9-5", "bytes=a-5", "bytes=-a", "lines=1-2", "bytes=0-1,5-6"] {
            assert_eq!(asked(none), Asked::From(0), "{none}");
        }
        assert_eq!(range(&HeaderMap::new()), Asked::From(0));
    }
}
