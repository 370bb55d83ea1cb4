//! Case reports (传染病报告): what is owed within two hours, and the card that is copied into the national system.

use serde::{Deserialize, Serialize};

use crate::domain::case_report::{Cause, Phase};
use crate::domain::ids::{CaseReportId, VisitId};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::current::IdentityPanel;

/// `POST /visits/{id}/case-report`: the visit's doctor opens a report by hand.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseReportOpen {
    /// Why, 2 to 500 characters.
    pub reason: String,
}

/// `POST /case-reports/{id}/report`: it was reported in the national system.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseReportDone {
    /// The number of its receipt (报告卡编号), 4 to 64 letters, digits and `-_/.`, at least one of them a digit.
    pub receipt: String,
}

/// `POST /case-reports/{id}/dismiss`: a second doctor finds nothing to report.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseReportDismiss {
    /// Why, 2 to 500 characters.
    pub reason: String,
}

/// `GET /case-reports`: one that is owed or was closed lately, without a word of the case.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaseReportLine {
    /// The report.
    pub id: CaseReportId,
    /// About which visit.
    pub visit: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The patient's name, masked.
    pub patient_masked: String,
    /// Where.
    pub clinic_name: Text,
    /// What made it due.
    pub cause: Cause,
    /// Where it stands.
    pub state: Phase,
    /// Whose suspicion it is.
    pub doctor_name: Text,
    /// Since when.
    pub suspected_at: Timestamp,
    /// Until when it is reported: two hours later.
    pub due_at: Timestamp,
    /// How often it has rung, being overdue.
    pub rang: u32,
    /// Whether the reader may dismiss it: another doctor than whose suspicion it is, while it is due.
    pub may_dismiss: bool,
    /// Who closed it.
    pub closed_by: Option<Text>,
    /// When.
    pub closed_at: Option<Timestamp>,
    /// The number of the receipt.
    pub receipt: Option<String>,
}

/// `GET /case-reports/{id}`: the card, filled with what the visit knows; the read is audited.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaseReportForm {
    /// The report.
    pub line: CaseReportLine,
    /// Why, where it was opened by hand.
    pub reason: Option<String>,
    /// Why there was nothing to report.
    pub dismissal: Option<String>,
    /// Who it is.
    pub identity: IdentityPanel,
    /// The whole number of the document.
    pub document_number: String,
    /// The telephone number of who answers for the patient.
    pub phone: String,
    /// Where the patient said to be.
    pub address: Option<String>,
    /// The first day of being ill, `YYYY-MM-DD`, as declared.
    pub onset: Option<String>,
    /// What the patient complains of, as the record says now.
    pub complaint: String,
    /// The diagnosis, as the record says now.
    pub diagnosis: Text,
    /// Why triage decided as it did.
    pub triage: Vec<Text>,
    /// Which institution reports.
    pub institution_name: Text,
}
