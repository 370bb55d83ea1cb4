use std::net::UdpSocket;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::*;
use crate::domain::room::relay::Permit;
use crate::media::bandwidth::PathMeter;
use crate::media::counters::Counters;
use crate::media::egress::{Egress, Nowhere};
use crate::media::engine::{Reports, Transport};
use crate::media::gate::Gate;
use crate::media::mux::Mux;
use crate::media::port::Credentials;
use crate::media::reports::ReportReader;
use crate::media::settings;
use crate::media::stun::{self, Key};
use crate::media::tap::{Caught, Tap};

struct Scene {
    mux: Arc<Mux>,
    timetable: Arc<Timetable>,
}

struct Seated {
    core: Arc<Core>,
    port: Arc<Port>,
    state: watch::Receiver<Transport>,
    open: Arc<AtomicBool>,
}

fn scene() -> Scene {
    let crypto = rtc::crypto::default_provider().unwrap();
    let bind = "127.0.0.1:0".parse().unwrap();
    let mux = Mux::bind(bind, 1, crypto, Arc::new(Counters::new()), None).expect("binds");
    Scene { mux, timetable: Arc::default() }
}

impl Scene {
    fn seat(&self, now: Instant, name: &str) -> Seated {
        let named = |ufrag: &str| Credentials { ufrag: ufrag.into(), password: format!("the password of {ufrag}") };
        let credentials = named(name);
        let port = Port::new(now, &self.mux, &credentials, &named("far"));
        let gate = Arc::new(Gate::new(Permit::ALL));
        let egress = Egress::new(now, Box::new(Nowhere), gate, PathMeter::default());
        let (caught, reader) = (Caught::default(), ReportReader::new(mpsc::channel(1).0, mpsc::channel(1).0, egress));
        let tap = Tap::new(reader, caught.clone());
        let connection = settings::build(now, &credentials, Arc::clone(&self.mux.crypto), tap).expect("builds");
        let (state, transport) = watch::channel(Transport::Connecting);
        let open = Arc::<AtomicBool>::default();
        let reports = Reports { state, tracks: mpsc::channel(1).0, open: Arc::clone(&open) };
        let engine = Engine::new(connection, caught, &self.mux, &port, reports);
        let core = Core::new(engine, &port, &self.timetable);
        self.mux.register(name, &credentials.password, &port);
        Seated { core, port, state: transport, open }
    }
}

#[tokio::test]
async fn what_breaks_inside_one_connection_ends_that_one_and_the_reader_and_the_others_go_on() {
    let (scene, now) = (scene(), instant::now());
    let [broken, well] = ["broken", "well"].map(|name| scene.seat(now, name));
    let browser = UdpSocket::bind("127.0.0.1:0").unwrap();
    let key = Key::new("the password of broken", Arc::clone(&scene.mux.crypto));
    let check = stun::nomination([1; 12], "broken:browser", &key).expect("sealed");
    scene.mux.deliver(now, browser.local_addr().unwrap(), &check);
    broken.open.store(true, Ordering::Release);

    assert_eq!(broken.core.with(|_| -> u8 { panic!("on purpose") }), None);

    assert_eq!(*broken.state.borrow(), Transport::Broken);
    assert!(!broken.open.load(Ordering::Acquire), "no media goes there");
    assert!(broken.core.negotiate(now, String::new()).is_err());
    // Its browser does not know yet.
    for bytes in [&[128_u8, 96, 0, 1][..], &[22, 254, 253], &[128, 200, 0, 0]] {
        scene.mux.deliver(now, browser.local_addr().unwrap(), bytes);
    }
    broken.core.close(now);
    assert_eq!(*well.state.borrow(), Transport::Connecting);
    assert!(well.core.with(|engine| engine.is_whole()) == Some(true) && scene.mux.connections() == 2);
    scene.mux.forget(&well.port);
    scene.mux.forget(&broken.port);
}

#[tokio::test]
async fn a_connection_of_which_no_media_comes_is_not_waked() {
    let (scene, now) = (scene(), instant::now());
    let seated = scene.seat(now, "resting");
    // What breaks in there breaks its connection and no test: it is looked at outside.
    let asked = seated.core.with(|engine| {
        let at_first = engine.ask(now);
        engine.came_up_and_rests_since(now);
        (at_first, engine.ask(now + Duration::from_secs(4)))
    });
    assert_eq!(asked, Some((None, None)), "nothing was negotiated, and then nothing comes");
}

#[tokio::test]
async fn a_reader_waits_for_no_engine_that_is_busy_and_what_it_leaves_is_read_as_soon_as_that_is_free() {
    let (scene, now) = (scene(), instant::now());
    let seated = scene.seat(now, "busy");
    let left = || seated.core.late().len();
    let busy = seated.core.engine();
    let mut inflow = Inflow::default();
    Arc::clone(&seated.core).take(now, &[22, 254, 253], &mut inflow);
    inflow.flush(now);
    assert_eq!(left(), 2, "a datagram, and that it is to be asked");
    drop(busy);
    seated.core.shut("0");
    assert_eq!(left(), 0);
}
