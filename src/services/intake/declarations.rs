//! Declarations: begun, saved answer by answer, handed in once.

use serde_json::{Map, Value};

use crate::domain::alarm::AlarmKind;
use crate::domain::consent;
use crate::domain::date::in_china;
use crate::domain::ids::{ClinicId, DeclarationId, InstitutionId};
use crate::domain::permission::HolderAct;
use crate::domain::questionnaire::{Answers, Asked, Context, Questionnaire, facts_from_answers, fever_intake};
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{DeclarationBegin, DeclarationSave, DeclarationView};
use crate::protocol::ticket::Versioned;
use crate::services::Services;
use crate::services::identity::codes::clinic_of_link;
use crate::services::intake::guardians::guarded;
use crate::services::intake::patients::{birth_date, related};
use crate::services::intake::triage::{Case, triage_view};
use crate::services::refusal::Refusal;
use crate::services::tickets::day_at;
use crate::services::vault::Field;
use crate::services::work::Command;
use crate::store::{DeclarationRow, PatientRow, Tx};

/// The edition of the national protocol in force: the last before the category of suspected cases was dropped.
const PROTOCOL: u8 = 9;

impl Services {
    /// A questionnaire as data: `GET /questionnaires/{version}`; `current` is the one in force.
    pub fn questionnaire(&self, version: &str) -> Result<&'static Questionnaire, Refusal> {
        let current = fever_intake();
        if version == "current" || version == current.version { Ok(current) } else { Err(Refusal::not_found()) }
    }

    /// Begins a declaration, or finds the unfinished one, wherever it was begun: `POST /declarations`.
    pub async fn begin_declaration(
        &self,
        act: HolderAct,
        request: DeclarationBegin,
        command: &Command,
    ) -> Result<DeclarationView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(view) = work.recall(command).await? {
            return Ok(view);
        }
        let clinic = clinic_of_link(&mut work.tx, &request.link).await?;
        if clinic.institution_id != act.institution {
            return Err(Refusal::new(ErrorCode::LinkUnknown, "this link leads to no clinic of this session"));
        }
        let patient = related(&mut work.tx, act, request.patient).await?.patient;
        guarded(&mut work.tx, act, &patient, day_at(&clinic, work.now)?.date).await?;
        let row = self.new_draft(act, clinic.id, &patient, work.now);
        work.tx.declarations().insert(&row).await?;
        let found = work.tx.declarations().draft(act.holder, patient.id, clinic.id).await?;
        let mut row = found.ok_or_else(|| Refusal::internal("a draft that was kept is not there"))?;
        let answers = self.open_answers(&row)?;
        if row.questionnaire != fever_intake().version {
            let sealed = self.seal_answers(row.id, &answers)?;
            let version = &fever_intake().version;
            work.tx.declarations().save(row.id, row.version, version, &sealed, work.now).await?;
            row =
                DeclarationRow { version: row.version + 1, questionnaire: version.clone(), saved_at: work.now, ..row };
        }
        let view = view(row, &answers, &patient, work.now)?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// A declaration of this holder: `GET /declarations/{id}`.
    pub async fn declaration(&self, act: HolderAct, id: DeclarationId) -> Result<DeclarationView, Refusal> {
        let mut tx = self.db.read().await?;
        let (row, patient) = mine(&mut tx, act, id).await?;
        self.declaration_view(&mut tx, row, &patient).await
    }

    /// Adds answers to a draft: `PATCH /declarations/{id}`. Those not named stay; `null` takes one back.
    pub async fn save_declaration(
        &self,
        act: HolderAct,
        id: DeclarationId,
        request: DeclarationSave,
        command: &Command,
    ) -> Result<DeclarationView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(view) = work.recall(command).await? {
            return Ok(view);
        }
        let (row, patient) = mine(&mut work.tx, act, id).await?;
        is_open_at(&row, request.version)?;
        let answers = self.open_answers(&row)?.merged(fever_intake(), &request.answers, Asked::Patient);
        let answers = answers
            .map_err(|error| Refusal::field(ErrorCode::AnswerInvalid, &*error.link_id, error.fault.to_string()))?;
        let sealed = self.seal_answers(row.id, &answers)?;
        if !work.tx.declarations().save(row.id, row.version, &row.questionnaire, &sealed, work.now).await? {
            return Err(conflict());
        }
        let row = DeclarationRow { version: row.version + 1, saved_at: work.now, ..row };
        let view = view(row, &answers, &patient, work.now)?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Hands a declaration in: consents, answers, triage, and the alarm if there is one, all or nothing:
    /// `POST /declarations/{id}/submit`.
    pub async fn submit_declaration(
        &self,
        act: HolderAct,
        id: DeclarationId,
        request: Versioned,
        command: &Command,
    ) -> Result<DeclarationView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(view) = work.recall(command).await? {
            return Ok(view);
        }
        let (row, patient) = mine(&mut work.tx, act, id).await?;
        is_open_at(&row, request.version)?;
        let clinic = work.tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        guarded(&mut work.tx, act, &patient, day_at(&clinic, work.now)?.date).await?;
        let decisions = work.tx.consents().all_standing(act.holder, patient.id).await?;
        let decided = decisions.iter().map(|row| (row.kind, row.text_version.as_str(), row.granted));
        if let Some(kind) = consent::first_missing(decided) {
            return Err(Refusal::field(ErrorCode::ConsentMissing, kind.as_str(), "this consent is needed first"));
        }
        let answers = self.open_answers(&row)?;
        let context = context(&patient, work.now)?;
        if let Some(first) = answers.missing(fever_intake(), &context).into_iter().next() {
            return Err(Refusal::field(ErrorCode::AnswerMissing, first, "a required question has no answer"));
        }
        if !work.tx.declarations().submit(row.id, row.version, work.now).await? {
            return Err(conflict());
        }
        let facts = facts_from_answers(fever_intake(), &answers, &context);
        let case = Case {
            institution: act.institution,
            clinic: row.clinic_id,
            declaration: row.id,
            patient: patient.id,
            holder: act.holder,
            ticket: None,
        };
        let triage = self.run_triage(&mut work, case, &facts, AlarmKind::Triage).await?;
        let row = DeclarationRow { version: row.version + 1, submitted_at: Some(work.now), ..row };
        let mut view = view(row, &answers, &patient, work.now)?;
        view.result = Some(triage_view(&triage));
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    async fn declaration_view(
        &self,
        tx: &mut Tx,
        row: DeclarationRow,
        patient: &PatientRow,
    ) -> Result<DeclarationView, Refusal> {
        let answers = self.open_answers(&row)?;
        let triage = match row.submitted_at {
            Some(_) => tx.triages().first_of_declaration(row.id).await?,
            None => None,
        };
        let mut view = view(row, &answers, patient, self.clock.now())?;
        view.result = triage.as_ref().map(triage_view);
        Ok(view)
    }

    /// The answers as they are kept. An answer that the present questionnaire does not take any more is left out.
    fn open_answers(&self, row: &DeclarationRow) -> Result<Answers, Refusal> {
        let plain = self.open_field(Field::Answers, row.id.as_uuid(), &row.answers_sealed)?;
        let kept: Map<String, Value> =
            serde_json::from_str(&plain).map_err(|_| Refusal::internal("sealed answers are not a JSON object"))?;
        // A clinician may have added to them.
        let by = Asked::Clinician;
        Ok(Answers::from_json(fever_intake(), &kept, by).unwrap_or_else(|_| {
            let one = |(link_id, value)| Map::from_iter([(link_id, value)]);
            kept.into_iter().map(one).fold(Answers::default(), |answers, change| {
                answers.clone().merged(fever_intake(), &change, by).unwrap_or(answers)
            })
        }))
    }

    fn seal_answers(&self, id: DeclarationId, answers: &Answers) -> Result<Vec<u8>, Refusal> {
        let plain = serde_json::to_string(answers.as_json()).map_err(|error| Refusal::internal(&error))?;
        Ok(self.vault.seal(Field::Answers, id.as_uuid(), &plain))
    }

    fn new_draft(&self, act: HolderAct, clinic: ClinicId, patient: &PatientRow, now: Timestamp) -> DeclarationRow {
        let id = self.ids.make(DeclarationId::from_uuid);
        DeclarationRow {
            id,
            institution_id: act.institution,
            clinic_id: clinic,
            patient_id: patient.id,
            holder_id: act.holder,
            questionnaire: fever_intake().version.clone(),
            version: 1,
            answers_sealed: self.vault.seal(Field::Answers, id.as_uuid(), "{}"),
            created_at: now,
            saved_at: now,
            submitted_at: None,
        }
    }

    /// The answers of a declaration, with the questionnaire's version.
    pub(crate) async fn answers_of(
        &self,
        tx: &mut Tx,
        institution: InstitutionId,
        id: DeclarationId,
    ) -> Result<Option<(String, Map<String, Value>)>, Refusal> {
        match tx.declarations().find(institution, id).await? {
            Some(row) => {
                let plain = self.open_field(Field::Answers, row.id.as_uuid(), &row.answers_sealed)?;
                let answers =
                    serde_json::from_str(&plain).map_err(|_| Refusal::internal("sealed answers are not JSON"))?;
                Ok(Some((row.questionnaire, answers)))
            }
            None => Ok(None),
        }
    }
}

async fn mine(tx: &mut Tx, act: HolderAct, id: DeclarationId) -> Result<(DeclarationRow, PatientRow), Refusal> {
    let row = tx.declarations().of_holder(act.institution, act.holder, id).await?.ok_or_else(Refusal::not_found)?;
    let patient = related(tx, act, row.patient_id).await?.patient;
    Ok((row, patient))
}

fn is_open_at(row: &DeclarationRow, version: i64) -> Result<(), Refusal> {
    if row.submitted_at.is_some() {
        return Err(Refusal::new(ErrorCode::DeclarationClosed, "this declaration was handed in"));
    }
    if row.version == version { Ok(()) } else { Err(conflict()) }
}

fn conflict() -> Refusal {
    Refusal::field(ErrorCode::VersionConflict, "version", "somebody saved a newer version; fetch it first")
}

fn context(patient: &PatientRow, now: Timestamp) -> Result<Context, Refusal> {
    Ok(Context {
        today: in_china(now),
        birth_date: birth_date(patient)?,
        sex: patient.sex,
        protocol: PROTOCOL,
        in_hospital: None,
        red_flags: Vec::new(),
    })
}

fn view(
    row: DeclarationRow,
    answers: &Answers,
    patient: &PatientRow,
    now: Timestamp,
) -> Result<DeclarationView, Refusal> {
    let missing = match row.submitted_at {
        Some(_) => Vec::new(),
        None => answers.missing(fever_intake(), &context(patient, now)?),
    };
    Ok(DeclarationView {
        id: row.id,
        patient: row.patient_id,
        questionnaire: row.questionnaire,
        version: row.version,
        answers: answers.as_json().clone(),
        missing,
        saved_at: row.saved_at,
        result: None,
    })
}
