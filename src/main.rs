//! The one binary: arguments, then configuration, then the library.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use yunzhen::config::Config;
use yunzhen::domain::price::fen_of;
use yunzhen::services::hospital::showing::Change;
use yunzhen::{app, doctor, telemetry};

/// Yunzhen (云诊): the server of a hospital's online consulting rooms.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// The whole product on this machine: SQLite, a seeded hospital, ready links.
    Demo {
        /// Starts over with an empty hospital.
        #[arg(long)]
        fresh: bool,
        /// Seconds that a call rings, for a hospital that is seeded now.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i64).range(3..=600))]
        ring_secs: i64,
        /// So many synthetic patients declare, wait, answer calls, miss some, leave and come again.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=200))]
        patients: u32,
        /// What decides what they do; the same number tells the same story.
        #[arg(long, default_value_t = 7)]
        seed: u64,
    },
    /// A real server, from YUNZHEN_* variables or the TOML file named by `YUNZHEN_CONFIG`.
    Serve,
    /// Brings the database's tables up to date, and ends.
    Migrate,
    /// Establishes a hospital from a file: its clinics with their links and desks, and its staff with first passwords. What
    /// is there already stays as it is; a longer file adds to it.
    Establish {
        /// A TOML file; deploy/hospital.example.toml is one.
        file: PathBuf,
    },
    /// Gives a member of staff a new first password and ends every session of theirs.
    NewPassword {
        /// The account's name.
        username: String,
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
    /// Sets whether a clinic records the visits of those who agree.
    Record {
        /// The clinic's code, such as `fever`.
        clinic: String,
        /// From the next visit on.
        policy: Policy,
        /// The institution's id or whole name, where several have such a clinic.
        #[arg(long)]
        institution: Option<String>,
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
    /// Changes what a clinic shows before anybody comes. What is not named stays; an empty text takes it away.
    Clinic {
        /// The clinic's code, such as `fever`.
        clinic: String,
        /// What a visit costs, in yuan such as `12.50`; `none` where no fee is set.
        #[arg(long, value_parser = price)]
        price: Option<Price>,
        /// The number for complaints; without one it is the hospital's own.
        #[arg(long)]
        complaints_phone: Option<String>,
        /// Where else one may complain: an office, an address.
        #[arg(long)]
        complaints_at: Option<String>,
        /// The same in English.
        #[arg(long)]
        complaints_at_en: Option<String>,
        /// The institution's id or whole name, where several have such a clinic.
        #[arg(long)]
        institution: Option<String>,
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
    /// The audit log: verify it, seal the days that are over, export a day.
    Audit {
        #[command(subcommand)]
        act: AuditAct,
    },
    /// Forgets the second factor of somebody who lost the telephone; the password alone opens then.
    ForgetSecondFactor {
        /// The account's name.
        username: String,
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
    /// Backs up database, pictures, recordings and secret in one sealed file, while the server works.
    Backup {
        /// Where to; a file that is not there yet.
        file: PathBuf,
        /// The key of 32 bytes; made where it is not there.
        #[arg(long)]
        key_file: PathBuf,
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
    /// Restores a backup into an empty place, and verifies it.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Its key.
        #[arg(long)]
        key_file: PathBuf,
        /// Into the demonstration's folder instead of a real server's.
        #[arg(long)]
        demo: bool,
    },
    /// Verifies an export of ours without a server.
    Verify {
        /// The file.
        file: PathBuf,
        /// The fingerprint of the hospital's key, which somebody has from elsewhere.
        #[arg(long)]
        key: Option<String>,
    },
    /// Prints the API document.
    Openapi,
    /// Looks at ports, addresses, certificate, clock, database and disk, and says in words what to do. Changes nothing.
    Doctor {
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
        /// Whom to ask for the time.
        #[arg(long, default_value = "ntp.ntsc.ac.cn:123")]
        time_server: String,
    },
    /// Asks a running server on this machine whether it is ready; for container health checks.
    Healthcheck,
}

#[derive(Subcommand)]
enum AuditAct {
    /// Looks for any changed, removed, inserted or moved entry, and at every signature.
    Verify {
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
    /// Seals the days that are over now, and not by the next tidying.
    Seal {
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
    /// Writes a sealed day to a file that `yunzhen verify` verifies.
    Export {
        /// The day, such as 2026-11-24.
        #[arg(long)]
        day: String,
        /// Where to.
        file: PathBuf,
        /// The institution's id or whole name, where there are several.
        #[arg(long)]
        institution: Option<String>,
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
    /// After a breach: writes a table of the people whose data an account was shown, so that they can be told.
    Breach {
        /// The account's name.
        username: String,
        /// From this moment on, such as 2026-11-24T08:00:00+08:00.
        #[arg(long)]
        from: String,
        /// Until before this one.
        #[arg(long)]
        until: String,
        /// Where to.
        file: PathBuf,
        /// Of the demonstration on this machine instead of a real server.
        #[arg(long)]
        demo: bool,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Policy {
    /// Nobody is recorded.
    Off,
    /// Those who agreed are.
    WithConsent,
}

/// What a visit costs in fen, if anything is set.
#[derive(Clone, Copy)]
struct Price(Option<i64>);

fn price(text: &str) -> Result<Price, String> {
    match text {
        "none" => Ok(Price(None)),
        yuan => fen_of(yuan).map(|fen| Price(Some(fen))).ok_or_else(|| format!("{yuan} is no price such as 12.50")),
    }
}

/// How `verify` ends where a file is whole and nobody said whose key signs: neither yes nor no.
const KEY_NOT_COMPARED: u8 = 3;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().role).await {
        Ok(code) => code,
        Err(message) => {
            eprintln!("yunzhen: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(role: Role) -> Result<ExitCode, String> {
    match role {
        Role::Demo { fresh, ring_secs, patients, seed } => {
            let config = load(true)?;
            let running = app::demo::start(config, ring_secs, fresh).await.map_err(|e| e.to_string())?;
            running.invite(patients, seed);
            running.until(app::stop_signal()).await.map_err(|e| e.to_string())?;
        }
        Role::Serve => {
            let running = app::start(load(false)?, yunzhen::clock::Clock::System).await.map_err(|e| e.to_string())?;
            running.until(app::stop_signal()).await.map_err(|e| e.to_string())?;
        }
        Role::Migrate => app::migrate(&load_for_data(false)?).await.map_err(|e| e.to_string())?,
        Role::Establish { file } => {
            app::charter::establish(&load_for_data(false)?, &file).await.map_err(|e| e.to_string())?;
        }
        Role::NewPassword { username, demo } => {
            app::charter::new_password(&load_for_data(demo)?, &username).await.map_err(|e| e.to_string())?;
        }
        Role::Record { clinic, policy, institution, demo } => {
            let is_wanted = matches!(policy, Policy::WithConsent);
            app::clinics::set_recording(&load_for_data(demo)?, &clinic, institution.as_deref(), is_wanted)
                .await
                .map_err(|e| e.to_string())?;
        }
        Role::Clinic { clinic, price, complaints_phone, complaints_at, complaints_at_en, institution, demo } => {
            let change = Change {
                price_fen: price.map(|price| price.0),
                complaints_phone,
                complaints_at_zh: complaints_at,
                complaints_at_en,
            };
            app::clinics::set_shown(&load_for_data(demo)?, &clinic, institution.as_deref(), &change)
                .await
                .map_err(|e| e.to_string())?;
        }
        Role::Audit { act } => {
            let done = match act {
                AuditAct::Verify { demo } => app::proof::verify_audit(&load_for_data(demo)?).await,
                AuditAct::Seal { demo } => app::proof::seal_audit(&load_for_data(demo)?).await,
                AuditAct::Export { day, file, institution, demo } => {
                    app::proof::export_audit(&load_for_data(demo)?, &day, institution.as_deref(), &file).await
                }
                AuditAct::Breach { username, from, until, file, demo } => {
                    app::proof::breach_notice(&load_for_data(demo)?, &username, (&from, &until), &file).await
                }
            };
            done.map_err(|e| e.to_string())?;
        }
        Role::ForgetSecondFactor { username, demo } => {
            app::charter::forget_second_factor(&load_for_data(demo)?, &username).await.map_err(|e| e.to_string())?;
        }
        Role::Backup { file, key_file, demo } => {
            app::proof::backup(&load_for_data(demo)?, &file, &key_file).await.map_err(|e| e.to_string())?;
        }
        Role::Restore { file, key_file, demo } => {
            app::proof::restore(&load_for_data(demo)?, &file, &key_file).await.map_err(|e| e.to_string())?;
        }
        Role::Verify { file, key } => {
            let verified = app::proof::verify_file(&file, key.as_deref()).map_err(|e| e.to_string())?;
            if verified == app::proof::Verified::KeyNotCompared {
                return Ok(KEY_NOT_COMPARED.into());
            }
        }
        Role::Openapi => println!("{}", app::openapi()),
        Role::Doctor { demo, time_server } => {
            let wishes = doctor::Wishes { time_server: Some(time_server) };
            // What cannot start can be looked at all the same: the rest may be wrong, too.
            let config = load_for_data(demo)?;
            let fault = Config::load(demo).err().map(|error| error.to_string());
            let mut report = doctor::examine(&config, &yunzhen::clock::Clock::System, &wishes).await;
            if let Some(fault) = fault {
                let words = format!("{fault}. The demonstration is looked at by: yunzhen doctor --demo");
                report.findings.insert(0, doctor::Finding::bad("settings", words));
            }
            println!("{report}");
            if report.is_bad() {
                return Err("something is wrong that patients will notice".to_owned());
            }
        }
        Role::Healthcheck => app::healthcheck(&load(false)?).await.map_err(|e| e.to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// For work on the data of a server that need not run.
fn load_for_data(demo: bool) -> Result<Config, String> {
    let config = Config::load_for_data(demo).map_err(|e| e.to_string())?;
    telemetry::init(&config);
    Ok(config)
}

fn load(demo: bool) -> Result<Config, String> {
    let config = Config::load(demo).map_err(|e| e.to_string())?;
    telemetry::init(&config);
    Ok(config)
}
