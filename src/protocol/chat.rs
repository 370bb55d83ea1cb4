//! The conversation beside a call.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AttachmentId, MessageId};
use crate::domain::room::ParticipantRole;
use crate::domain::time::Timestamp;
pub use crate::domain::visit::ChatSide;
use crate::protocol::house::Text;

/// One line of the conversation.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChatMessage {
    /// The message; the browser chose it, so that a repeated send is the same message.
    pub id: MessageId,
    /// Whose side: `patient`, `staff` or `guest`.
    pub side: ChatSide,
    /// Whether whoever reads it said it.
    #[serde(default)]
    pub mine: bool,
    /// What a guest is in the call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<ParticipantRole>,
    /// The sender's name as shown.
    pub from: Text,
    /// Plain text, at most 2,000 characters.
    pub text: String,
    /// A picture, at `/attachments/{id}`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attachment: Option<AttachmentId>,
    /// When the server stored it.
    pub at: Timestamp,
}

/// `POST /visits/{id}/messages`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatSend {
    /// A UUID chosen by the browser.
    pub id: MessageId,
    /// The text; may be empty when there is a picture.
    pub text: String,
    /// A picture that was uploaded before.
    #[serde(default)]
    pub attachment: Option<AttachmentId>,
}
