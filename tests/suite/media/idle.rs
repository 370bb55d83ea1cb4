//! What a participant costs who is only there. The relay runs in a process of its own, so that what is weighed is its own.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::process::Command;
use tokio_util::task::TaskTracker;

use super::client::PATIENCE;
use super::quiet::Quiet;

#[expect(clippy::disallowed_methods, reason = "it is the bench's, where whatever serves is spawned as it comes")]
#[path = "../../../benches/media/relay.rs"]
mod relay;

use relay::Child;

/// How many are weighed, two in a room.
const IDLE: u32 = 60;
/// What each may cost, in kB.
const GOAL_KB: u64 = 200;
/// Connections that are made at once.
const AT_ONCE: usize = 8;

const ITSELF: &str = "media::idle::an_idle_participant_costs_less_than_two_hundred_kilobytes";
/// Set where this program is the relay.
const INNER: &str = "SUITE_RELAY";

/// Brings these into their rooms.
async fn bring(child: &Child, numbers: std::ops::Range<u32>, tracker: &TaskTracker) -> Vec<Quiet> {
    let joining = futures_util::stream::iter(numbers).map(async |number| {
        // The names of streams are the connection's own: only a room's are told apart.
        let mut quiet = Quiet::participant(u8::try_from(number % 2 + 1).unwrap(), tracker).await;
        let sdp = quiet.offer().await;
        let answer = child.offer(number / 2, number, &sdp).await;
        quiet.accept(answer).await;
        quiet
    });
    joining.buffer_unordered(AT_ONCE).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_participant_costs_less_than_two_hundred_kilobytes() {
    if std::env::var_os(INNER).is_some() {
        return relay::serve().await;
    }
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", ITSELF, "--nocapture"]).env(INNER, "1");
    let child = Child::start(program);
    let tracker = TaskTracker::new();
    // The first ones bring what all share.
    let first = bring(&child, 10_000..10_004, &tracker).await;
    let before = child.holds().await;
    let idle = bring(&child, 0..IDLE, &tracker).await;
    // What joining needed is given back when the allocator comes to it.
    let mut look = tokio::time::interval(Duration::from_millis(100));
    let settles = async {
        loop {
            look.tick().await;
            let now = child.holds().await;
            let each = now.memory.saturating_sub(before.memory) / u64::from(IDLE);
            if each <= GOAL_KB {
                return (now, each);
            }
        }
    };
    let settled = tokio::time::timeout(PATIENCE, settles).await;
    let (now, each) = settled.unwrap_or_else(|_| panic!("each costs more than {GOAL_KB} kB; {} before", before.memory));
    println!("FIGURE an idle participant: {each} kB, {} tasks, {} descriptors", now.tasks, now.descriptors);
    assert_eq!(now.connections, u64::from(IDLE) + 4);
    assert_eq!(now.descriptors, before.descriptors, "all share one port");
    for room in (0..IDLE / 2).chain(5_000..5_002) {
        child.close(room).await;
    }
    let empties = async {
        while child.holds().await.connections > 0 {
            look.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, empties).await.expect("a room that is closed is empty");
    drop((first, idle));
}
