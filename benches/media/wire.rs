//! What passes on this machine's devices, and when, by the kernel's clock: RTP of pictures, as it is handed to a device.

use std::io::IoSliceMut;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimeout, ReceiveTimestampns};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt,
    socket,
};
use nix::sys::time::{TimeVal, TimeValLike as _};

use crate::peer::VP8;

/// `PACKET_OUTGOING` of `packet(7)`: it is on its way to a device. The loopback device gives each packet once more, as one
/// that arrived.
const OUTGOING: u8 = 4;
/// Some seconds of everything, for a reader that has to wait for a core.
const ROOM: usize = 128 * 1024 * 1024;
const LOOK: i64 = 100;

/// A datagram, or several to one address that left in one call.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// When.
    pub at: Duration,
    /// To which port.
    pub to: u16,
    /// Of which stream.
    pub ssrc: u32,
    /// The first one's number.
    pub sequence: u16,
    /// How many came behind it in the same call.
    pub behind: u16,
}

/// A watch that runs.
pub struct Wire {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Seen>>,
}

impl Wire {
    /// Begins; `None` where that is forbidden.
    pub fn tap() -> Option<Self> {
        let kind = (SockType::Datagram, SockFlag::empty());
        let socket = socket(AddressFamily::Packet, kind.0, kind.1, SockProtocol::EthAll).ok()?;
        setsockopt(&socket, ReceiveTimestampns, &true).ok()?;
        setsockopt(&socket, RcvBufForce, &ROOM).ok()?;
        setsockopt(&socket, ReceiveTimeout, &TimeVal::milliseconds(LOOK)).ok()?;
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        Some(Self { stop, thread: std::thread::spawn(move || watch(&socket, &stopped)) })
    }

    /// Ends; what was seen.
    pub fn end(self) -> Vec<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn watch(socket: &OwnedFd, stop: &AtomicBool) -> Vec<Seen> {
    let mut seen = Vec::with_capacity(1 << 18);
    let mut bytes = [0; 64];
    let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
    while !stop.load(Ordering::Relaxed) {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let Ok(message) = recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::MSG_TRUNC)
        else {
            continue;
        };
        let is_outgoing = message.address.is_some_and(|address| address.pkttype() == OUTGOING);
        let mut controls = message.cmsgs().unwrap();
        let at = controls.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
            _ => None,
        });
        let length = message.bytes;
        if let (true, Some(at)) = (is_outgoing, at) {
            seen.extend(read(at, &bytes, length));
        }
    }
    seen
}

/// Reads IPv4, UDP, RTP.
fn read(at: Duration, bytes: &[u8], length: usize) -> Option<Seen> {
    let header = usize::from(bytes[0] & 0xf) * 4;
    if bytes[0] >> 4 != 4 || bytes[9] != 17 {
        return None;
    }
    let rest = bytes.get(header..)?;
    let (udp, rtp) = (rest.get(..8)?, rest.get(8..20)?);
    if rtp[0] >> 6 != 2 || rtp[1] & 0x7f != VP8 {
        return None;
    }
    let payload = length - header - 8;
    // With what ciphers and extensions add, each is 1190 to 1204 bytes.
    let packets = (payload + 600) / 1200;
    Some(Seen {
        at,
        to: u16::from_be_bytes([udp[2], udp[3]]),
        ssrc: u32::from_be_bytes(rtp[8..12].try_into().unwrap()),
        sequence: u16::from_be_bytes([rtp[2], rtp[3]]),
        behind: u16::try_from(packets.saturating_sub(1)).unwrap(),
    })
}
