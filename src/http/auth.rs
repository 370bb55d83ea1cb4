//! `/auth`: staff sign in; every browser refreshes and signs out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::browser::family;
use crate::domain::ids::SessionId;
use crate::domain::permission::{Actor, StaffAct};
use crate::http::error::HttpError;
use crate::http::extract::{Auth, Bare, Body, Id, SignedIn};
use crate::http::known::{Known, remembered};
use crate::http::limits::{Address, Allowed, Place, WrongPasswords, limited, too_often};
use crate::protocol::auth::{
    LoginRequest, NewSecondFactor, PasswordChange, ProofRequest, RefreshRequest, SecondFactorCode, SecondFactorRequest,
    SecondFactorView, Subject, Tokens,
};
use crate::protocol::error::{ErrorCode, Problem};
use crate::protocol::staff::SessionView;
use crate::services::Services;
use crate::services::identity::auth::Origin;
use crate::services::identity::known_places::{First, Standing};
use crate::services::refusal::Refusal;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Services>> {
    // A door each: a neighbour's wrong passwords must not sign a ward out.
    let login = limited(OpenApiRouter::new().routes(routes!(login)));
    login
        .layer(Extension(Arc::new(WrongPasswords::default())))
        .merge(limited(OpenApiRouter::new().routes(routes!(refresh))))
        .merge(OpenApiRouter::new().routes(routes!(logout)).routes(routes!(me)))
        .merge(second_factor())
        .merge(proof())
        .merge(OpenApiRouter::new().routes(routes!(sessions)).routes(routes!(end_session)))
}

/// A door of its own, for the same reason as the second factor's.
fn proof() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(prove))
        .routes(routes!(change_password))
        .layer(Extension(Arc::new(WrongPasswords::default())))
}

/// A door of its own: whoever guesses at an open window does not slow the sign-in.
fn second_factor() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(factor, offer_factor))
        .routes(routes!(confirm_factor))
        .routes(routes!(drop_factor))
        .layer(Extension(Arc::new(WrongPasswords::default())))
}

/// The cookie of a browser in which somebody is known from now on.
type Remembered = [(HeaderName, String); 1];

/// What somebody guessed at, if they did.
fn guessed<T>(first: First, answer: &Result<T, Refusal>) -> Option<ErrorCode> {
    let guesses: &[_] = match first {
        First::Password => &[ErrorCode::BadCredentials, ErrorCode::SecondFactorWrong],
        // They are not told what was wrong.
        First::Code(_) => &[ErrorCode::RateLimited],
    };
    answer.as_ref().err().map(|refusal| refusal.code).filter(|code| guesses.contains(code))
}

/// Signs a member of staff in.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, body = Tokens), (status = 401, body = Problem), (status = 429, body = Problem)))]
async fn login(
    State(services): State<Arc<Services>>,
    Allowed(address): Allowed,
    Known(browser): Known,
    Extension(wrong): Extension<Arc<WrongPasswords>>,
    headers: HeaderMap,
    Body(LoginRequest { username, password, code }, _): Body<LoginRequest>,
) -> Result<(Remembered, Json<Tokens>), HttpError> {
    let family = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).and_then(family);
    let text = address.to_string();
    let standing = services.standing_at(&username, &text, browser.as_ref()).await?;
    let known = browser.as_ref().filter(|_| standing == Standing::KnownBrowser);
    let place = known.map_or(Place::Address(address), |browser| Place::Browser(browser.id()));
    // No name is longer; what is counted must not be as large as a body.
    let guarded = Guarded { wrong: &wrong, name: username.chars().take(128).collect(), place, standing };
    let first = guarded.begin(&services)?;
    let from = Origin { address: text, browser, first, family };
    let answer = services.login(&username, &password, code.as_deref(), from).await;
    let Json((tokens, cookie)) = guarded.end(first, answer)?;
    Ok((remembered(&services, &cookie), Json(tokens)))
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
async fn logout(
    State(services): State<Arc<Services>>,
    SignedIn(actor): SignedIn<Actor>,
) -> Result<StatusCode, HttpError> {
    services.sign_out(actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whose token this is.
#[utoipa::path(get, path = "/auth/me", tag = "auth", security(("bearer" = [])),
    responses((status = 200, body = Subject), (status = 401, body = Problem)))]
async fn me(
    State(services): State<Arc<Services>>,
    SignedIn(actor): SignedIn<Actor>,
) -> Result<Json<Subject>, HttpError> {
    Ok(Json(services.subject(actor).await?))
}

/// Says whether the actor has a second factor, and whether one is required.
#[utoipa::path(get, path = "/auth/second-factor", tag = "auth", security(("bearer" = [])),
    responses((status = 200, body = SecondFactorView), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn factor(
    State(services): State<Arc<Services>>,
    SignedIn(act): SignedIn<StaffAct>,
) -> Result<Json<SecondFactorView>, HttpError> {
    Ok(Json(services.second_factor(act).await?))
}

/// Makes a secret for a telephone and shows it once; it asks for nothing until its first code came.
#[utoipa::path(post, path = "/auth/second-factor", tag = "auth", security(("bearer" = [])), request_body = SecondFactorRequest,
    responses((status = 200, body = NewSecondFactor), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 429, body = Problem)))]
async fn offer_factor(
    State(services): State<Arc<Services>>,
    SignedIn(act): SignedIn<StaffAct>,
    Address(address): Address,
    Extension(wrong): Extension<Arc<WrongPasswords>>,
    Body(SecondFactorRequest { password }, _): Body<SecondFactorRequest>,
) -> Result<Json<NewSecondFactor>, HttpError> {
    let guarded = Guarded {
        wrong: &wrong,
        name: act.account.to_string(),
        place: Place::Address(address),
        standing: Standing::Stranger,
    };
    guarded.answer(&services, services.offer_second_factor(act, password)).await
}

/// Switches the second factor on by its first code.
#[utoipa::path(post, path = "/auth/second-factor/confirm", tag = "auth", security(("bearer" = [])), request_body = SecondFactorCode,
    responses((status = 200, body = SecondFactorView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 429, body = Problem)))]
async fn confirm_factor(
    State(services): State<Arc<Services>>,
    SignedIn(act): SignedIn<StaffAct>,
    Address(address): Address,
    Extension(wrong): Extension<Arc<WrongPasswords>>,
    Body(SecondFactorCode { code }, _): Body<SecondFactorCode>,
) -> Result<Json<SecondFactorView>, HttpError> {
    let guarded = Guarded {
        wrong: &wrong,
        name: act.account.to_string(),
        place: Place::Address(address),
        standing: Standing::Stranger,
    };
    guarded.answer(&services, services.confirm_second_factor(act, &code)).await
}

/// Switches the second factor off, by one of its codes.
#[utoipa::path(post, path = "/auth/second-factor/off", tag = "auth", security(("bearer" = [])), request_body = SecondFactorCode,
    responses((status = 200, body = SecondFactorView), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 429, body = Problem)))]
async fn drop_factor(
    State(services): State<Arc<Services>>,
    SignedIn(act): SignedIn<StaffAct>,
    Address(address): Address,
    Extension(wrong): Extension<Arc<WrongPasswords>>,
    Body(SecondFactorCode { code }, _): Body<SecondFactorCode>,
) -> Result<Json<SecondFactorView>, HttpError> {
    let guarded = Guarded {
        wrong: &wrong,
        name: act.account.to_string(),
        place: Place::Address(address),
        standing: Standing::Stranger,
    };
    guarded.answer(&services, services.drop_second_factor(act, &code)).await
}

/// Proves after half an hour without an act that it is still the same person who calls and signs.
#[utoipa::path(post, path = "/auth/prove", tag = "auth", security(("bearer" = [])), request_body = ProofRequest,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem)))]
async fn prove(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
    Address(address): Address,
    Extension(wrong): Extension<Arc<WrongPasswords>>,
    Body(ProofRequest { password, code }, _): Body<ProofRequest>,
) -> Result<StatusCode, HttpError> {
    let guarded = Guarded {
        wrong: &wrong,
        name: act.account.to_string(),
        place: Place::Address(address),
        standing: Standing::Stranger,
    };
    let Json(()) = guarded.answer(&services, services.prove(act, password, code.as_deref())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the own password; every other session of the account ends.
#[utoipa::path(post, path = "/auth/password", tag = "auth", security(("bearer" = [])), request_body = PasswordChange,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn change_password(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
    Address(address): Address,
    Known(browser): Known,
    Extension(wrong): Extension<Arc<WrongPasswords>>,
    Body(PasswordChange { password, new }, _): Body<PasswordChange>,
) -> Result<(StatusCode, Remembered), HttpError> {
    let guarded = Guarded {
        wrong: &wrong,
        name: act.account.to_string(),
        place: Place::Address(address),
        standing: Standing::Stranger,
    };
    let Json(cookie) = guarded.answer(&services, services.change_password(act, password, new, browser)).await?;
    Ok((StatusCode::NO_CONTENT, remembered(&services, &cookie)))
}

/// The sessions of this account: since when, when last used, in which browser.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", security(("bearer" = [])),
    responses((status = 200, body = Vec<SessionView>), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn sessions(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
) -> Result<Json<Vec<SessionView>>, HttpError> {
    Ok(Json(services.own_sessions(act).await?))
}

/// Ends a session of this account.
#[utoipa::path(post, path = "/auth/sessions/{id}/end", tag = "auth", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn end_session(
    State(services): State<Arc<Services>>,
    Auth(act): Auth<StaffAct>,
    Id(id): Id<SessionId>,
    Bare(_): Bare,
) -> Result<StatusCode, HttpError> {
    services.end_own_session(act, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What may be guessed at a few times only.
struct Guarded<'a> {
    wrong: &'a WrongPasswords,
    name: String,
    place: Place,
    standing: Standing,
}

impl Guarded<'_> {
    async fn answer<T>(
        self,
        services: &Services,
        asked: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<Json<T>, HttpError> {
        let first = self.begin(services)?;
        let answer = asked.await;
        self.end(first, answer)
    }

    fn begin(&self, services: &Services) -> Result<First, HttpError> {
        self.wrong.begin(&self.name, self.place, self.standing, services.clock.now()).map_err(too_often)
    }

    fn end<T>(self, first: First, answer: Result<T, Refusal>) -> Result<Json<T>, HttpError> {
        self.wrong.end(&self.name, self.place, self.standing, first, guessed(first, &answer));
        Ok(Json(answer?))
    }
}
