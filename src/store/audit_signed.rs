//! What the audit says was signed, beside what is there of it: read together, a page of entries at a time.

use crate::domain::ids::InstitutionId;
use crate::domain::prescription::Phase;
use crate::domain::time::Timestamp;
use crate::store::{Audit, NoteRow, Result, SignatureRow, SignedVersionRow, on};

/// What is there under the subjects of some entries, each with its entry's number.
#[derive(Debug, Default)]
pub struct SignedThere {
    /// Signed versions of records.
    pub notes: Vec<(i64, NoteRow)>,
    /// Signed versions of prescriptions.
    pub prescriptions: Vec<(i64, SignedVersionRow)>,
    /// Signatures.
    pub signatures: Vec<(i64, SignatureRow)>,
    /// Where the prescriptions stand whose last act the entry is; nothing where one is gone.
    pub standing: Vec<(i64, Option<Phase>)>,
}

#[derive(sqlx::FromRow)]
struct At<T> {
    seq: i64,
    #[sqlx(flatten)]
    row: T,
}

fn split<T>(rows: Vec<At<T>>) -> Vec<(i64, T)> {
    rows.into_iter().map(|at| (at.seq, at.row)).collect()
}

/// The acts on a prescription: those of [`crate::domain::prescription::ACTS`], which a test of the store compares.
macro_rules! acts {
    () => {
        "('rx.begin', 'rx.withdrawn', 'rx.sign', 'rx.countersign', 'rx.declined', 'rx.approved', 'rx.returned', 'rx.refused',
          'rx.dispense', 'rx.stop')"
    };
}

// An id stands in a subject as its digits behind its kind.

const NOTES_SQLITE: &str = "
    select a.seq, t.id, t.institution_id, t.visit_id, t.number, t.content, t.hash, t.previous_hash, t.signed_by,
           t.signed_at, t.reason, t.identity
    from audit a
    join note t on t.id = unhex(substr(a.subject, 6))
    where a.institution_id = $1 and a.seq > $2 and a.seq <= $3 and a.action = 'note.sign'
    order by a.seq";
const NOTES_POSTGRES: &str = "
    select a.seq, t.id, t.institution_id, t.visit_id, t.number, t.content, t.hash, t.previous_hash, t.signed_by,
           t.signed_at, t.reason, t.identity
    from audit a
    join note t on t.id = case when a.subject ~ '^note_[0-9a-f]{32}$' then substr(a.subject, 6)::uuid end
    where a.institution_id = $1 and a.seq > $2 and a.seq <= $3 and a.action = 'note.sign'
    order by a.seq";

const PRESCRIPTIONS_SQLITE: &str = "
    select a.seq, t.prescription_id, t.version, t.content, t.report, t.answers, t.stated, t.hash, t.signed_by, t.signed_at
    from audit a
    join prescription_version t on t.prescription_id = unhex(substr(a.subject, 14))
    where a.institution_id = $1 and a.seq > $2 and a.seq <= $3 and a.action = 'rx.sign'
    order by a.seq, t.version";
const PRESCRIPTIONS_POSTGRES: &str = "
    select a.seq, t.prescription_id, t.version, t.content, t.report, t.answers, t.stated, t.hash, t.signed_by, t.signed_at
    from audit a
    join prescription_version t
      on t.prescription_id = case when a.subject ~ '^prescription_[0-9a-f]{32}$' then substr(a.subject, 14)::uuid end
    where a.institution_id = $1 and a.seq > $2 and a.seq <= $3 and a.action = 'rx.sign'
    order by a.seq, t.version";

macro_rules! standing {
    ($id:literal) => {
        concat!(
            "select a.seq, p.state
             from audit a
             left join prescription p on p.id = ",
            $id,
            " where a.institution_id = $1 and a.seq > $2 and a.seq <= $3 and a.action in ",
            acts!(),
            "  and not exists (select 1 from audit b
                               where b.institution_id = a.institution_id and b.subject = a.subject and b.seq > a.seq
                                 and b.action in ",
            acts!(),
            ") order by a.seq"
        )
    };
}
const STANDING_SQLITE: &str = standing!("unhex(substr(a.subject, 14))");
const STANDING_POSTGRES: &str =
    standing!("case when a.subject ~ '^prescription_[0-9a-f]{32}$' then substr(a.subject, 14)::uuid end");

impl Audit<'_> {
    /// The last act on a prescription of which there is an entry, and when.
    pub async fn last_rx_act(self, institution: InstitutionId, subject: &str) -> Result<Option<(String, Timestamp)>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "select action, at from audit where institution_id = $1 and subject = $2 and action in ",
                acts!(),
                " order by seq desc limit 1"
            ))
            .bind(institution)
            .bind(subject)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The last entry of how a visit ends, or that it began anew: its number, what it is, and its details.
    pub async fn last_outcome(self, institution: InstitutionId, visit: &str) -> Result<Option<(i64, String, String)>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select seq, action, detail
                 from audit
                 where institution_id = $1 and subject = $2 and action in ('outcome.sign', 'visit.identity_confirmed')
                 order by seq desc
                 limit 1",
            )
            .bind(institution)
            .bind(visit)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// What is there of everything that the entries after number `after`, up to `last`, say was signed.
    pub async fn signed_there(self, institution: InstitutionId, after: i64, last: i64) -> Result<SignedThere> {
        let tx = self.0;
        let notes: Vec<At<NoteRow>> = on!(&mut *tx, |conn, dialect| {
            sqlx::query_as(dialect.pick(NOTES_SQLITE, NOTES_POSTGRES))
                .bind(institution)
                .bind(after)
                .bind(last)
                .fetch_all(conn)
                .await?
        });
        let prescriptions: Vec<At<SignedVersionRow>> = on!(&mut *tx, |conn, dialect| {
            sqlx::query_as(dialect.pick(PRESCRIPTIONS_SQLITE, PRESCRIPTIONS_POSTGRES))
                .bind(institution)
                .bind(after)
                .bind(last)
                .fetch_all(conn)
                .await?
        });
        let signatures: Vec<At<SignatureRow>> = on!(&mut *tx, |conn| {
            sqlx::query_as(
                "select a.seq, t.id, t.institution_id, t.subject, t.purpose, t.key_id, t.hash, t.at, t.bytes
                 from audit a
                 join signature t on t.subject = a.subject
                 where a.institution_id = $1 and a.seq > $2 and a.seq <= $3 and a.action in ('note.sign', 'rx.sign')
                 order by a.seq, t.id",
            )
            .bind(institution)
            .bind(after)
            .bind(last)
            .fetch_all(conn)
            .await?
        });
        let standing: Vec<(i64, Option<Phase>)> = on!(&mut *tx, |conn, dialect| {
            sqlx::query_as(dialect.pick(STANDING_SQLITE, STANDING_POSTGRES))
                .bind(institution)
                .bind(after)
                .bind(last)
                .fetch_all(conn)
                .await?
        });
        let (notes, prescriptions, signatures) = (split(notes), split(prescriptions), split(signatures));
        Ok(SignedThere { notes, prescriptions, signatures, standing })
    }
}
