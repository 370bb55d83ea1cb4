//! Alarms.

use sqlx::types::Json;

use crate::domain::alarm::{AlarmKind, AlarmOutcome, HOLD, RINGING};
use crate::domain::ids::{AccountId, AlarmId, ClinicId, DeclarationId, HolderId, InstitutionId, PatientId, TicketId};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::store::patients::same_card;
use crate::store::{Result, Tx, on};

/// An alarm as it is kept.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct AlarmRow {
    /// The alarm.
    pub id: AlarmId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Whose link was opened.
    pub clinic_id: ClinicId,
    /// What raised it.
    pub kind: AlarmKind,
    /// The reasons, in words.
    pub reasons: Json<Vec<Text>>,
    /// Who is ill, where known.
    pub patient_id: Option<PatientId>,
    /// Who answers, where known.
    pub holder_id: Option<HolderId>,
    /// What was declared, where it was.
    pub declaration_id: Option<DeclarationId>,
    /// The ticket, where there is one.
    pub ticket_id: Option<TicketId>,
    /// When.
    pub raised_at: Timestamp,
    /// Who took it.
    pub taken_by: Option<AccountId>,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What came of it.
    pub outcome: Option<AlarmOutcome>,
    /// A few sealed words.
    pub note_sealed: Option<Vec<u8>>,
    /// Grows with every change.
    pub version: i64,
    /// Who took it is heard of until then, or it rings again.
    pub lease_until: Option<Timestamp>,
    /// A keyed hash of the holder, or of the unnamed caller's network; `None` when staff raised it.
    pub origin: Option<Vec<u8>>,
    /// It waits behind others of its origin and does not ring.
    pub folded: bool,
}

/// An alarm that nobody closed.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAlarm {
    /// The alarm.
    pub alarm: AlarmRow,
    /// How many more of its network are in no line of the list, where strangers are counted by their networks.
    pub behind: Option<i64>,
}

/// The alarms that nobody closed.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAlarms {
    /// Those that are listed, oldest first.
    pub listed: Vec<OpenAlarm>,
    /// How many more are not folded.
    pub unlisted: i64,
}

/// A ringing alarm of a stranger among those of the same network.
#[derive(sqlx::FromRow)]
struct OfNetwork {
    #[sqlx(flatten)]
    alarm: AlarmRow,
    crowd: i64,
    longest: i64,
    newest: i64,
}

impl OfNetwork {
    /// How many of the network are in no line of the list; the newest says it.
    fn behind(&self) -> i64 {
        let listed = if self.longest == 1 { 1 } else { 2 };
        if self.newest == 1 { self.crowd - listed } else { 0 }
    }
}

/// Alarms that are read at once. More ring in no hospital, unless somebody makes them ring: then strangers are counted by
/// their networks, and a new one is seen however many others cry.
const AT_ONCE: i64 = 200;
/// Of those, the ones of known patients, and those that somebody took.
const KNOWN: i64 = 1000;
/// Lines of strangers that wait longest, and that came last, when they are counted by their networks.
const STRANGERS: i64 = 500;

macro_rules! names {
    () => {
        "id, institution_id, clinic_id, kind, reasons, patient_id, holder_id, declaration_id, ticket_id, raised_at,
         taken_by, taken_at, closed_at, outcome, note_sealed, version, lease_until, origin, folded "
    };
}

macro_rules! columns {
    ($($rest:tt)*) => {
        concat!("select ", names!(), "from alarm ", $($rest)*)
    };
}

/// What is true of a folded alarm that may rise: fewer than `$1` of its origin ring.
macro_rules! may_rise {
    () => {
        "folded and closed_at is null
         and (select count(*) from alarm ringing
              where ringing.clinic_id = alarm.clinic_id and ringing.origin = alarm.origin
                and not ringing.folded and ringing.taken_by is null and ringing.closed_at is null) < $1 "
    };
}

/// The `alarm` table.
pub struct Alarms<'tx>(pub(super) &'tx mut Tx);

impl Alarms<'_> {
    /// Keeps a new alarm.
    pub async fn insert(self, alarm: &AlarmRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into alarm (id, institution_id, clinic_id, kind, reasons, patient_id, holder_id, declaration_id,
                                    ticket_id, raised_at, taken_by, taken_at, version, lease_until, origin, folded)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            )
            .bind(alarm.id)
            .bind(alarm.institution_id)
            .bind(alarm.clinic_id)
            .bind(alarm.kind)
            .bind(&alarm.reasons)
            .bind(alarm.patient_id)
            .bind(alarm.holder_id)
            .bind(alarm.declaration_id)
            .bind(alarm.ticket_id)
            .bind(alarm.raised_at)
            .bind(alarm.taken_by)
            .bind(alarm.taken_at)
            .bind(alarm.version)
            .bind(alarm.lease_until)
            .bind(&alarm.origin)
            .bind(alarm.folded)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// How many of an origin ring in a clinic.
    pub async fn count_ringing(self, clinic: ClinicId, origin: &[u8]) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*) from alarm
                 where clinic_id = $1 and origin = $2 and not folded and taken_by is null and closed_at is null",
            )
            .bind(clinic)
            .bind(origin)
            .fetch_one(conn)
            .await?
        }))
    }

    /// How many wait folded behind this alarm: it is the newest of its origin that is not.
    pub async fn count_behind(self, alarm: &AlarmRow) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*) from alarm
                 where clinic_id = $1 and origin = $2 and folded and closed_at is null
                   and not exists (select 1 from alarm newer
                                   where newer.clinic_id = $1 and newer.origin = $2 and not newer.folded
                                     and newer.closed_at is null and (newer.raised_at, newer.id) > ($3, $4))",
            )
            .bind(alarm.clinic_id)
            .bind(&alarm.origin)
            .bind(alarm.raised_at)
            .bind(alarm.id)
            .fetch_one(conn)
            .await?
        }))
    }

    /// The folded alarm that rises next, if one may, past the first `skip`.
    pub async fn next_to_rise(self, skip: i64) -> Result<Option<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "select ",
                names!(),
                "from alarm where ",
                may_rise!(),
                "order by raised_at, id limit 1 offset $2"
            ))
            .bind(RINGING)
            .bind(skip)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Unfolds an alarm: it rings from now on. `false` when it may not any more.
    pub async fn rise(self, id: AlarmId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(concat!(
                "update alarm set folded = false, version = version + 1 where id = $2 and ",
                may_rise!()
            ))
            .bind(RINGING)
            .bind(id)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// An alarm by its id.
    pub async fn find(self, id: AlarmId) -> Result<Option<AlarmRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(columns!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// Alarms that nobody closed and that are not folded, oldest first. When there are more than [`AT_ONCE`], those about
    /// known patients and those that somebody took, and of each network of strangers the one that waits longest and the
    /// newest: no flood hides a patient, nor a stranger who calls from elsewhere.
    pub async fn open(&mut self, institution: InstitutionId) -> Result<OpenAlarms> {
        self.open_of(institution, None).await
    }

    /// The same of one clinic.
    pub async fn open_at(&mut self, institution: InstitutionId, clinic: ClinicId) -> Result<OpenAlarms> {
        self.open_of(institution, Some(clinic)).await
    }

    async fn open_of(&mut self, institution: InstitutionId, clinic: Option<ClinicId>) -> Result<OpenAlarms> {
        let mut open = self.first(institution, clinic, AT_ONCE + 1).await?;
        if i64::try_from(open.len()).is_ok_and(|found| found <= AT_ONCE) {
            open.sort_by_key(|alarm| (alarm.raised_at, alarm.id));
            let listed = open.into_iter().map(|alarm| OpenAlarm { alarm, behind: None }).collect();
            return Ok(OpenAlarms { listed, unlisted: 0 });
        }
        let known = self.known(institution, clinic).await?.into_iter();
        let mut listed: Vec<_> = known.map(|alarm| OpenAlarm { alarm, behind: None }).collect();
        for is_newest_first in [false, true] {
            for one in self.by_network(institution, clinic, is_newest_first).await? {
                let behind = Some(one.behind());
                listed.push(OpenAlarm { alarm: one.alarm, behind });
            }
        }
        listed.sort_by_key(|one| (one.alarm.raised_at, one.alarm.id));
        listed.dedup_by_key(|one| one.alarm.id);
        let all: i64 = on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*)
                 from alarm
                 where institution_id = $1 and clinic_id = coalesce($2, clinic_id) and closed_at is null and not folded",
            )
            .bind(institution)
            .bind(clinic)
            .fetch_one(conn)
            .await?
        });
        let unlisted = all - i64::try_from(listed.len()).unwrap_or(all);
        Ok(OpenAlarms { listed, unlisted })
    }

    /// Open alarms that are not folded, so many: those about a known patient before the others, oldest first.
    async fn first(
        &mut self,
        institution: InstitutionId,
        clinic: Option<ClinicId>,
        limit: i64,
    ) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where institution_id = $1 and clinic_id = coalesce($3, clinic_id) and closed_at is null and not folded
                 order by patient_id is null, raised_at, id limit $2"
            ))
            .bind(institution)
            .bind(limit)
            .bind(clinic)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Open alarms about a known patient, raised by staff, or in somebody's hands.
    async fn known(&mut self, institution: InstitutionId, clinic: Option<ClinicId>) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where institution_id = $1 and clinic_id = coalesce($3, clinic_id) and closed_at is null and not folded
                   and (patient_id is not null or taken_by is not null or origin is null)
                 order by raised_at, id limit $2"
            ))
            .bind(institution)
            .bind(KNOWN)
            .bind(clinic)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Of each network of strangers in each clinic the ringing alarm that waits longest, and the newest.
    async fn by_network(
        &mut self,
        institution: InstitutionId,
        clinic: Option<ClinicId>,
        is_newest_first: bool,
    ) -> Result<Vec<OfNetwork>> {
        macro_rules! query {
            ($order:literal) => {
                concat!(
                    "select ",
                    names!(),
                    ", crowd, longest, newest
                     from (select ",
                    names!(),
                    ", count(*) over (partition by clinic_id, origin) as crowd,
                         row_number() over (partition by clinic_id, origin order by folded, raised_at, id) as longest,
                         row_number() over (partition by clinic_id, origin
                                            order by folded, raised_at desc, id desc) as newest
                       from alarm
                       where institution_id = $1 and clinic_id = coalesce($3, clinic_id) and closed_at is null
                         and taken_by is null and patient_id is null and origin is not null) ringing
                     where longest = 1 or newest = 1
                     order by ",
                    $order,
                    " limit $2"
                )
            };
        }
        let query = if is_newest_first { query!("raised_at desc, id desc") } else { query!("raised_at, id") };
        Ok(on!(self.0, |conn| {
            sqlx::query_as(query).bind(institution).bind(STRANGERS).bind(clinic).fetch_all(conn).await?
        }))
    }

    /// The open alarm of a ticket, newest first.
    pub async fn open_for_ticket(self, ticket: TicketId) -> Result<Option<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where ticket_id = $1 and closed_at is null order by raised_at desc limit 1"))
                .bind(ticket)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// The open alarms of a ticket that nobody has, oldest first; no nurse's call.
    pub async fn unheld_of_ticket(self, ticket: TicketId) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where ticket_id = $1 and taken_by is null and closed_at is null and kind <> 'nurse_call'
                 order by raised_at, id"
            ))
            .bind(ticket)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The oldest open alarm of a holder about a patient in a clinic; no nurse's call.
    pub async fn open_for_patient(
        self,
        clinic: ClinicId,
        patient: PatientId,
        holder: Option<HolderId>,
    ) -> Result<Option<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where clinic_id = $1 and patient_id = $2 and holder_id = $3 and closed_at is null
                   and kind <> 'nurse_call'
                 order by raised_at, id
                 limit 1"
            ))
            .bind(clinic)
            .bind(patient)
            .bind(holder)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Ties a holder's open alarms about a patient in a clinic to that holder's one live ticket there, the oldest first:
    /// an alarm of somebody else names a line that this holder cannot enter. A nurse's call is tied to its ticket from the
    /// start.
    pub async fn attach(
        self,
        clinic: ClinicId,
        patient: PatientId,
        holder: Option<HolderId>,
        ticket: TicketId,
    ) -> Result<Vec<AlarmRow>> {
        let mut attached: Vec<AlarmRow> = on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "update alarm
                 set ticket_id = $4, version = version + 1
                 where clinic_id = $1 and patient_id = $2 and holder_id = $3 and closed_at is null
                   and kind <> 'nurse_call'
                 returning ",
                names!()
            ))
            .bind(clinic)
            .bind(patient)
            .bind(holder)
            .bind(ticket)
            .fetch_all(conn)
            .await?
        });
        attached.sort_by_key(|alarm| (alarm.raised_at, alarm.id));
        Ok(attached)
    }

    /// Ties the open alarms of a ticket to the one that continues it in another clinic; no nurse's call, which ends.
    pub async fn go_along(self, from: TicketId, to: TicketId) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "update alarm
                 set ticket_id = $2, version = version + 1
                 where ticket_id = $1 and closed_at is null and kind <> 'nurse_call'
                 returning ",
                names!()
            ))
            .bind(from)
            .bind(to)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The closed alarms about everybody who was named with a patient's document, newest first; no nurse's call.
    pub async fn closed_of(self, patient: PatientId, limit: i64) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where patient_id in ",
                same_card!(),
                " and closed_at is not null and kind <> 'nurse_call'
                 order by closed_at desc, id desc
                 limit $2"
            ))
            .bind(patient)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Takes an alarm that nobody took, folded or not; `false` when somebody had, or it is closed.
    pub async fn take(self, id: AlarmId, account: AccountId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set taken_by = $2, taken_at = $3, lease_until = $4, folded = false, version = version + 1
                 where id = $1 and taken_by is null and closed_at is null",
            )
            .bind(id)
            .bind(account)
            .bind(now)
            .bind(now + HOLD)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Takes an alarm out of a colleague's hands; `false` when nobody else has it, or it is closed.
    pub async fn take_over(self, id: AlarmId, account: AccountId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set taken_by = $2, taken_at = $3, lease_until = $4, version = version + 1
                 where id = $1 and taken_by <> $2 and closed_at is null",
            )
            .bind(id)
            .bind(account)
            .bind(now)
            .bind(now + HOLD)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Gives an alarm back: it rings again. `false` when it is not theirs, or it is closed.
    pub async fn hand_back(self, id: AlarmId, account: AccountId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set taken_by = null, taken_at = null, lease_until = null, version = version + 1
                 where id = $1 and taken_by = $2 and closed_at is null",
            )
            .bind(id)
            .bind(account)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Whether somebody has an open alarm in hand.
    pub async fn has_any(self, account: AccountId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar::<_, i64>("select count(*) from alarm where taken_by = $1 and closed_at is null")
                .bind(account)
                .fetch_one(conn)
                .await?
        }) > 0)
    }

    /// Whoever took alarms was heard: they stay in these hands until `until`. The version stays, for nothing moved.
    pub async fn renew(self, account: AccountId, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update alarm set lease_until = $2 where taken_by = $1 and closed_at is null")
                .bind(account)
                .bind(until)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }

    /// After a restart: everybody who took an alarm has until `until` to be heard.
    pub async fn forgive(self, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update alarm set lease_until = $1 where closed_at is null and lease_until < $1")
                .bind(until)
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }

    /// Open alarms whose taker was not heard in time, oldest first.
    pub async fn unheard(self, now: Timestamp) -> Result<Vec<AlarmRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where closed_at is null and lease_until < $1 order by raised_at, id"))
                .bind(now)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Takes an alarm out of the hands of somebody who is not heard; `false` when they were heard in between.
    pub async fn let_go(self, id: AlarmId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set taken_by = null, taken_at = null, lease_until = null, version = version + 1
                 where id = $1 and closed_at is null and lease_until < $2",
            )
            .bind(id)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Closes an alarm of the one who took it; `false` when it is not theirs or was closed.
    pub async fn close(
        self,
        id: AlarmId,
        account: AccountId,
        outcome: AlarmOutcome,
        note_sealed: &[u8],
        now: Timestamp,
    ) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update alarm
                 set closed_at = $4, outcome = $3, note_sealed = $5, version = version + 1
                 where id = $1 and taken_by = $2 and closed_at is null",
            )
            .bind(id)
            .bind(account)
            .bind(outcome)
            .bind(now)
            .bind(note_sealed)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
