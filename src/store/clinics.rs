//! Services that people queue for or book.

use crate::domain::ids::{ClinicId, InstitutionId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// A service that people queue for, with its policy.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ClinicRow {
    /// The clinic.
    pub id: ClinicId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// A short code.
    pub code: String,
    /// What stands in the patient's link.
    pub link_token: String,
    /// `fever` or `tcm`.
    pub kind: String,
    /// Its name.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// IANA name of the zone in which its days begin.
    pub time_zone: String,
    /// Whether it takes patients.
    pub is_open: bool,
    /// Places lost by a missed call.
    pub miss_shift: i64,
    /// Missed calls after which a ticket is void.
    pub miss_limit: i64,
    /// Seconds that a call rings.
    pub ring_secs: i64,
    /// Minutes of waiting after which the three questions come again.
    pub retriage_minutes: i64,
    /// Order in lists.
    pub position: i64,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// What a clinic shows before anybody comes.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct ShownRow {
    /// What a visit costs, in fen; none where no fee is set.
    pub price_fen: Option<i64>,
    /// The number for complaints; none where it is the institution's own.
    pub complaints_phone: Option<String>,
    /// Where else one may complain.
    pub complaints_at_zh: Option<String>,
    /// The same in English.
    pub complaints_at_en: Option<String>,
}

/// A clinic, and the names of its institution.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ClinicOf {
    /// The clinic.
    pub id: ClinicId,
    /// The institution.
    pub institution_id: InstitutionId,
    /// Its name.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
}

macro_rules! clinic {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, code, link_token, kind, name_zh, name_en, time_zone, is_open, miss_shift, miss_limit,
                    ring_secs, retriage_minutes, position, created_at
             from clinic ",
            $rest
        )
    };
}

/// The `clinic` table.
pub struct Clinics<'tx>(pub(super) &'tx mut Tx);

impl Clinics<'_> {
    /// The codes of all clinics of all institutions.
    pub async fn codes(self) -> Result<Vec<String>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select distinct code from clinic order by code").fetch_all(conn).await?
        }))
    }

    /// The clinics with this code, and of which institution each is.
    pub async fn of_code(self, code: &str) -> Result<Vec<ClinicOf>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select clinic.id, clinic.institution_id, institution.name_zh, institution.name_en
                 from clinic join institution on institution.id = clinic.institution_id
                 where clinic.code = $1
                 order by institution.name_zh, institution.id",
            )
            .bind(code)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Keeps a new clinic.
    pub async fn insert(self, row: &ClinicRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into clinic (id, institution_id, code, link_token, kind, name_zh, name_en, time_zone, is_open,
                                     miss_shift, miss_limit, ring_secs, retriage_minutes, position, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.code)
            .bind(&row.link_token)
            .bind(&row.kind)
            .bind(&row.name_zh)
            .bind(&row.name_en)
            .bind(&row.time_zone)
            .bind(row.is_open)
            .bind(row.miss_shift)
            .bind(row.miss_limit)
            .bind(row.ring_secs)
            .bind(row.retriage_minutes)
            .bind(row.position)
            .bind(row.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A clinic by its id.
    pub async fn find(self, id: ClinicId) -> Result<Option<ClinicRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(clinic!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// A clinic by its link.
    pub async fn by_link(self, link: &str) -> Result<Option<ClinicRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(clinic!("where link_token = $1")).bind(link).fetch_optional(conn).await?))
    }

    /// The clinics of an institution, in the order of lists.
    pub async fn of(self, institution: InstitutionId) -> Result<Vec<ClinicRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(clinic!("where institution_id = $1 order by position, code"))
                .bind(institution)
                .fetch_all(conn)
                .await?
        }))
    }

    /// What a clinic shows.
    pub async fn shown(self, id: ClinicId) -> Result<ShownRow> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select price_fen, complaints_phone, complaints_at_zh, complaints_at_en from clinic where id = $1",
            )
            .bind(id)
            .fetch_one(conn)
            .await?
        }))
    }

    /// Changes what it shows.
    pub async fn show(self, id: ClinicId, shown: &ShownRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "update clinic
                 set price_fen = $2, complaints_phone = $3, complaints_at_zh = $4, complaints_at_en = $5
                 where id = $1",
            )
            .bind(id)
            .bind(shown.price_fen)
            .bind(&shown.complaints_phone)
            .bind(&shown.complaints_at_zh)
            .bind(&shown.complaints_at_en)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Opens or closes a clinic; changes its ring time, which tests and small clinics shorten.
    pub async fn set_policy(self, id: ClinicId, is_open: bool, ring_secs: i64) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update clinic set is_open = $2, ring_secs = $3 where id = $1")
                .bind(id)
                .bind(is_open)
                .bind(ring_secs)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }
}
