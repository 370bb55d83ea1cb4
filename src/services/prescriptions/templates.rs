//! A doctor's own formulas: kept from a sheet, offered beside the national protocol's, inserted by the doctor's act.

use crate::domain::herb::HerbSet;
use crate::domain::ids::FormulaTemplateId;
use crate::domain::permission::DoctorAct;
use crate::domain::prescription::{Content, KEPT_LIMIT, Misfit};
use crate::protocol::error::ErrorCode;
use crate::protocol::formula_template::{FormulaTemplateMake, FormulaTemplateRename, FormulaTemplateView};
use crate::protocol::terms::TemplateRetire;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::visits::templates::{moved_on, named};
use crate::services::work::Command;
use crate::store::{FormulaTemplateRow, Json, Tx};

impl Services {
    /// The formulas that a doctor keeps.
    pub async fn formula_templates(&self, act: DoctorAct) -> Result<Vec<FormulaTemplateView>, Refusal> {
        kept(&mut self.db.read().await?, act).await
    }

    /// Keeps a formula for oneself.
    pub async fn make_formula_template(
        &self,
        act: DoctorAct,
        make: FormulaTemplateMake,
        command: &Command,
    ) -> Result<Vec<FormulaTemplateView>, Refusal> {
        let name = named(&make.name)?;
        let sheet = make.herbal.as_template();
        let content = Content::from(sheet.clone());
        if content.is_empty() {
            return Err(Refusal::field(ErrorCode::Invalid, "herbal.lines", "a formula holds a herb"));
        }
        content
            .check(HerbSet::shipped())
            .map_err(|Misfit { field, words }| Refusal::field(ErrorCode::Invalid, field, words))?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        if work.tx.formula_templates().of(act.institution, act.account).await?.len() >= KEPT_LIMIT {
            let words = format!("at most {KEPT_LIMIT} formulas of one's own; remove one first");
            return Err(Refusal::field(ErrorCode::Invalid, "name", words));
        }
        let row = FormulaTemplateRow {
            id: self.ids.make(FormulaTemplateId::from_uuid),
            institution_id: act.institution,
            owner: act.account,
            name,
            sheet: Json(sheet),
            version: 1,
            saved_at: work.now,
            retired_at: None,
        };
        work.tx.formula_templates().insert(&row).await?;
        let views = kept(&mut work.tx, act).await?;
        work.keep(command, &views).await?;
        work.commit().await?;
        Ok(views)
    }

    /// Gives one's own formula another name.
    pub async fn rename_formula_template(
        &self,
        act: DoctorAct,
        id: FormulaTemplateId,
        request: FormulaTemplateRename,
        command: &Command,
    ) -> Result<Vec<FormulaTemplateView>, Refusal> {
        let name = named(&request.name)?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        own(&mut work.tx, act, id).await?;
        let now = work.now;
        if !work.tx.formula_templates().rename(id, request.version, &name, now).await? {
            return Err(behind(&mut work.tx, act, id).await);
        }
        let views = kept(&mut work.tx, act).await?;
        work.keep(command, &views).await?;
        work.commit().await?;
        Ok(views)
    }

    /// Offers one's own formula no longer; the sheets that it was inserted into keep saying so.
    pub async fn retire_formula_template(
        &self,
        act: DoctorAct,
        id: FormulaTemplateId,
        request: &TemplateRetire,
        command: &Command,
    ) -> Result<Vec<FormulaTemplateView>, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        own(&mut work.tx, act, id).await?;
        let now = work.now;
        if !work.tx.formula_templates().retire(id, request.version, now).await? {
            return Err(behind(&mut work.tx, act, id).await);
        }
        let views = kept(&mut work.tx, act).await?;
        work.keep(command, &views).await?;
        work.commit().await?;
        Ok(views)
    }
}

/// What is somebody else's is not there.
async fn own(tx: &mut Tx, act: DoctorAct, id: FormulaTemplateId) -> Result<(), Refusal> {
    let rows = tx.formula_templates().of(act.institution, act.account).await?;
    if rows.iter().any(|row| row.id == id) { Ok(()) } else { Err(Refusal::not_found()) }
}

/// The refusal to whoever knows an older one, with what it is now.
async fn behind(tx: &mut Tx, act: DoctorAct, id: FormulaTemplateId) -> Refusal {
    let found = kept(tx, act).await.map(|views| views.into_iter().find(|view| view.id == id));
    found.map_or_else(|refusal| refusal, |newer| newer.map_or_else(moved_on, |view| moved_on().with_newer(&view)))
}

async fn kept(tx: &mut Tx, act: DoctorAct) -> Result<Vec<FormulaTemplateView>, Refusal> {
    let rows = tx.formula_templates().of(act.institution, act.account).await?.into_iter();
    let views = rows.map(|row| FormulaTemplateView {
        id: row.id,
        herbal: row.sheet.0.from_template(&row.name),
        name: row.name,
        version: row.version,
    });
    Ok(views.collect())
}
