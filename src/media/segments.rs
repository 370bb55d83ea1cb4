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

/// Whether an error says that the kernel or its network card cannot do it at all; others are of one way, or of one moment.
pub(super) fn is_never_possible(error: &io::Error) -> bool {
    #[cfg(target_os = "linux")]
    {
        use nix::errno::Errno;
        let never = [Errno::EIO, Errno::EOPNOTSUPP, Errno::ENOPROTOOPT];
        error.raw_os_error().is_some_and(|code| never.contains(&Errno::from_raw(code)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        error.kind() == io::ErrorKind::Unsupported
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use nix::errno::Errno;

    use super::*;

    #[test]
    fn what_ails_one_way_takes_the_call_from_nobody_else() {
        for of_one_way in [Errno::ENETUNREACH, Errno::EHOSTUNREACH, Errno::EPERM, Errno::EMSGSIZE, Errno::ENOBUFS] {
            assert!(!is_never_possible(&of_one_way.into()), "{of_one_way}");
        }
        assert!(is_never_possible(&Errno::EIO.into()));
    }
}
