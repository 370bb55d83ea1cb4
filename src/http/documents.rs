//! Documents of a visit as PDF.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{OpinionId, PrescriptionId, VisitId};
use crate::domain::permission::Actor;
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth, Id};
use crate::protocol::document::{DocumentAsked, DocumentInfo};
use crate::protocol::error::Problem;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(documents))
        .routes(routes!(record))
        .routes(routes!(referral))
        .routes(routes!(prescription))
        .routes(routes!(opinion))
}

/// The documents that there are of a visit, for its doctor and the patient.
#[utoipa::path(get, path = "/visits/{id}/documents", tag = "proof", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<DocumentInfo>), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn documents(
    State(services): State<Arc<Services>>,
    Auth(actor): Auth<Actor>,
    Id(id): Id<VisitId>,
) -> Result<Json<Vec<DocumentInfo>>, HttpError> {
    Ok(Json(services.documents(actor, id).await?))
}

/// The signed record of a visit as a PDF; `paper` is `a4` or `a5`.
#[utoipa::path(get, path = "/visits/{id}/documents/record", tag = "proof", security(("bearer" = [])),
    params(("id" = Uuid, Path), DocumentAsked),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf"), (status = 401, body = Problem), (status = 404, body = Problem),
              (status = 400, body = Problem), (status = 409, body = Problem), (status = 500, body = Problem), (status = 503, body = Problem)))]
async fn record(
    State(services): State<Arc<Services>>,
    Auth(actor): Auth<Actor>,
    Id(id): Id<VisitId>,
    Asked(asked): Asked<DocumentAsked>,
) -> Result<impl IntoResponse, HttpError> {
    let file = services.record_document(actor, id, asked.paper).await?;
    Ok(pdf("attachment; filename=\"record.pdf\"", file))
}

/// The referral slip of a visit as a PDF; `paper` is `a4` or `a5`. A visit that refers nobody has none.
#[utoipa::path(get, path = "/visits/{id}/documents/referral", tag = "proof", security(("bearer" = [])),
    params(("id" = Uuid, Path), DocumentAsked),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf"), (status = 401, body = Problem), (status = 404, body = Problem),
              (status = 400, body = Problem), (status = 409, body = Problem), (status = 500, body = Problem), (status = 503, body = Problem)))]
async fn referral(
    State(services): State<Arc<Services>>,
    Auth(actor): Auth<Actor>,
    Id(id): Id<VisitId>,
    Asked(asked): Asked<DocumentAsked>,
) -> Result<impl IntoResponse, HttpError> {
    let file = services.referral_document(actor, id, asked.paper).await?;
    Ok(pdf("attachment; filename=\"referral.pdf\"", file))
}

/// A signed prescription as a PDF; `paper` is `a4` or `a5`.
#[utoipa::path(get, path = "/prescriptions/{id}/document", tag = "proof", security(("bearer" = [])),
    params(("id" = Uuid, Path), DocumentAsked),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf"), (status = 401, body = Problem), (status = 404, body = Problem),
              (status = 400, body = Problem), (status = 409, body = Problem), (status = 500, body = Problem), (status = 503, body = Problem)))]
async fn prescription(
    State(services): State<Arc<Services>>,
    Auth(actor): Auth<Actor>,
    Id(id): Id<PrescriptionId>,
    Asked(asked): Asked<DocumentAsked>,
) -> Result<impl IntoResponse, HttpError> {
    let file = services.prescription_document(actor, id, asked.paper).await?;
    Ok(pdf("attachment; filename=\"prescription.pdf\"", file))
}

/// A signed opinion as a PDF; `paper` is `a4` or `a5`.
#[utoipa::path(get, path = "/opinions/{id}/document", tag = "proof", security(("bearer" = [])),
    params(("id" = Uuid, Path), DocumentAsked),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf"), (status = 401, body = Problem), (status = 404, body = Problem),
              (status = 400, body = Problem), (status = 409, body = Problem), (status = 500, body = Problem), (status = 503, body = Problem)))]
async fn opinion(
    State(services): State<Arc<Services>>,
    Auth(actor): Auth<Actor>,
    Id(id): Id<OpinionId>,
    Asked(asked): Asked<DocumentAsked>,
) -> Result<impl IntoResponse, HttpError> {
    let file = services.opinion_document(actor, id, asked.paper).await?;
    Ok(pdf("attachment; filename=\"opinion.pdf\"", file))
}

/// A file to keep, in no cache.
fn pdf(disposition: &'static str, file: Vec<u8>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, file)
}
