//! The board: the queue of a clinic as staff see it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::domain::ids::{
    AccountId, AppointmentId, ClinicId, DeclarationId, DeskId, InstitutionId, PatientId, TicketId,
};
use crate::domain::permission::{StaffAct, TriageAct};
use crate::domain::text::Text;
use crate::protocol::board::{Board, BookedPlace, TicketRow as Row};
use crate::protocol::house::{ClinicInfo, DeskInfo};
use crate::services::Services;
use crate::services::intake::patients::age_years;
use crate::services::intake::triage::Decisions;
use crate::services::refusal::Refusal;
use crate::services::tickets::{day_at, device_check, phase_of};
use crate::services::topics::Topic;
use crate::store::{AppointmentRow, DeskRow, PatientRow, SpeechRow, TicketRow, Tx};

/// A page that drew its number just now has not opened its socket yet; it counts as there so long.
const OPENS_WITHIN: Duration = Duration::from_secs(10);

impl Services {
    /// The clinics of the institution with their desks.
    pub async fn clinics(&self, act: StaffAct) -> Result<Vec<ClinicInfo>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut infos = Vec::new();
        for clinic in tx.clinics().of(act.institution).await? {
            let desks = desk_infos(&mut tx, clinic.id).await?;
            let name = Text::new(clinic.name_zh, clinic.name_en);
            infos.push(ClinicInfo { id: clinic.id, code: clinic.code, name, open: clinic.is_open, desks });
        }
        Ok(infos)
    }

    /// The queue of a clinic as staff see it, with the event number to go on from.
    pub async fn board(&self, act: TriageAct, id: ClinicId) -> Result<Board, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let clinic = tx.clinics().find(id).await?.filter(|clinic| clinic.institution_id == act.institution);
        let clinic = clinic.ok_or_else(Refusal::not_found)?;
        let desks = desk_infos(&mut tx, id).await?;
        let names: HashMap<_, _> = desks.iter().map(|desk| (desk.id, desk.name.clone())).collect();
        let queue = tx.tickets().board(id).await?;
        let around = Around::of(&mut tx, act.institution, &queue).await?;
        let mut tickets = Vec::with_capacity(queue.len());
        for ticket in &queue {
            tickets.push(self.row_of(ticket, &around, around.mates(ticket, &queue), &names)?);
        }
        let open = tx.alarms().open_at(act.institution, id).await?;
        let alarms = self.alarm_views(&mut tx, open, act).await?;
        let midnight = day_at(&clinic, now)?.began_at;
        Ok(Board {
            clinic: id,
            clinic_name: Text::new(clinic.name_zh, clinic.name_en),
            tickets,
            alarms,
            desks,
            done_today: u32::try_from(tx.tickets().count_done(id, midnight).await?).unwrap_or(0),
            seq: tx.events().head(&Topic::Clinic(id).to_string()).await?,
            as_of: now,
        })
    }

    /// One ticket as staff see it.
    pub(crate) async fn row(
        &self,
        tx: &mut Tx,
        ticket: &TicketRow,
        desks: &HashMap<DeskId, Text>,
    ) -> Result<Row, Refusal> {
        let around = Around::of(tx, ticket.institution_id, std::slice::from_ref(ticket)).await?;
        let mates = tx.tickets().mates(ticket).await?;
        self.row_of(ticket, &around, mates, desks)
    }

    fn row_of(
        &self,
        ticket: &TicketRow,
        around: &Around,
        mates: Vec<i64>,
        desks: &HashMap<DeskId, Text>,
    ) -> Result<Row, Refusal> {
        let patient = around.patients.get(&ticket.patient_id);
        let patient = patient.ok_or_else(|| Refusal::internal("a ticket without a patient"))?;
        let decisions = ticket.declaration_id.and_then(|declaration| around.decisions.get(&declaration));
        let stated = self.stated(decisions)?;
        let name = |account: &AccountId| around.names.get(account).cloned();
        let triage = decisions.map(|decisions| decisions.shown(decisions.newest.decided_by.as_ref().and_then(name)));
        let ruleset = triage.as_ref().map(|view| view.ruleset.clone());
        let (decided_by, decided_why) =
            triage.as_ref().map_or((None, None), |view| (view.decided_by.clone(), view.decided_why.clone()));
        let (matched, reasons) = triage.map_or_else(Default::default, |view| (view.matched, view.reasons));
        let now = self.clock.now();
        let never_left = self.live.offline_since(ticket.id).is_none_or(|since| since <= ticket.joined_at);
        let is_opening = never_left && now.since(ticket.joined_at) < OPENS_WITHIN;
        Ok(Row {
            id: ticket.id,
            clinic: ticket.clinic_id,
            no: ticket.no,
            phase: phase_of(ticket),
            version: ticket.version,
            level: ticket.level,
            matched,
            reasons,
            ruleset,
            decided_by,
            decided_why,
            patient: patient.id,
            name_masked: patient.name_masked.clone(),
            age_years: age_years(patient, now),
            sex: patient.sex,
            arrived_at: ticket.arrived_at,
            retriage_due: ticket.retriage_due,
            nurse_call: ticket.nurse_call,
            missed: u32::try_from(ticket.miss_count).unwrap_or(0),
            online: self.live.is_online(ticket.id) || is_opening,
            desk: ticket.desk_id,
            desk_name: ticket.desk_id.and_then(|desk| desks.get(&desk).cloned()),
            moved: ticket.move_reason,
            check: device_check(ticket),
            booked: around.booked(ticket),
            same_document: mates,
            stated,
            speech: self.speech_of(around.speeches.get(&ticket.id))?,
        })
    }
}

/// What is known around tickets: read at once, however many there are.
struct Around {
    patients: HashMap<PatientId, PatientRow>,
    decisions: HashMap<DeclarationId, Decisions>,
    appointments: HashMap<AppointmentId, AppointmentRow>,
    speeches: HashMap<TicketId, SpeechRow>,
    /// Of whoever set a level, and of whoever is waited for.
    names: HashMap<AccountId, Text>,
}

impl Around {
    async fn of(tx: &mut Tx, institution: InstitutionId, tickets: &[TicketRow]) -> Result<Self, Refusal> {
        let patients = tx.patients().many(institution, tickets.iter().map(|ticket| ticket.patient_id)).await?;
        let decisions = Decisions::of_all(tx, tickets).await?;
        let appointments = tx.appointments().many(tickets.iter().filter_map(|ticket| ticket.appointment_id)).await?;
        let speeches = tx.declarations().speeches(tickets.iter().map(|ticket| ticket.id)).await?;
        let deciders = decisions.values().filter_map(|decisions| decisions.newest.decided_by);
        let accounts: HashSet<_> = deciders.chain(appointments.iter().map(|one| one.doctor_id)).collect();
        Ok(Self {
            patients: patients.into_iter().map(|patient| (patient.id, patient)).collect(),
            decisions,
            appointments: appointments.into_iter().map(|one| (one.id, one)).collect(),
            speeches: speeches.into_iter().collect(),
            names: names(tx, accounts).await?,
        })
    }

    /// The appointment behind a ticket.
    fn booked(&self, ticket: &TicketRow) -> Option<BookedPlace> {
        let appointment = self.appointments.get(&ticket.appointment_id?)?;
        Some(BookedPlace {
            starts_at: appointment.starts_at,
            zone: appointment.zone.clone(),
            doctor: appointment.doctor_id,
            doctor_name: self.names.get(&appointment.doctor_id)?.clone(),
            waits_until: ticket.want_until.filter(|_| ticket.want_doctor.is_some()),
        })
    }

    /// The numbers of the other tickets of a queue that were drawn with the same document, who came first first.
    fn mates(&self, ticket: &TicketRow, queue: &[TicketRow]) -> Vec<i64> {
        let card = |of: &TicketRow| self.patients.get(&of.patient_id).map(|patient| &patient.card_index);
        let is_mate = |other: &&TicketRow| {
            let is_same = other.patient_id == ticket.patient_id || card(other) == card(ticket);
            other.id != ticket.id && is_same
        };
        let mut mates: Vec<_> = queue.iter().filter(is_mate).collect();
        mates.sort_by_key(|mate| (mate.joined_at, mate.id));
        mates.into_iter().map(|mate| mate.no).collect()
    }
}

/// The names of members of staff.
async fn names(
    tx: &mut Tx,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<HashMap<AccountId, Text>, Refusal> {
    let rows = tx.accounts().many(accounts).await?;
    Ok(rows.into_iter().map(|row| (row.id, Text::new(row.name_zh, row.name_en))).collect())
}

async fn desk_infos(tx: &mut Tx, clinic: ClinicId) -> Result<Vec<DeskInfo>, Refusal> {
    let desks = tx.desks().of_clinic(clinic).await?;
    let names = names(tx, desks.iter().filter_map(|desk| desk.account_id)).await?;
    let info = |DeskRow { id, name_zh, name_en, state, account_id, last_call_at, .. }| {
        let doctor = account_id.and_then(|account| names.get(&account).cloned());
        DeskInfo { id, name: Text::new(name_zh, name_en), state, doctor, last_call_at }
    };
    Ok(desks.into_iter().map(info).collect())
}
