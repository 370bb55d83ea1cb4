//! Rooms open and close all day, and their participants go in every way there is: what they held is given back, to the
//! last task and the last descriptor.

use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::{Builder, Runtime};
use yunzhen::domain::room::relay::MediaKind::Video;
use yunzhen::domain::room::relay::{MediaState, OfferRefusal, Permit, RelayCommand, RelayMode};

use super::client::{Client, PATIENCE};
use super::stage::{Stage, participant, room};

/// To open a room takes half a second, and nearly all of it is waiting: so several relays do it at once.
const RELAYS: u32 = 10;
/// How often a room of each opens and closes, a fifth of the times in each way.
const OPENINGS: u32 = 20;

#[test]
fn after_two_hundred_openings_tasks_and_descriptors_are_exactly_as_before() {
    // Descriptors are the process's, and other tests run in this one: so it runs itself once more, alone.
    const ITSELF: &str = "media::rooms::after_two_hundred_openings_tasks_and_descriptors_are_exactly_as_before";
    const INNER: &str = "SUITE_ALONE";
    if std::env::var_os(INNER).is_some() {
        return count();
    }
    let mut alone = Command::new(std::env::current_exe().expect("a test is a program"));
    let ended = alone.args(["--exact", ITSELF, "--nocapture"]).env(INNER, "1").output().expect("this program runs");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

fn count() {
    let relays = runtime();
    let mut stages: Vec<Stage> = {
        let _inside = relays.enter();
        (0..RELAYS).map(|_| Stage::new()).collect()
    };
    let held = || (relays.metrics().num_alive_tasks(), descriptors());
    // The relays' own tasks are there, and nothing else is.
    let before = held();
    let browsers = runtime();
    browsers.block_on(join_all(stages.iter_mut().map(async |stage| {
        for opening in 0..OPENINGS {
            open_and_close(stage, opening % 5).await;
        }
    })));
    // With it go the browsers' sockets, and whatever they would still have said.
    browsers.shutdown_timeout(PATIENCE);
    assert!(stages.iter().all(|stage| stage.relay.connections() == 0));
    let settled = relays.block_on(async {
        let mut look = tokio::time::interval(Duration::from_millis(10));
        let settles = async {
            while held() != before {
                look.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, settles).await
    });
    assert!(settled.is_ok(), "tasks and descriptors were {before:?} and are {:?}", held());
    relays.block_on(join_all(stages.into_iter().map(Stage::strike)));
}

/// Two people in a room, and one of the ways in which that ends.
async fn open_and_close(stage: &mut Stage, way: u32) {
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    match way {
        // The host ends it for everyone.
        0 => {
            let mut b = stage.join(2, RelayMode::Conference, 1).await;
            a.packets_of(2, Video, 1).await;
            b.packets_of(1, Video, 1).await;
        }
        // One crashes, is not waited for, and is removed.
        1 => {
            let b = stage.join(2, RelayMode::Conference, 1).await;
            a.packets_of(2, Video, 1).await;
            b.vanish().await;
            stage.send(RelayCommand::Remove { participant: participant(2) }).await;
            stage.state(2, MediaState::Closed).await;
        }
        // One reloads in the middle of the call, and restarts ICE.
        2 => {
            let b = stage.join(2, RelayMode::Conference, 1).await;
            a.packets_of(2, Video, 1).await;
            b.vanish().await;
            let mut b = stage.bring(2, 1).await;
            b.connection.restart_ice().await.expect("a restart");
            stage.negotiate(&mut b, false).await;
            b.packets_of(1, Video, 1).await;
        }
        // One was answered and never connects.
        3 => {
            stage.admit(2, Permit::ALL).await;
            let mut b = Client::new(2, 1, &stage.browsers).await;
            let sdp = b.offer().await;
            stage.offer(2, true, sdp).await.expect("an answer");
            b.vanish().await;
        }
        // One says what nobody can answer.
        _ => {
            stage.admit(2, Permit::ALL).await;
            let refused = stage.offer(2, true, "v=0".to_owned()).await;
            assert_eq!(refused, Err(OfferRefusal::Malformed));
        }
    }
    stage.send(RelayCommand::Close { room: room() }).await;
    stage.state(1, MediaState::Closed).await;
    if matches!(way, 0 | 2 | 3) {
        stage.state(2, MediaState::Closed).await;
    }
    a.vanish().await;
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads")
}

/// How many descriptors this process holds; none where nobody can say.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
