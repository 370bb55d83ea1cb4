//! What a clinic tells those who wait in it.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{NoticeId, TicketId};
use crate::domain::time::Timestamp;

/// `POST /clinics/{id}/notices` (staff): tells one who waits, or all.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeSend {
    /// 1 to 200 characters on one line.
    pub text: String,
    /// For this waiting ticket only; for all who wait when it is absent.
    #[serde(default)]
    pub ticket: Option<TicketId>,
}

/// What the clinic said, as it stands in the waiting room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoticeView {
    /// The notice.
    pub id: NoticeId,
    /// When it was said.
    pub at: Timestamp,
    /// What was said.
    pub text: String,
    /// To this patient alone.
    pub personal: bool,
}
