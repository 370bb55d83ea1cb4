//! A day of a queue: its events are those that were signed, and playing them again finds what the file says.

use sha2::{Digest as _, Sha256};

use super::Unproved;
use crate::domain::fairness::replay;
use crate::domain::hex::hex;
use crate::domain::signature::{Purpose, queue_subject};
use crate::protocol::booking::{QueueContent, QueueDay};
use crate::protocol::proof::ExportSignature;
use crate::services::receipts::findings;

pub(super) fn verify(text: &str) -> Result<(String, ExportSignature), Unproved> {
    let unreadable = |_| Unproved::Unreadable { line: 1 };
    let day: QueueDay = serde_json::from_str(text).map_err(unreadable)?;
    // Whatever stands beside the signed words would be believed with them.
    if serde_json::to_string(&day).map_err(unreadable)? != text {
        return Err(Unproved::Content("the file".to_owned()));
    }
    let content: QueueContent = serde_json::from_str(&day.content).map_err(unreadable)?;
    let hash = hex(&Sha256::digest(day.content.as_bytes()));
    if !day.signature.is_of_server_for(Purpose::QueueDay, &queue_subject(content.id, &content.day), &hash) {
        return Err(Unproved::Signature);
    }
    if (day.complete, day.until) != (content.complete, content.until) {
        return Err(Unproved::Content("until when it is complete".to_owned()));
    }
    let told = replay(&content.events);
    if findings(&told) != day.findings {
        return Err(Unproved::Content("what the replay found".to_owned()));
    }
    let overtakings = told.overtakings.len();
    if u32::try_from(overtakings).unwrap_or(u32::MAX) != day.overtakings {
        return Err(Unproved::Content("the count of overtakings".to_owned()));
    }
    let (clinic, date, name) = (&content.clinic, &content.day, &content.name);
    let (events, without) = (content.events.len(), told.findings.len());
    let what = format!(
        "authentic: the queue of {clinic} of {name} on {date}: {events} events, {overtakings} called before somebody who \
         came earlier, {without} findings that no rule explains{}",
        if content.complete { "" } else { "; NOT COMPLETE: the day went on after these events" }
    );
    Ok((what, day.signature))
}
