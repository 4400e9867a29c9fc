//! The configuration as values: one TOML file, all of whose keys stand here with their defaults.
//!
//! How a file is read lives in [`mod@load`], what values are refused in [`mod@check`]. Acting on a value never lives here.

mod check;
mod discovery;
mod limits;
mod load;
mod place;
mod recording;
mod secret;
mod sounds;
mod speaker;
mod video;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;

use serde::Deserialize;

pub(crate) use check::{Fault, check, is_http_url};
pub(crate) use discovery::Discovery;
pub(crate) use limits::Limits;
pub(crate) use load::{LoadError, load};
pub(crate) use recording::{Recording, Tones};
pub(crate) use secret::Secret;
pub(crate) use sounds::Sounds;
pub(crate) use speaker::Speaker;
pub(crate) use video::Video;

/// The file, whole. `config.toml` beside this module is its text with all comments; a test keeps the two equal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) homeserver: Homeserver,
    pub(crate) appservice: Appservice,
    pub(crate) conference: Conference,
    pub(crate) discovery: Discovery,
    pub(crate) policy: Policy,
    pub(crate) speaker: Speaker,
    pub(crate) video: Video,
    pub(crate) limits: Limits,
    pub(crate) media: Media,
    pub(crate) recording: Recording,
    pub(crate) tones: Tones,
    pub(crate) sounds: Sounds,
    pub(crate) store: Store,
    pub(crate) status: Status,
    pub(crate) log: Log,
}

/// `[homeserver]`: whom the focus serves.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Homeserver {
    /// Where its client-server API is reached; `http` or `https`, a path before `/_matrix` may follow.
    pub(crate) url: String,
    /// Its name, the part of user ids after the colon.
    pub(crate) server_name: String,
}

impl Default for Homeserver {
    fn default() -> Self {
        Self { url: "http://localhost:8008".to_owned(), server_name: String::new() }
    }
}

/// `[appservice]`: how the homeserver and the focus know each other. The registration file says the same.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Appservice {
    /// The `id` of the registration.
    pub(crate) id: String,
    /// Where the homeserver's transactions are taken.
    pub(crate) listen: SocketAddr,
    /// By what the homeserver knows us.
    pub(crate) as_token: Secret,
    /// By what we know the homeserver.
    pub(crate) hs_token: Secret,
    /// Localpart of the application service's own user, the bot.
    pub(crate) sender_localpart: String,
    /// Localparts of focus users begin with one of these; the first one is that of new ones.
    pub(crate) focus_prefixes: Vec<String>,
}

impl Default for Appservice {
    fn default() -> Self {
        Self {
            id: "confocal".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 29340)),
            as_token: Secret::default(),
            hs_token: Secret::default(),
            sender_localpart: "conference".to_owned(),
            focus_prefixes: vec!["conf_".to_owned(), "fs_".to_owned()],
        }
    }
}

/// `[conference]`: the rules that are an operator's choice.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Conference {
    /// Seconds that the focus stays after the last participant has left (rule R7).
    pub(crate) linger_seconds: u32,
    /// Seconds that a focus without a call waits before it leaves (rule R8).
    pub(crate) idle_seconds: u32,
    /// Seconds without a packet from a participant who should send, after which the call ends.
    pub(crate) media_timeout_seconds: u32,
    /// Seconds for which the calls of someone whom a moderator removed are refused.
    pub(crate) kick_lasts_seconds: u32,
    /// Seconds between two comparisons of who is in a conference with who is in its group room.
    pub(crate) compare_seconds: u32,
    /// Seconds that the focus stays in a 1:1 room in which nobody calls.
    pub(crate) direct_idle_seconds: u32,
    /// Conferences begin with an audience.
    pub(crate) audience: bool,
    /// Room ids in which the focus stays for good.
    pub(crate) stay: Vec<String>,
    /// What a second call of the same user does to the first.
    pub(crate) second_device: SecondDevice,
    /// What becomes of calls for encrypted group rooms.
    pub(crate) encrypted_rooms: EncryptedRooms,
}

impl Default for Conference {
    fn default() -> Self {
        Self {
            linger_seconds: 10,
            idle_seconds: 300,
            media_timeout_seconds: 30,
            kick_lasts_seconds: 600,
            compare_seconds: 60,
            direct_idle_seconds: 90 * 24 * 3600,
            audience: false,
            stay: Vec::new(),
            second_device: SecondDevice::Replace,
            encrypted_rooms: EncryptedRooms::Allow,
        }
    }
}

/// What a second call of the same user does to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub(crate) enum SecondDevice {
    /// It takes its place.
    Replace,
    /// Both go on; neither hears the other.
    Add,
}

/// What becomes of calls for encrypted group rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub(crate) enum EncryptedRooms {
    /// They are taken, and the room is told that this server decrypts them.
    Allow,
    /// They are refused.
    Refuse,
}

/// `[policy]`: whom the operator lets take part at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    /// User ids, and patterns of them with `*` and `?`, that may take part; empty: everyone.
    pub(crate) allow: Vec<String>,
    /// Those that may not, though `allow` says so.
    pub(crate) deny: Vec<String>,
}

/// `[media]`: where sound and picture come and go.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Media {
    /// Addresses for media; an unspecified one stands for all interfaces of its family.
    pub(crate) listen: Vec<IpAddr>,
    /// First and last UDP port, one a thread; any ports if absent.
    pub(crate) ports: Option<[u16; 2]>,
    /// Also take TCP connections at the ports of the same numbers (ICE-TCP, RFC 6544).
    pub(crate) tcp: bool,
    /// Threads that carry packets and mix; one a core if absent, but no more than there are ports.
    pub(crate) threads: Option<NonZeroU16>,
    /// The address that callers are told instead of ours, behind a 1:1 NAT.
    pub(crate) advertise_address: Option<IpAddr>,
    /// Only answer connectivity checks, never begin them (ICE-lite, RFC 8445 section 2.5).
    pub(crate) ice_lite: bool,
    /// Take callers' candidates in private, loopback and link-local ranges.
    pub(crate) allow_private_candidates: bool,
    /// Calls in all conferences together.
    pub(crate) max_calls: u16,
    /// What a listener's sound takes at the most, in kbit/s.
    pub(crate) audio_kbits: u16,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            listen: vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
            ports: None,
            tcp: true,
            threads: None,
            advertise_address: None,
            ice_lite: false,
            allow_private_candidates: false,
            max_calls: 1_000,
            audio_kbits: 96,
        }
    }
}

/// `[store]`: where conferences survive a restart.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Store {
    /// The SQLite file, relative to the working directory.
    pub(crate) path: PathBuf,
}

impl Default for Store {
    fn default() -> Self {
        Self { path: PathBuf::from("confocal.db") }
    }
}

/// `[status]`: who is in which conference, over HTTP, for whoever holds the token.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Status {
    /// Where it is served; nowhere if absent.
    pub(crate) listen: Option<SocketAddr>,
    /// What the reader must show.
    pub(crate) token: Secret,
}

/// The WebRTC libraries say much at `info` and `warn` that nobody need act upon, several lines a call.
const FILTER: &str = "info,rtc=error,rtc_dtls=error,rtc_ice=error,rtc_sctp=error,rtc_srtp=error,webrtc=error";

/// `[log]`: what is written to standard error.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// Directives of `tracing_subscriber::EnvFilter`.
    pub(crate) filter: String,
    /// Form of a line.
    pub(crate) format: LogFormat,
    /// Hide user ids and addresses.
    pub(crate) redact: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: FILTER.to_owned(), format: LogFormat::Text, redact: true }
    }
}

/// Form of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
