//! Several datagrams in one system call (UDP generic segmentation offload).

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

/// Sends datagrams of `segment` bytes that stand one after another; the last may be shorter. All of them, or none.
#[cfg(target_os = "linux")]
pub(super) fn send(socket: &UdpSocket, bytes: &[u8], segment: usize, to: SocketAddr) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};

    let size = u16::try_from(segment).map_err(io::Error::other)?;
    let to = SockaddrStorage::from(to);
    socket.try_io(tokio::io::Interest::WRITABLE, || {
        let slices = [io::IoSlice::new(bytes)];
        let control = [ControlMessage::UdpGsoSegments(&size)];
        sendmsg(socket.as_raw_fd(), &slices, &control, MsgFlags::empty(), Some(&to)).map(drop).map_err(io::Error::from)
    })
}

/// Elsewhere there is no such call.
#[cfg(not(target_os = "linux"))]
pub(super) fn send(_: &UdpSocket, _: &[u8], _: usize, _: SocketAddr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
