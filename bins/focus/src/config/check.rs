//! What a configuration must not say, found before anything is started.
//!
//! Reading the file never lives here, nor files that it names, nor whether an address can be bound: only starting shows that.

use std::fmt;
use std::ops::RangeInclusive;

use ruma_common::{RoomId, ServerName};
use tracing_subscriber::EnvFilter;

use super::sounds::SoundFault;
use super::{Appservice, Conference, Config, Media, Policy, Secret};

/// One value that is refused.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where it stands.
    pub(crate) key: Key,
    /// What is wrong with it, and what would be right.
    pub(crate) problem: Problem,
}

/// A key of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) section: &'static str,
    pub(crate) name: &'static str,
    /// Which element, from 0, where the value is a list.
    pub(crate) index: Option<usize>,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.section, self.name)?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

/// What is wrong with a value. The words say what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Problem {
    #[error("no secret is set; put a random text here, or make the file anew with `focus registration`")]
    Placeholder,
    #[error("a token may hold visible ASCII characters only, no spaces")]
    NotSendable,
    #[error("must not be empty")]
    Empty,
    #[error("must be at most {MOST_NAMES}: every server in a room keeps each announcement")]
    TooManyNames,
    #[error("must be at least 1")]
    Zero,
    #[error("must be an http:// or https:// URL without query, such as \"http://localhost:8008\"")]
    NotHttpUrl,
    #[error("must be the server's name as in user ids, such as \"example.org\": {0}")]
    NotServerName(ruma_common::IdParseError),
    #[error("must be a room id, such as \"!abc:example.org\": {0}")]
    NotRoomId(ruma_common::IdParseError),
    #[error(
        "must be a user id, or a pattern with * for any text and ? for any character, such as \"*:example.org\""
    )]
    NotUserPattern,
    #[error("may hold letters, digits and - . _ ~ only, since it becomes part of a URL")]
    NotServiceId,
    #[error("may hold a-z, 0-9 and . _ = - / + only, the characters of a user id")]
    NotLocalpart,
    #[error("begins with the focus prefix {0:?}, so that the bot would be taken for a focus user")]
    TakenForFocus(String),
    #[error("the first port must be at least 1 and not above the last, as in [50000, 50003]")]
    NotPortRange,
    #[error("must hold a port for each thread: widen it, or lower media.threads")]
    TooFewPorts,
    #[error("must be from {} to {} kbit/s, such as 96", AUDIO_KBITS.start(), AUDIO_KBITS.end())]
    NotAudioRate,
    #[error("must be an address that callers can reach, not an unspecified one")]
    Unspecified,
    #[error("is the address of appservice.listen; choose another")]
    SameAddress,
    #[error("is never heard, since tones.alone_seconds is 0; set that too, as alone_seconds = 30")]
    NeverHeard,
    #[error("{0}")]
    Sound(Box<SoundFault>),
    #[error("is not a log filter, such as \"info\" or \"info,confocal=debug\": {0}")]
    NotFilter(tracing_subscriber::filter::ParseError),
}

/// The most names that an announcement may have.
const MOST_NAMES: usize = 50;

/// What sound may take: below it is not worth hearing, and above there is nothing to gain.
const AUDIO_KBITS: RangeInclusive<u16> = 16..=256;

/// All faults, in the order of the file.
pub(crate) fn check(config: &Config) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());

    if !is_http_url(&config.homeserver.url) {
        faults.add("homeserver", "url", Problem::NotHttpUrl);
    }
    if let Err(why) = ServerName::parse(&*config.homeserver.server_name) {
        faults.add("homeserver", "server_name", Problem::NotServerName(why));
    }
    check_appservice(&config.appservice, &mut faults);

    check_conference(&config.conference, &mut faults);
    check_policy(&config.policy, &mut faults);
    if config.limits.announced_names > MOST_NAMES {
        faults.add("limits", "announced_names", Problem::TooManyNames);
    }
    for (name, is_enough) in config.limits.needed() {
        if !is_enough {
            faults.add("limits", name, Problem::Zero);
        }
    }

    check_media(&config.media, &mut faults);
    if config.recording.directory.as_ref().is_some_and(|directory| directory.as_os_str().is_empty()) {
        faults.add("recording", "directory", Problem::Empty);
    }
    if config.sounds.alone.is_some() && config.tones.alone_seconds == 0 {
        faults.add("sounds", "alone", Problem::NeverHeard);
    }
    if config.store.path.as_os_str().is_empty() {
        faults.add("store", "path", Problem::Empty);
    }
    if let Some(listen) = config.status.listen {
        // Port 0 is any free port, so never the same.
        if listen == config.appservice.listen && listen.port() != 0 {
            faults.add("status", "listen", Problem::SameAddress);
        }
        check_secret(&config.status.token, "status", "token", &mut faults);
    }
    if let Err(why) = EnvFilter::try_new(&config.log.filter) {
        faults.add("log", "filter", Problem::NotFilter(why));
    }
    faults.0
}

fn check_appservice(appservice: &Appservice, faults: &mut Faults) {
    let Appservice { id, listen: _, as_token, hs_token, sender_localpart, focus_prefixes } = appservice;
    if id.is_empty() {
        faults.add("appservice", "id", Problem::Empty);
    } else if !id.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)) {
        faults.add("appservice", "id", Problem::NotServiceId);
    }
    check_secret(as_token, "appservice", "as_token", faults);
    check_secret(hs_token, "appservice", "hs_token", faults);

    if let Some(problem) = localpart_problem(sender_localpart) {
        faults.add("appservice", "sender_localpart", problem);
    } else if let Some(prefix) = focus_prefixes.iter().find(|prefix| sender_localpart.starts_with(&***prefix))
    {
        faults.add("appservice", "sender_localpart", Problem::TakenForFocus(prefix.clone()));
    }
    if focus_prefixes.is_empty() {
        faults.add("appservice", "focus_prefixes", Problem::Empty);
    }
    for (index, prefix) in focus_prefixes.iter().enumerate() {
        if let Some(problem) = localpart_problem(prefix) {
            faults.add_element("appservice", "focus_prefixes", index, problem);
        }
    }
}

fn check_conference(conference: &Conference, faults: &mut Faults) {
    for (name, seconds) in [
        ("idle_seconds", conference.idle_seconds),
        ("media_timeout_seconds", conference.media_timeout_seconds),
        ("compare_seconds", conference.compare_seconds),
        ("direct_idle_seconds", conference.direct_idle_seconds),
    ] {
        if seconds == 0 {
            faults.add("conference", name, Problem::Zero);
        }
    }
    for (index, room) in conference.stay.iter().enumerate() {
        if let Err(why) = RoomId::parse(&**room) {
            faults.add_element("conference", "stay", index, Problem::NotRoomId(why));
        }
    }
}

/// A pattern that begins like no user id, as a bare server name, would fit nobody.
fn check_policy(policy: &Policy, faults: &mut Faults) {
    for (name, patterns) in [("allow", &policy.allow), ("deny", &policy.deny)] {
        for (index, pattern) in patterns.iter().enumerate() {
            if !pattern.starts_with(['@', '*', '?']) {
                faults.add_element("policy", name, index, Problem::NotUserPattern);
            }
        }
    }
}

fn check_media(media: &Media, faults: &mut Faults) {
    if media.listen.is_empty() {
        faults.add("media", "listen", Problem::Empty);
    }
    if let Some([first, last]) = media.ports
        && (first == 0 || first > last)
    {
        faults.add("media", "ports", Problem::NotPortRange);
    } else if let (Some([first, last]), Some(threads)) = (media.ports, media.threads)
        && last - first + 1 < threads.get()
    {
        faults.add("media", "ports", Problem::TooFewPorts);
    }
    if media.advertise_address.is_some_and(|address| address.is_unspecified()) {
        faults.add("media", "advertise_address", Problem::Unspecified);
    }
    if media.max_calls == 0 {
        faults.add("media", "max_calls", Problem::Zero);
    }
    if !AUDIO_KBITS.contains(&media.audio_kbits) {
        faults.add("media", "audio_kbits", Problem::NotAudioRate);
    }
}

fn check_secret(secret: &Secret, section: &'static str, name: &'static str, faults: &mut Faults) {
    if secret.is_placeholder() {
        faults.add(section, name, Problem::Placeholder);
    } else if !secret.is_sendable() {
        faults.add(section, name, Problem::NotSendable);
    }
}

/// Why a text can't be (the beginning of) a localpart of today's grammar:
/// <https://spec.matrix.org/v1.15/appendices/#user-identifiers>.
fn localpart_problem(text: &str) -> Option<Problem> {
    if text.is_empty() {
        return Some(Problem::Empty);
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._=-/+".contains(c);
    (!text.chars().all(allowed)).then_some(Problem::NotLocalpart)
}

/// Whether a URL can be the base of requests.
pub(crate) fn is_http_url(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    })
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, section: &'static str, name: &'static str, problem: Problem) {
        self.0.push(Fault { key: Key { section, name, index: None }, problem });
    }

    fn add_element(&mut self, section: &'static str, name: &'static str, index: usize, problem: Problem) {
        self.0.push(Fault { key: Key { section, name, index: Some(index) }, problem });
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    fn good() -> Config {
        let mut config = Config::default();
        config.homeserver.server_name = "example.org".to_owned();
        config.appservice.as_token = Secret::new("a1");
        config.appservice.hs_token = Secret::new("h1");
        config
    }

    /// The keys refused after a change to a good configuration.
    fn refused(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = good();
        change(&mut config);
        check(&config).iter().map(|fault| fault.key.to_string()).collect()
    }

    #[test]
    fn a_good_configuration_has_no_fault() {
        assert!(refused(|_| ()).is_empty());
    }

    #[test]
    fn the_defaults_alone_lack_the_name_and_the_secrets() {
        let found = refused(|config| *config = Config::default());
        assert_eq!(found, ["homeserver.server_name", "appservice.as_token", "appservice.hs_token"]);
    }

    #[test]
    fn urls_are_of_http_and_complete() {
        for url in ["", "localhost:8008", "ftp://x", "http://", "https://x?y", "/x"] {
            assert_eq!(refused(|config| config.homeserver.url = url.to_owned()), ["homeserver.url"], "{url}");
        }
        for url in ["http://localhost:8008", "https://example.org/base/", "http://[::1]:8008"] {
            assert!(refused(|config| config.homeserver.url = url.to_owned()).is_empty(), "{url}");
        }
    }

    #[test]
    fn names_that_matrix_would_refuse_are_refused() {
        assert_eq!(refused(|c| c.homeserver.server_name = "a b".into()), ["homeserver.server_name"]);
        assert_eq!(refused(|c| c.appservice.id = "a|b".into()), ["appservice.id"]);
        assert_eq!(refused(|c| c.appservice.id = String::new()), ["appservice.id"]);
        assert_eq!(
            refused(|c| c.appservice.sender_localpart = "Bot".into()),
            ["appservice.sender_localpart"]
        );
        assert_eq!(refused(|c| c.appservice.focus_prefixes.clear()), ["appservice.focus_prefixes"]);
        assert_eq!(
            refused(|c| c.appservice.focus_prefixes = vec!["conf_".into(), "a:b".into()]),
            ["appservice.focus_prefixes[1]"]
        );
        assert_eq!(
            refused(|c| c.conference.stay = vec!["!ok:example.org".into(), "#alias:example.org".into()]),
            ["conference.stay[1]"]
        );
    }

    #[test]
    fn the_bot_is_never_a_focus_user() {
        assert_eq!(
            refused(|c| c.appservice.sender_localpart = "conf_bot".into()),
            ["appservice.sender_localpart"]
        );
    }

    #[test]
    fn room_ids_without_a_domain_are_room_ids() {
        let v12 = "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM".to_owned();
        assert!(refused(|config| config.conference.stay.push(v12)).is_empty());
    }

    #[test]
    fn numbers_have_their_bounds() {
        assert_eq!(refused(|c| c.conference.idle_seconds = 0), ["conference.idle_seconds"]);
        assert!(refused(|c| c.conference.linger_seconds = 0).is_empty());
        assert_eq!(refused(|c| c.conference.media_timeout_seconds = 0), ["conference.media_timeout_seconds"]);
        assert_eq!(refused(|c| c.conference.compare_seconds = 0), ["conference.compare_seconds"]);
        assert_eq!(refused(|c| c.conference.direct_idle_seconds = 0), ["conference.direct_idle_seconds"]);
        assert!(refused(|c| c.conference.kick_lasts_seconds = 0).is_empty());
        assert_eq!(refused(|c| c.limits.legs_per_conference = 0), ["limits.legs_per_conference"]);
        assert_eq!(refused(|c| c.limits.strangers_per_hour = 0), ["limits.strangers_per_hour"]);
        assert!(refused(|c| c.limits.invite_interval_seconds = 0).is_empty());
        assert!(refused(|c| c.limits.roll = 0).is_empty());
        assert!(refused(|c| (c.limits.bot_rooms, c.limits.stay_rooms) = (0, 0)).is_empty());
        assert!(refused(|c| c.limits.announced_names = 50).is_empty());
        assert_eq!(refused(|c| c.limits.announced_names = 51), ["limits.announced_names"]);
        assert_eq!(refused(|c| c.media.max_calls = 0), ["media.max_calls"]);
        assert_eq!(refused(|c| c.media.ports = Some([2000, 1000])), ["media.ports"]);
        assert_eq!(refused(|c| c.media.ports = Some([0, 1000])), ["media.ports"]);
        assert!(refused(|c| c.media.ports = Some([1000, 1000])).is_empty());
        let of_two = |ports| {
            move |c: &mut Config| (c.media.ports, c.media.threads) = (Some(ports), NonZeroU16::new(2))
        };
        assert_eq!(refused(of_two([1000, 1000])), ["media.ports"]);
        assert!(refused(of_two([1000, 1001])).is_empty());
    }

    #[test]
    fn patterns_are_of_user_ids() {
        let patterns = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let good = patterns(&["@alice:example.org", "*:example.org", "@bot_*", "?bob:example.org", "*"]);
        assert!(refused(|c| (c.policy.allow, c.policy.deny) = (good.clone(), good)).is_empty());
        let bad = patterns(&["@alice:example.org", "example.org", ""]);
        assert_eq!(refused(|c| c.policy.allow = bad.clone()), ["policy.allow[1]", "policy.allow[2]"]);
        assert_eq!(refused(|c| c.policy.deny = bad), ["policy.deny[1]", "policy.deny[2]"]);
    }

    #[test]
    fn sound_takes_what_it_is_worth() {
        for kbits in [0, 15, 257, u16::MAX] {
            assert_eq!(refused(|c| c.media.audio_kbits = kbits), ["media.audio_kbits"], "{kbits}");
        }
        for kbits in [16, 256] {
            assert!(refused(|c| c.media.audio_kbits = kbits).is_empty(), "{kbits}");
        }
    }

    #[test]
    fn addresses_must_be_of_use() {
        assert_eq!(refused(|c| c.media.listen.clear()), ["media.listen"]);
        let unspecified = "::".parse().unwrap();
        assert_eq!(refused(|c| c.media.advertise_address = Some(unspecified)), ["media.advertise_address"]);
        assert_eq!(refused(|c| c.store.path = "".into()), ["store.path"]);
        assert_eq!(refused(|c| c.recording.directory = Some("".into())), ["recording.directory"]);
        assert_eq!(
            refused(|c| {
                c.status.listen = Some(c.appservice.listen);
                c.status.token = Secret::new("s1");
            }),
            ["status.listen"]
        );
    }

    #[test]
    fn a_status_token_is_asked_for_only_when_it_is_served() {
        let listen = "127.0.0.1:29341".parse().unwrap();
        assert_eq!(refused(|c| c.status.listen = Some(listen)), ["status.token"]);
        assert!(refused(|c| c.status.token = Secret::new("CHANGE_ME")).is_empty());
    }

    #[test]
    fn tokens_that_no_header_can_carry_are_refused() {
        assert_eq!(refused(|c| c.appservice.as_token = Secret::new("a b")), ["appservice.as_token"]);
    }

    #[test]
    fn a_sound_that_is_never_played_is_refused() {
        assert_eq!(refused(|c| c.sounds.alone = Some("alone.wav".into())), ["sounds.alone"]);
        let played =
            |c: &mut Config| (c.sounds.alone, c.tones.alone_seconds) = (Some("alone.wav".into()), 30);
        assert!(refused(played).is_empty());
        assert!(refused(|c| c.sounds.music = Some("music.wav".into())).is_empty());
    }

    #[test]
    fn a_log_filter_must_be_one() {
        assert_eq!(refused(|c| c.log.filter = "confocal=loud".into()), ["log.filter"]);
        assert!(refused(|c| c.log.filter = "warn,confocal=debug".into()).is_empty());
    }
}
