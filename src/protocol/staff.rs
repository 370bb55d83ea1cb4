//! Those who work here, as administrators see them: what doctors have on paper, and the sessions of everybody.

use serde::{Deserialize, Serialize};

use crate::domain::credential::Lack;
use crate::domain::ids::{AccountId, SessionId};
use crate::domain::people::Role;
use crate::domain::time::Timestamp;
use crate::protocol::house::Text;

/// Somebody who works here.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StaffView {
    /// The account.
    pub id: AccountId,
    /// What the person may do.
    pub role: Role,
    /// The name to sign in with.
    pub username: String,
    /// The name.
    pub name: Text,
    /// The title.
    pub title: Text,
    /// What is on paper; of doctors.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<CredentialView>,
    /// How many sessions stand.
    pub sessions: u32,
}

/// What is on paper of a doctor, and what is missing.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CredentialView {
    /// The number of the registration (执业证书编号).
    pub registration: Option<String>,
    /// The first day of independent practice, `YYYY-MM-DD`.
    pub practises_since: Option<String>,
    /// The day of the institution's written consent.
    pub consent_on: Option<String>,
    /// The last day of the licence, where an end is known.
    pub licence_through: Option<String>,
    /// What is missing today, in the order in which the desk names it.
    pub lacks: Vec<Lack>,
    /// Whether what is missing keeps the doctor from the desk; an ended licence always does.
    pub required: bool,
}

/// `POST /staff/{id}/credential`: all four as they are from now on; `null` where something is not known.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialRequest {
    /// The number of the registration: 8 to 32 letters and digits.
    #[serde(default)]
    pub registration: Option<String>,
    /// The first day of independent practice, `YYYY-MM-DD`; none to come.
    #[serde(default)]
    pub practises_since: Option<String>,
    /// The day of the institution's written consent; none to come.
    #[serde(default)]
    pub consent_on: Option<String>,
    /// The last day of the licence.
    #[serde(default)]
    pub licence_through: Option<String>,
}

/// A session of a member of staff. Where it came from is not kept.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// When it began.
    pub since: Timestamp,
    /// When its person last did something, to the minute.
    pub acted_at: Timestamp,
    /// The family of the browser, such as `Firefox`; `null` where it is none of the known.
    pub browser: Option<String>,
    /// When it was ended, of one that gave way to newer ones; `null` where it stands.
    pub ended: Option<Timestamp>,
}

/// How many sessions were ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionsEnded {
    /// So many.
    pub ended: u32,
}
