//! The operator's commands for one clinic: whether it records, and what it shows.

use super::{StartError, failed, open};
use crate::clock::Clock;
use crate::config::Config;
use crate::services::hospital::clinic_settings::ClinicSet;
use crate::services::hospital::showing::{self, Change};
use crate::services::recordings::set_policy;
use crate::store::ShownRow;

/// Sets whether a clinic records the visits of those who agree; it holds for visits that begin from now on.
pub async fn set_recording(
    config: &Config,
    clinic: &str,
    institution: Option<&str>,
    is_wanted: bool,
) -> Result<(), StartError> {
    let db = open(config).await?;
    let set = set_policy(&db, Clock::System.now(), clinic, institution, is_wanted).await;
    let set = set.map_err(|e| failed("the policy cannot be set")(&e))?;
    db.close().await;
    let who = if is_wanted { "those who agree are recorded" } else { "nobody is recorded" };
    told(set, clinic, &format!("{who}, from the next visit on"))
}

/// Changes what a clinic shows before anybody comes: its price, and where to complain.
pub async fn set_shown(
    config: &Config,
    clinic: &str,
    institution: Option<&str>,
    change: &Change,
) -> Result<(), StartError> {
    let db = open(config).await?;
    let set = showing::set_shown(&db, Clock::System.now(), clinic, institution, change).await;
    let set = set.map_err(|e| failed("what the clinic shows cannot be changed")(&e))?;
    let shown = showing::shown_of(&db, clinic, institution).await;
    let shown = shown.map_err(|e| failed("what the clinic shows cannot be read")(&e))?;
    db.close().await;
    told(set, clinic, "this is shown from now on")?;
    for line in shown.iter().flat_map(shown_words) {
        println!("  {line}");
    }
    Ok(())
}

/// What a clinic shows, a line each.
fn shown_words(shown: &ShownRow) -> [String; 3] {
    let price = shown.price_fen.map(|fen| format!("{}.{:02} yuan", fen / 100, fen % 100));
    let phone = shown.complaints_phone.clone();
    let places: Vec<_> = [&shown.complaints_at_zh, &shown.complaints_at_en].into_iter().flatten().cloned().collect();
    [
        format!("price: {}", price.unwrap_or_else(|| "none is set".to_owned())),
        format!("complaints by telephone: {}", phone.unwrap_or_else(|| "the hospital's own number".to_owned())),
        format!("complaints at: {}", if places.is_empty() { "nowhere else".to_owned() } else { places.join(" / ") }),
    ]
}

/// Says what came of a clinic's setting.
fn told(set: ClinicSet, clinic: &str, done: &str) -> Result<(), StartError> {
    match set {
        ClinicSet::Done => {
            println!("{clinic}: {done}");
            Ok(())
        }
        ClinicSet::NoClinic(known) => {
            let known = known.join(", ");
            Err(StartError(format!("there is no clinic {clinic}; there are: {known}")))
        }
        ClinicSet::Several(names) => {
            let names = names.join(", ");
            Err(StartError(format!("several institutions have a clinic {clinic}; say --institution one of: {names}")))
        }
    }
}
