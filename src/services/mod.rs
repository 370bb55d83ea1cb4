//! What people do: one file per family of use cases. Each one reads: right to act → transaction → domain decision →
//! commit → announce.

pub mod access;
pub mod ailing;
pub mod alarms;
pub mod audit;
pub mod backup;
pub mod booking;
pub mod crowd;
pub mod desk;
pub mod documents;
mod due;
pub mod hospital;
pub mod identity;
pub mod intake;
pub mod live;
mod opinions;
pub mod paces;
pub mod pacing;
pub mod pharmacy;
pub mod prescriptions;
pub mod private;
mod reading;
pub mod recordings;
pub mod refusal;
pub mod retention;
pub mod rooms;
mod rows;
mod said;
pub mod signing;
pub mod sms;
pub mod sweep;
pub mod tickets;
pub mod topics;
pub mod vault;
pub mod verifying;
pub mod visits;
pub mod work;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use crate::bus::Announcement;
use crate::bus::Bus;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::domain::turn::TurnSecret;
use crate::services::access::Reads;
use crate::services::ailing::Ailing;
use crate::services::crowd::{Crowd, OF_ONE_ADDRESS};
use crate::services::identity::passwords::Passwords;
use crate::services::identity::tokens::TokenKeys;
use crate::services::live::Live;
use crate::services::paces::Paces;
use crate::services::recordings::Archive;
use crate::services::refusal::Refusal;
use crate::services::rooms::chat::Lines;
use crate::services::rooms::offers::Offers;
use crate::services::rows::Told;
use crate::services::sms::Sms;
use crate::services::vault::Vault;
use crate::services::work::Work;
use crate::store::Db;

/// The moving parts that the composition root owns.
pub struct Parts {
    /// Announcements.
    pub bus: Bus,
    /// Open rooms.
    pub live: Arc<Live>,
    /// Finished recordings.
    pub archive: Archive,
    /// Messages to telephones; [`Sms::of`] reads the way out from the configuration.
    pub sms: Sms,
    /// What goes on beside requests; waited for when the process ends.
    pub tasks: TaskTracker,
    /// Cancelled when the process ends.
    pub shutdown: CancellationToken,
}

/// Everything that a use case needs; one per process, shared behind an `Arc`.
pub struct Services {
    /// The database.
    pub(crate) db: Db,
    /// The time.
    pub clock: Clock,
    /// Ids and secrets.
    pub ids: Ids,
    /// What the operator chose.
    pub config: Config,
    /// Tokens.
    pub(crate) tokens: TokenKeys,
    /// Personal data at rest.
    pub(crate) vault: Vault,
    /// Rights to TURN.
    pub(crate) turn: TurnSecret,
    /// Passwords, a few at a time.
    pub(crate) passwords: Passwords,
    /// Announcements.
    pub bus: Bus,
    /// Open rooms and connections of this process.
    pub live: Arc<Live>,
    /// Finished recordings.
    pub(crate) archive: Archive,
    /// Messages to telephones.
    pub(crate) sms: Sms,
    /// What goes on beside requests.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the process ends; sockets say goodbye.
    pub shutdown: CancellationToken,
    /// Sockets of each address, wherever a proxy passes them on.
    pub sockets: Arc<Crowd>,
    /// How often everybody who is signed in asked.
    pub(crate) paces: Paces,
    /// How often each person offered.
    pub(crate) offers: Offers,
    /// How often each person said something in a conversation.
    pub(crate) lines: Lines,
    /// What was read lately, and is in the audit.
    pub(crate) reads: Reads,
    /// What each queue looked like last.
    pub(crate) truths: tickets::truth::Truths,
    /// Broken rows that were told of.
    pub(crate) told: Told,
    /// What of the work that happens later fails by a fault of ours.
    pub ailing: Ailing,
    /// The turn to draw a paper.
    pub(crate) papers: tokio::sync::Semaphore,
    /// Held by whoever does what is due: see [`Services::run_jobs`].
    pub(crate) rounds: tokio::sync::Mutex<()>,
    /// The name of this process among nodes, different after every start: rooms are fenced by it.
    pub(crate) node: String,
}

/// The secret behind rights to TURN: agreed with another server, or our own.
pub fn turn_secret(config: &Config, operator: &[u8]) -> TurnSecret {
    config.turn_secret.as_ref().map_or_else(|| TurnSecret::derive(operator), |text| TurnSecret::new(text.as_bytes()))
}

impl Services {
    /// Puts the parts together; `secret` is what all keys are derived from.
    pub fn new(db: Db, clock: Clock, ids: Ids, config: Config, secret: &[u8], parts: Parts) -> Self {
        let Parts { bus, live, archive, sms, tasks, shutdown } = parts;
        live.hold_at_most(config.rooms);
        let node = ids.uuid().simple().to_string();
        let turn = turn_secret(&config, secret);
        let (tokens, vault) = (TokenKeys::new(secret), Vault::new(secret, ids.clone()));
        let (passwords, truths) = (Passwords::default(), tickets::truth::Truths::default());
        Self {
            db,
            clock,
            ids,
            config,
            tokens,
            vault,
            turn,
            passwords,
            bus,
            live,
            archive,
            sms,
            tasks,
            shutdown,
            sockets: Crowd::new(OF_ONE_ADDRESS),
            paces: Paces::default(),
            offers: Offers::default(),
            lines: Lines::default(),
            reads: Reads::default(),
            truths,
            told: Told::default(),
            ailing: Ailing::default(),
            papers: tokio::sync::Semaphore::new(1),
            rounds: tokio::sync::Mutex::default(),
            node,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Refusal> {
        Ok(self.db.ping().await?)
    }

    /// Closes the database; what was committed is safe.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Lets everybody ask, offer and speak again as if they had rested: for tests whose clock stands still.
    pub fn fill_buckets(&self) {
        self.fill_paces();
        self.offers.0.fill();
        self.lines.0.fill();
    }

    /// Lets everybody ask again as if they had rested: for tests that ask more in a moment than anybody does.
    pub fn fill_paces(&self) {
        self.paces.fill();
    }

    /// Opens a unit of work that may write.
    pub(crate) async fn begin(&self) -> Result<Work, Refusal> {
        Ok(Work::new(self.db.begin().await?, self.clock.now(), self.bus.clone(), self.vault.clone()))
    }
}
