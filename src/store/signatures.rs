//! Keys that sign, and signatures. There is no statement here that changes a signature, or of a key more than that it
//! ends; the database refuses one, too.

use crate::domain::ids::{InstitutionId, KeyId, SignatureId};
use crate::domain::signature::{Algorithm, Purpose};
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(Algorithm, Purpose);

/// A key, its secret half sealed.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct KeyRow {
    /// The key.
    pub id: KeyId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Whose: an account, or `server`.
    pub owner: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// What everybody may know.
    pub public_key: Vec<u8>,
    /// What nobody may know.
    pub secret_sealed: Vec<u8>,
    /// Made at.
    pub created_at: Timestamp,
    /// Signs no more since.
    pub retired_at: Option<Timestamp>,
}

/// A signature.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct SignatureRow {
    /// The signature.
    pub id: SignatureId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// What was signed, as an id with its kind.
    pub subject: String,
    /// What the signer said by it.
    pub purpose: Purpose,
    /// By which key.
    pub key_id: KeyId,
    /// The hash of the content, hexadecimal.
    pub hash: String,
    /// When.
    pub at: Timestamp,
    /// The signature's bytes.
    pub bytes: Vec<u8>,
}

/// The `signing_key` and `signature` tables.
pub struct Signatures<'tx>(pub(super) &'tx mut Tx);

impl Signatures<'_> {
    /// The key with which an owner signs now.
    pub async fn key_of(self, institution: InstitutionId, owner: &str, algorithm: Algorithm) -> Result<Option<KeyRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, owner, algorithm, public_key, secret_sealed, created_at, retired_at
                 from signing_key
                 where institution_id = $1 and owner = $2 and algorithm = $3 and retired_at is null",
            )
            .bind(institution)
            .bind(owner)
            .bind(algorithm)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// By which algorithm an owner has signed last and may go on.
    pub async fn algorithm_of(self, institution: InstitutionId, owner: &str) -> Result<Option<Algorithm>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select algorithm
                 from signing_key
                 where institution_id = $1 and owner = $2 and retired_at is null
                 order by created_at desc, id desc
                 limit 1",
            )
            .bind(institution)
            .bind(owner)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// A key.
    pub async fn key(self, id: KeyId) -> Result<Option<KeyRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, owner, algorithm, public_key, secret_sealed, created_at, retired_at
                 from signing_key
                 where id = $1",
            )
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Keeps a new key, unless its owner has one: then nothing happens, and the other is the one to use.
    pub async fn make_key(self, key: &KeyRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into signing_key (id, institution_id, owner, algorithm, public_key, secret_sealed, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict do nothing",
            )
            .bind(key.id)
            .bind(key.institution_id)
            .bind(&key.owner)
            .bind(key.algorithm)
            .bind(&key.public_key)
            .bind(&key.secret_sealed)
            .bind(key.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Ends the keys of other algorithms of the owner of `key`, at the moment at which that was made.
    pub async fn retire_others(self, key: &KeyRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "update signing_key
                 set retired_at = $4
                 where institution_id = $1 and owner = $2 and algorithm <> $3 and retired_at is null",
            )
            .bind(key.institution_id)
            .bind(&key.owner)
            .bind(key.algorithm)
            .bind(key.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Keeps a signature.
    pub async fn insert(self, signature: &SignatureRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into signature (id, institution_id, subject, purpose, key_id, hash, at, bytes)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(signature.id)
            .bind(signature.institution_id)
            .bind(&signature.subject)
            .bind(signature.purpose)
            .bind(signature.key_id)
            .bind(&signature.hash)
            .bind(signature.at)
            .bind(&signature.bytes)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The signatures under a subject, oldest first.
    pub async fn of(self, subject: &str) -> Result<Vec<SignatureRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, subject, purpose, key_id, hash, at, bytes
                 from signature
                 where subject = $1
                 order by at, id",
            )
            .bind(subject)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The signatures of one purpose in an institution, oldest first.
    pub async fn of_purpose(self, institution: InstitutionId, purpose: Purpose) -> Result<Vec<SignatureRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, subject, purpose, key_id, hash, at, bytes
                 from signature
                 where institution_id = $1 and purpose = $2
                 order by at, id",
            )
            .bind(institution)
            .bind(purpose)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The next signatures after `after` in the order of their ids, whosever; for looking at all of them.
    pub async fn page(self, after: Option<SignatureId>) -> Result<Vec<SignatureRow>> {
        let after = after.unwrap_or(SignatureId::from_uuid(uuid::Uuid::nil()));
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, subject, purpose, key_id, hash, at, bytes
                 from signature
                 where id > $1
                 order by id
                 limit 1000",
            )
            .bind(after)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Every key of an institution, also those that sign no more.
    pub async fn keys(self, institution: InstitutionId) -> Result<Vec<KeyRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, owner, algorithm, public_key, secret_sealed, created_at, retired_at
                 from signing_key
                 where institution_id = $1
                 order by created_at, id",
            )
            .bind(institution)
            .fetch_all(conn)
            .await?
        }))
    }
}
