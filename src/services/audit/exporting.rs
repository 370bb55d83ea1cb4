//! A sealed day for whoever has no access to the database.

use jiff::civil::Date;
use serde_json::json;

use crate::domain::hex::hex;
use crate::domain::ids::InstitutionId;
use crate::protocol::error::ErrorCode;
use crate::protocol::proof::{DayExport, ExportSignature};
use crate::services::audit::Notary;
use crate::services::refusal::Refusal;
use crate::services::signing::{is_ours, signature_holds};
use crate::services::verifying::entry_line;
use crate::store::{KeyRow, SignatureRow};

impl Notary<'_> {
    /// A sealed day as a file: a first line with the seal and its signature, then one entry a line.
    pub async fn export(&self, institution: InstitutionId, day: Date) -> Result<String, Refusal> {
        let mut tx = self.db.read().await?;
        let seal = tx.audit_days().all(institution).await?.into_iter().find(|(seal, _)| seal.day == day);
        let (seal, sealed_at) = seal.ok_or_else(Refusal::not_found)?;
        let hash = seal.hash();
        let keys = tx.signatures().keys(institution).await?;
        let signed = tx.signatures().of(&seal.subject()).await?.into_iter().filter(|one| one.hash == hash);
        // A signature that somebody else put beside ours is not the one to hand out.
        let mut ours = signed.filter_map(|one| {
            let key = keys.iter().find(|key| key.id == one.key_id && is_ours(self.vault, key))?;
            signature_holds(&one, key).then(|| (one, key.clone()))
        });
        let (signature, key) = ours.next().ok_or_else(|| {
            Refusal::new(ErrorCode::SignatureBroken, "the seal of this day is not signed by this server")
        })?;
        let name = tx.institutions().find(institution).await?.map(|row| row.name_en).unwrap_or_default();
        let mut last = seal.first - 1;
        let (end, entries) = (seal.last, seal.entries());
        let head = DayExport::new(name, seal, sealed_at, ExportSignature::of(&signature, &key));
        let mut text = json!(head).to_string();
        text.push('\n');
        let mut count = 0;
        while last < end {
            let page = tx.audit().page(institution, last).await?;
            let Some(newest) = page.last() else { break };
            last = newest.seq;
            for entry in page.iter().filter(|entry| entry.seq <= end) {
                text.push_str(&entry_line(entry));
                count += 1;
            }
        }
        if count != entries {
            return Err(Refusal::internal("entries of a sealed day are missing"));
        }
        Ok(text)
    }
}

impl ExportSignature {
    /// A signature with the key that made it.
    pub(crate) fn of(signature: &SignatureRow, key: &KeyRow) -> Self {
        Self {
            purpose: signature.purpose,
            subject: signature.subject.clone(),
            hash: signature.hash.clone(),
            at: signature.at,
            key: key.id.to_string(),
            owner: key.owner.clone(),
            algorithm: key.algorithm,
            public_key: hex(&key.public_key),
            bytes: hex(&signature.bytes),
        }
    }
}
