//! Every route on one page.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::http::bodies::Bodies;
use crate::http::carried::to_the_end;
use crate::http::error::HttpError;
use crate::http::{
    access, adverse_events, alarms, amendments, appointments, assets, audit, auth, case_reports, clinics, codes,
    consents, declarations, desks, documents, formula_templates, health, herbs, invitations, links, opinions, patients,
    pharmacy, prescriptions, receipts, recordings, retention, rosters, slots, staff, templates, terms, tickets, triage,
    uploads, verify, visits,
};
use crate::protocol::error::{ErrorCode, Problem};
use crate::protocol::live::{ClientMessage, ServerMessage};
use crate::services::Services;
use crate::services::refusal::Refusal;

/// The longest that a request may take.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
    connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'self'";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Yunzhen 云诊",
        version = "1",
        description = "The API of a hospital's online consulting rooms. Everything that the browser client does is here. \
            Errors are `Problem` with a stable `code`; commands may carry an `Idempotency-Key`. Live messages over the \
            WebSocket `/api/v1/ws` are the schemas `ClientMessage` and `ServerMessage`."
    ),
    components(schemas(ClientMessage, ServerMessage, Problem, ErrorCode))
)]
struct Document;

fn api() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::with_openapi(Document::openapi()).nest(
        "/api/v1",
        OpenApiRouter::new()
            .merge(links::routes())
            .merge(codes::routes())
            .merge(auth::routes())
            .merge(patients::routes())
            .merge(consents::routes())
            .merge(declarations::routes())
            .merge(triage::routes())
            .merge(tickets::routes())
            .merge(clinics::routes())
            .merge(desks::routes())
            .merge(visits::routes())
            .merge(invitations::routes())
            .merge(uploads::routes())
            .merge(recordings::routes())
            .merge(alarms::routes())
            .merge(slots::routes())
            .merge(appointments::routes())
            .merge(rosters::routes())
            .merge(staff::routes())
            .merge(receipts::routes())
            .merge(terms::routes())
            .merge(templates::routes())
            .merge(access::routes())
            .merge(amendments::routes())
            .merge(herbs::routes())
            .merge(formula_templates::routes())
            .merge(prescriptions::routes())
            .merge(pharmacy::routes())
            .merge(opinions::routes())
            .merge(case_reports::routes())
            .merge(adverse_events::routes())
            .merge(documents::routes())
            .merge(verify::routes())
            .merge(audit::routes())
            .merge(retention::routes()),
    )
}

/// The API document as it is sent, composed for the first who asks.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi().to_json().unwrap_or_default());

/// The API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = api().into_openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(bearer));
    for (path, item) in &mut document.paths.paths {
        let methods =
            [("get", &mut item.get), ("post", &mut item.post), ("put", &mut item.put), ("patch", &mut item.patch)];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
            }
        }
    }
    document
}

/// A name that no other operation has: `post_desks_id_open`. Handlers in different files may share a function's name.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1/").split(['/', '-']).map(|word| word.trim_matches(['{', '}']));
    words.fold(method.to_owned(), |id, word| id + "_" + word)
}

/// The whole site: API, live protocol (`live` is its upgrade), health, document, browser client.
pub fn site(
    services: Arc<Services>,
    live: axum::routing::MethodRouter<Arc<Services>>,
    metrics: Option<PrometheusHandle>,
) -> Router {
    let (api, _) = api().split_for_parts();
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    // Who came by TLS once, comes by nothing else for a year.
    let is_tls = services.config.tls_cert.is_some();
    let strict = is_tls.then(|| HeaderValue::from_static("max-age=31536000"));
    // The document is composed when somebody asks: in parts it is larger than all that an idle server holds.
    let docs = SwaggerUi::new("/api/docs").config(utoipa_swagger_ui::Config::from("/api/openapi.json"));
    let docs: Router<Arc<Services>> = Router::from(docs);
    Router::new()
        .merge(api.layer(Extension(Arc::<Bodies>::default())).layer(from_fn(without_null)).layer(from_fn(never_stored)))
        .layer(from_fn_with_state(Arc::clone(&services), to_the_end))
        .layer(from_fn(in_time))
        .route("/api/v1/ws", live)
        .route("/api/{*rest}", any(no_such_path))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(assets::serve)
        .layer(header(header::CONTENT_SECURITY_POLICY, CSP))
        // The viewer of the API document brings its own inline style; it shows nothing but the document.
        .merge(docs.route(
            "/api/openapi.json",
            get(async || ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())),
        ))
        // After every route: it is for those that are there already.
        .method_not_allowed_fallback(no_such_method)
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(header(HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(self)"))
        .layer(SetResponseHeaderLayer::if_not_present(header::STRICT_TRANSPORT_SECURITY, strict))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(Extension(metrics))
        .with_state(services)
}

/// Health data stays out of every cache.
async fn never_stored(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// No address may hold U+0000, for the reason that no body may; see [`crate::protocol::parse::parse`].
async fn without_null(request: Request, next: Next) -> Response {
    let holds = |text: &str| text.contains("%00");
    let field = match (holds(request.uri().path()), request.uri().query().is_some_and(holds)) {
        (true, _) => "path",
        (false, true) => "query",
        (false, false) => return next.run(request).await,
    };
    HttpError(Refusal::field(ErrorCode::Invalid, field, "an address must not hold U+0000")).into_response()
}

/// Whoever waited too long hears it as everything else is said, as a problem. A command that was begun goes on: see
/// [`crate::http::carried`].
async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(REQUEST_WITHIN, next.run(request)).await;
    answer.unwrap_or_else(|_| HttpError::new(ErrorCode::Unavailable, "this took too long; try again").into_response())
}

async fn no_such_path() -> HttpError {
    HttpError::new(ErrorCode::NotFound, "no such path")
}

async fn no_such_method() -> HttpError {
    HttpError::new(ErrorCode::MethodNotAllowed, "this path does not know this method")
}

fn after_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    HttpError(Refusal::internal("a handler panicked")).into_response()
}
