//! Whom to tell of a breach (个人信息保护法 Art. 57): whose data an account was shown between two moments, by the audit log.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::audit::Kept;
use crate::domain::csv;
use crate::domain::ids::{
    AdverseEventId, AlarmId, CaseReportId, HolderId, InstitutionId, OpinionId, PatientId, PrescriptionId, RecordingId,
    TicketId, VisitId,
};
use crate::domain::time::Timestamp;
use crate::services::refusal::Refusal;
use crate::services::vault::{Field, Vault};
use crate::store::{AccountRow, Tx};

/// The names of the columns.
const HEAD: [&str; 8] = ["patient", "patient_id", "phone", "locale", "first_read", "last_read", "reads", "what"];

/// A table of people to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// RFC 4180, with a first line of names; no cell is a formula.
    pub csv: String,
    /// People in it.
    pub people: usize,
    /// Reads that lead to nobody by themselves, such as a search: they stand below, with what the log names.
    pub unresolved: usize,
}

#[derive(Default)]
struct Reads {
    times: Vec<Timestamp>,
    actions: BTreeMap<String, usize>,
}

impl Reads {
    fn add(&mut self, entry: &Kept) {
        self.times.push(entry.at);
        *self.actions.entry(entry.action.clone()).or_default() += 1;
    }

    /// First and last read, how many, and of what.
    fn cells(&self) -> [String; 4] {
        let moment = |at: Option<&Timestamp>| {
            let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at.as_millis()).ok());
            at.map(|at| at.to_string()).unwrap_or_default()
        };
        let what = self.actions.iter().map(|(action, count)| format!("{action} x{count}")).collect::<Vec<_>>();
        [
            moment(self.times.iter().min()),
            moment(self.times.iter().max()),
            self.times.len().to_string(),
            what.join("; "),
        ]
    }
}

/// Reads the whole log of the account's institution: entries with a purpose are reads.
pub async fn notice(
    tx: &mut Tx,
    vault: &Vault,
    account: &AccountRow,
    from: Timestamp,
    until: Timestamp,
) -> Result<Notice, Refusal> {
    let actor = account.id.to_string();
    let mut people: BTreeMap<(PatientId, Option<HolderId>), Reads> = BTreeMap::new();
    let mut others: BTreeMap<String, Reads> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = tx.audit().page(account.institution_id, after).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for entry in page {
            let is_read = entry.actor == actor && entry.purpose.is_some();
            if !is_read || entry.at < from || entry.at >= until {
                continue;
            }
            match whose(tx, account.institution_id, &entry).await? {
                Some(person) => people.entry(person).or_default().add(&entry),
                None => others.entry(entry.subject.clone()).or_default().add(&entry),
            }
        }
    }
    let mut csv = csv::line(&HEAD.map(str::to_owned));
    for ((patient, holder), reads) in &people {
        let row = tx.patients().find(account.institution_id, *patient).await?;
        let row = row.ok_or_else(|| Refusal::internal("a read of a patient who is not there"))?;
        let open =
            |field, id, sealed: &[u8]| vault.open(field, id, sealed).map_err(|broken| Refusal::internal(&broken));
        let name = open(Field::Name, row.id.as_uuid(), &row.name_sealed)?;
        let holder = match holder {
            Some(holder) => tx.holders().find(account.institution_id, *holder).await?,
            None => None,
        };
        let (phone, locale) = match holder {
            // With `tel:` no table takes the number for a sum.
            Some(holder) => {
                (format!("tel:{}", open(Field::Phone, holder.id.as_uuid(), &holder.phone_sealed)?), holder.locale)
            }
            None => (String::new(), String::new()),
        };
        let [first, last, count, what] = reads.cells();
        csv += &csv::line(&[name, patient.to_string(), phone, locale, first, last, count, what]);
    }
    for (subject, reads) in &others {
        let [first, last, count, what] = reads.cells();
        let nobody = String::new;
        csv += &csv::line(&[nobody(), subject.clone(), nobody(), nobody(), first, last, count, what]);
    }
    Ok(Notice { csv, people: people.len(), unresolved: others.len() })
}

/// Whose data an entry is about, and who answers for them.
async fn whose(
    tx: &mut Tx,
    institution: InstitutionId,
    entry: &Kept,
) -> Result<Option<(PatientId, Option<HolderId>)>, Refusal> {
    let subject = entry.subject.as_str();
    let detail: Value = serde_json::from_str(&entry.detail).unwrap_or(Value::Null);
    if let Some(ticket) = TicketId::from_key(subject) {
        let found = tx.tickets().find(ticket).await?.filter(|row| row.institution_id == institution);
        return Ok(found.map(|row| (row.patient_id, row.holder_id)));
    }
    if let Some(alarm) = AlarmId::from_key(subject) {
        let found = tx.alarms().find(alarm).await?.filter(|row| row.institution_id == institution);
        return Ok(found.and_then(|row| row.patient_id.map(|patient| (patient, row.holder_id))));
    }
    let named = || detail["visit"].as_str().and_then(|id| id.parse().ok());
    let mut visit = VisitId::from_key(subject).or_else(named);
    if let Some(id) = PrescriptionId::from_key(subject) {
        visit = tx.prescriptions().find(id).await?.map(|row| row.visit_id);
    } else if let Some(id) = OpinionId::from_key(subject) {
        visit = tx.opinions().find(id).await?.map(|row| row.visit_id);
    } else if let Some(id) = CaseReportId::from_key(subject) {
        visit = tx.case_reports().find(id).await?.map(|row| row.visit_id);
    } else if let Some(id) = AdverseEventId::from_key(subject) {
        visit = tx.adverse_events().find(id).await?.map(|row| row.visit_id);
    } else if let Some(id) = RecordingId::from_key(subject) {
        visit = tx.recordings().find(id).await?.map(|row| row.visit_id);
    }
    let Some(visit) = visit else { return Ok(None) };
    let found = tx.visits().find(visit).await?.filter(|row| row.institution_id == institution);
    Ok(found.map(|row| (row.patient_id, row.holder_id)))
}
