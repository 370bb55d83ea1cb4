//! What staff see of the alarms that nobody closed, however many cry.

use crate::domain::ids::{ClinicId, InstitutionId};
use crate::store::alarms::{AlarmRow, Alarms};
use crate::store::{Result, on};

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

impl Alarms<'_> {
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
}
