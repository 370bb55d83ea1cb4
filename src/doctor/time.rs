//! The clock: rights and signatures say when, so a wrong clock locks people out and signs the wrong day.

use std::io;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::Finding;
use crate::clock::Clock;

/// Seconds between the years 1900 and 1970.
const NTP_TO_UNIX: i64 = 2_208_988_800;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Off by so much, rights that are good for an hour and codes that are good for minutes begin to fail.
const BAD_MS: i64 = 30_000;
/// A clock that is kept is closer than this.
const KEPT_MS: i64 = 1_000;

/// Compares the machine's clock with a time server's (SNTP, RFC 4330).
pub async fn clock(clock: &Clock, server: Option<&str>) -> Finding {
    let about = "clock";
    let Some(server) = server else {
        return Finding::look(about, "nobody was asked: name a time server with --time-server");
    };
    match tokio::time::timeout(PATIENCE, offset(clock, server)).await {
        Ok(Ok(ms)) => verdict(ms),
        Ok(Err(cause)) => Finding::look(about, format!("{server} could not be asked: {cause}")),
        Err(_) => Finding::look(about, format!("{server} did not answer; name another with --time-server")),
    }
}

fn verdict(ms: i64) -> Finding {
    let words = format!("it is {} ms {}", ms.abs(), if ms > 0 { "behind" } else { "ahead" });
    match ms.abs() {
        ..KEPT_MS => Finding::good("clock", words),
        KEPT_MS..BAD_MS => Finding::look("clock", format!("{words}. Let chrony or systemd-timesyncd keep it")),
        _ => Finding::bad(
            "clock",
            format!("{words}: codes, rights and signatures are wrong. Set it, and let chrony keep it"),
        ),
    }
}

/// By how many milliseconds our clock is behind the server's.
async fn offset(clock: &Clock, server: &str) -> io::Result<i64> {
    let address = tokio::net::lookup_host(server).await?.next();
    let address = address.ok_or_else(|| io::Error::other("the name has no address"))?;
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    let mut question = [0; 48];
    // Version 4, a client.
    question[0] = 0b00_100_011;
    let asked = clock.now().as_millis();
    question[40..48].copy_from_slice(&stamp(asked));
    socket.send(&question).await?;
    let mut answer = [0; 48];
    loop {
        let length = socket.recv(&mut answer).await?;
        let heard = clock.now().as_millis();
        // A server's answer to this very question.
        if length == 48 && answer[0] & 7 == 4 && answer[24..32] == question[40..48] {
            let (received, sent) = (read(&answer[32..40]), read(&answer[40..48]));
            return Ok(i64::midpoint(received - asked, sent - heard));
        }
    }
}

/// Milliseconds since 1970 as NTP writes a moment: seconds since 1900 and their 2³² parts.
fn stamp(millis: i64) -> [u8; 8] {
    let seconds = u64::try_from(millis.div_euclid(1000) + NTP_TO_UNIX).unwrap_or(0);
    let parts = (u64::try_from(millis.rem_euclid(1000)).unwrap_or(0) << 32) / 1000;
    // The seconds of NTP begin anew in 2036; a difference does not notice.
    ((seconds << 32) | parts).to_be_bytes()
}

fn read(bytes: &[u8]) -> i64 {
    let whole = u64::from_be_bytes(bytes.try_into().unwrap_or_default());
    let seconds = i64::try_from(whole >> 32).unwrap_or(0) - NTP_TO_UNIX;
    let millis = i64::try_from(((whole & 0xffff_ffff) * 1000 + (1 << 31)) >> 32).unwrap_or(0);
    seconds * 1000 + millis
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::domain::time::Timestamp;

    const NOW: i64 = 1_772_413_200_123;

    #[test]
    fn a_moment_that_was_written_is_read_again() {
        for millis in [0, 1, 999, NOW, NOW + 877] {
            assert_eq!(read(&stamp(millis)), millis);
        }
    }

    #[tokio::test]
    async fn a_clock_that_is_off_is_told_by_how_much() {
        for (off, verdict, said) in [
            (40, Verdict::Good, "40 ms behind"),
            (-2_000, Verdict::Look, "2000 ms ahead"),
            (3_600_000, Verdict::Bad, "3600000 ms behind"),
        ] {
            let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let address = server.local_addr().unwrap().to_string();
            let answering = async {
                let mut question = [0; 48];
                let (_, from) = server.recv_from(&mut question).await.unwrap();
                let mut answer = [0; 48];
                answer[0] = 0b00_100_100;
                answer[24..32].copy_from_slice(&question[40..48]);
                answer[32..40].copy_from_slice(&stamp(NOW + off));
                answer[40..48].copy_from_slice(&stamp(NOW + off));
                // Somebody else's words come first.
                server.send_to(&[0; 48], from).await.unwrap();
                server.send_to(&answer, from).await.unwrap();
            };
            let ours = Clock::manual(Timestamp::from_millis(NOW));
            let (found, ()) = tokio::join!(clock(&ours, Some(&address)), answering);
            assert_eq!(found.verdict, verdict, "{}", found.words);
            assert!(found.words.contains(said), "{}", found.words);
        }
    }
}
