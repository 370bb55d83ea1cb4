//! The truth about a queue: who is before whom, and how long it may take.
//!
//! Computed once per change of a clinic's queue and shared by all who wait in it; half a minute later it is computed again,
//! because time itself shortens a wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::domain::desk::DeskPhase;
use crate::domain::ids::{ClinicId, TicketId};
use crate::domain::time::Timestamp;
use crate::protocol::ticket::WaitEstimate;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::tickets::estimate;
use crate::services::topics::Topic;
use crate::store::Tx;

/// How long a truth stands when nothing happens.
const FRESH: Duration = Duration::from_secs(30);

/// A waiting ticket's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// How many are before it.
    pub ahead: u32,
    /// How long it may take.
    pub estimate: WaitEstimate,
}

/// The truth about one clinic.
#[derive(Debug)]
pub(crate) struct Truth {
    /// The event number of the clinic at which it was true.
    seq: i64,
    at: Timestamp,
    /// Places of all who wait.
    pub places: HashMap<TicketId, Place>,
    /// Desks that are open.
    pub desks_open: u32,
    /// When the clinic last called somebody.
    pub last_call_at: Option<Timestamp>,
}

/// The last truth of each clinic.
#[derive(Default)]
pub(crate) struct Truths(Mutex<HashMap<ClinicId, Arc<Truth>>>);

impl Services {
    /// The truth about a clinic as of a transaction that only reads.
    pub(crate) async fn truth(&self, tx: &mut Tx, clinic: ClinicId) -> Result<Arc<Truth>, Refusal> {
        let seq = tx.events().head(&Topic::Clinic(clinic).to_string()).await?;
        let known = self.truths.0.lock().expect("no holder of this lock panics").get(&clinic).cloned();
        if let Some(known) = known
            && known.seq == seq
            && self.clock.now().since(known.at) < FRESH
        {
            return Ok(known);
        }
        let truth = Arc::new(self.truth_within(tx, clinic).await?);
        self.truths.0.lock().expect("no holder of this lock panics").insert(clinic, Arc::clone(&truth));
        Ok(truth)
    }

    /// The truth about a clinic as a transaction that writes will leave it: nobody else may be told it before the commit,
    /// and what everybody is told does not hold the change yet.
    pub(crate) async fn truth_within(&self, tx: &mut Tx, clinic: ClinicId) -> Result<Truth, Refusal> {
        let now = self.clock.now();
        let seq = tx.events().head(&Topic::Clinic(clinic).to_string()).await?;
        let order = tx.tickets().order(clinic).await?;
        let board = tx.tickets().board(clinic).await?;
        let desks = tx.desks().of_clinic(clinic).await?;
        let last_call_at = tx.tickets().calling(clinic).await?.map(|(_, at)| at);
        let times = tx.tickets().service_times(clinic).await?;
        let open: Vec<_> = desks.iter().filter(|desk| desk.state == DeskPhase::Open).collect();
        let estimates = estimate::for_queue(&order, &open, &board, &times, last_call_at, now);
        let places = order.iter().zip(estimates).zip(0..);
        let places = places.map(|(((id, _), estimate), ahead)| (*id, Place { ahead, estimate })).collect();
        Ok(Truth { seq, at: now, places, desks_open: u32::try_from(open.len()).unwrap_or(0), last_call_at })
    }
}
