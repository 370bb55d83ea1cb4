//! The demonstration's hospital: two clinics, three desks, five accounts.

use crate::domain::date::HOME;
use crate::domain::ids::{AccountId, ClinicId, InstitutionId, RosterId};
use crate::domain::people::Role;
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::hospital::charter::add_desks;
use crate::services::identity::passwords::hash_password;
use crate::services::refusal::Refusal;
use crate::services::tickets::day_at;
use crate::services::work::Work;
use crate::store::{AccountRow, ClinicRow, CredentialRow, InstitutionRow, RosterRow};

/// An account of the demonstration, in clear.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DemoAccount {
    /// What it may do.
    pub role: Role,
    /// The name to sign in with.
    pub username: String,
    /// The password.
    pub password: String,
}

/// The patient's link of the demonstration's fever clinic.
pub const DEMO_LINK: &str = "demo-fever-clinic";
/// The link of the clinic whose hours are booked.
pub const DEMO_TCM_LINK: &str = "demo-tcm-clinic";

/// When the doctors of a demonstration can be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoHours {
    /// Around the clock: for programs, which know no night.
    Always,
    /// As in a clinic, with a gap at noon; [`Services::be_there_now`] adds the hour in which somebody looks.
    Day,
}

/// A day's hours of the two doctors, in minutes on the wall.
const DAY: [[(i64, i64); 2]; 2] =
    [[(8 * 60, 12 * 60), (14 * 60, 17 * 60 + 30)], [(9 * 60, 12 * 60), (13 * 60 + 30, 17 * 60)]];

struct Person {
    username: &'static str,
    role: Role,
    name: (&'static str, &'static str),
    title: (&'static str, &'static str),
}

const PEOPLE: [Person; 5] = [
    Person {
        username: "doctor",
        role: Role::Doctor,
        name: ("演示医师甲", "Demo Doctor A"),
        title: ("主治医师", "Attending physician"),
    },
    Person {
        username: "doctor2",
        role: Role::Doctor,
        name: ("演示医师乙", "Demo Doctor B"),
        title: ("副主任医师", "Associate chief physician"),
    },
    Person {
        username: "nurse",
        role: Role::Nurse,
        name: ("演示护士", "Demo Nurse"),
        title: ("主管护师", "Nurse in charge"),
    },
    Person {
        username: "pharmacist",
        role: Role::Pharmacist,
        name: ("演示药师", "Demo Pharmacist"),
        title: ("主管药师", "Pharmacist in charge"),
    },
    Person {
        username: "admin",
        role: Role::Administrator,
        name: ("演示管理员", "Demo Administrator"),
        title: ("管理员", "Administrator"),
    },
];

impl Services {
    /// The accounts of the demonstration. Their passwords are public; `serve` never seeds them.
    pub fn demo_accounts() -> Vec<DemoAccount> {
        let account = |person: &Person| DemoAccount {
            role: person.role,
            username: person.username.to_owned(),
            password: format!("yunzhen-{}", person.username),
        };
        PEOPLE.iter().map(account).collect()
    }

    /// Seeds the demonstration's hospital into a fresh database; does nothing in one that has a hospital. `ring_secs`
    /// shortens calls, for those who try out what happens to a missed one.
    pub async fn seed_demo(&self, ring_secs: i64, hours: DemoHours) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        if work.tx.institutions().count().await? > 0 {
            return self.seed_credentials(work).await;
        }
        let institution = InstitutionRow {
            id: self.ids.make(InstitutionId::from_uuid),
            kind: "hospital".to_owned(),
            name_zh: "演示省中医院".to_owned(),
            name_en: "Demo Provincial Hospital of TCM".to_owned(),
            help_phone: "000-0000-0000".to_owned(),
            created_at: now,
        };
        work.tx.institutions().insert(&institution).await?;
        let mut doctors = Vec::new();
        for person in &PEOPLE {
            let password = format!("yunzhen-{}", person.username);
            let salt = self.ids.secret::<16>();
            let hash = tokio::task::spawn_blocking(move || hash_password(&password, &salt)).await;
            let row = AccountRow {
                id: self.ids.make(AccountId::from_uuid),
                institution_id: institution.id,
                username: person.username.to_owned(),
                password_hash: hash.map_err(|e| Refusal::internal(&e))??,
                role: person.role,
                name_zh: person.name.0.to_owned(),
                name_en: person.name.1.to_owned(),
                title_zh: person.title.0.to_owned(),
                title_en: person.title.1.to_owned(),
                active: true,
                licence_until: None,
                created_at: now,
            };
            work.tx.accounts().insert(&row).await?;
            if row.role == Role::Doctor {
                work.tx.credentials().record(&credential(row.id, doctors.len(), now)).await?;
                doctors.push(row.id);
            }
        }
        let clinics = [
            ("fever", DEMO_LINK, ("发热咨询门诊", "Fever consultation clinic"), 2),
            ("tcm", DEMO_TCM_LINK, ("中医内科门诊", "TCM internal medicine clinic"), 1),
        ];
        for ((code, link, name, desks), position) in clinics.into_iter().zip(1..) {
            let clinic = ClinicRow {
                id: self.ids.make(ClinicId::from_uuid),
                institution_id: institution.id,
                code: code.to_owned(),
                link_token: link.to_owned(),
                kind: code.to_owned(),
                name_zh: name.0.to_owned(),
                name_en: name.1.to_owned(),
                time_zone: HOME.to_owned(),
                is_open: true,
                miss_shift: 3,
                miss_limit: 3,
                ring_secs,
                retriage_minutes: 15,
                position,
                created_at: now,
            };
            work.tx.clinics().insert(&clinic).await?;
            if clinic.code == "tcm" {
                for ((doctor, capacity), day) in doctors.iter().zip([1, 2]).zip(&DAY) {
                    let blocks: &[(i64, i64)] = if hours == DemoHours::Day { day } else { &[(0, 24 * 60)] };
                    for block in blocks {
                        work.tx.rosters().insert(&self.roster_row(&clinic, *doctor, capacity, *block)?).await?;
                    }
                }
            }
            add_desks(&mut work.tx, &self.ids, &clinic, desks).await?;
        }
        work.commit().await
    }

    /// Papers for the doctors of a demonstration that was seeded before anybody asked for them.
    async fn seed_credentials(&self, mut work: Work) -> Result<(), Refusal> {
        let now = work.now;
        for (n, person) in PEOPLE.iter().filter(|person| person.role == Role::Doctor).enumerate() {
            let Some(account) = work.tx.accounts().by_username(person.username).await? else { continue };
            if work.tx.credentials().of(account.id).await?.is_none() {
                work.tx.credentials().record(&credential(account.id, n, now)).await?;
            }
        }
        work.commit().await
    }

    /// Hours of every day of the week. The sweeper makes the slots.
    fn roster_row(
        &self,
        clinic: &ClinicRow,
        doctor: AccountId,
        capacity: i64,
        (from_minute, to_minute): (i64, i64),
    ) -> Result<RosterRow, Refusal> {
        Ok(RosterRow {
            id: self.ids.make(RosterId::from_uuid),
            institution_id: clinic.institution_id,
            clinic_id: clinic.id,
            doctor_id: doctor,
            weekdays: 0b111_1111,
            from_minute,
            to_minute,
            minutes: 30,
            capacity,
            first_day: day_at(clinic, clinic.created_at)?.date.to_string(),
            last_day: None,
            rolled_to: None,
            created_by: None,
            created_at: clinic.created_at,
            version: 1,
        })
    }
}

/// What the `n`th doctor of a demonstration has on paper; invented, and long enough ago for any clock of a test.
fn credential(account: AccountId, n: usize, now: Timestamp) -> CredentialRow {
    CredentialRow {
        account_id: account,
        registration: Some(format!("{:015}", n + 1)),
        practises_since: Some("2010-07-01".to_owned()),
        consent_on: Some("2020-01-02".to_owned()),
        recorded_by: None,
        recorded_at: now,
    }
}
