//! The bare price of a packet: the kernel's and the cipher's.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::Instant;

use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg, sendmsg};
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

const BATCH: u32 = 32;

/// Microseconds of each for a packet of `size` bytes, of so many packets; a batch is of 32.
pub fn prices(size: usize, packets: u32) -> Vec<(&'static str, f64)> {
    let sink = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = sink.local_addr().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let packet = vec![0x80; size];
    let mut prices = Vec::new();
    let mut row = |name, work: &mut dyn FnMut()| prices.push((name, best(packets, work)));
    row("`sendto`", &mut || {
        for _ in 0..packets {
            socket.send_to(&packet, to).unwrap();
        }
    });
    row("`sendmmsg` × 32", &mut || many(&socket, to, &packet, packets));
    row("UDP GSO × 32", &mut || segments(&socket, to, &packet, packets));
    for (name, profile, salt) in [
        ("SRTP protect, AES-128-GCM", ProtectionProfile::AeadAes128Gcm, 12),
        ("SRTP protect, AES-CM-HMAC-SHA1-80", ProtectionProfile::Aes128CmHmacSha1_80, 14),
    ] {
        let crypto = rtc::crypto::default_provider().unwrap();
        let mut context = Context::new(&[7; 16], &vec![9; salt], profile, None, None, crypto.crypto()).unwrap();
        let mut rtp = packet.clone();
        rtp[1] = 96;
        row(name, &mut || {
            for sequence in 0..packets {
                rtp[2..4].copy_from_slice(&sequence.to_be_bytes()[2..]);
                std::hint::black_box(context.encrypt_rtp(&rtp).unwrap());
            }
        });
    }
    prices
}

fn many(socket: &UdpSocket, to: SocketAddr, packet: &[u8], packets: u32) {
    let to = [Some(SockaddrStorage::from(to)); BATCH as usize];
    let slices: Vec<[IoSlice<'_>; 1]> = (0..BATCH).map(|_| [IoSlice::new(packet)]).collect();
    let mut headers = MultiHeaders::preallocate(BATCH as usize, None);
    let no: [ControlMessage<'_>; 0] = [];
    for _ in 0..packets / BATCH {
        sendmmsg(socket.as_raw_fd(), &mut headers, &slices, to, no, MsgFlags::empty()).unwrap();
    }
}

fn segments(socket: &UdpSocket, to: SocketAddr, packet: &[u8], packets: u32) {
    let all = packet.repeat(BATCH as usize);
    let to = SockaddrStorage::from(to);
    let size = u16::try_from(packet.len()).unwrap();
    for _ in 0..packets / BATCH {
        let gso = [ControlMessage::UdpGsoSegments(&size)];
        sendmsg(socket.as_raw_fd(), &[IoSlice::new(&all)], &gso, MsgFlags::empty(), Some(&to)).unwrap();
    }
}

/// The best of five, for what disturbs only makes it slower.
fn best(packets: u32, work: &mut dyn FnMut()) -> f64 {
    let runs = (0..5).map(|_| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(packets)
    });
    runs.fold(f64::INFINITY, f64::min)
}
