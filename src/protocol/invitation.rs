//! Invitations into a call.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::ids::InvitationId;
use crate::domain::room::ParticipantRole;
use crate::domain::time::Timestamp;
use crate::protocol::house::Text;

/// `POST /visits/{id}/invitations`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationRequest {
    /// `invited_doctor`, `interpreter`, `family` or `observer`.
    pub role: ParticipantRole,
    /// The name as shown, 1 to 40 characters; who comes may give another.
    pub name: String,
    /// How long it can be used, 1 to 30 minutes; 30 when absent.
    #[serde(default)]
    pub minutes: Option<u32>,
}

/// A new invitation; its token is shown this once.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InvitationMade {
    /// The invitation.
    pub id: InvitationId,
    /// Good once. It belongs behind the `#` of `/i#…`, where no server and no log sees it.
    pub token: String,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// An invitation as its host sees it.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InvitationView {
    /// The invitation.
    pub id: InvitationId,
    /// As what.
    pub role: ParticipantRole,
    /// The name as shown.
    pub name: String,
    /// What became of it.
    pub state: InvitationState,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// It can be used.
    Open,
    /// Somebody came with it.
    Used,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

/// `POST /invitations/open`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationOpen {
    /// The token.
    pub token: String,
}

/// What whoever holds a link may know before they say who they are.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InvitationLanding {
    /// The hospital.
    pub institution_name: Text,
    /// Its telephone.
    pub help_phone: String,
    /// Who invites.
    pub host_name: Text,
    /// As what.
    pub role: ParticipantRole,
    /// The name that the host wrote; absent once somebody came with the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// `POST /invitations/use`: spends the token; the same `nonce` gets an answer again when the first was lost.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationUse {
    /// The token.
    pub token: String,
    /// A UUID that the browser chose.
    pub nonce: Uuid,
    /// The name as shown, 1 to 40 characters.
    pub name: String,
}
