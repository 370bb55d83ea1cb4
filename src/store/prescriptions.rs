//! Prescriptions, what was ticked for their visits, and what was signed of them.

use crate::domain::herb::gate::Pregnancy;
use crate::domain::ids::{AccountId, ClinicId, HolderId, InstitutionId, PatientId, PrescriptionId, VisitId};
use crate::domain::prescription::{Phase, VisitKind};
use crate::domain::time::Timestamp;
use crate::store::patients::same_card;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(Phase, Pregnancy, VisitKind);

/// What the doctor has ticked for a visit.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct BasisRow {
    /// The visit.
    pub visit_id: VisitId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// What kind of visit it is for the law.
    pub kind: VisitKind,
    /// The proof of the earlier diagnosis was seen.
    pub proof_seen: bool,
    /// A guardian is there.
    pub guardian_present: bool,
    /// The doctor is qualified for children.
    pub paediatric: bool,
    /// What the patient answered to the doctor's question.
    pub pregnancy: Pregnancy,
    /// Who ticked.
    pub ticked_by: AccountId,
    /// When.
    pub ticked_at: Timestamp,
}

/// A prescription.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PrescriptionRow {
    /// The prescription.
    pub id: PrescriptionId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Where it was written.
    pub clinic_id: ClinicId,
    /// In which visit.
    pub visit_id: VisitId,
    /// For whom.
    pub patient_id: PatientId,
    /// What stands on the paper.
    pub number: String,
    /// Where it stands.
    pub state: Phase,
    /// Grows by one with every save.
    pub version: i64,
    /// The content as canonical JSON.
    pub content: String,
    /// What the gate said of it, as JSON.
    pub report: String,
    /// The doctor's reasons, as JSON.
    pub answers: String,
    /// What stands on the paper beside it, as JSON, once it is signed.
    pub stated: Option<String>,
    /// SHA-256 over all of them and the version, once it is signed.
    pub hash: Option<String>,
    /// Which version of the data the gate read.
    pub data_version: String,
    /// On whose word it exists, by its code.
    pub legal_basis: String,
    /// The first day that it is for, `YYYY-MM-DD`.
    pub start_day: String,
    /// The last.
    pub end_day: String,
    /// Who writes it.
    pub doctor_id: AccountId,
    /// Begun at.
    pub created_at: Timestamp,
    /// Saved at.
    pub saved_at: Timestamp,
    /// Signed at.
    pub signed_at: Option<Timestamp>,
    /// Until when it is good, once it is signed.
    pub valid_until: Option<Timestamp>,
    /// Whether a second doctor has to sign.
    pub needs_second: bool,
    /// Who did.
    pub countersigned_by: Option<AccountId>,
    /// When.
    pub countersigned_at: Option<Timestamp>,
    /// Which pharmacist judges it.
    pub claimed_by: Option<AccountId>,
    /// Until when nobody else can.
    pub claim_until: Option<Timestamp>,
    /// Who judged.
    pub reviewed_by: Option<AccountId>,
    /// When.
    pub reviewed_at: Option<Timestamp>,
    /// The judgement, as canonical JSON.
    pub review: Option<String>,
    /// Who handed it out.
    pub dispensed_by: Option<AccountId>,
    /// When.
    pub dispensed_at: Option<Timestamp>,
    /// Why it was stopped.
    pub stop_reason: Option<String>,
}

/// A sheet on which nothing stands yet.
#[derive(Clone, Debug)]
pub struct NewSheet {
    /// The prescription.
    pub id: PrescriptionId,
    /// The tenant.
    pub institution: InstitutionId,
    /// Where it is written.
    pub clinic: ClinicId,
    /// In which visit.
    pub visit: VisitId,
    /// For whom.
    pub patient: PatientId,
    /// Who writes it.
    pub doctor: AccountId,
    /// What stands on the paper.
    pub number: String,
    /// On whose word it exists, by its code.
    pub legal_basis: String,
    /// The day that it is for.
    pub day: String,
    /// Begun at.
    pub at: Timestamp,
}

impl PrescriptionRow {
    /// The first version of a draft.
    pub fn begun(sheet: NewSheet) -> Self {
        Self {
            id: sheet.id,
            institution_id: sheet.institution,
            clinic_id: sheet.clinic,
            visit_id: sheet.visit,
            patient_id: sheet.patient,
            number: sheet.number,
            state: Phase::Draft,
            version: 1,
            content: "{}".to_owned(),
            report: "{}".to_owned(),
            answers: "{}".to_owned(),
            stated: None,
            hash: None,
            data_version: String::new(),
            legal_basis: sheet.legal_basis,
            start_day: sheet.day.clone(),
            end_day: sheet.day,
            doctor_id: sheet.doctor,
            created_at: sheet.at,
            saved_at: sheet.at,
            signed_at: None,
            valid_until: None,
            needs_second: false,
            countersigned_by: None,
            countersigned_at: None,
            claimed_by: None,
            claim_until: None,
            reviewed_by: None,
            reviewed_at: None,
            review: None,
            dispensed_by: None,
            dispensed_at: None,
            stop_reason: None,
        }
    }
}

/// What was signed of a prescription.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SignedVersionRow {
    /// The prescription.
    pub prescription_id: PrescriptionId,
    /// Its version.
    pub version: i64,
    /// The content.
    pub content: String,
    /// The gate's report.
    pub report: String,
    /// The reasons.
    pub answers: String,
    /// What stands on the paper beside it; nothing where an earlier version of this program signed.
    pub stated: Option<String>,
    /// The hash over them.
    pub hash: String,
    /// Who signed.
    pub signed_by: AccountId,
    /// When.
    pub signed_at: Timestamp,
}

macro_rules! columns {
    ($($rest:tt)*) => {
        concat!(
            "select p.id, p.institution_id, p.clinic_id, p.visit_id, p.patient_id, p.number, p.state, p.version, p.content,
                    p.report, p.answers, p.stated, p.hash, p.data_version, p.legal_basis, p.start_day, p.end_day, p.doctor_id,
                    p.created_at, p.saved_at, p.signed_at, p.valid_until, p.needs_second, p.countersigned_by, p.countersigned_at,
                    p.claimed_by, p.claim_until, p.reviewed_by, p.reviewed_at, p.review, p.dispensed_by, p.dispensed_at,
                    p.stop_reason
             from prescription p ",
            $($rest)*
        )
    };
}

/// Those of an institution in a state, the longest waiting first; without those that are good no longer.
macro_rules! pile {
    ($tables:ident, $state:literal, $since:literal, $institution:ident, $now:ident, $limit:ident) => {
        Ok(on!($tables.0, |conn| {
            sqlx::query_as(columns!(
                "where p.institution_id = $1 and p.state = '",
                $state,
                "' and (p.valid_until is null or p.valid_until > $2)
                 order by p.",
                $since,
                " limit $3"
            ))
            .bind($institution)
            .bind($now)
            .bind($limit)
            .fetch_all(conn)
            .await?
        }))
    };
}

/// The `visit_basis`, `prescription` and `prescription_version` tables.
pub struct Prescriptions<'tx>(pub(super) &'tx mut Tx);

impl Prescriptions<'_> {
    /// What was ticked for a visit.
    pub async fn basis(self, visit: VisitId) -> Result<Option<BasisRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select visit_id, institution_id, kind, proof_seen, guardian_present, paediatric, pregnancy, ticked_by,
                        ticked_at
                 from visit_basis
                 where visit_id = $1",
            )
            .bind(visit)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Ticks, in place of what was ticked before.
    pub async fn tick(self, row: &BasisRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into visit_basis (visit_id, institution_id, kind, proof_seen, guardian_present, paediatric,
                                          pregnancy, ticked_by, ticked_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 on conflict (visit_id) do update
                 set kind = excluded.kind, proof_seen = excluded.proof_seen,
                     guardian_present = excluded.guardian_present, paediatric = excluded.paediatric,
                     pregnancy = excluded.pregnancy, ticked_by = excluded.ticked_by, ticked_at = excluded.ticked_at",
            )
            .bind(row.visit_id)
            .bind(row.institution_id)
            .bind(row.kind)
            .bind(row.proof_seen)
            .bind(row.guardian_present)
            .bind(row.paediatric)
            .bind(row.pregnancy)
            .bind(row.ticked_by)
            .bind(row.ticked_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Keeps a new draft.
    pub async fn insert(self, row: &PrescriptionRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into prescription (id, institution_id, clinic_id, visit_id, patient_id, number, state, version,
                                           content, report, answers, data_version, legal_basis, start_day, end_day,
                                           doctor_id, created_at, saved_at, needs_second)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.visit_id)
            .bind(row.patient_id)
            .bind(&row.number)
            .bind(row.state)
            .bind(row.version)
            .bind(&row.content)
            .bind(&row.report)
            .bind(&row.answers)
            .bind(&row.data_version)
            .bind(&row.legal_basis)
            .bind(&row.start_day)
            .bind(&row.end_day)
            .bind(row.doctor_id)
            .bind(row.created_at)
            .bind(row.saved_at)
            .bind(row.needs_second)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A prescription.
    pub async fn find(self, id: PrescriptionId) -> Result<Option<PrescriptionRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(columns!("where p.id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// A prescription that nobody else changes until the end of the transaction; on SQLite one writes at a time anyway.
    pub async fn lock(self, id: PrescriptionId) -> Result<Option<PrescriptionRow>> {
        Ok(on!(self.0, |conn, dialect| {
            let query = dialect.pick(columns!("where p.id = $1"), columns!("where p.id = $1 for update"));
            sqlx::query_as(query).bind(id).fetch_optional(conn).await?
        }))
    }

    /// Writes what can change of a prescription that is held.
    pub async fn save(self, row: &PrescriptionRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "update prescription
                 set state = $2, version = $3, content = $4, report = $5, answers = $6, hash = $7, data_version = $8,
                     legal_basis = $9, start_day = $10, end_day = $11, saved_at = $12, signed_at = $13,
                     needs_second = $14, countersigned_by = $15, countersigned_at = $16, claimed_by = $17,
                     claim_until = $18, reviewed_by = $19, reviewed_at = $20, review = $21, dispensed_by = $22,
                     dispensed_at = $23, stop_reason = $24, stated = $25, valid_until = $26
                 where id = $1",
            )
            .bind(row.id)
            .bind(row.state)
            .bind(row.version)
            .bind(&row.content)
            .bind(&row.report)
            .bind(&row.answers)
            .bind(&row.hash)
            .bind(&row.data_version)
            .bind(&row.legal_basis)
            .bind(&row.start_day)
            .bind(&row.end_day)
            .bind(row.saved_at)
            .bind(row.signed_at)
            .bind(row.needs_second)
            .bind(row.countersigned_by)
            .bind(row.countersigned_at)
            .bind(row.claimed_by)
            .bind(row.claim_until)
            .bind(row.reviewed_by)
            .bind(row.reviewed_at)
            .bind(&row.review)
            .bind(row.dispensed_by)
            .bind(row.dispensed_at)
            .bind(&row.stop_reason)
            .bind(&row.stated)
            .bind(row.valid_until)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Keeps what was signed; a second time of the same version is a conflict.
    pub async fn sign(self, row: &SignedVersionRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into prescription_version (prescription_id, version, content, report, answers, stated, hash,
                                                   signed_by, signed_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(row.prescription_id)
            .bind(row.version)
            .bind(&row.content)
            .bind(&row.report)
            .bind(&row.answers)
            .bind(&row.stated)
            .bind(&row.hash)
            .bind(row.signed_by)
            .bind(row.signed_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// What was signed of a prescription, oldest first.
    pub async fn signed(self, id: PrescriptionId) -> Result<Vec<SignedVersionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select prescription_id, version, content, report, answers, stated, hash, signed_by, signed_at
                 from prescription_version
                 where prescription_id = $1
                 order by version",
            )
            .bind(id)
            .fetch_all(conn)
            .await?
        }))
    }

    /// A pharmacist begins to judge a signed prescription; `false` when it is another's for now, or no longer signed.
    pub async fn claim(
        self,
        id: PrescriptionId,
        pharmacist: AccountId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update prescription
                 set claimed_by = $2, claim_until = $4
                 where id = $1
                   and state = 'signed'
                   and (claimed_by is null or claimed_by = $2 or claim_until <= $3)",
            )
            .bind(id)
            .bind(pharmacist)
            .bind(now)
            .bind(until)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// The prescriptions of a visit, oldest first.
    pub async fn of_visit(self, visit: VisitId) -> Result<Vec<PrescriptionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where p.visit_id = $1 order by p.created_at, p.id"))
                .bind(visit)
                .fetch_all(conn)
                .await?
        }))
    }

    /// The prescriptions that are in force on any of these days, of everybody who was named with a patient's document.
    pub async fn active(self, patient: PatientId, from: &str, to: &str) -> Result<Vec<PrescriptionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where p.patient_id in ",
                same_card!(),
                "  and p.start_day <= $3
                   and p.end_day >= $2
                   and p.state in ('signed', 'approved', 'dispensed')
                 order by p.created_at, p.id"
            ))
            .bind(patient)
            .bind(from)
            .bind(to)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The signed prescriptions of an institution, the longest waiting first; without those that are good no longer at
    /// `now`.
    pub async fn to_review(
        self,
        institution: InstitutionId,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<PrescriptionRow>> {
        pile!(self, "signed", "signed_at", institution, now, limit)
    }

    /// The approved prescriptions of an institution, the longest waiting first; likewise.
    pub async fn to_dispense(
        self,
        institution: InstitutionId,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<PrescriptionRow>> {
        pile!(self, "approved", "reviewed_at", institution, now, limit)
    }

    /// Visits with a prescription of this doctor that a pharmacist sent back and that was not signed again.
    pub async fn sent_back_of(self, doctor: AccountId) -> Result<Vec<VisitId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select visit_id
                 from prescription
                 where doctor_id = $1 and state in ('returned', 'draft') and reviewed_at is not null
                 group by visit_id
                 order by min(reviewed_at)
                 limit 50",
            )
            .bind(doctor)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The signed prescriptions that wait for a second doctor other than `doctor`.
    pub async fn to_countersign(self, institution: InstitutionId, doctor: AccountId) -> Result<Vec<PrescriptionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where p.institution_id = $1
                   and p.state = 'signed'
                   and p.needs_second
                   and p.countersigned_by is null
                   and p.doctor_id <> $2
                 order by p.signed_at
                 limit 50"
            ))
            .bind(institution)
            .bind(doctor)
            .fetch_all(conn)
            .await?
        }))
    }

    /// What a holder may hear of, newest first: nothing that was never signed.
    pub async fn of_holder(self, holder: HolderId, limit: i64) -> Result<Vec<PrescriptionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "join visit v on v.id = p.visit_id
                 where v.holder_id = $1 and p.state <> 'draft'
                 order by p.created_at desc
                 limit $2"
            ))
            .bind(holder)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Signed and approved ones that are good no longer, past the first `skip`.
    pub async fn run_out(self, now: Timestamp, limit: i64, skip: i64) -> Result<Vec<PrescriptionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where p.state in ('signed', 'approved') and p.valid_until <= $1
                 order by p.valid_until, p.id
                 limit $2 offset $3"
            ))
            .bind(now)
            .bind(limit)
            .bind(skip)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Prescriptions of an institution after `after`, in the order of their ids, whose last signature is of `signed_at` or
    /// before; and those without one that were saved at `saved_at` or before.
    pub async fn old(
        self,
        institution: InstitutionId,
        after: PrescriptionId,
        signed_at: Timestamp,
        saved_at: Timestamp,
        limit: i64,
    ) -> Result<Vec<PrescriptionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where p.institution_id = $1
                   and p.id > $2
                   and (p.signed_at <= $3 or (p.signed_at is null and p.saved_at <= $4))
                 order by p.id
                 limit $5"
            ))
            .bind(institution)
            .bind(after)
            .bind(signed_at)
            .bind(saved_at)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Forgets a prescription with every version of it; the database refuses unless it is marked as gone.
    pub async fn forget(self, id: PrescriptionId) -> Result<()> {
        on!(self.0, |conn| {
            for statement in [
                "delete from prescription_version where prescription_id = $1",
                "delete from prescription where id = $1",
            ] {
                sqlx::query(statement).bind(id).execute(&mut *conn).await?;
            }
        });
        Ok(())
    }
}
