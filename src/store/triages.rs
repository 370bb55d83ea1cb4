//! Runs of the triage rules, and people's changes of a level. The newest row of a declaration or ticket is in force.

use sqlx::types::Json;

use crate::domain::ids::{AccountId, AlarmId, DeclarationId, InstitutionId, PatientId, TicketId, TriageId};
use crate::domain::time::Timestamp;
use crate::domain::triage::{Disposition, Level, RuleSetStatus};
use crate::store::lists::{list, listed};
use crate::store::{Result, Tx, on};

/// One decision about a level.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TriageRow {
    /// The decision.
    pub id: TriageId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// From which declaration.
    pub declaration_id: DeclarationId,
    /// For whom.
    pub patient_id: PatientId,
    /// The ticket, once there is one.
    pub ticket_id: Option<TicketId>,
    /// The rule set that spoke.
    pub ruleset_version: String,
    /// Whether it was signed.
    pub ruleset_status: RuleSetStatus,
    /// The level.
    pub level: Level,
    /// What is to be done.
    pub disposition: Disposition,
    /// The ids of all matched rules, in file order.
    pub matched: Json<Vec<String>>,
    /// The facts as a JSON object, sealed; absent where a person decided.
    pub facts_sealed: Option<Vec<u8>>,
    /// A nurse must call within five minutes.
    pub nurse_call: bool,
    /// The alarm that was raised, when the level is EMERGENCY.
    pub alarm_id: Option<AlarmId>,
    /// The person who decided, unless the rules did.
    pub decided_by: Option<AccountId>,
    /// That person's reason.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, declaration_id, patient_id, ticket_id, ruleset_version, ruleset_status, level,
                    disposition, matched, facts_sealed, nurse_call, alarm_id, decided_by, reason, at
             from triage ",
            $rest
        )
    };
}

/// Decisions that are read at once: whoever waits for a whole morning has fewer, and whoever calls the patient reads them.
const DECISIONS: i64 = 50;

/// The `triage` table.
pub struct Triages<'tx>(pub(super) &'tx mut Tx);

impl Triages<'_> {
    /// Keeps a decision.
    pub async fn insert(self, row: &TriageRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into triage (id, institution_id, declaration_id, patient_id, ticket_id, ruleset_version,
                                     ruleset_status, level, disposition, matched, facts_sealed, nurse_call, alarm_id,
                                     decided_by, reason, at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.declaration_id)
            .bind(row.patient_id)
            .bind(row.ticket_id)
            .bind(&row.ruleset_version)
            .bind(row.ruleset_status)
            .bind(row.level)
            .bind(row.disposition)
            .bind(&row.matched)
            .bind(&row.facts_sealed)
            .bind(row.nurse_call)
            .bind(row.alarm_id)
            .bind(row.decided_by)
            .bind(&row.reason)
            .bind(row.at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The decision in force for a declaration.
    pub async fn of_declaration(self, declaration: DeclarationId) -> Result<Option<TriageRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where declaration_id = $1 order by at desc, id desc limit 1"))
                .bind(declaration)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The decisions for a declaration, the newest first: the last [`DECISIONS`], and the first of all.
    pub async fn decisions(&mut self, declaration: DeclarationId) -> Result<Vec<TriageRow>> {
        let mut rows: Vec<TriageRow> = on!(self.0, |conn| {
            sqlx::query_as(columns!("where declaration_id = $1 order by at desc, id desc limit $2"))
                .bind(declaration)
                .bind(DECISIONS)
                .fetch_all(conn)
                .await?
        });
        if i64::try_from(rows.len()).is_ok_and(|read| read >= DECISIONS) {
            let first = Triages(&mut *self.0).first_of_declaration(declaration).await?;
            rows.extend(first.filter(|first| rows.iter().all(|row| row.id != first.id)));
        }
        Ok(rows)
    }

    /// The same for several declarations, one after the other.
    pub async fn decisions_of(self, declarations: impl IntoIterator<Item = DeclarationId>) -> Result<Vec<TriageRow>> {
        macro_rules! decisions {
            ($dialect:ident) => {
                concat!(
                    "select id, institution_id, declaration_id, patient_id, ticket_id, ruleset_version, ruleset_status,
                            level, disposition, matched, facts_sealed, nurse_call, alarm_id, decided_by, reason, at
                     from (
                         select id, institution_id, declaration_id, patient_id, ticket_id, ruleset_version,
                                ruleset_status, level, disposition, matched, facts_sealed, nurse_call, alarm_id,
                                decided_by, reason, at,
                                row_number() over (partition by declaration_id order by at desc, id desc) as newest,
                                row_number() over (partition by declaration_id order by at, id) as oldest
                         from triage
                         where declaration_id in ",
                    listed!($dialect),
                    ") ranked
                     where newest <= $2 or oldest = 1
                     order by declaration_id, at desc, id desc"
                )
            };
        }
        let declarations = list(declarations.into_iter().map(DeclarationId::as_uuid));
        Ok(on!(self.0, |conn, dialect| {
            let query = dialect.pick(decisions!(sqlite), decisions!(postgres));
            sqlx::query_as(query).bind(&declarations).bind(DECISIONS).fetch_all(conn).await?
        }))
    }

    /// The first decision for a declaration: what the rules said when it was handed in.
    pub async fn first_of_declaration(self, declaration: DeclarationId) -> Result<Option<TriageRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where declaration_id = $1 order by at, id limit 1"))
                .bind(declaration)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The decision in force for a ticket.
    pub async fn of_ticket(self, ticket: TicketId) -> Result<Option<TriageRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where ticket_id = $1 order by at desc, id desc limit 1"))
                .bind(ticket)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// All decisions for a ticket, oldest first.
    pub async fn history(self, ticket: TicketId) -> Result<Vec<TriageRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where ticket_id = $1 order by at, id")).bind(ticket).fetch_all(conn).await?
        }))
    }

    /// Ties the decisions of a declaration to the ticket that was taken with it.
    pub async fn attach(self, declaration: DeclarationId, ticket: TicketId) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update triage set ticket_id = $2 where declaration_id = $1 and ticket_id is null")
                .bind(declaration)
                .bind(ticket)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }
}
