//! Process records: where each file is, and until when it is kept.

use crate::domain::ids::{AccountId, ClinicId, InstitutionId, ParticipantId, RecordingId, RoomId, VisitId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// A stored file of a recording.
#[expect(clippy::struct_excessive_bools, reason = "facts about a film, each free of the others")]
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RecordingRow {
    /// The file.
    pub id: RecordingId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Of which visit.
    pub visit_id: VisitId,
    /// In which room.
    pub room_id: RoomId,
    /// Who is seen and heard, or whose screen is seen.
    pub participant_id: ParticipantId,
    /// Whether it shows the screen of that participant.
    pub is_screen: bool,
    /// Which part of this participant's recording, from 1.
    pub part: i64,
    /// When the recording began.
    pub started_at: Timestamp,
    /// How long it is, in milliseconds.
    pub millis: i64,
    /// The words that the patient agreed to.
    pub consent_version: String,
    /// When the patient agreed.
    pub consent_at: Timestamp,
    /// Not to be removed before.
    pub retain_until: Timestamp,
    /// Whether a crash cut it off.
    pub is_cut: bool,
    /// Whether it ends because the patient took the consent back.
    pub is_withdrawn: bool,
    /// Whether pictures are missing because the camera spoke a codec that is not recorded.
    pub is_unpictured: bool,
    /// How many gaps its index names.
    pub gaps: i64,
    /// Its name in the object store.
    pub place: String,
    /// Its length for a player; 0 where nothing could be kept.
    pub size: i64,
    /// Its length in the object store.
    pub stored_size: i64,
    /// SHA-256 of what is in the object store, in hexadecimal digits.
    pub hash: String,
    /// The wrapped key.
    pub key_sealed: Vec<u8>,
    /// When it was stored.
    pub stored_at: Timestamp,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, visit_id, room_id, participant_id, part, started_at, millis, consent_version,
                    consent_at, retain_until, is_cut, is_withdrawn, is_unpictured, is_screen, gaps, place, size, stored_size,
                    hash, key_sealed, stored_at
             from recording ",
            $rest
        )
    };
}

/// The `recording` table.
pub struct Recordings<'tx>(pub(super) &'tx mut Tx);

impl Recordings<'_> {
    /// Keeps a row; `false` when it was kept before.
    pub async fn insert(self, row: &RecordingRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into recording (id, institution_id, visit_id, room_id, participant_id, part, started_at, millis,
                                        consent_version, consent_at, retain_until, is_cut, is_withdrawn, is_unpictured,
                                        gaps, place, size, stored_size, hash, key_sealed, stored_at, is_screen, doctor_id)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                         $22,
                         (select visit.doctor_id from visit where visit.id = $3))
                 on conflict (id) do nothing",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.visit_id)
            .bind(row.room_id)
            .bind(row.participant_id)
            .bind(row.part)
            .bind(row.started_at)
            .bind(row.millis)
            .bind(&row.consent_version)
            .bind(row.consent_at)
            .bind(row.retain_until)
            .bind(row.is_cut)
            .bind(row.is_withdrawn)
            .bind(row.is_unpictured)
            .bind(row.gaps)
            .bind(&row.place)
            .bind(row.size)
            .bind(row.stored_size)
            .bind(&row.hash)
            .bind(&row.key_sealed)
            .bind(row.stored_at)
            .bind(row.is_screen)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// A file by its id; none that goes.
    pub async fn find(self, id: RecordingId) -> Result<Option<RecordingRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where id = $1 and not exists (select 1 from leaving where leaving.id = recording.id)"
            ))
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The files of a visit, oldest first; none of a wrong person, and none that goes.
    pub async fn of_visit(self, visit: VisitId) -> Result<Vec<RecordingRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where visit_id = $1
                   and not exists (select 1 from leaving where leaving.id = recording.id)
                   and not exists (select 1 from visit
                                   where visit.id = recording.visit_id and visit.room_id = recording.room_id
                                     and visit.end_reason = 'wrong_person')
                 order by started_at, participant_id, part"
            ))
            .bind(visit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The newest files of a doctor's visits; none of a wrong person, and none that goes.
    pub async fn of_doctor(self, doctor: AccountId, limit: i64) -> Result<Vec<RecordingRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where doctor_id = $1
                   and not exists (select 1 from leaving where leaving.id = recording.id)
                   and exists (select 1 from visit
                               where visit.id = recording.visit_id
                                 and (visit.room_id <> recording.room_id or visit.end_reason is null
                                      or visit.end_reason <> 'wrong_person'))
                 order by started_at desc, participant_id, part
                 limit $2"
            ))
            .bind(doctor)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// A visit that ends later than was thought keeps its files longer.
    pub async fn retain(self, visit: VisitId, until: Timestamp) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update recording set retain_until = $2 where visit_id = $1 and retain_until < $2")
                .bind(visit)
                .bind(until)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// Whether a clinic records those who agree.
    pub async fn is_wanted(self, clinic: ClinicId) -> Result<bool> {
        let policy: Option<String> = on!(self.0, |conn| {
            sqlx::query_scalar("select recording from clinic where id = $1").bind(clinic).fetch_optional(conn).await?
        });
        Ok(policy.is_some_and(|policy| policy == "with_consent"))
    }

    /// Sets whether a clinic records those who agree.
    pub async fn set_wanted(self, clinic: ClinicId, is_wanted: bool) -> Result<()> {
        let policy = if is_wanted { "with_consent" } else { "off" };
        on!(self.0, |conn| {
            sqlx::query("update clinic set recording = $2 where id = $1")
                .bind(clinic)
                .bind(policy)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// Where every film that is known lies.
    pub async fn all_places(self) -> Result<Vec<String>> {
        Ok(on!(self.0, |conn| sqlx::query_scalar("select place from recording").fetch_all(conn).await?))
    }

    /// The files that may go at `now`: those that nobody need keep any longer, and those of a wrong person. What is marked
    /// goes, whatever was ordered since.
    pub async fn removable(self, now: Timestamp, limit: i64, skip: i64) -> Result<Vec<RecordingRow>> {
        // Those that somebody holds would fill every round, and nothing else would ever go. A hold names its visit as the
        // audit does, and the databases spell an id each in its own way.
        Ok(on!(self.0, |conn, dialect| {
            sqlx::query_as(dialect.pick(
                columns!(
                    "where id in (select id from recording where retain_until < $1
                                  union
                                  select film.id
                                  from visit join recording film on film.visit_id = visit.id and film.room_id = visit.room_id
                                  where visit.end_reason = 'wrong_person')
                       and (exists (select 1 from leaving where leaving.id = recording.id)
                            or not exists (select 1 from legal_hold
                                           where legal_hold.institution_id = recording.institution_id
                                             and legal_hold.subject = 'visit_' || lower(hex(recording.visit_id))
                                             and lifted_at is null))
                     order by retain_until, id
                     limit $2 offset $3"
                ),
                columns!(
                    "where id in (select id from recording where retain_until < $1
                                  union
                                  select film.id
                                  from visit join recording film on film.visit_id = visit.id and film.room_id = visit.room_id
                                  where visit.end_reason = 'wrong_person')
                       and (exists (select 1 from leaving where leaving.id = recording.id)
                            or not exists (select 1 from legal_hold
                                           where legal_hold.institution_id = recording.institution_id
                                             and legal_hold.subject = 'visit_' || replace(recording.visit_id::text, '-', '')
                                             and lifted_at is null))
                     order by retain_until, id
                     limit $2 offset $3"
                ),
            ))
            .bind(now)
            .bind(limit)
            .bind(skip)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Removes a row; `false` when it was gone.
    pub async fn remove(self, id: RecordingId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("delete from recording where id = $1").bind(id).execute(conn).await?.rows_affected() == 1
        }))
    }
}
