//! The first page: where a link leads, and the eight questions that come before any identity.

use crate::domain::alarm::AlarmKind;
use crate::domain::desk::DeskPhase;
use crate::domain::room::RoomEnd;
use crate::domain::text::Text;
use crate::domain::triage::RED_FLAGS;
use crate::protocol::error::ErrorCode;
use crate::protocol::house::{Landing, RedFlag};
use crate::protocol::intake::{EmergencyLine, RedFlagsAnswer, RedFlagsRequest};
use crate::services::Services;
use crate::services::alarms::raising::Cause;
use crate::services::hospital::showing::complaints;
use crate::services::identity::codes::clinic_of_link;
use crate::services::identity::sessions::Who;
use crate::services::refusal::Refusal;

/// The questions of the first page in the order of asking.
pub fn red_flag_texts() -> Vec<RedFlag> {
    let shown = |flag: &crate::domain::triage::RedFlag| RedFlag {
        id: flag.id.to_owned(),
        question: Text::new(flag.zh, flag.en),
        answers: flag.option.is_none().then(|| flag.link_id.to_owned()),
    };
    RED_FLAGS.iter().map(shown).collect()
}

impl Services {
    /// What the landing page shows: `GET /links/{link}`.
    pub async fn landing(&self, link: &str) -> Result<Landing, Refusal> {
        let mut tx = self.db.read().await?;
        let clinic = clinic_of_link(&mut tx, link).await?;
        let institution = tx.institutions().find(clinic.institution_id).await?;
        let institution = institution.ok_or_else(|| Refusal::internal("a clinic has no institution"))?;
        let desks = tx.desks().of_clinic(clinic.id).await?;
        let desks_open = desks.iter().filter(|desk| desk.state == DeskPhase::Open).count();
        let waiting = tx.tickets().count_waiting(clinic.id).await?;
        let shown = tx.clinics().shown(clinic.id).await?;
        Ok(Landing {
            price_fen: shown.price_fen,
            complaints: complaints(shown, &institution.help_phone),
            institution: institution.id,
            institution_name: Text::new(institution.name_zh, institution.name_en),
            clinic: clinic.id,
            clinic_name: Text::new(clinic.name_zh, clinic.name_en),
            help_phone: institution.help_phone,
            open: clinic.is_open,
            desks_open: u32::try_from(desks_open).unwrap_or(u32::MAX),
            waiting: u32::try_from(waiting).unwrap_or(0),
            demo: self.config.demo,
            red_flags: red_flag_texts(),
        })
    }

    /// The answers of the first page: `POST /red-flags`. Any yes raises an alarm and opens an unnamed line; a closed
    /// clinic alarms, too. `address` is the network address of whoever asks; only a keyed hash of it is stored.
    pub async fn red_flags(&self, request: RedFlagsRequest, address: &str) -> Result<RedFlagsAnswer, Refusal> {
        let known = |id: &String| RED_FLAGS.iter().any(|flag| flag.id == *id);
        if request.yes.len() > RED_FLAGS.len() || !request.yes.iter().all(known) {
            return Err(Refusal::field(ErrorCode::Invalid, "yes", "there is no such question on the first page"));
        }
        // In the order of asking, and each once, however they were sent.
        let flagged = RED_FLAGS.iter().filter(|flag| request.yes.iter().any(|id| flag.id == id));
        let reasons: Vec<Text> = flagged.map(|flag| Text::new(flag.term.0, flag.term.1)).collect();

        let mut work = self.begin().await?;
        let clinic = clinic_of_link(&mut work.tx, &request.link).await?;
        if reasons.is_empty() {
            return Ok(RedFlagsAnswer { emergency: false, line: None });
        }
        let institution = clinic.institution_id;
        let origin = self.origin(address);
        let passed = self.make_room(&mut work, clinic.id, &origin).await?;
        let cause = Cause { patient: None, holder: None, declaration: None, ticket: None, origin: Some(origin) };
        let alarm = self.raise_alarm(&mut work, institution, clinic.id, AlarmKind::RedFlag, reasons, cause).await?;
        let tokens = self.open_session(&mut work, institution, Who::Caller(alarm)).await?;
        work.commit().await?;
        if let Some(room) = passed {
            self.end_room(room, RoomEnd::Finished).await;
        }
        Ok(RedFlagsAnswer { emergency: true, line: Some(EmergencyLine { alarm, tokens }) })
    }
}
