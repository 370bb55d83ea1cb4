//! What a handler is handed: a body that parsed, a command that can be repeated, a right to act.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::domain::permission::{
    Actor, AdministratorAct, AmendmentAct, DoctorAct, DutyAct, GuestAct, HolderAct, PharmacistAct, SearchAct, StaffAct,
    TriageAct,
};
use crate::http::bodies::{Bodies, Sender};
use crate::http::error::HttpError;
use crate::http::limits::Address;
use crate::protocol::error::ErrorCode;
use crate::protocol::parse::parse;
use crate::services::Services;
use crate::services::paces::Asks;
use crate::services::refusal::Refusal;
use crate::services::work::Command;

/// The subject of the bearer token, or a part of its rights.
pub struct Auth<R>(pub R);

/// A right that a subject may or may not have.
pub trait Right: Sized {
    /// The right, if the actor has it.
    fn of(actor: Actor) -> Option<Self>;
}

impl Right for Actor {
    fn of(actor: Actor) -> Option<Self> {
        Some(actor)
    }
}

impl Right for StaffAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.staff()
    }
}

impl Right for TriageAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.triage()
    }
}

impl Right for DoctorAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.doctor()
    }
}

impl Right for PharmacistAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.pharmacist()
    }
}

impl Right for AdministratorAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.administrator()
    }
}

impl Right for SearchAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.search()
    }
}

impl Right for AmendmentAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.amendment()
    }
}

impl Right for DutyAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.duty()
    }
}

impl Right for GuestAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.guest()
    }
}

impl Right for HolderAct {
    fn of(actor: Actor) -> Option<Self> {
        actor.holder()
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn unauthenticated() -> HttpError {
    HttpError::new(ErrorCode::Unauthenticated, "a valid access token is needed")
}

/// A `PUT` brings the next piece of a picture, or what was typed since: the page sends it by itself, as it reads.
fn asks(method: &Method) -> Asks {
    if [Method::GET, Method::HEAD, Method::PUT].contains(method) { Asks::Read } else { Asks::Command }
}

/// The subject, even where a required second factor is missing.
async fn signed_in(headers: &HeaderMap, services: &Services) -> Result<Actor, HttpError> {
    let token = bearer(headers).ok_or_else(unauthenticated)?;
    Ok(services.signed_in(token).await?.ok_or_else(unauthenticated)?.0)
}

fn right<R: Right>(actor: Actor) -> Result<R, HttpError> {
    R::of(actor).ok_or_else(|| HttpError::new(ErrorCode::Forbidden, "this subject may not do this"))
}

impl<R: Right> FromRequestParts<Arc<Services>> for Auth<R> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        let token = bearer(&parts.headers).ok_or_else(unauthenticated)?;
        services.may_ask(token, asks(&parts.method))?;
        let (actor, _) = services.authenticate(token).await?.ok_or_else(unauthenticated)?;
        services.count_asked(actor, asks(&parts.method))?;
        right(actor).map(Self)
    }
}

/// The same, even where a second factor that the operator requires is missing: for the doors that lead to one, and out.
pub struct SignedIn<R>(pub R);

impl<R: Right> FromRequestParts<Arc<Services>> for SignedIn<R> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        services.may_ask(bearer(&parts.headers).unwrap_or_default(), asks(&parts.method))?;
        let actor = signed_in(&parts.headers, services).await?;
        services.count_asked(actor, asks(&parts.method))?;
        right(actor).map(Self)
    }
}

/// The right of somebody who lately proved who they are: to call and to sign. Whoever rested proves it first.
pub struct InPerson<R>(pub R);

impl<R: Right> FromRequestParts<Arc<Services>> for InPerson<R> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        let Auth(actor) = Auth::<Actor>::from_request_parts(parts, services).await?;
        // Whoever may not do it at all hears that first.
        right::<R>(actor)?;
        services.in_person(actor).await?;
        right(actor).map(Self)
    }
}

/// An id or another name in a path; one that cannot be an id is an object that is not there.
pub struct Id<T>(pub T);

impl<T: FromStr + Send> FromRequestParts<Arc<Services>> for Id<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        let not_found = || HttpError(Refusal::not_found());
        let Path(text) = Path::<String>::from_request_parts(parts, services).await.map_err(|_| not_found())?;
        // PostgreSQL cannot even be asked for a text with U+0000.
        let text = Some(text).filter(|text| !text.contains('\0')).ok_or_else(not_found)?;
        text.parse().map(Self).map_err(|_| not_found())
    }
}

/// What stands behind the `?`, refused with the name of the field that is wrong.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Services>> for Asked<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Services>) -> Result<Self, HttpError> {
        let malformed = || HttpError::new(ErrorCode::Malformed, "the query is not of the form name=value&…");
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| malformed())?;
        let mut fields = BTreeMap::new();
        for (name, value) in pairs {
            if fields.contains_key(&name) {
                return Err(HttpError(Refusal::field(ErrorCode::Malformed, name, "this field is there twice")));
            }
            fields.insert(name, value);
        }
        let fields = serde_json::to_vec(&fields).map_err(|_| malformed())?;
        Ok(Self(parse(&fields).map_err(Refusal::from)?))
    }
}

/// A JSON body, refused with the name of the field that is wrong.
pub struct Body<T>(pub T, pub Command);

/// The largest JSON body.
pub const BODY_LIMIT: usize = 256 * 1024;

impl<T: DeserializeOwned> FromRequest<Arc<Services>> for Body<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, services: &Arc<Services>) -> Result<Self, HttpError> {
        let (mut parts, body) = request.into_parts();
        let json = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        if json.is_none_or(|mime| mime.split(';').next().is_none_or(|m| m.trim() != "application/json")) {
            return Err(HttpError::new(ErrorCode::UnsupportedType, "the body must be application/json"));
        }
        let Address(address) = Address::from_request_parts(&mut parts, services).await?;
        let bodies = parts.extensions.get::<Arc<Bodies>>().cloned().unwrap_or_default();
        let request = Request::from_parts(parts.clone(), body);
        let sender = Sender { address, person: None };
        let words = format!("a body holds at most {BODY_LIMIT} bytes");
        let (bytes, _room) = bodies.texts.read(sender, request, BODY_LIMIT, &words).await?;
        let command = command(&parts, &bytes, services).await?;
        Ok(Self(parse(&bytes).map_err(Refusal::from)?, command))
    }
}

/// A command without a body.
pub struct Bare(pub Command);

impl FromRequestParts<Arc<Services>> for Bare {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        Ok(Self(command(parts, &Bytes::new(), services).await?))
    }
}

/// The command of a request whose body was read.
pub async fn command(parts: &Parts, body: &Bytes, services: &Services) -> Result<Command, HttpError> {
    let actor = signed_in(&parts.headers, services).await.ok();
    if let Some(actor) = actor {
        services.note_act(actor).await?;
    }
    let subject = actor.map_or_else(|| "public".to_owned(), Actor::key);
    let key = match parts.headers.get("idempotency-key") {
        None => None,
        Some(value) => {
            let key = value.to_str().unwrap_or_default();
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if key.is_empty() || key.len() > 64 || !key.chars().all(fits) {
                return Err(HttpError::new(ErrorCode::KeyMalformed, "a key has 1 to 64 letters, digits, - or _"));
            }
            // A public command has no subject to bind its key to, so a stranger could read another's answer.
            (subject != "public").then(|| key.to_owned())
        }
    };
    let mut hash = Sha256::new();
    hash.update(parts.method.as_str());
    hash.update([0]);
    hash.update(parts.uri.path());
    hash.update([0]);
    hash.update(body);
    Ok(Command { actor: subject, key, hash: hash.finalize().to_vec() })
}
