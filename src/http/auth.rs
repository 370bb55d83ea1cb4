//! `/auth`: staff sign in; every browser refreshes and signs out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::permission::Actor;
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Body};
use crate::http::limits::{Allowed, WrongPasswords, limited, too_often};
use crate::protocol::auth::{LoginRequest, RefreshRequest, Subject, Tokens};
use crate::protocol::error::{ErrorCode, Problem};
use crate::services::Services;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    // A door each: a neighbour's wrong passwords must not sign a ward out.
    let login = limited(OpenApiRouter::new().routes(routes!(login)));
    login
        .layer(Extension(Arc::new(WrongPasswords::default())))
        .merge(limited(OpenApiRouter::new().routes(routes!(refresh))))
        .merge(OpenApiRouter::new().routes(routes!(logout)).routes(routes!(me)))
}

/// Signs a member of staff in.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, body = Tokens), (status = 401, body = Problem), (status = 429, body = Problem)))]
async fn login(
    State(services): State<Arc<Services>>,
    Allowed(address): Allowed,
    Extension(wrong): Extension<Arc<WrongPasswords>>,
    Body(LoginRequest { username, password }, _): Body<LoginRequest>,
) -> Result<Json<Tokens>, HttpError> {
    // No name is longer; what is counted must not be as large as a body.
    let name: String = username.chars().take(128).collect();
    wrong.begin(&name, address, services.clock.now()).map_err(too_often)?;
    let answer = services.login(&username, &password).await;
    if answer.as_ref().err().is_none_or(|refusal| refusal.code != ErrorCode::BadCredentials) {
        wrong.was_not_wrong(&name, address);
    }
    Ok(Json(answer?))
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
