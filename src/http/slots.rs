//! Time that can be booked, and the waiting list for time that cannot.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::WishId;
use crate::domain::permission::HolderAct;
use crate::http::error::HttpError;
use crate::http::extract::{Asked, Auth, Bare, Body, Id};
use crate::http::limits::{Allowed, limited};
use crate::protocol::booking::{SlotQuery, SlotsView};
use crate::protocol::error::Problem;
use crate::protocol::wish::{WishRequest, WishView};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    limited(OpenApiRouter::new().routes(routes!(slots)))
        .routes(routes!(wish))
        .routes(routes!(wishes))
        .routes(routes!(leave_wish))
}

/// The days of a clinic that can be booked, and the slots of one of them.
#[utoipa::path(get, path = "/slots", tag = "booking", params(SlotQuery), responses((status = 200, body = SlotsView), (status = 404, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn slots(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Asked(query): Asked<SlotQuery>,
) -> Result<Json<SlotsView>, HttpError> {
    Ok(Json(services.slots(&query).await?))
}

/// Puts a patient on the waiting list.
#[utoipa::path(post, path = "/wishes", tag = "booking", security(("bearer" = [])), request_body = WishRequest, responses((status = 200, body = WishView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn wish(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Body(body, command): Body<WishRequest>,
) -> Result<Json<WishView>, HttpError> {
    Ok(Json(services.wish(act, body, &command).await?))
}

/// The wishes of this holder that are not over.
#[utoipa::path(get, path = "/wishes", tag = "booking", security(("bearer" = [])), responses((status = 200, body = Vec<WishView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn wishes(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
) -> Result<Json<Vec<WishView>>, HttpError> {
    Ok(Json(services.wishes(act).await?))
}

/// Leaves the waiting list; a place that was kept goes on to the next.
#[utoipa::path(post, path = "/wishes/{id}/leave", tag = "booking", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = WishView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn leave_wish(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<HolderAct>,
    Id(id): Id<WishId>,
    Bare(command): Bare,
) -> Result<Json<WishView>, HttpError> {
    Ok(Json(services.leave_wish(act, id, &command).await?))
}
