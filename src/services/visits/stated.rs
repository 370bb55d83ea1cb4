//! What a patient said, as staff need it at a glance: the figures, and how to speak with whoever said them.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::domain::time::Timestamp;
use crate::protocol::auth::Locale;
use crate::protocol::board::{Speech, Stated};
use crate::protocol::current::SaidWaiting;
use crate::protocol::ticket::Change;
use crate::services::Services;
use crate::services::intake::triage::Decisions;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::store::{SpeechRow, TicketRow, Tx};

/// Help that a conversation needs; large type and reading aloud are the screen's.
const OF_SPEECH: [&str; 4] = ["interpreter", "sign", "dialect", "family"];

/// The facts that one run of the rules had, and when.
type Run = (Timestamp, Map<String, Value>);

impl Services {
    /// The figures of a declaration; what was said again in the waiting room stands for what was said before.
    pub(crate) fn stated(&self, decisions: Option<&Decisions>) -> Result<Stated, Refusal> {
        let runs = self.runs(decisions)?;
        let said = |name: &str| runs.iter().find_map(|(_, facts)| facts.get(name)?.as_f64());
        Ok(Stated {
            temperature: said("temp"),
            fever_days: said("fever_days"),
            spo2: said("spo2"),
            breaths: said("rr"),
            pulse: said("hr"),
        })
    }

    /// What was answered in the waiting room and moved a rule, the newest first.
    pub(crate) fn waited(&self, decisions: &Decisions) -> Result<Vec<SaidWaiting>, Refusal> {
        let mut said = Vec::new();
        for (at, facts) in self.runs(Some(decisions))? {
            let change = |name: &str| facts.get(name).and_then(|word| Change::deserialize(word).ok());
            let (Some(breathing), Some(general)) = (change("wait_breath"), change("wait_state")) else { continue };
            said.push(SaidWaiting { at, breathing, general, temperature: facts.get("temp").and_then(Value::as_f64) });
        }
        Ok(said)
    }

    /// The facts of every run of the rules, and when, the newest first.
    fn runs(&self, decisions: Option<&Decisions>) -> Result<Vec<Run>, Refusal> {
        let mut runs = Vec::new();
        for (id, at, sealed) in decisions.into_iter().flat_map(Decisions::facts) {
            let plain = self.open_field(Field::Answers, id.as_uuid(), sealed)?;
            runs.push((at, serde_json::from_str(&plain).map_err(|error| Refusal::internal(&error))?));
        }
        Ok(runs)
    }

    /// The language of whoever holds a ticket, and the help that the declaration asks for.
    pub(crate) async fn speech(&self, tx: &mut Tx, ticket: &TicketRow) -> Result<Speech, Refusal> {
        let row = tx.declarations().speech(ticket.id).await?;
        self.speech_of(row.as_ref())
    }

    /// The same of what was read of it.
    pub(crate) fn speech_of(&self, row: Option<&SpeechRow>) -> Result<Speech, Refusal> {
        let Some(row) = row else { return Ok(Speech::default()) };
        let plain = self.open_field(Field::Answers, row.declaration.as_uuid(), &row.answers_sealed)?;
        let answers: Map<String, Value> = serde_json::from_str(&plain).map_err(|error| Refusal::internal(&error))?;
        let asked = answers.get("a11y").and_then(Value::as_array);
        let asks = |need: &str| asked.is_some_and(|codes| codes.iter().any(|code| code == need));
        Ok(Speech {
            language: Some(Locale::of(&row.locale)),
            needs: OF_SPEECH.into_iter().filter(|need| asks(need)).map(str::to_owned).collect(),
        })
    }
}
