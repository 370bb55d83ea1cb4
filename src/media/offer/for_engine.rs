//! An offer in our own words, for the engine: only our codecs, no repair streams, no candidates, one name per track.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Offer, Section, Use};
use crate::domain::room::relay::MediaKind;
use crate::media::port::Credentials;

/// The stream of every received track, in the description that the engine reads.
const STREAM: &str = "browser";

impl Offer {
    /// The description for the engine. It sees every section in one constant direction and under constant credentials
    /// (`far_end`, who is played by the port): muting and ICE restarts are none of its business.
    ///
    /// `layered` holds the layers of which it was told before, by section. A track that is announced again makes it forget
    /// which stream carries which layer, and a browser that was answered once does not say it again.
    pub(in crate::media) fn for_engine(
        &self,
        uses: &HashMap<String, Use>,
        far_end: &Credentials,
        version: u64,
        layered: &HashMap<String, Vec<String>>,
    ) -> String {
        let mut sdp = format!("v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
        for (section, _) in self.carried() {
            let _ = write!(sdp, " {}", section.mid);
        }
        let _ = write!(sdp, "\r\na=fingerprint:{}\r\n", self.fingerprint);
        if self.mixed_extensions {
            sdp.push_str("a=extmap-allow-mixed\r\n");
        }
        for (section, kind) in self.carried() {
            let usage = uses.get(&section.mid).copied().unwrap_or_else(|| section.first_use());
            let is_known = layered.get(&section.mid) == Some(&section.rids);
            section.write_for_engine(&mut sdp, kind, usage, far_end, is_known);
        }
        sdp
    }
}

impl Section {
    fn write_for_engine(&self, sdp: &mut String, kind: MediaKind, usage: Use, far_end: &Credentials, is_known: bool) {
        let media = if kind == MediaKind::Audio { "audio" } else { "video" };
        let numbers: Vec<_> = self.codecs.iter().map(|offered| offered.number.to_string()).collect();
        let direction = if usage == Use::Publishes { "sendonly" } else { "recvonly" };
        let _ = write!(
            sdp,
            "m={media} 9 UDP/TLS/RTP/SAVPF {}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\na={direction}\r\na=setup:actpass\r\n\
             a=rtcp-mux\r\na=rtcp-rsize\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
            numbers.join(" "),
            self.mid,
            far_end.ufrag,
            far_end.password,
        );
        for line in self.codecs.iter().flat_map(|offered| &offered.attributes) {
            let _ = write!(sdp, "{line}\r\n");
        }
        for extension in &self.extensions {
            let _ = write!(sdp, "a=extmap:{extension}\r\n");
        }
        // A track that was announced by neither number nor name would make the engine refuse the whole description.
        let track = track_name(&self.mid);
        match (usage, self.rids.as_slice(), self.ssrc) {
            (Use::Publishes, rids @ [_, ..], _) => {
                // Layers without a track's name are answered, and begin nothing.
                if !is_known {
                    let _ = write!(sdp, "a=msid:{STREAM} {track}\r\n");
                }
                for rid in rids {
                    let _ = write!(sdp, "a=rid:{rid} send\r\n");
                }
                let _ = write!(sdp, "a=simulcast:send {}\r\n", rids.join(";"));
            }
            (Use::Publishes, [], Some(ssrc)) => {
                let _ = write!(sdp, "a=msid:{STREAM} {track}\r\na=ssrc:{ssrc} cname:{STREAM}\r\n");
            }
            _ => {}
        }
    }
}

/// The engine's name for the track that arrives in a section.
fn track_name(mid: &str) -> String {
    format!("mid-{mid}")
}

/// The section of a track that the engine reports.
pub(in crate::media) fn mid_of_track(name: &str) -> Option<&str> {
    name.strip_prefix("mid-")
}
