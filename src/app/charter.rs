//! `yunzhen establish`: a real hospital's first day; and what helps somebody who cannot sign in any more.

use std::path::Path;

use super::{StartError, failed, make_folder, open};
use crate::clock::{Clock, Ids};
use crate::config::{Config, read_charter};
use crate::domain::date::in_china;
use crate::services::hospital::charter::{Established, establish as make};
use crate::services::identity::own_password::renew_password;
use crate::services::identity::second_factor::forget_factor;

/// Makes what a charter names and what is not there yet, and prints the links and the first passwords, once.
pub async fn establish(config: &Config, file: &Path) -> Result<(), StartError> {
    let clock = Clock::System;
    let charter = read_charter(file, in_china(clock.now())).map_err(|e| StartError(e.to_string()))?;
    make_folder(&config.data_dir)?;
    let ids = Ids::system(clock.clone());
    let db = open(config).await?;
    // Tables that are there are another's to bring up to date: a server may be at work on them.
    if db.is_empty().await.map_err(|e| failed("the database does not answer")(&e))? {
        db.migrate().await.map_err(|e| failed("the database cannot be brought up to date")(&e))?;
    } else if db.lacks().await.map_err(|e| failed("the database does not answer")(&e))? != 0 {
        return Err(StartError("the database is of another version; run `yunzhen migrate` first".to_owned()));
    }
    let done = make(&db, &ids, clock.now(), &charter).await;
    db.close().await;
    print(config, &charter.hospital.name_zh, &done.map_err(|e| failed("nothing was made")(&e))?);
    Ok(())
}

fn print(config: &Config, house: &str, done: &Established) {
    let base = config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    let has_more = !done.accounts.is_empty() || done.clinics.iter().any(|(_, _, desks)| *desks > 0);
    let what = match (done.is_new, has_more) {
        (true, _) => "established",
        (false, true) => "is there; what is new was added",
        (false, false) => "is there, and so is all that the file names; nothing was changed",
    };
    println!("{house}: {what}");
    for (code, link, desks) in &done.clinics {
        println!("clinic {code}: {base}/v/{link}  ({desks} desks added)");
    }
    if !done.accounts.is_empty() {
        println!("first passwords, shown this once:");
    }
    for (username, role, password) in &done.accounts {
        println!("  {:<14} {username:<24} {password}", role.as_str());
    }
    for username in &done.known {
        println!("  {username} was here before; nothing of theirs was changed");
    }
}

/// Gives an account a new first password, ends its sessions, and prints it, once: for whoever forgot theirs, or whose
/// password somebody else knows.
pub async fn new_password(config: &Config, username: &str) -> Result<(), StartError> {
    let clock = Clock::System;
    let ids = Ids::system(clock.clone());
    let db = open(config).await?;
    let renewed = renew_password(&db, &ids, clock.now(), username).await;
    db.close().await;
    let password = renewed.map_err(|e| failed("the password cannot be changed")(&e))?;
    let password = password.ok_or_else(|| StartError(format!("there is no account {username}")))?;
    println!("{username}: every session is ended; the new password, shown this once: {password}");
    Ok(())
}

/// Forgets the second factor of an account; whoever lost the telephone signs in by the password and sets another up.
pub async fn forget_second_factor(config: &Config, username: &str) -> Result<(), StartError> {
    let db = open(config).await?;
    let forgotten = forget_factor(&db, Clock::System.now(), username).await;
    db.close().await;
    if forgotten.map_err(|e| failed("the second factor cannot be forgotten")(&e))? {
        println!("{username}: the second factor is forgotten");
        return Ok(());
    }
    Err(StartError(format!("{username}: there is no such account, or it has no second factor")))
}
