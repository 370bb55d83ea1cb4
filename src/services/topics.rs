//! The topics of the event log, and who may hear them.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

pub use crate::bus::Announcement;
use crate::domain::ids::{
    AccountId, AppointmentId, ClinicId, DeskId, InstitutionId, SessionId, TicketId, VisitId, WishId,
};
use crate::domain::permission::Actor;
use crate::services::Services;
use crate::services::refusal::Refusal;

/// What events are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The queue of a clinic; staff.
    Clinic(ClinicId),
    /// One ticket; its holder and staff.
    Ticket(TicketId),
    /// One desk; staff.
    Desk(DeskId),
    /// One visit; its holder and staff.
    Visit(VisitId),
    /// One appointment; its holder and staff.
    Appointment(AppointmentId),
    /// One place on a waiting list; its holder and staff.
    Wish(WishId),
    /// The alarms of an institution; staff, and administrators for the reads that they judge.
    Alarms(InstitutionId),
    /// The prescriptions of an institution; pharmacists and doctors.
    Pharmacy(InstitutionId),
    /// What one member of staff is asked; that one alone.
    Account(AccountId),
    /// The end of a session. Its sockets hear it by themselves, and nobody can ask for it.
    Session(SessionId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clinic(id) => write!(f, "clinic:{}", id.as_uuid()),
            Self::Ticket(id) => write!(f, "ticket:{}", id.as_uuid()),
            Self::Desk(id) => write!(f, "desk:{}", id.as_uuid()),
            Self::Visit(id) => write!(f, "visit:{}", id.as_uuid()),
            Self::Appointment(id) => write!(f, "appointment:{}", id.as_uuid()),
            Self::Wish(id) => write!(f, "wish:{}", id.as_uuid()),
            Self::Alarms(id) => write!(f, "alarms:{}", id.as_uuid()),
            Self::Pharmacy(id) => write!(f, "pharmacy:{}", id.as_uuid()),
            Self::Account(id) => write!(f, "account:{}", id.as_uuid()),
            Self::Session(id) => write!(f, "session:{}", id.as_uuid()),
        }
    }
}

impl FromStr for Topic {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let (kind, id) = name.split_once(':').ok_or(())?;
        let topic = match kind {
            "clinic" => Self::Clinic(id.parse().map_err(drop)?),
            "ticket" => Self::Ticket(id.parse().map_err(drop)?),
            "desk" => Self::Desk(id.parse().map_err(drop)?),
            "visit" => Self::Visit(id.parse().map_err(drop)?),
            "appointment" => Self::Appointment(id.parse().map_err(drop)?),
            "wish" => Self::Wish(id.parse().map_err(drop)?),
            "alarms" => Self::Alarms(id.parse().map_err(drop)?),
            "pharmacy" => Self::Pharmacy(id.parse().map_err(drop)?),
            "account" => Self::Account(id.parse().map_err(drop)?),
            _ => return Err(()),
        };
        // One topic has one spelling, or a follower of another spelling would hear nothing.
        if topic.to_string() == name { Ok(topic) } else { Err(()) }
    }
}

impl Services {
    /// Refuses, as if there were no such topic, when `actor` may not hear it.
    pub async fn may_hear(&self, actor: Actor, topic: Topic) -> Result<(), Refusal> {
        let institution = actor.institution();
        let mut tx = self.db.read().await?;
        let is_staff = actor.triage().is_some();
        let allowed = match topic {
            Topic::Clinic(clinic) => {
                is_staff && tx.clinics().find(clinic).await?.is_some_and(|c| c.institution_id == institution)
            }
            Topic::Desk(desk) => {
                is_staff && tx.desks().find(desk).await?.is_some_and(|d| d.institution_id == institution)
            }
            Topic::Alarms(of) => (is_staff || actor.administrator().is_some()) && of == institution,
            Topic::Ticket(ticket) => tx.tickets().find(ticket).await?.is_some_and(|t| {
                let is_own = actor.holder().is_some_and(|act| t.holder_id == Some(act.holder));
                t.institution_id == institution && (is_staff || is_own)
            }),
            Topic::Visit(visit) => tx.visits().find(visit).await?.is_some_and(|v| {
                let is_own = actor.holder().is_some_and(|act| v.holder_id == Some(act.holder));
                v.institution_id == institution && (is_staff || is_own)
            }),
            Topic::Appointment(id) => tx.appointments().find(id).await?.is_some_and(|a| {
                let is_own = actor.holder().is_some_and(|act| a.holder_id == act.holder);
                a.institution_id == institution && (is_staff || is_own)
            }),
            Topic::Wish(id) => tx.wishes().find(id).await?.is_some_and(|w| {
                let is_own = actor.holder().is_some_and(|act| w.holder_id == act.holder);
                w.institution_id == institution && (is_staff || is_own)
            }),
            Topic::Pharmacy(of) => (actor.pharmacist().is_some() || actor.doctor().is_some()) && of == institution,
            Topic::Account(of) => actor.staff().is_some_and(|act| act.account == of),
            Topic::Session(_) => false,
        };
        if allowed { Ok(()) } else { Err(Refusal::not_found()) }
    }

    /// The number of the last event of a topic; 0 when there was none.
    pub async fn topic_head(&self, topic: &str) -> Result<i64, Refusal> {
        Ok(self.db.read().await?.events().head(topic).await?)
    }

    /// At most `limit` events of a topic after `seq`, in order.
    pub async fn events_since(&self, topic: &str, seq: i64, limit: i64) -> Result<Vec<Announcement>, Refusal> {
        let events = self.db.read().await?.events().since(topic, seq, limit).await?;
        let announcements = events.into_iter().map(|event| Announcement {
            topic: topic.to_owned(),
            seq: event.seq,
            at: event.at,
            kind: event.kind,
            data: if let Value::Object(data) = event.payload { data } else { serde_json::Map::new() },
        });
        Ok(announcements.collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_topic_is_read_as_it_was_written_and_in_no_other_spelling() {
        let topic = Topic::Clinic(ClinicId::from_uuid(Uuid::from_u128(0xabc)));
        assert_eq!(topic.to_string().parse(), Ok(topic));
        assert!(topic.to_string().to_uppercase().parse::<Topic>().is_err());
        assert!("clinic:x".parse::<Topic>().is_err());
        let session = Topic::Session(SessionId::from_uuid(Uuid::from_u128(0xabc)));
        assert!(session.to_string().parse::<Topic>().is_err(), "nobody can ask for it");
        assert!("".parse::<Topic>().is_err());
    }
}
