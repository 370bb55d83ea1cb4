//! A doctor's own formulas on the wire.

use serde::{Deserialize, Serialize};

use crate::domain::ids::FormulaTemplateId;
use crate::domain::prescription::Herbal;

/// `GET /formula-templates`: one formula of one's own.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FormulaTemplateView {
    /// The template.
    pub id: FormulaTemplateId,
    /// Its name.
    pub name: String,
    /// What is inserted: a sheet that says from what it is.
    pub herbal: Herbal,
    /// Its version.
    pub version: i64,
}

/// `POST /formula-templates`: keeps a sheet of herbs for oneself.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormulaTemplateMake {
    /// Its name, 1 to 60 characters.
    pub name: String,
    /// The sheet; what was said to one patient is not kept.
    pub herbal: Herbal,
}

/// `POST /formula-templates/{id}/rename`: gives it another name.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormulaTemplateRename {
    /// Its version.
    pub version: i64,
    /// The other name, 1 to 60 characters.
    pub name: String,
}
