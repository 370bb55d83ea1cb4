//! A clinic with desks and doctors, and short words for what happens in it.

use std::time::Duration;

use yunzhen::clock::{Clock, Ids};
use yunzhen::domain::desk::DeskPhase;
use yunzhen::domain::ids::{AccountId, ClinicId, DeskId, InstitutionId, PatientId, TicketId};
use yunzhen::domain::people::Role;
use yunzhen::domain::time::Timestamp;
use yunzhen::domain::triage::Level;
use yunzhen::store::{AccountRow, Caller, ClinicRow, Db, DeskRow, InstitutionRow, NewTicket, Result, TicketRow, Tx};

/// The day of every ticket here.
pub const DAY: &str = "2026-11-24";
/// When every story begins.
pub const MORNING: Timestamp = Timestamp::from_millis(1_795_478_400_000);
/// How long a call rings.
pub const RING: Duration = Duration::from_mins(1);

/// A desk and who works there.
#[derive(Clone, Copy, Debug)]
pub struct Desk {
    /// The desk.
    pub id: DeskId,
    /// Its doctor.
    pub doctor: AccountId,
}

/// One institution with two clinics; the desks belong to the first.
#[derive(Clone)]
pub struct Hospital {
    /// Where it is remembered.
    pub db: Db,
    /// Stands until a test moves it.
    pub clock: Clock,
    /// The same ids in every run.
    pub ids: Ids,
    /// The tenant.
    pub institution: InstitutionId,
    /// The clinic of the desks.
    pub clinic: ClinicId,
    /// Where patients are transferred to.
    pub other: ClinicId,
    /// The desks.
    pub desks: Vec<Desk>,
}

impl Hospital {
    /// A hospital with `desks` desks and as many doctors.
    pub async fn open(db: &Db, desks: u8) -> Self {
        let clock = Clock::manual(MORNING);
        let ids = Ids::seeded(clock.clone(), 2026);
        let mut hospital = Self {
            db: db.clone(),
            institution: ids.make(InstitutionId::from_uuid),
            clinic: ids.make(ClinicId::from_uuid),
            other: ids.make(ClinicId::from_uuid),
            desks: Vec::new(),
            clock,
            ids,
        };
        let mut tx = db.begin().await.unwrap();
        tx.institutions().insert(&hospital.institution_row()).await.unwrap();
        for (clinic, code) in [(hospital.clinic, "fever"), (hospital.other, "tcm")] {
            tx.clinics().insert(&hospital.clinic_row(clinic, code)).await.unwrap();
        }
        for at in 0..desks {
            let desk =
                Desk { id: hospital.ids.make(DeskId::from_uuid), doctor: hospital.ids.make(AccountId::from_uuid) };
            tx.accounts().insert(&hospital.account_row(desk.doctor, &format!("doctor{at}"))).await.unwrap();
            tx.desks().insert(&hospital.desk_row(desk, &format!("{at:03}"))).await.unwrap();
            hospital.desks.push(desk);
        }
        tx.commit().await.unwrap();
        hospital
    }

    /// What the clock says.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock.
    pub fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Does one thing in a transaction of its own.
    pub async fn write<T>(&self, act: impl AsyncFnOnce(&mut Tx) -> T) -> T {
        let mut tx = self.db.begin().await.unwrap();
        let answer = act(&mut tx).await;
        tx.commit().await.unwrap();
        answer
    }

    /// A waiting ticket of a new patient who arrives now; not yet kept.
    pub fn ticket(&self, clinic: ClinicId, no: i64, level: Level) -> TicketRow {
        TicketRow::waiting(NewTicket {
            id: self.ids.make(TicketId::from_uuid),
            institution: self.institution,
            clinic,
            day: DAY.to_owned(),
            no,
            patient: self.ids.make(PatientId::from_uuid),
            level,
            at: self.now(),
        })
    }

    /// A new patient arrives, one second after the one before.
    pub async fn join(&self, level: Level) -> TicketRow {
        self.pass(Duration::from_secs(1));
        self.write(async |tx| {
            let no = tx.tickets().draw_no(self.clinic, DAY).await.unwrap();
            let ticket = self.ticket(self.clinic, no, level);
            tx.tickets().insert(&ticket).await.unwrap();
            ticket
        })
        .await
    }

    /// `count` patients of a level, in order of arrival.
    pub async fn join_many(&self, count: usize, level: Level) -> Vec<TicketRow> {
        let mut tickets = Vec::new();
        for _ in 0..count {
            tickets.push(self.join(level).await);
        }
        tickets
    }

    /// Who calls from a desk now.
    pub fn caller(&self, desk: usize) -> Caller {
        let Desk { id, doctor } = self.desks[desk];
        Caller { clinic: self.clinic, desk: id, doctor, ring_until: self.now() + RING }
    }

    /// A desk presses *call next*.
    pub async fn try_call(&self, desk: usize) -> Result<Option<TicketRow>> {
        self.write(async |tx| tx.tickets().call_next(self.caller(desk), self.now()).await).await
    }

    /// A desk presses *call next* while somebody waits.
    pub async fn call(&self, desk: usize) -> TicketRow {
        self.try_call(desk).await.unwrap().expect("somebody waits")
    }

    /// A desk's call is accepted and the visit begins.
    pub async fn serve(&self, called: &TicketRow) -> TicketRow {
        self.write(async |tx| {
            let now = self.now();
            let yes = tx.tickets().accept(called.id, called.version, now).await.unwrap().expect("it rings");
            tx.tickets().serve(yes.id, yes.version, now).await.unwrap().expect("the patient said yes")
        })
        .await
    }

    /// A ticket as it is kept.
    pub async fn find(&self, id: TicketId) -> TicketRow {
        let mut tx = self.db.read().await.unwrap();
        tx.tickets().find(id).await.unwrap().expect("it was kept")
    }

    /// The waiting of the clinic in calling order.
    pub async fn order(&self) -> Vec<TicketId> {
        let mut tx = self.db.read().await.unwrap();
        tx.tickets().order(self.clinic).await.unwrap().into_iter().map(|(id, _)| id).collect()
    }

    /// The institution's row.
    pub fn institution_row(&self) -> InstitutionRow {
        InstitutionRow {
            id: self.institution,
            kind: "hospital".into(),
            name_zh: "演示医院".into(),
            name_en: "Demo hospital".into(),
            help_phone: "010-00000000".into(),
            created_at: MORNING,
        }
    }

    /// A clinic's row; `code` is its link, too.
    pub fn clinic_row(&self, id: ClinicId, code: &str) -> ClinicRow {
        ClinicRow {
            id,
            institution_id: self.institution,
            code: code.to_owned(),
            link_token: format!("link-{code}"),
            kind: code.to_owned(),
            name_zh: "演示门诊".into(),
            name_en: "Demo clinic".into(),
            time_zone: "Asia/Shanghai".into(),
            is_open: true,
            miss_shift: 3,
            miss_limit: 3,
            ring_secs: 60,
            retriage_minutes: 60,
            position: 1,
            created_at: MORNING,
        }
    }

    /// A doctor's row.
    pub fn account_row(&self, id: AccountId, username: &str) -> AccountRow {
        AccountRow {
            id,
            institution_id: self.institution,
            username: username.to_owned(),
            password_hash: "$argon2id$none".into(),
            role: Role::Doctor,
            name_zh: "演示医师甲".into(),
            name_en: "Demo doctor".into(),
            title_zh: "主治医师".into(),
            title_en: "Attending".into(),
            active: true,
            licence_until: None,
            created_at: MORNING,
        }
    }

    /// An open desk's row, with its doctor.
    pub fn desk_row(&self, desk: Desk, name: &str) -> DeskRow {
        DeskRow {
            id: desk.id,
            institution_id: self.institution,
            clinic_id: self.clinic,
            name_zh: name.to_owned(),
            name_en: name.to_owned(),
            state: DeskPhase::Open,
            lost_as: None,
            account_id: Some(desk.doctor),
            lease_until: None,
            paused_until: None,
            last_call_at: None,
            version: 1,
        }
    }
}
