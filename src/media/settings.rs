//! How a peer connection is set up: the only file that knows the engine's many settings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{ReceiverReportBuilder, Registry, Slot, TwccReceiverBuilder};
use rtc::peer_connection::configuration::interceptor_registry::configure_simulcast_extension_headers;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, RTCDtlsRole, RTCIceCandidate, RTCIceCandidateInit,
};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::shared::error::Result;

use super::offer::LEVEL_EXTENSION;
use super::play::ENGINE;
use super::port::Credentials;
use super::retransmission::Retransmission;
use super::tap::{self, Tap};
use crate::domain::codec::{Codec, clock_rate};

/// Constrained baseline, every level, whole frames in fragments: what every hardware encoder can do.
const H264_FORMAT: &str = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

/// How media is protected, the cheapest first. Of those with a tag of their own every browser has the longer one.
const PROFILES: [SrtpProtectionProfile; 3] = [
    SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
    SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
    SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
];

/// Builds a connection that answers, as ICE-lite and DTLS server.
pub(super) fn build(
    now: Instant,
    credentials: &Credentials,
    crypto: Arc<dyn RTCCryptoProvider>,
    tap: Tap,
) -> Result<Box<RTCPeerConnection>> {
    let settings = SettingEngineBuilder::new()
        .with_ice_credentials(credentials.ufrag.clone(), credentials.password.clone())
        .with_lite(true)
        .with_answering_dtls_role(RTCDtlsRole::Server)
        .with_crypto_provider(crypto)
        .with_srtp_protection_profiles(PROFILES.to_vec())
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        // The engine's own candidate is a name on loopback.
        .with_include_loopback_candidate(true)
        // Zero is never: who is there is measured at the port, and the seat decides what follows.
        .with_ice_timeouts(Some(Duration::ZERO), Some(Duration::ZERO), None)
        .build();
    let mut media = codecs()?;
    let registry = interceptors(&mut media)?.with(Slot::Custom(tap::SLOT), tap);
    let building = RTCPeerConnectionBuilder::new()
        .with_setting_engine(settings)
        .with_media_engine(media)
        .with_interceptor_registry(registry);
    Ok(Box::new(building.build(now)?))
}

/// Tells a connection where it believes to be, and that this is all.
pub(super) fn place(connection: &mut RTCPeerConnection) -> Result<()> {
    let base_config = CandidateConfig {
        network: "udp".to_owned(),
        address: ENGINE.ip().to_string(),
        port: ENGINE.port(),
        component: 1,
        ..CandidateConfig::default()
    };
    let candidate = CandidateHostConfig { base_config, ..CandidateHostConfig::default() }.new_candidate_host()?;
    connection.add_local_candidate(RTCIceCandidate::from(&candidate).to_json()?)?;
    connection.add_local_candidate(RTCIceCandidateInit::default())
}

/// The codecs, one by one: the engine's default set brings retransmission streams, which its NACK generator does not
/// recognise as repairs, so that it asks for each packet until the publisher drowns.
fn codecs() -> Result<MediaEngine> {
    let mut media = MediaEngine::default();
    for (codec, payload_type) in [(Codec::Opus, 111), (Codec::Vp8, 96), (Codec::H264, 125)] {
        let parameters = RTCRtpCodecParameters { rtp_codec: description(codec), payload_type };
        let kind = if codec == Codec::Opus { RtpCodecKind::Audio } else { RtpCodecKind::Video };
        media.register_codec(parameters, kind)?;
    }
    Ok(media)
}

/// A codec in the engine's words.
pub(super) fn description(codec: Codec) -> RTCRtpCodec {
    let (mime_type, channels, format) = match codec {
        Codec::Opus => ("audio/opus", 2, "minptime=10;useinbandfec=1"),
        Codec::Vp8 => ("video/VP8", 0, ""),
        Codec::H264 => ("video/H264", 0, H264_FORMAT),
    };
    let rtcp_feedback = match codec {
        Codec::Opus => vec![feedback("nack", "")],
        Codec::Vp8 | Codec::H264 => vec![feedback("ccm", "fir"), feedback("nack", ""), feedback("nack", "pli")],
    };
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate: clock_rate(codec.kind()),
        channels,
        sdp_fmtp_line: format.to_owned(),
        rtcp_feedback,
    }
}

fn feedback(typ: &str, parameter: &str) -> RTCPFeedback {
    RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() }
}

/// The extension under which packets are numbered across all streams of a connection.
pub(super) const TRANSPORT_WIDE: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// What is said of the media that comes in: what is missing, how it came, and the feedback that the publisher's bandwidth
/// estimate lives on. Media that goes out does not pass here; its side is the [egress](super::egress)'s.
fn interceptors(media: &mut MediaEngine) -> Result<Registry> {
    // A browser asks for sound again, and gives it again, only where its page says so in the offer.
    media.register_feedback(feedback("nack", ""), RtpCodecKind::Audio);
    for parameter in ["", "pli"] {
        media.register_feedback(feedback("nack", parameter), RtpCodecKind::Video);
    }
    configure_simulcast_extension_headers(media)?;
    let extension = |uri: &str| RTCRtpHeaderExtensionCapability { uri: uri.to_owned() };
    for kind in [RtpCodecKind::Video, RtpCodecKind::Audio] {
        media.register_feedback(feedback("transport-cc", ""), kind);
        media.register_header_extension(extension(TRANSPORT_WIDE), kind, None)?;
    }
    media.register_header_extension(extension(LEVEL_EXTENSION), RtpCodecKind::Audio, None)?;
    Ok(Registry::new()
        .with(Slot::TwccReceiver, TwccReceiverBuilder::new().build())
        .with(Slot::NackGenerator, Retransmission::new())
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build()))
}
