//! People who do not exist: synthetic patients for a demonstration.
//!
//! Each is a client like any other: it speaks REST, the live protocol and media, and has no other way in. Only
//! [`crate::app::demo::start`] starts them; a real server has no door to this module. What a person does is
//! [decided](person) by a seed and a number, so a demonstration can be told again.

mod call;
mod person;
mod picture;
mod rest;
mod tongue;
mod visitor;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::person::Person;
use self::visitor::Visitor;
use crate::clock::Clock;

/// The pause between two arrivals.
const ARRIVAL: Duration = Duration::from_secs(1);
/// How often whoever waits looks at the clock: what is due is done so soon.
const LOOK: Duration = Duration::from_millis(250);

/// A clinic's worth of synthetic patients.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// Where the server listens.
    pub http_addr: SocketAddr,
    /// The end of the clinic's link.
    pub link: String,
    /// How many come.
    pub patients: u32,
    /// Decides what each of them says and does.
    pub seed: u64,
    /// Where the patients' media comes from: an address of this machine that reaches the server's media port.
    pub media_from: IpAddr,
    /// Tells the time.
    pub clock: Clock,
}

impl Crowd {
    /// Lets them come, one after the other; they come again until `stop`.
    pub fn start(&self, tracker: &TaskTracker, stop: &CancellationToken) {
        for index in 1..=self.patients {
            let visitor = Visitor::new(self, Person::new(self.seed, index), tracker.clone());
            let clock = self.clock.clone();
            let life = async move {
                pause(&clock, ARRIVAL * index).await;
                visitor.live().await;
            };
            tracker.spawn(stop.clone().run_until_cancelled_owned(life));
        }
    }
}

/// Waits until the clock has gone on so far, whoever moves it.
async fn pause(clock: &Clock, span: Duration) {
    let until = clock.now() + span;
    let mut look = tokio::time::interval(LOOK);
    while clock.now() < until {
        look.tick().await;
    }
}
