//! `/invitations`: into the call of a visit.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::ids::{InvitationId, VisitId};
use crate::domain::permission::{Actor, DoctorAct, GuestAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body, Id};
use crate::http::limits::{Allowed, limited};
use crate::protocol::auth::Tokens;
use crate::protocol::error::Problem;
use crate::protocol::grant::RoomGrant;
use crate::protocol::invitation::{
    InvitationLanding, InvitationMade, InvitationOpen, InvitationRequest, InvitationUse, InvitationView,
};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(invite, list))
        .routes(routes!(revoke))
        .routes(routes!(grant))
        .merge(limited(OpenApiRouter::new().routes(routes!(open)).routes(routes!(come))))
}

/// Invites somebody into the call; the token is shown this once.
#[utoipa::path(post, path = "/visits/{id}/invitations", tag = "invitation", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = InvitationRequest, responses((status = 200, body = InvitationMade), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem)))]
async fn invite(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
    Body(body, command): Body<InvitationRequest>,
) -> Result<Json<InvitationMade>, HttpError> {
    Ok(Json(services.invite(act, id, body, &command).await?))
}

/// The invitations of a visit.
#[utoipa::path(get, path = "/visits/{id}/invitations", tag = "invitation", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Vec<InvitationView>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn list(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<VisitId>,
) -> Result<Json<Vec<InvitationView>>, HttpError> {
    Ok(Json(services.invitations(act, id).await?))
}

/// Takes an invitation back, and whoever came with it out.
#[utoipa::path(post, path = "/invitations/{id}/revoke", tag = "invitation", security(("bearer" = [])), params(("id" = Uuid, Path)), responses((status = 200), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn revoke(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<DoctorAct>,
    Id(id): Id<InvitationId>,
) -> Result<(), HttpError> {
    Ok(services.revoke_invitation(act, id).await?)
}

/// What a link is for.
#[utoipa::path(post, path = "/invitations/open", tag = "invitation", request_body = InvitationOpen, responses((status = 200, body = InvitationLanding), (status = 404, body = Problem), (status = 410, body = Problem), (status = 429, body = Problem)))]
async fn open(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Body(body, _): Body<InvitationOpen>,
) -> Result<Json<InvitationLanding>, HttpError> {
    Ok(Json(services.open_invitation(&body.token).await?))
}

/// Comes with an invitation: spends its token.
#[utoipa::path(post, path = "/invitations/use", tag = "invitation", request_body = InvitationUse, responses((status = 200, body = Tokens), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn come(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Body(body, _): Body<InvitationUse>,
) -> Result<Json<Tokens>, HttpError> {
    Ok(Json(services.use_invitation(body).await?))
}

/// A place in front of the door, or inside once the host let them in.
#[utoipa::path(post, path = "/invitations/mine/grant", tag = "invitation", security(("bearer" = [])), responses((status = 200, body = RoomGrant), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 410, body = Problem)))]
async fn grant(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<GuestAct>,
    Auth(actor): Auth<Actor>,
) -> Result<Json<RoomGrant>, HttpError> {
    Ok(Json(services.grant_invited(act, actor).await?))
}
