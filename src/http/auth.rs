//! `/auth`: staff sign in; every browser refreshes and signs out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::permission::Actor;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body};
use crate::http::limits::{Allowed, limited};
use crate::protocol::auth::{LoginRequest, RefreshRequest, Subject, Tokens};
use crate::protocol::error::Problem;
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    limited(OpenApiRouter::new().routes(routes!(login)).routes(routes!(refresh)))
        .merge(OpenApiRouter::new().routes(routes!(logout)).routes(routes!(me)))
}

/// Signs a member of staff in.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, body = Tokens), (status = 401, body = Problem), (status = 429, body = Problem)))]
async fn login(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Body(request, _): Body<LoginRequest>,
) -> Result<Json<Tokens>, HttpError> {
    Ok(Json(services.login(&request.username, &request.password).await?))
}

/// Exchanges a refresh token.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", request_body = RefreshRequest,
    responses((status = 200, body = Tokens), (status = 401, body = Problem)))]
async fn refresh(
    State(services): State<Arc<Services>>,
    _: Allowed,
    Body(request, _): Body<RefreshRequest>,
) -> Result<Json<Tokens>, HttpError> {
    Ok(Json(services.rotate(&request.refresh_token).await?))
}

/// Ends the session.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(("bearer" = [])),
    responses((status = 204), (status = 401, body = Problem)))]
async fn logout(State(services): State<Arc<Services>>, Auth(actor): Auth<Actor>) -> Result<StatusCode, HttpError> {
    services.sign_out(actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whose token this is.
#[utoipa::path(get, path = "/auth/me", tag = "auth", security(("bearer" = [])),
    responses((status = 200, body = Subject), (status = 401, body = Problem)))]
async fn me(State(services): State<Arc<Services>>, Auth(actor): Auth<Actor>) -> Result<Json<Subject>, HttpError> {
    Ok(Json(services.subject(actor).await?))
}
