//! A real hospital's first day: what its charter names and what is not there yet is made. Nothing that is there is
//! changed, so the same file, longer by a line, adds what the line says.

use serde_json::json;

use crate::clock::Ids;
use crate::domain::audit::Entry;
use crate::domain::charter::{Charter, Clinic, Person};
use crate::domain::credential::Registration;
use crate::domain::date::{HOME, bounds, zone_or_home};
use crate::domain::desk::DeskPhase;
use crate::domain::hex::hex;
use crate::domain::ids::{AccountId, ClinicId, DeskId, InstitutionId};
use crate::domain::people::Role;
use crate::domain::time::Timestamp;
use crate::services::identity::passwords::hash_password;
use crate::services::refusal::Refusal;
use crate::store::{AccountRow, ClinicRow, CredentialRow, Db, DeskRow, InstitutionRow, Tx};

/// Seconds that a call rings.
const RING_SECS: i64 = 90;
/// Letters of a first password: none that looks like another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// What came of a charter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Established {
    /// Whether the house is new.
    pub is_new: bool,
    /// Each clinic: its code, its patients' link, and how many desks were added.
    pub clinics: Vec<(String, String, usize)>,
    /// Each new member of staff, with the password to sign in with the first time.
    pub accounts: Vec<(String, Role, String)>,
    /// Who was here before; nothing of theirs was changed.
    pub known: Vec<String>,
}

/// Makes what the charter names and what is not there, in one transaction. A user name that another house has is a
/// conflict, and nothing is made then.
pub async fn establish(db: &Db, ids: &Ids, now: Timestamp, charter: &Charter) -> Result<Established, Refusal> {
    let passwords = first_passwords(ids, charter).await?;
    let mut tx = db.begin().await?;
    let mut done = Established::default();
    let known = tx.institutions().all().await?.into_iter().find(|row| row.name_zh == charter.hospital.name_zh);
    let house = if let Some(row) = known {
        row.id
    } else {
        done.is_new = true;
        let row = InstitutionRow {
            id: ids.make(InstitutionId::from_uuid),
            kind: "hospital".to_owned(),
            name_zh: charter.hospital.name_zh.clone(),
            name_en: charter.hospital.name_en.clone(),
            help_phone: charter.hospital.help_phone.clone(),
            created_at: now,
        };
        tx.institutions().insert(&row).await?;
        row.id
    };
    let clinics = tx.clinics().of(house).await?;
    for (clinic, position) in charter.clinics.iter().zip(1..) {
        let row = match clinics.iter().find(|row| row.code == clinic.code) {
            Some(row) => row.clone(),
            None => open_clinic(&mut tx, ids, now, house, (clinic, position)).await?,
        };
        let added = add_desks(&mut tx, ids, &row, clinic.desks).await?;
        done.clinics.push((row.code, row.link_token, added));
    }
    for (person, (password, hash)) in charter.staff.iter().zip(passwords) {
        match tx.accounts().by_username(&person.username).await? {
            Some(row) if row.institution_id == house => done.known.push(row.username),
            Some(_) => return Err(Refusal::internal("a member of another house has this user name")),
            None => {
                let row = account(ids, now, house, person, hash);
                tx.accounts().insert(&row).await?;
                if person.has_papers() {
                    tx.credentials().record(&papers(row.id, person, now)).await?;
                }
                done.accounts.push((person.username.clone(), person.role, password));
            }
        }
    }
    let detail = json!({ "clinics": done.clinics.len(), "accounts": done.accounts.len() });
    let (actor, action) = ("operator".to_owned(), "institution.established".to_owned());
    let entry = Entry { at: now, actor, action, subject: house.to_string(), purpose: None, detail };
    tx.audit().append(house, &entry).await?;
    tx.commit().await?;
    Ok(done)
}

/// A password and its hash for each, before the transaction: hashing takes long on purpose.
async fn first_passwords(ids: &Ids, charter: &Charter) -> Result<Vec<(String, String)>, Refusal> {
    let chances: Vec<_> = charter.staff.iter().map(|_| (password(ids.secret()), ids.secret::<16>())).collect();
    let hashing = tokio::task::spawn_blocking(move || {
        let each = chances.into_iter().map(|(password, salt)| Ok((hash_password(&password, &salt)?, password)));
        each.map(|pair: Result<_, Refusal>| pair.map(|(hash, password)| (password, hash))).collect()
    });
    hashing.await.map_err(|e| Refusal::internal(&e))?
}

/// Eighty bits in four groups of four letters.
pub(in crate::services) fn password(chance: [u8; 16]) -> String {
    let letters = chance.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

async fn open_clinic(
    tx: &mut Tx,
    ids: &Ids,
    now: Timestamp,
    house: InstitutionId,
    (clinic, position): (&Clinic, i64),
) -> Result<ClinicRow, Refusal> {
    let row = ClinicRow {
        id: ids.make(ClinicId::from_uuid),
        institution_id: house,
        code: clinic.code.clone(),
        link_token: hex(&ids.secret::<12>()),
        kind: clinic.kind.as_str().to_owned(),
        name_zh: clinic.name_zh.clone(),
        name_en: clinic.name_en.clone(),
        time_zone: clinic.time_zone.clone(),
        is_open: true,
        miss_shift: 3,
        miss_limit: 3,
        ring_secs: RING_SECS,
        retriage_minutes: 15,
        position,
        created_at: now,
    };
    tx.clinics().insert(&row).await?;
    Ok(row)
}

/// Desks that a clinic has too few of; how many were added.
pub(in crate::services) async fn add_desks(
    tx: &mut Tx,
    ids: &Ids,
    clinic: &ClinicRow,
    wanted: u32,
) -> Result<usize, Refusal> {
    let there = tx.desks().of_clinic(clinic.id).await?.len();
    let wanted = usize::try_from(wanted).unwrap_or(there);
    for n in there + 1..=wanted {
        let desk = DeskRow {
            id: ids.make(DeskId::from_uuid),
            institution_id: clinic.institution_id,
            clinic_id: clinic.id,
            name_zh: format!("{n}号诊位"),
            name_en: format!("Desk {n}"),
            state: DeskPhase::Closed,
            lost_as: None,
            account_id: None,
            lease_until: None,
            paused_until: None,
            last_call_at: None,
            version: 1,
        };
        tx.desks().insert(&desk).await?;
    }
    Ok(wanted.saturating_sub(there))
}

fn papers(account_id: AccountId, person: &Person, now: Timestamp) -> CredentialRow {
    let registration = person.registration.as_deref().and_then(|text| text.parse::<Registration>().ok());
    CredentialRow {
        account_id,
        registration: registration.map(|number| number.as_str().to_owned()),
        practises_since: person.practises_since.clone(),
        consent_on: person.consent_on.clone(),
        recorded_by: None,
        recorded_at: now,
    }
}

fn account(ids: &Ids, now: Timestamp, house: InstitutionId, person: &Person, password_hash: String) -> AccountRow {
    // The last day counts whole.
    let licence_until = person.licence_day().and_then(|day| bounds(&zone_or_home(HOME), day)).map(|(_, end)| end);
    AccountRow {
        id: ids.make(AccountId::from_uuid),
        institution_id: house,
        username: person.username.clone(),
        password_hash,
        role: person.role,
        name_zh: person.name_zh.clone(),
        name_en: person.name_en.clone(),
        title_zh: person.title_zh.clone(),
        title_en: person.title_en.clone(),
        active: true,
        licence_until,
        created_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_password_is_four_groups_of_letters_that_nobody_mistakes() {
        assert_eq!(password([0; 16]), "aaaa-aaaa-aaaa-aaaa");
        let text = password(std::array::from_fn(|at| u8::try_from(at * 17).unwrap()));
        assert!(text.len() == 19 && !text.contains(['l', 'o', '0', '1']), "{text}");
    }
}
