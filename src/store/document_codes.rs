//! Codes on documents. Only the hash of a code is kept: who reads the database cannot print a paper that proves itself.

use crate::domain::ids::InstitutionId;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CodeOfDocument {
    /// SHA-256 over the code.
    pub token_hash: Vec<u8>,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// `record`, `prescription`, `referral` or `opinion`.
    pub kind: String,
    /// The id of what was signed.
    pub subject: String,
    /// Its content hash when the document was made.
    pub hash: String,
    /// When.
    pub made_at: Timestamp,
}

/// The `document_code` table.
pub struct DocumentCodes<'tx>(pub(super) &'tx mut Tx);

impl DocumentCodes<'_> {
    /// Keeps a code; the same document has the same one.
    pub async fn keep(self, code: &CodeOfDocument) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into document_code (token_hash, institution_id, kind, subject, hash, made_at)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict do nothing",
            )
            .bind(&code.token_hash)
            .bind(code.institution_id)
            .bind(&code.kind)
            .bind(&code.subject)
            .bind(&code.hash)
            .bind(code.made_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The code of this hash.
    pub async fn find(self, token_hash: &[u8]) -> Result<Option<CodeOfDocument>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select token_hash, institution_id, kind, subject, hash, made_at from document_code where token_hash = $1",
            )
            .bind(token_hash)
            .fetch_optional(conn)
            .await?
        }))
    }
}
