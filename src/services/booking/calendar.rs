//! An appointment in the holder's own calendar: as a file, and as a link that a calendar follows.
//!
//! The link's address is a capability: whoever has it reads when and at which hospital, and nothing else. It is made from
//! the appointment's id under the server's secret, so that nobody finds one by trying; it holds no personal datum, and is
//! dead once the appointment is given back or over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::domain::appointment::calendar::{Event, ics};
use crate::domain::appointment::{AppointmentState, wall};
use crate::domain::ids::AppointmentId;
use crate::domain::permission::HolderAct;
use crate::domain::time::Timestamp;
use crate::protocol::auth::Locale;
use crate::protocol::booking::CalendarLink;
use crate::services::Services;
use crate::services::booking::own;
use crate::services::refusal::Refusal;
use crate::services::vault::Vault;
use crate::store::{AppointmentRow, Tx};

/// Bytes of an id.
const ID: usize = 16;
/// Bytes of the proof behind it.
const PROOF: usize = 16;

impl Services {
    /// An appointment as a calendar's file, in the holder's language.
    pub async fn calendar(&self, act: HolderAct, id: AppointmentId) -> Result<String, Refusal> {
        let mut tx = self.db.read().await?;
        let row = own(&mut tx, act, id).await?;
        let clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let page = format!("{}/me/{}/appointments", self.config.base_url(self.config.http_addr), clinic.link_token);
        self.entry(&mut tx, &row, Some(&page)).await
    }

    /// The link by which a calendar follows an appointment, while there is something to follow.
    pub async fn calendar_link(&self, act: HolderAct, id: AppointmentId) -> Result<CalendarLink, Refusal> {
        let mut tx = self.db.read().await?;
        let row = own(&mut tx, act, id).await?;
        if !is_followed(&row, self.clock.now()) {
            return Err(Refusal::not_found());
        }
        let base = self.config.base_url(self.config.http_addr);
        let url = format!("{base}/api/v1/calendar/{}", token(&self.vault, row.id));
        let (_, rest) = url.split_once("://").ok_or_else(|| Refusal::internal("an address without a scheme"))?;
        Ok(CalendarLink { webcal: format!("webcal://{rest}"), url })
    }

    /// What a calendar fetches by its link: when, and at which hospital. Not which clinic, for that would say why.
    pub async fn followed_calendar(&self, token: &str) -> Result<String, Refusal> {
        let id = appointment_of(&self.vault, token).ok_or_else(Refusal::not_found)?;
        let mut tx = self.db.read().await?;
        let row = tx.appointments().find(id).await?.filter(|row| is_followed(row, self.clock.now()));
        let row = row.ok_or_else(Refusal::not_found)?;
        self.entry(&mut tx, &row, None).await
    }

    /// Without a page it is for somebody who is not known.
    async fn entry(&self, tx: &mut Tx, row: &AppointmentRow, page: Option<&str>) -> Result<String, Refusal> {
        let holder = tx.holders().find(row.institution_id, row.holder_id).await?.ok_or_else(Refusal::not_found)?;
        let institution = tx.institutions().find(row.institution_id).await?.ok_or_else(Refusal::not_found)?;
        let walls = wall::shown(row.starts_at, &row.zone, row.viewer_zone.as_deref());
        let walls: Vec<String> = walls.iter().map(|one| format!("{} {} ({})", one.day, one.time, one.zone)).collect();
        // The clinic's name would say why somebody comes.
        let (summary, place) = match Locale::of(&holder.locale) {
            Locale::Chinese => (format!("预约：{}", institution.name_zh), institution.name_zh),
            Locale::English => (format!("Appointment at {}", institution.name_en), institution.name_en),
        };
        Ok(ics(&Event {
            uid: &format!("{}@yunzhen", row.id.as_uuid()),
            sequence: row.version,
            written_at: self.clock.now(),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            summary: &summary,
            description: &walls.join("\n"),
            location: &place,
            url: page,
            is_cancelled: row.state == AppointmentState::Cancelled,
            is_followed: page.is_none(),
        }))
    }
}

fn is_followed(row: &AppointmentRow, now: Timestamp) -> bool {
    matches!(row.state, AppointmentState::Booked | AppointmentState::CheckedIn) && now <= row.ends_at
}

fn proof(vault: &Vault, id: Uuid) -> [u8; PROOF] {
    let mac = vault.mac("calendar-link", &[id.as_bytes()]);
    mac[..PROOF].try_into().expect("a MAC is longer than that")
}

/// The end of an appointment's link.
fn token(vault: &Vault, id: AppointmentId) -> String {
    let id = id.as_uuid();
    URL_SAFE_NO_PAD.encode([&id.as_bytes()[..], &proof(vault, id)].concat())
}

/// The appointment of a link; nothing for what we have not made.
fn appointment_of(vault: &Vault, token: &str) -> Option<AppointmentId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == ID + PROOF)?;
    let id = Uuid::from_slice(&bytes[..ID]).ok()?;
    // Every byte is compared, whatever the first ones say: how long it takes tells nothing.
    let differs = proof(vault, id).iter().zip(&bytes[ID..]).fold(0, |sum, (a, b)| sum | (a ^ b));
    (differs == 0).then(|| AppointmentId::from_uuid(id))
}
