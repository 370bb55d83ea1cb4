//! The event log, idempotency keys, and the audit chain.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sqlx::QueryBuilder;
use sqlx::types::Json;

use crate::domain::audit::{Entry, Kept, chain_hash_as_kept};
use crate::domain::ids::InstitutionId;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// Events that one statement writes: both databases bind some thirty thousand values, and each event has six.
const AT_ONCE: usize = 1000;

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Its number in the topic.
    pub seq: i64,
    /// What happened.
    pub kind: String,
    /// Particulars, free of personal data.
    pub payload: Value,
    /// When.
    pub at: Timestamp,
}

/// An event that has no number yet.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// The tenant.
    pub institution: InstitutionId,
    /// Whom it is told.
    pub topic: &'a str,
    /// What happened.
    pub kind: &'a str,
    /// Particulars, free of personal data.
    pub payload: &'a Value,
    /// When.
    pub at: Timestamp,
}

/// The `topic` and `event` tables.
pub struct Events<'tx>(pub(super) &'tx mut Tx);

impl Events<'_> {
    /// Writes events, each under the next number of its topic; their numbers, in the same order. The rows of the topics are
    /// held until the commit, which is what makes numbers gap-free and in commit order; they are taken in the order of
    /// their names, so that two who tell the same topics never wait for each other.
    pub async fn emit(self, events: &[NewEvent<'_>]) -> Result<Vec<i64>> {
        let mut told = BTreeMap::new();
        for event in events {
            *told.entry(event.topic).or_insert(0_i64) += 1;
        }
        let mut numbers = Vec::with_capacity(events.len());
        if told.is_empty() {
            return Ok(numbers);
        }
        on!(self.0, |conn| {
            let mut counting = QueryBuilder::new("insert into topic (topic, head) ");
            counting.push_values(&told, |mut row, (topic, count)| {
                row.push_bind(*topic).push_bind(*count);
            });
            counting.push(" on conflict (topic) do update set head = topic.head + excluded.head returning topic, head");
            let heads: Vec<(String, i64)> = counting.build_query_as().fetch_all(&mut *conn).await?;
            let before = heads.iter().map(|(topic, head)| (topic.as_str(), head - told[topic.as_str()]));
            let mut last: HashMap<_, _> = before.collect();
            for event in events {
                let number = last.entry(event.topic).or_default();
                *number += 1;
                numbers.push(*number);
            }
            for (events, numbers) in events.chunks(AT_ONCE).zip(numbers.chunks(AT_ONCE)) {
                let mut writing =
                    QueryBuilder::new("insert into event (topic, seq, institution_id, kind, payload, at) ");
                writing.push_values(events.iter().zip(numbers), |mut row, (event, seq)| {
                    row.push_bind(event.topic).push_bind(*seq).push_bind(event.institution);
                    row.push_bind(event.kind).push_bind(Json(event.payload)).push_bind(event.at);
                });
                writing.build().execute(&mut *conn).await?;
            }
        });
        Ok(numbers)
    }

    /// The number of the last event of a topic; 0 when there was none.
    pub async fn head(self, topic: &str) -> Result<i64> {
        let head: Option<i64> = on!(self.0, |conn| {
            sqlx::query_scalar("select head from topic where topic = $1").bind(topic).fetch_optional(conn).await?
        });
        Ok(head.unwrap_or(0))
    }

    /// At most `limit` events of a topic after `seq`, in order.
    pub async fn since(self, topic: &str, seq: i64, limit: i64) -> Result<Vec<EventRow>> {
        let rows: Vec<(i64, String, Json<Value>, Timestamp)> = on!(self.0, |conn| {
            sqlx::query_as(
                "select seq, kind, payload, at from event where topic = $1 and seq > $2 order by seq limit $3",
            )
            .bind(topic)
            .bind(seq)
            .bind(limit)
            .fetch_all(conn)
            .await?
        });
        Ok(rows.into_iter().map(|(seq, kind, payload, at)| EventRow { seq, kind, payload: payload.0, at }).collect())
    }
}

/// What the log of commands says of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The command is new; carry it out and keep its answer.
    Fresh,
    /// It was carried out: this was the answer.
    Done(Value),
    /// The key came with another request.
    Mismatch,
}

/// The `idem` table.
pub struct Idem<'tx>(pub(super) &'tx mut Tx);

impl Idem<'_> {
    /// Claims a key for a command. On PostgreSQL a concurrent twin waits here until the first is committed.
    pub async fn claim(self, actor: &str, key: &str, request_hash: &[u8], now: Timestamp) -> Result<Claim> {
        let tx = self.0;
        let is_fresh = on!(&mut *tx, |conn| {
            sqlx::query(
                "insert into idem (actor, key, request_hash, at)
                 values ($1, $2, $3, $4)
                 on conflict (actor, key) do nothing",
            )
            .bind(actor)
            .bind(key)
            .bind(request_hash)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        });
        if is_fresh {
            return Ok(Claim::Fresh);
        }
        let (hash, body): (Vec<u8>, Option<Json<Value>>) = on!(&mut *tx, |conn| {
            sqlx::query_as("select request_hash, body from idem where actor = $1 and key = $2")
                .bind(actor)
                .bind(key)
                .fetch_one(conn)
                .await?
        });
        Ok(match body {
            _ if hash != request_hash => Claim::Mismatch,
            Some(body) => Claim::Done(body.0),
            None => Claim::Fresh,
        })
    }

    /// Keeps the answer of a claimed command.
    pub async fn keep(self, actor: &str, key: &str, body: &Value) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update idem set body = $3 where actor = $1 and key = $2")
                .bind(actor)
                .bind(key)
                .bind(Json(body))
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// Forgets keys from before `before`; how many.
    pub async fn forget(self, before: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("delete from idem where at < $1").bind(before).execute(conn).await?.rows_affected()
        }))
    }
}

/// The `audit` table: appended to, never changed; the database refuses a change, too.
pub struct Audit<'tx>(pub(super) &'tx mut Tx);

/// Entries that are read at once.
const PAGE: i64 = 1000;

#[derive(sqlx::FromRow)]
struct AuditRow {
    seq: i64,
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
    purpose: Option<String>,
    detail: String,
    previous_hash: String,
    hash: String,
}

impl From<AuditRow> for Kept {
    fn from(row: AuditRow) -> Self {
        let AuditRow { seq, at, actor, action, subject, purpose, detail, previous_hash, hash } = row;
        Self { seq, at, actor, action, subject, purpose, detail, previous_hash, hash }
    }
}

/// The counter of an institution's chain.
fn chain(institution: InstitutionId) -> String {
    format!("audit:{}", institution.as_uuid())
}

impl Audit<'_> {
    /// Appends an entry to its institution's chain; its number.
    pub async fn append(self, institution: InstitutionId, entry: &Entry) -> Result<i64> {
        let tx = self.0;
        // The topic's counter row is the chain's lock on PostgreSQL; on SQLite there is one writer.
        let chain = chain(institution);
        let seq: i64 = on!(&mut *tx, |conn| {
            sqlx::query_scalar(
                "insert into topic (topic, head)
                 values ($1, 1)
                 on conflict (topic) do update set head = topic.head + 1
                 returning head",
            )
            .bind(&chain)
            .fetch_one(conn)
            .await?
        });
        let previous: Option<String> = on!(&mut *tx, |conn| {
            sqlx::query_scalar("select hash from audit where institution_id = $1 and seq = $2")
                .bind(institution)
                .bind(seq - 1)
                .fetch_optional(conn)
                .await?
        });
        let previous = previous.unwrap_or_default();
        let detail = entry.detail.to_string();
        let hash = chain_hash_as_kept(&previous, seq, entry, &detail);
        on!(tx, |conn| {
            sqlx::query(
                "insert into audit (institution_id, seq, at, actor, action, subject, purpose, detail, previous_hash, hash)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(institution)
            .bind(seq)
            .bind(entry.at)
            .bind(&entry.actor)
            .bind(&entry.action)
            .bind(&entry.subject)
            .bind(&entry.purpose)
            .bind(&detail)
            .bind(&previous)
            .bind(&hash)
            .execute(conn)
            .await?;
        });
        Ok(seq)
    }

    /// How many entries the database counted.
    pub async fn head(self, institution: InstitutionId) -> Result<i64> {
        let head: Option<i64> = on!(self.0, |conn| {
            sqlx::query_scalar("select head from topic where topic = $1")
                .bind(chain(institution))
                .fetch_optional(conn)
                .await?
        });
        Ok(head.unwrap_or(0))
    }

    /// The next entries after number `after`, in order; few enough for memory. None when there are no more.
    pub async fn page(self, institution: InstitutionId, after: i64) -> Result<Vec<Kept>> {
        let rows: Vec<AuditRow> = on!(self.0, |conn| {
            sqlx::query_as(
                "select seq, at, actor, action, subject, purpose, detail, previous_hash, hash
                 from audit
                 where institution_id = $1 and seq > $2
                 order by seq
                 limit $3",
            )
            .bind(institution)
            .bind(after)
            .bind(PAGE)
            .fetch_all(conn)
            .await?
        });
        Ok(rows.into_iter().map(Kept::from).collect())
    }

    /// The entries about any of these subjects, in order.
    pub async fn about(self, institution: InstitutionId, subjects: &[String]) -> Result<Vec<Kept>> {
        let tx = self.0;
        let mut entries: Vec<Kept> = Vec::new();
        for subject in subjects {
            let rows: Vec<AuditRow> = on!(&mut *tx, |conn| {
                sqlx::query_as(
                    "select seq, at, actor, action, subject, purpose, detail, previous_hash, hash
                     from audit
                     where institution_id = $1 and subject = $2
                     order by seq",
                )
                .bind(institution)
                .bind(subject)
                .fetch_all(conn)
                .await?
            });
            entries.extend(rows.into_iter().map(Kept::from));
        }
        entries.sort_by_key(|entry| entry.seq);
        Ok(entries)
    }
}
