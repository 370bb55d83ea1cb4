//! Rosters from a table: whole or not at all, and the wrong line is named.

use std::collections::BTreeSet;

use crate::domain::csv::{self, Fault};
use crate::domain::permission::AdministratorAct;
use crate::protocol::error::ErrorCode;
use crate::protocol::roster::{ImportDone, ImportRequest, RosterRequest};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::work::{Command, Work};
use crate::store::{AccountRow, Tx};

/// The columns, as the first line names them.
const COLUMNS: [&str; 9] =
    ["clinic", "doctor", "weekdays", "from", "to", "minutes", "capacity", "first_day", "last_day"];
/// Lines of one table.
const MOST: usize = 2000;

fn wrong(line: usize, column: &str, words: &str) -> Refusal {
    Refusal::field(ErrorCode::ImportInvalid, format!("{line}:{column}"), words)
}

impl Services {
    /// Reads a table of rosters. One wrong line and nothing is kept; a trial keeps nothing either way.
    pub async fn import_rosters(
        &self,
        act: AdministratorAct,
        request: ImportRequest,
        command: &Command,
    ) -> Result<ImportDone, Refusal> {
        let records = csv::read(&request.csv).map_err(|broken| {
            let words = match broken.fault {
                Fault::Unclosed => "a cell that begins with a quotation mark never ends",
                Fault::Quote => "a quotation mark stands where none may",
            };
            wrong(broken.line, &broken.column.to_string(), words)
        })?;
        let mut records = records.into_iter();
        let head = records.next().ok_or_else(|| wrong(1, "1", "the table is empty"))?;
        for (n, name) in COLUMNS.into_iter().enumerate() {
            if head.cells.get(n).is_none_or(|cell| cell.trim() != name) {
                return Err(wrong(head.line, &(n + 1).to_string(), &format!("this column is named {name}")));
            }
        }
        if records.len() > MOST {
            return Err(wrong(MOST + 2, "1", "at most 2,000 lines at once"));
        }
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        // Two tables that name the same doctors take them in one order.
        let doctors: BTreeSet<String> =
            records.as_slice().iter().filter_map(|record| Some(record.cells.get(1)?.trim().to_owned())).collect();
        for doctor in doctors {
            if let Some(doctor) = own_doctor(&mut work.tx, act, &doctor).await? {
                work.tx.accounts().lock(doctor.id).await?;
            }
        }
        let mut rosters = 0;
        for record in records {
            if record.cells.len() != COLUMNS.len() {
                return Err(wrong(record.line, "1", "nine cells are expected"));
            }
            let request = row(&mut work, act, record.line, &record.cells).await?;
            self.keep_roster(&mut work, act, &request).await.map_err(|refusal| match refusal.field {
                Some(field) => wrong(record.line, &field, &refusal.message),
                None => refusal,
            })?;
            rosters += 1;
        }
        let done = ImportDone { rosters, dry_run: request.dry_run };
        if request.dry_run {
            // The transaction is dropped: what was tried never was.
            return Ok(done);
        }
        work.keep(command, &done).await?;
        let (who, what) = (act.account.to_string(), act.institution.to_string());
        work.audit(act.institution, &who, "roster.import", &what).await?;
        work.commit().await?;
        Ok(done)
    }
}

/// Somebody of the institution, by the account's name. Another house's names are nobody's here, and no row of theirs is held.
async fn own_doctor(tx: &mut Tx, act: AdministratorAct, name: &str) -> Result<Option<AccountRow>, Refusal> {
    let account = tx.accounts().by_username(name).await?;
    Ok(account.filter(|account| account.institution_id == act.institution))
}

async fn row(work: &mut Work, act: AdministratorAct, line: usize, cells: &[String]) -> Result<RosterRequest, Refusal> {
    let cell = |n: usize| cells[n].trim().to_owned();
    let number = |n: usize, words: &str| cell(n).parse::<u16>().map_err(|_| wrong(line, COLUMNS[n], words));
    let doctor = own_doctor(&mut work.tx, act, &cell(1)).await?;
    let doctor = doctor.ok_or_else(|| wrong(line, COLUMNS[1], "no such doctor"))?;
    let clinics = work.tx.clinics().of(act.institution).await?;
    let clinic = clinics.into_iter().find(|clinic| clinic.code == cell(0));
    let clinic = clinic.ok_or_else(|| wrong(line, COLUMNS[0], "no such clinic"))?;
    Ok(RosterRequest {
        clinic: clinic.id,
        doctor: doctor.id,
        weekdays: cell(2),
        from: cell(3),
        to: cell(4),
        minutes: number(5, "whole minutes")?,
        capacity: number(6, "a whole number")?,
        first_day: cell(7),
        last_day: Some(cell(8)).filter(|day| !day.is_empty()),
    })
}
