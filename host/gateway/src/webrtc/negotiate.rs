//! An offer and its answer (RFC 9725 §4.2, RFC 9429): what both sides can, and no more.

use super::settings::ServeError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::change::SdpOffer;
use str0m::config::DtlsCert;
use str0m::crypto::{CryptoProvider, from_feature_flags};
use str0m::format::{Codec, PayloadParams};
use str0m::media::{MediaKind, Mid, Pt};
use str0m::{Candidate, IceCreds, Rtc, RtcConfig, RtcError};
use tokio_rustls::rustls::crypto::ring::default_provider;

/// Media of one offer; a browser has two.
const MAX_MEDIA: usize = 16;

/// Packets kept for who misses some: three seconds at 8 Mb/s.
const SEND_BUFFER: usize = 2_500;

/// Reports at the usual interval of browsers, so that players find lip sync soon.
const REPORTS: Duration = Duration::from_secs(1);

/// Constrained High, which Safari offers (RFC 6184 §8.1); the others are str0m's defaults.
const CONSTRAINED_HIGH: (u8, u8, u32) = (37, 38, 0x64_0c1f);

/// What every connection of this host is made with.
pub(super) struct Identity {
    certificate: DtlsCert,
    provider: Arc<CryptoProvider>,
}

/// What the peer comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It sends (WHIP).
    Publisher,
    /// It receives (WHEP).
    Viewer,
}

/// A connection that both sides agree on.
pub(super) struct Agreed {
    pub(super) rtc: Rtc,
    pub(super) answer: String,
    /// Our ICE user fragment.
    pub(super) fragment: String,
    pub(super) video: Option<Line>,
    pub(super) audio: Option<Line>,
}

/// One line of media, and the forms it may be sent in.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) mid: Mid,
    pub(super) forms: Vec<Form>,
}

/// A payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) pt: Pt,
    /// `profile-level-id` (RFC 6184 §8.1); 0 for sound.
    pub(super) profile_level_id: u32,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum OfferError {
    /// Not SDP, or not an offer that makes sense.
    #[error("the offer is not understood: {0}")]
    Malformed(String),
    /// It is an offer, of what this host does not take.
    #[error("{0}")]
    Unacceptable(&'static str),
    /// No fault of the offer.
    #[error("no random numbers are to be had from the system")]
    NoRandom,
}

impl From<RtcError> for OfferError {
    fn from(error: RtcError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl Identity {
    /// With a certificate of its own, made now: peers are told its fingerprint in each answer.
    pub(super) fn new() -> Result<Self, ServeError> {
        let provider = from_feature_flags();
        let certificate = provider.dtls_provider.generate_certificate();
        Ok(Self {
            certificate: certificate.ok_or(ServeError::NoCertificate)?,
            provider: Arc::new(provider),
        })
    }

    fn connection(&self, credentials: IceCreds, now: Instant) -> Rtc {
        let mut config = RtcConfig::new()
            .set_ice_lite(true)
            .set_local_ice_credentials(credentials)
            .set_crypto_provider(self.provider.clone())
            .set_dtls_cert(self.certificate.clone())
            .set_send_buffer_video(SEND_BUFFER)
            .set_rtcp_report_interval_audio(REPORTS)
            .set_rtcp_report_interval_video(REPORTS)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_h264(true);
        let (pt, resend, profile) = CONSTRAINED_HIGH;
        config
            .codec_config()
            .add_h264(pt.into(), Some(resend.into()), true, profile);
        config.build(now)
    }

    /// Answers an offer, telling the peer to send to `candidates`.
    pub(super) fn answer(
        &self,
        offer: &str,
        role: Role,
        candidates: &[SocketAddr],
        now: Instant,
    ) -> Result<Agreed, OfferError> {
        let offer = SdpOffer::from_sdp_string(&readable(offer)?)
            .map_err(|error| OfferError::Malformed(error.to_string()))?;
        let credentials = IceCreds {
            ufrag: random_text::<8>()?,
            pass: random_text::<16>()?,
        };
        let fragment = credentials.ufrag.clone();
        let mut rtc = self.connection(credentials, now);
        for address in candidates {
            let candidate = Candidate::host(*address, "udp")
                .map_err(|error| OfferError::Malformed(error.to_string()))?;
            rtc.add_local_candidate(candidate);
        }
        let answer = rtc.sdp_api().accept_offer(offer)?.to_sdp_string();
        let [video, audio] = lines(&rtc, &answer, role)?;
        Ok(Agreed {
            rtc,
            answer,
            fragment,
            video,
            audio,
        })
    }
}

/// The offer without its candidates: an ICE-lite host calls nobody (RFC 8445 §2.5), and what is
/// not kept cannot be too much.
fn readable(offer: &str) -> Result<String, OfferError> {
    let lines = || offer.lines().filter(|line| !line.is_empty());
    if lines().filter(|line| line.starts_with("m=")).count() > MAX_MEDIA {
        return Err(OfferError::Unacceptable("the offer has more than 16 media"));
    }
    let kept = lines().filter(|line| !line.starts_with("a=candidate:"));
    Ok(kept.flat_map(|line| [line, "\r\n"]).collect())
}

/// Media in the order of an answer, which is ours: so it needs no parser.
fn media_of(answer: &str) -> Vec<(MediaKind, Mid)> {
    let (mut kind, mut found) = (None, Vec::new());
    for line in answer.lines() {
        match line.split_once(['=', ' ', ':']) {
            Some(("m", rest)) if rest.starts_with("video") => kind = Some(MediaKind::Video),
            Some(("m", rest)) if rest.starts_with("audio") => kind = Some(MediaKind::Audio),
            Some(("m", _)) => kind = None,
            _ => {}
        }
        if let (Some(kind), Some(mid)) = (kind, line.strip_prefix("a=mid:")) {
            found.push((kind, Mid::from(mid.trim_end())));
        }
    }
    found
}

/// The first video and the first audio that media can flow on.
fn lines(rtc: &Rtc, answer: &str, role: Role) -> Result<[Option<Line>; 2], OfferError> {
    let mut found = [None, None];
    for (kind, mid) in media_of(answer) {
        let Some(media) = rtc.media(mid) else {
            continue;
        };
        let flows = match role {
            Role::Publisher => media.direction().is_receiving(),
            Role::Viewer => media.direction().is_sending(),
        };
        let offered = media.remote_pts();
        let params = rtc.codec_config().params().iter();
        let forms: Vec<_> = params
            .filter(|params| offered.contains(&params.pt()))
            .filter_map(|params| form(params, kind))
            .collect();
        let [video, audio] = &mut found;
        let place = match kind {
            MediaKind::Video => video,
            MediaKind::Audio => audio,
        };
        if flows && !forms.is_empty() && place.is_none() {
            *place = Some(Line { mid, forms });
        }
    }
    if found.iter().all(Option::is_none) {
        return Err(OfferError::Unacceptable(match role {
            Role::Publisher => {
                "the offer sends neither H.264 (packetization-mode=1) nor Opus; those are taken"
            }
            Role::Viewer => {
                "the offer receives neither H.264 (packetization-mode=1) nor Opus; those are sent"
            }
        }));
    }
    Ok(found)
}

/// Units longer than a datagram need packetization mode 1 (RFC 6184 §6.3).
fn form(params: &PayloadParams, kind: MediaKind) -> Option<Form> {
    let spec = params.spec();
    let fits = match (kind, spec.codec) {
        (MediaKind::Video, Codec::H264) => spec.format.packetization_mode == Some(1),
        (MediaKind::Audio, Codec::Opus) => true,
        _ => false,
    };
    fits.then(|| Form {
        pt: params.pt(),
        profile_level_id: spec.format.profile_level_id.unwrap_or_default(),
    })
}

impl Line {
    /// The payload type to send a stream of this profile in: that of the same profile; else of
    /// the next one above, whose decoder can show it; else the highest there is. A browser that
    /// offers Constrained Baseline only decodes more than it says (Firefox), or shows nothing:
    /// then the stream has to be encoded for it, which is no gateway's affair.
    pub(super) fn best(&self, profile_idc: u8) -> Option<Pt> {
        let rank = |form: &&Form| {
            let offered = (form.profile_level_id >> 16) as u8;
            match offered {
                same if same == profile_idc => (0, 0),
                above if above > profile_idc => (1, above),
                below => (2, u8::MAX - below),
            }
        };
        self.forms.iter().min_by_key(rank).map(|form| form.pt)
    }
}

/// That many bytes from the system's generator, in hexadecimal. str0m's own numbers can be
/// guessed, which ICE forbids of a password (RFC 8445 §5.3).
pub(super) fn random_text<const BYTES: usize>() -> Result<String, OfferError> {
    let mut bytes = [0; BYTES];
    let random = default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| OfferError::NoRandom)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The peer's ICE user fragment in an offer.
pub(super) fn user_fragment(offer: &str) -> Option<&str> {
    let mut lines = offer.lines();
    lines.find_map(|line| line.trim_end().strip_prefix("a=ice-ufrag:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(profiles: &[u32]) -> Line {
        let form = |(pt, profile): (u8, &u32)| Form {
            pt: pt.into(),
            profile_level_id: *profile,
        };
        Line {
            mid: Mid::new(),
            forms: (100..).zip(profiles).map(form).collect(),
        }
    }

    #[test]
    fn the_same_profile_is_best_then_the_next_above_then_the_highest() {
        let chromium = line(&[0x42_001f, 0x42_e01f, 0x4d_001f, 0x64_001f]);
        assert_eq!(chromium.best(0x64), Some(103.into()));
        assert_eq!(chromium.best(0x4d), Some(102.into()));
        assert_eq!(chromium.best(0x42), Some(100.into()));
        assert_eq!(chromium.best(0x58), Some(103.into()), "Extended");
        assert_eq!(line(&[0x42_e01f]).best(0x64), Some(100.into()));
        assert_eq!(line(&[0x42_e01f, 0x4d_001f]).best(0x7a), Some(101.into()));
        assert_eq!(line(&[]).best(0x64), None);
    }

    #[test]
    fn candidates_are_left_out_and_many_media_are_refused() {
        let offer = "v=0\na=candidate:1 1 udp 1 x.local 9 typ host\r\nm=audio 9 x 0\r\n";
        assert_eq!(readable(offer).unwrap(), "v=0\r\nm=audio 9 x 0\r\n");
        assert!(readable(&"m=audio 9 x 0\n".repeat(17)).is_err());
    }

    #[test]
    fn nonsense_is_an_error_and_never_a_panic() {
        let identity = Identity::new().unwrap();
        let candidates = ["127.0.0.1:9".parse().unwrap()];
        let long = format!(
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\n{}",
            "a=x:y\r\n".repeat(9000)
        );
        for offer in [
            "",
            "v=0",
            "\0\0",
            "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
            &long,
        ] {
            for role in [Role::Publisher, Role::Viewer] {
                let answered = identity.answer(offer, role, &candidates, Instant::now());
                assert!(answered.is_err(), "{offer:.40}");
            }
        }
    }

    #[test]
    fn random_texts_differ() {
        assert_ne!(random_text::<16>().unwrap(), random_text::<16>().unwrap());
        assert_eq!(random_text::<16>().unwrap().len(), 32);
    }
}
