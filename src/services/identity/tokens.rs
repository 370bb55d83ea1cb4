//! Tokens: short JWTs for acting, one-time grants for rooms, and the hashes of refresh tokens.
//!
//! Each kind has a key of its own, derived from the operator's secret (RFC 5869), and its own `typ`, audience and
//! lifetime, so that no token can be taken for another kind. Defaults of the library that are too mild (optional
//! claims, a minute of leeway) are set by hand.

use std::time::Duration;

use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::ids::{AccountId, AlarmId, HolderId, InstitutionId, InvitationId, ParticipantId, RoomId, SessionId};
use crate::domain::people::Role;
use crate::domain::permission::Actor;
use crate::domain::time::Timestamp;

/// How long an access token is good.
pub const ACCESS_SECONDS: u32 = 600;
/// How long after its end an access token is still believed of whoever has a seat, while the database does not answer: it could
/// not be renewed meanwhile. Longer than a visit; and a token that was stolen is not good for ever.
pub const OUTLIVED: Duration = Duration::from_hours(1);
/// How long a room grant is good for joining.
pub const GRANT_SECONDS: u32 = 60;

const ISSUER: &str = "yunzhen";

/// Signs and checks tokens.
pub struct TokenKeys {
    access: KeyPair,
    grant: KeyPair,
    resume: KeyPair,
}

struct KeyPair {
    typ: &'static str,
    encode: EncodingKey,
    decode: DecodingKey,
}

impl KeyPair {
    fn derive(secret: &[u8], typ: &'static str) -> Self {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, secret).expand(typ.as_bytes(), &mut key).expect("32 bytes are a valid length");
        Self { typ, encode: EncodingKey::from_secret(&key), decode: DecodingKey::from_secret(&key) }
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        let header = Header { typ: Some(self.typ.to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &self.encode).expect("claims of ours serialise")
    }

    /// Checks signature, kind, issuer and audience; the caller checks time against the Clock.
    fn open<C: DeserializeOwned>(&self, token: &str) -> Option<C> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[self.typ]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // Time is an input here: `exp` is compared with the Clock by the caller, not with the machine's time.
        validation.validate_exp = false;
        let data = jsonwebtoken::decode::<C>(token, &self.decode, &validation).ok()?;
        (data.header.typ.as_deref() == Some(self.typ)).then_some(data.claims)
    }
}

#[derive(Serialize, Deserialize)]
struct Claims<T> {
    iss: String,
    aud: String,
    sub: Uuid,
    iat: i64,
    exp: i64,
    #[serde(flatten)]
    own: T,
}

#[derive(Serialize, Deserialize)]
struct AccessClaims {
    kind: SubjectKind,
    ins: InstitutionId,
    sid: SessionId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    role: Option<Role>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SubjectKind {
    Staff,
    Holder,
    Caller,
    Guest,
}

/// What a room grant says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The room.
    pub room: RoomId,
    /// The seat.
    pub participant: ParticipantId,
    /// The room's fencing number when it was granted.
    pub epoch: i64,
    /// Makes the grant good for one use.
    pub jti: Uuid,
}

impl TokenKeys {
    /// Derives all keys from the operator's secret.
    pub fn new(secret: &[u8]) -> Self {
        Self {
            access: KeyPair::derive(secret, "at+jwt"),
            grant: KeyPair::derive(secret, "room+jwt"),
            resume: KeyPair::derive(secret, "resume+jwt"),
        }
    }

    /// Signs an access token for `actor`, good for [`ACCESS_SECONDS`].
    pub fn access(&self, actor: Actor, now: Timestamp) -> String {
        let (sub, kind, role) = match actor {
            Actor::Staff { account, role, .. } => (account.as_uuid(), SubjectKind::Staff, Some(role)),
            Actor::Holder { holder, .. } => (holder.as_uuid(), SubjectKind::Holder, None),
            Actor::Caller { alarm, .. } => (alarm.as_uuid(), SubjectKind::Caller, None),
            Actor::Guest { invitation, .. } => (invitation.as_uuid(), SubjectKind::Guest, None),
        };
        let own = AccessClaims { kind, ins: actor.institution(), sid: actor.session(), role };
        self.access.sign(&claims("at+jwt", sub, now, ACCESS_SECONDS, own))
    }

    /// The subject of an access token that is whole and not over; with the moment at which it ends.
    pub fn actor(&self, token: &str, now: Timestamp) -> Option<(Actor, Timestamp)> {
        self.whose(token).filter(|(_, end)| now < *end)
    }

    /// The subject of an access token that is whole; with the moment at which it ends, or did.
    pub fn whose(&self, token: &str) -> Option<(Actor, Timestamp)> {
        let claims: Claims<AccessClaims> = self.access.open(token)?;
        let AccessClaims { kind, ins: institution, sid: session, role } = claims.own;
        let actor = match kind {
            SubjectKind::Staff => {
                Actor::Staff { account: AccountId::from_uuid(claims.sub), institution, role: role?, session }
            }
            SubjectKind::Holder => Actor::Holder { holder: HolderId::from_uuid(claims.sub), institution, session },
            SubjectKind::Caller => Actor::Caller { alarm: AlarmId::from_uuid(claims.sub), institution, session },
            SubjectKind::Guest => {
                Actor::Guest { invitation: InvitationId::from_uuid(claims.sub), institution, session }
            }
        };
        Some((actor, Timestamp::from_millis(claims.exp.saturating_mul(1000))))
    }

    /// Signs a room grant for the session `session`, good for [`GRANT_SECONDS`].
    pub fn grant(&self, grant: Grant, session: SessionId, now: Timestamp) -> String {
        self.grant.sign(&claims("room+jwt", session.as_uuid(), now, GRANT_SECONDS, grant))
    }

    /// What a grant says, when it is whole, not over, and was made for this session.
    pub fn open_grant(&self, token: &str, session: SessionId, now: Timestamp) -> Option<Grant> {
        let claims: Claims<Grant> = self.grant.open(token)?;
        (now.as_secs() < claims.exp && claims.sub == session.as_uuid()).then_some(claims.own)
    }

    /// Signs the token with which a browser takes up its seats again.
    pub fn resume(&self, connection: Uuid, session: SessionId, now: Timestamp, seconds: u32) -> String {
        self.resume.sign(&claims("resume+jwt", session.as_uuid(), now, seconds, Resume { connection }))
    }

    /// The connection of a resume token of this session.
    pub fn open_resume(&self, token: &str, session: SessionId, now: Timestamp) -> Option<Uuid> {
        let claims: Claims<Resume> = self.resume.open(token)?;
        (now.as_secs() < claims.exp && claims.sub == session.as_uuid()).then_some(claims.own.connection)
    }
}

#[derive(Serialize, Deserialize)]
struct Resume {
    connection: Uuid,
}

fn claims<T>(typ: &str, sub: Uuid, now: Timestamp, seconds: u32, own: T) -> Claims<T> {
    let iat = now.as_secs();
    Claims { iss: ISSUER.to_owned(), aud: typ.to_owned(), sub, iat, exp: iat + i64::from(seconds), own }
}

/// The SHA-256 under which a refresh token is kept.
pub fn refresh_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_600_000_000_000);

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn doctor() -> Actor {
        Actor::Staff {
            account: AccountId::from_uuid(id(1)),
            institution: InstitutionId::from_uuid(id(2)),
            role: Role::Doctor,
            session: SessionId::from_uuid(id(3)),
        }
    }

    fn later(seconds: u64) -> Timestamp {
        NOW + std::time::Duration::from_secs(seconds)
    }

    #[test]
    fn an_access_token_speaks_for_its_actor_until_it_ends() {
        let keys = TokenKeys::new(&[7; 32]);
        let token = keys.access(doctor(), NOW);
        assert_eq!(keys.actor(&token, later(599)).unwrap().0, doctor());
        assert!(keys.actor(&token, later(600)).is_none());
    }

    #[test]
    fn a_token_of_another_kind_or_key_is_nothing() {
        let keys = TokenKeys::new(&[7; 32]);
        let session = SessionId::from_uuid(id(3));
        let grant = Grant {
            room: RoomId::from_uuid(id(4)),
            participant: ParticipantId::from_uuid(id(5)),
            epoch: 1,
            jti: id(6),
        };
        assert!(keys.actor(&keys.grant(grant, session, NOW), NOW).is_none());
        assert!(keys.open_grant(&keys.access(doctor(), NOW), session, NOW).is_none());
        assert!(TokenKeys::new(&[8; 32]).actor(&keys.access(doctor(), NOW), NOW).is_none());
    }

    #[test]
    fn a_grant_is_good_for_its_own_session_for_a_minute() {
        let keys = TokenKeys::new(&[7; 32]);
        let (mine, other) = (SessionId::from_uuid(id(3)), SessionId::from_uuid(id(9)));
        let grant = Grant {
            room: RoomId::from_uuid(id(4)),
            participant: ParticipantId::from_uuid(id(5)),
            epoch: 1,
            jti: id(6),
        };
        let token = keys.grant(grant, mine, NOW);
        assert_eq!(keys.open_grant(&token, mine, later(59)), Some(grant));
        assert_eq!(keys.open_grant(&token, other, later(1)), None);
        assert_eq!(keys.open_grant(&token, mine, later(60)), None);
    }

    #[test]
    fn an_unsigned_token_is_nothing() {
        let keys = TokenKeys::new(&[7; 32]);
        let token = keys.access(doctor(), NOW);
        let body = token.split('.').nth(1).unwrap();
        let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}.");
        assert!(keys.actor(&none, NOW).is_none());
    }
}
