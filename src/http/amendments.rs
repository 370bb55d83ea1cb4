//! Amendments of archived records.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::NoteId;
use crate::domain::permission::AmendmentAct;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Body, Id, InPerson};
use crate::protocol::amendment::{AmendmentDecline, AmendmentLine, AmendmentView};
use crate::protocol::error::Problem;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(waiting))
        .routes(routes!(read))
        .routes(routes!(approve))
        .routes(routes!(decline))
}

/// What waits for one's word: another doctor's amendments of archived records, without a word of them.
#[utoipa::path(get, path = "/amendments", tag = "record", security(("bearer" = [])), responses((status = 200, body = Vec<AmendmentLine>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn waiting(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AmendmentAct>,
) -> Result<Json<Vec<AmendmentLine>>, HttpError> {
    Ok(Json(services.amendments(act).await?))
}

/// What an amendment that waits would change, and why; the read is audited.
#[utoipa::path(get, path = "/amendments/{id}", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = AmendmentView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn read(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<AmendmentAct>,
    Id(id): Id<NoteId>,
) -> Result<Json<AmendmentView>, HttpError> {
    Ok(Json(services.amendment(act, id).await?))
}

/// Lets an amendment into the record: it becomes its newest version, signed by its doctor and by whoever approved it.
#[utoipa::path(post, path = "/amendments/{id}/approve", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = AmendmentLine), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn approve(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<AmendmentAct>,
    Id(id): Id<NoteId>,
    Bare(command): Bare,
) -> Result<Json<AmendmentLine>, HttpError> {
    Ok(Json(services.approve_amendment(act, id, &command).await?))
}

/// Does not let it in, and says why; the record stays as it is.
#[utoipa::path(post, path = "/amendments/{id}/decline", tag = "record", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = AmendmentDecline, responses((status = 200, body = AmendmentLine), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn decline(
    State(services): State<Arc<Services>>,
    InPerson(act): InPerson<AmendmentAct>,
    Id(id): Id<NoteId>,
    Body(body, command): Body<AmendmentDecline>,
) -> Result<Json<AmendmentLine>, HttpError> {
    Ok(Json(services.decline_amendment(act, id, &body, &command).await?))
}
