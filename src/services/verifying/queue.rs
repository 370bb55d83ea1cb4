//! A day of a queue: its events are those that were signed, and playing them again finds what the file says.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Unproved;
use crate::domain::fairness::{QueueEvent, Replay, replay};
use crate::domain::hex::hex;
use crate::domain::ids::ClinicId;
use crate::domain::signature::{Purpose, queue_subject};
use crate::protocol::proof::ExportSignature;
use crate::protocol::queue_day::{QueueContent, QueueDay};

/// A file of the first format, in the order in which its fields were written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstDay {
    format: String,
    content: String,
    findings: Vec<Value>,
    overtakings: u32,
    signature: ExportSignature,
}

/// Its signed words; they do not say until when the day was told.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstContent {
    name: String,
    clinic: String,
    id: ClinicId,
    day: String,
    events: Vec<QueueEvent>,
}

/// What a file of either format says.
struct Told<'a> {
    name: &'a str,
    clinic: &'a str,
    day: &'a str,
    events: &'a [QueueEvent],
    findings: &'a [Value],
    overtakings: u32,
}

pub(super) fn verify(text: &str) -> Result<(String, ExportSignature), Unproved> {
    let day: QueueDay = as_written(text)?;
    let content: QueueContent = read(&day.content)?;
    is_signed(&day.content, &day.signature, content.id, &content.day)?;
    if (day.complete, day.until) != (content.complete, content.until) {
        return Err(Unproved::Content("until when it is complete".to_owned()));
    }
    let told = played(&Told {
        name: &content.name,
        clinic: &content.clinic,
        day: &content.day,
        events: &content.events,
        findings: &day.findings,
        overtakings: day.overtakings,
    })?;
    let end = if content.complete { "" } else { "; NOT COMPLETE: the day went on after these events" };
    Ok((format!("{told}{end}"), day.signature))
}

/// The same of a file from before files said whether their day is complete.
pub(super) fn verify_first(text: &str) -> Result<(String, ExportSignature), Unproved> {
    let day: FirstDay = as_written(text)?;
    let content: FirstContent = read(&day.content)?;
    is_signed(&day.content, &day.signature, content.id, &content.day)?;
    let told = played(&Told {
        name: &content.name,
        clinic: &content.clinic,
        day: &content.day,
        events: &content.events,
        findings: &day.findings,
        overtakings: day.overtakings,
    })?;
    Ok((format!("{told}; files of this first format do not say whether their day is complete"), day.signature))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unproved> {
    serde_json::from_str(text).map_err(|_| Unproved::Unreadable { line: 1 })
}

/// The file, if it is letter by letter as the server wrote it: what stands beside the signed words would be believed with
/// them.
fn as_written<T: Serialize + DeserializeOwned>(text: &str) -> Result<T, Unproved> {
    let day = read(text)?;
    if serde_json::to_string(&day).is_ok_and(|again| again == text) {
        return Ok(day);
    }
    Err(Unproved::Content("the file".to_owned()))
}

fn is_signed(content: &str, signature: &ExportSignature, clinic: ClinicId, day: &str) -> Result<(), Unproved> {
    let hash = hex(&Sha256::digest(content.as_bytes()));
    let holds = signature.is_of_server_for(Purpose::QueueDay, &queue_subject(clinic, day), &hash);
    if holds { Ok(()) } else { Err(Unproved::Signature) }
}

/// Plays the events again; what was found, in words.
fn played(file: &Told<'_>) -> Result<String, Unproved> {
    let told = replay(file.events);
    if findings(&told) != file.findings {
        return Err(Unproved::Content("what the replay found".to_owned()));
    }
    let overtakings = told.overtakings.len();
    if u32::try_from(overtakings).unwrap_or(u32::MAX) != file.overtakings {
        return Err(Unproved::Content("the count of overtakings".to_owned()));
    }
    let Told { name, clinic, day, events, .. } = file;
    let (events, without) = (events.len(), told.findings.len());
    Ok(format!(
        "authentic: the queue of {clinic} of {name} on {day}: {events} events, {overtakings} called before somebody who \
         came earlier, {without} findings that no rule explains"
    ))
}

/// What no rule explains, as a file says it.
pub(crate) fn findings(told: &Replay) -> Vec<Value> {
    told.findings.iter().filter_map(|one| serde_json::to_value(one).ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::domain::fairness::{Place, What};
    use crate::domain::ids::TicketId;
    use crate::domain::signature::{Algorithm, signed_words};
    use crate::domain::time::Timestamp;
    use crate::services::signing::scheme;
    use crate::services::verifying::verify_export;

    use super::*;

    const SEED: [u8; 32] = [3; 32];

    fn quoted(text: &str) -> String {
        json!(text).to_string()
    }

    /// A file as the first format wrote it, field by field, with its signature.
    fn first(overtakings: u32, signed_day: &str) -> String {
        let clinic = ClinicId::from_uuid(uuid::Uuid::from_u128(7));
        let at = Timestamp::from_millis(1_700_000_000_000);
        let what =
            What::Joined { place: Place { lane: 2, rank: 1 }, arrived: at, slot: None, want: None, transferred: false };
        let event = QueueEvent { at, ticket: TicketId::from_uuid(uuid::Uuid::from_u128(8)), what };
        let (told, events) = (replay(std::slice::from_ref(&event)), serde_json::to_string(&[&event]).unwrap());
        let found = serde_json::to_string(&findings(&told)).unwrap();
        let id = json!(clinic);
        let content =
            format!(r#"{{"name":"Demo Hospital","clinic":"fever","id":{id},"day":"2023-11-15","events":{events}}}"#);
        let (key, hash) = ("key_1", hex(&Sha256::digest(content.as_bytes())));
        let subject = queue_subject(clinic, signed_day);
        let words = signed_words(Purpose::QueueDay, &subject, &hash, key, at);
        let by = scheme(Algorithm::Ed25519);
        let signature = ExportSignature {
            purpose: Purpose::QueueDay,
            subject,
            hash,
            key: key.to_owned(),
            owner: "server".to_owned(),
            algorithm: Algorithm::Ed25519,
            public_key: hex(&by.public_key(&SEED).unwrap()),
            at,
            bytes: hex(&by.sign(&SEED, words.as_bytes()).unwrap()),
        };
        let (content, signature) = (quoted(&content), serde_json::to_string(&signature).unwrap());
        format!(
            r#"{{"format":"yunzhen.queue-day.1","content":{content},"findings":{found},"overtakings":{overtakings},"signature":{signature}}}"#
        )
    }

    #[test]
    fn a_file_of_the_first_format_verifies_by_it_and_says_what_that_does_not_tell() {
        let proved = verify_export(&first(0, "2023-11-15"), None).unwrap();
        assert!(proved.what.contains("the queue of fever of Demo Hospital on 2023-11-15: 1 events"), "{proved}");
        assert!(proved.what.contains("do not say whether their day is complete"), "{proved}");
    }

    #[test]
    fn a_changed_file_of_the_first_format_proves_nothing() {
        let whole = first(0, "2023-11-15");
        for (from, to) in [("fever", "tcm"), ("\"overtakings\"", " \"overtakings\""), ("queue-day.1", "queue-day.2")] {
            let changed = whole.replacen(from, to, 1);
            assert!(changed != whole && verify_export(&changed, None).is_err(), "{from}");
        }
        assert!(matches!(verify_export(&first(1, "2023-11-15"), None), Err(Unproved::Content(_))));
        assert!(matches!(verify_export(&first(0, "2023-11-16"), None), Err(Unproved::Signature)));
    }
}
