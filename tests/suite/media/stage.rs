//! A relay of one's own, and the caller's side of it.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use yunzhen::clock::Clock;
use yunzhen::domain::ids::{ParticipantId, RoomId};
use yunzhen::domain::room::relay::{MediaState, OfferRefusal, Permit, RelayCommand, RelayEvent, RelayMode, Slot};
use yunzhen::domain::turn::TurnSecret;
use yunzhen::media::{Relay, RelayConfig, RelayHandle, TurnConfig};

use super::client::{Client, PATIENCE};

/// The room of every test; each has a relay of its own.
pub fn room() -> RoomId {
    RoomId::from_uuid(Uuid::from_u128(1))
}

/// The participant whose browser is called `name`.
pub fn participant(name: u8) -> ParticipantId {
    ParticipantId::from_uuid(Uuid::from_u128(u128::from(name) + 100))
}

/// A seat for `name`, one of those that are kept.
pub fn admission(name: u8, mode: RelayMode, permit: Permit) -> RelayCommand {
    RelayCommand::Admit { room: room(), participant: participant(name), mode, kept: true, permit }
}

/// A running relay and the events that nobody looked at yet.
pub struct Stage {
    pub relay: RelayHandle,
    /// The relay's own tasks.
    tracker: TaskTracker,
    /// The tasks of the browsers.
    pub browsers: TaskTracker,
    pub shutdown: CancellationToken,
    events: mpsc::Receiver<RelayEvent>,
    unseen: VecDeque<RelayEvent>,
    offers: u64,
    metrics: PrometheusHandle,
    /// While it is set, whatever needs something unpredictable breaks: a seat that takes new credentials, say.
    pub breaks: Arc<AtomicBool>,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut RelayConfig)) -> Self {
        let mut config = RelayConfig::on("127.0.0.1:0".parse().unwrap());
        change(&mut config);
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        // Unpredictable is not needed here, unequal is.
        let seed = AtomicU64::new(0x9e37_79b9);
        let breaks = Arc::<AtomicBool>::default();
        let is_broken = Arc::clone(&breaks);
        let entropy = Arc::new(move |bytes: &mut [u8]| {
            assert!(!is_broken.load(Ordering::Relaxed), "on purpose");
            for byte in bytes {
                let next = seed.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                *byte = (next.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56).to_le_bytes()[0];
            }
        });
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let start = || Relay::start(config, entropy, &tracker, &shutdown);
        let (relay, events) = metrics::with_local_recorder(&recorder, start).unwrap();
        let (browsers, unseen) = (TaskTracker::new(), VecDeque::new());
        Self { relay, tracker, browsers, shutdown, events, unseen, offers: 0, metrics, breaks }
    }

    /// What the relay's own metrics say under this name, labels and all.
    pub fn counted(&self, name: &str) -> u64 {
        let text = self.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// A stage with a TURN server on UDP, and its secret.
    pub fn with_turn(clock: &Clock, change: impl FnOnce(&mut RelayConfig)) -> Self {
        Self::with(|config| {
            let udp = Some("127.0.0.1:0".parse().unwrap());
            config.turn = Some(TurnConfig { secret: TurnSecret::new("shared"), clock: clock.clone(), udp });
            change(config);
        })
    }

    pub async fn send(&self, command: RelayCommand) {
        self.relay.commands.send(command).await.unwrap();
    }

    /// Admits `name` and brings its browser into the room, with room for `slots` others.
    pub async fn join(&mut self, name: u8, mode: RelayMode, slots: usize) -> Client {
        self.send(admission(name, mode, Permit::ALL)).await;
        self.bring(name, slots).await
    }

    /// Gives `name` a seat, where this passes.
    pub async fn admit(&self, name: u8, permit: Permit) {
        self.send(admission(name, RelayMode::Conference, permit)).await;
    }

    /// Brings a new browser to the seat of `name`.
    pub async fn bring(&mut self, name: u8, slots: usize) -> Client {
        let client = Client::new(name, slots, &self.browsers).await;
        self.seat(client).await
    }

    /// Connects a browser with its seat.
    pub async fn seat(&mut self, mut client: Client) -> Client {
        self.negotiate(&mut client, true).await;
        client.connected().await;
        client
    }

    /// An offer and its answer.
    pub async fn negotiate(&mut self, client: &mut Client, fresh: bool) {
        let sdp = client.offer().await;
        let answer = self.offer(client.name, fresh, sdp).await.expect("an answer");
        client.accept(answer).await;
    }

    pub async fn offer(&mut self, name: u8, fresh: bool, sdp: String) -> Result<String, OfferRefusal> {
        self.offers += 1;
        let (id, whose) = (self.offers, participant(name));
        self.send(RelayCommand::Offer { participant: whose, offer_id: id, fresh, sdp }).await;
        self.event(|event| match event {
            RelayEvent::Answer { participant, offer_id, sdp } if *participant == whose && *offer_id == id => {
                Some(Ok(sdp.clone()))
            }
            RelayEvent::OfferRefused { participant, offer_id, reason } if *participant == whose && *offer_id == id => {
                Some(Err(*reason))
            }
            _ => None,
        })
        .await
    }

    /// Waits for the first event that `wanted` accepts; others stay for later.
    pub async fn event<T>(&mut self, wanted: impl Fn(&RelayEvent) -> Option<T>) -> T {
        if let Some((at, found)) = self.unseen.iter().enumerate().find_map(|(at, event)| Some((at, wanted(event)?))) {
            self.unseen.remove(at);
            return found;
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let event = tokio::time::timeout_at(deadline, self.events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("no such event; unseen: {:?}", self.unseen)).expect("a relay");
            if let Some(found) = wanted(&event) {
                return found;
            }
            self.unseen.push_back(event);
        }
    }

    /// How many of the events that nobody looked at `wanted` accepts; does not wait.
    pub fn unseen(&mut self, wanted: impl Fn(&RelayEvent) -> bool) -> usize {
        while let Ok(event) = self.events.try_recv() {
            self.unseen.push_back(event);
        }
        self.unseen.iter().filter(|event| wanted(event)).count()
    }

    pub async fn state(&mut self, name: u8, wanted: MediaState) {
        let whose = participant(name);
        self.event(|event| {
            matches!(event, RelayEvent::Connection { participant, state } if *participant == whose && *state == wanted)
                .then_some(())
        })
        .await;
    }

    /// Waits until `name` has been told slots that `wanted` accepts.
    pub async fn slots(&mut self, name: u8, wanted: impl Fn(&[Slot], (u8, u8)) -> bool) -> Vec<Slot> {
        let whose = participant(name);
        self.event(|event| match event {
            RelayEvent::Slots { participant, slots, missing } if *participant == whose && wanted(slots, *missing) => {
                Some(slots.clone())
            }
            _ => None,
        })
        .await
    }

    /// Stops the relay and proves that nothing of it is left.
    pub async fn strike(self) {
        self.shutdown.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.expect("every task ends");
        assert_eq!(self.relay.connections(), 0, "every name on the port is forgotten");
    }
}

/// Shorter silences than in life, so that tests need not wait for them.
pub fn impatient(config: &mut RelayConfig) {
    config.silence = Duration::from_millis(200);
    config.give_up = Duration::from_millis(800);
}
