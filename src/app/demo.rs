//! `yunzhen demo`: the whole product on this machine, with people who do not exist.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Running, StartError, failed, make_folder, start_with, write_private};
use crate::clock::Clock;
use crate::config::Config;
use crate::services::Services;
use crate::services::hospital::seed::{DEMO_LINK, DEMO_TCM_LINK, DemoHours};

/// Starts the demonstration: seeds it, prints links and accounts, and writes them to `demo.json` in the data folder.
pub async fn start(config: Config, ring_secs: i64, fresh: bool) -> Result<Running, StartError> {
    if fresh {
        clear(&config.data_dir)?;
    }
    mark_demo(&config.data_dir)?;
    let data_dir: PathBuf = config.data_dir.clone();
    start_with(config, Clock::System, async |services: &Services, http_addr: SocketAddr| {
        services
            .seed_demo(ring_secs, DemoHours::Day)
            .await
            .map_err(|e| failed("the demonstration could not be seeded")(&e))?;
        let no_hours = "the doctors' hours could not be made";
        services.be_there_now().await.map_err(|e| failed(no_hours)(&e))?;
        // The hourly tidying may have come before the hours of the doctors.
        services.roll_slots().await.map_err(|e| failed("the slots could not be made")(&e))?;
        services.take_some_places().await.map_err(|e| failed("the calendar could not be filled")(&e))?;
        present_demo(&data_dir, &services.config.base_url(http_addr))
    })
    .await
}

fn present_demo(data_dir: &Path, base_url: &str) -> Result<(), StartError> {
    let patient_link = format!("{base_url}/v/{DEMO_LINK}");
    let booking_link = format!("{base_url}/v/{DEMO_TCM_LINK}/book");
    let accounts = Services::demo_accounts();
    let file = json!({ "base_url": base_url, "patient_link": patient_link, "booking_link": booking_link, "accounts": accounts });
    write_private(&data_dir.join("demo.json"), format!("{file:#}\n").as_bytes())
        .map_err(|e| failed("demo.json cannot be written")(&e))?;
    println!("\n云诊 Yunzhen — demonstration (demo people, draft rules: not for real patients)\n");
    println!("  patient   {patient_link}");
    println!("  booking   {booking_link}");
    println!("  staff     {base_url}/login");
    for account in &accounts {
        println!("              {:<14} {:<12} {}", account.role.as_str(), account.username, account.password);
    }
    println!("  API       {base_url}/api/docs\n");
    Ok(())
}

/// The file that says of a data folder that it holds a demonstration.
const DEMO_MARK: &str = "demonstration";

fn is_demo(folder: &Path) -> bool {
    folder.join(DEMO_MARK).exists() || folder.join("demo.json").exists()
}

/// Marks a folder as a demonstration's before anything is in it. One with the database of a real server is refused: a
/// demonstration shows one-time codes to whoever asks.
fn mark_demo(folder: &Path) -> Result<(), StartError> {
    if folder.join("yunzhen.db").exists() && !is_demo(folder) {
        return Err(StartError(format!("{} holds the data of a real server", folder.display())));
    }
    make_folder(folder)?;
    write_private(&folder.join(DEMO_MARK), b"").map_err(|e| failed("the data folder cannot be written")(&e))
}

/// Empties the demonstration's folder; refuses one that is not a demonstration's.
fn clear(folder: &Path) -> Result<(), StartError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let names: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    if !names.is_empty() && !is_demo(folder) {
        return Err(StartError(format!("{} holds other things than a demonstration", folder.display())));
    }
    std::fs::remove_dir_all(folder).map_err(|e| failed("the old demonstration cannot be removed")(&e))
}
