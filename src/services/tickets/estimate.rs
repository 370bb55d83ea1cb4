//! From rows to the domain's estimate.

use crate::domain::eta::{Learnt, Queue, estimate};
use crate::domain::ids::TicketId;
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::protocol::ticket::WaitEstimate;
use crate::store::{DeskRow, TicketRow};

/// The estimate of each waiting ticket, in calling order.
pub(crate) fn for_queue(
    order: &[(TicketId, Level)],
    open: &[&DeskRow],
    board: &[TicketRow],
    times: &[(Level, i64, i64)],
    last_call_at: Option<Timestamp>,
    now: Timestamp,
) -> Vec<WaitEstimate> {
    let waiting: Vec<Level> = order.iter().map(|(_, level)| *level).collect();
    let busy_since = |desk: &&DeskRow| {
        let ticket = board.iter().find(|ticket| ticket.desk_id == Some(desk.id) && ticket.state.is_at_desk());
        ticket.and_then(|ticket| ticket.started_at.or(ticket.called_at))
    };
    let desks: Vec<_> = open.iter().map(busy_since).collect();
    let learnt = |level| {
        let found = times.iter().find(|(of, _, _)| *of == level)?;
        #[expect(clippy::cast_precision_loss, reason = "lengths and counts of visits are far below 2^53")]
        let (mean_ms, visits) = (found.1 as f64, found.2 as f64);
        Some(Learnt { mean_ms, visits })
    };
    // One seed for all: a place shows the same figures until something changes at the desks or in front of it.
    match estimate(&Queue { waiting: &waiting, desks: &desks, last_call_at, now }, learnt, 0) {
        Some(ranges) => {
            let shown = ranges.iter().map(|r| WaitEstimate::Range { low_min: r.p50_min, high_min: r.p90_min });
            shown.collect()
        }
        None => vec![WaitEstimate::Unknown; waiting.len()],
    }
}
