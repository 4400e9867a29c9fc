//! How a focus user's id names a group room: the spellings that are read, and the one that is written.
//!
//! What a focus user does never lives here, nor anything that asks a homeserver.
//!
//! A focus user id is `@<prefix><encoded room id>:<server>`. Written is lower-case base32 (RFC 4648 section 6) without
//! padding, which today's grammar of user ids allows and which case-folding can't damage. Read are also the spellings of
//! older clients, base64 in either alphabet (RFC 4648 sections 4 and 5), with padding or without. No text is read in two
//! ways: a room id begins with `!`, so its base32 begins with `e` and its base64 with `I`. A room whose id is too long for all that
//! has a name that was made up, which begins with `x`.

use confocal::conference::{FocusName, FocusUser, RoomKey};
use data_encoding::{BASE64_NOPAD, Encoding, Specification};
use ruma_common::{OwnedServerName, OwnedUserId, RoomId, ServerName, UserId};
use std::sync::{Arc, LazyLock};

use crate::spelling::Spelling;

/// The longest a Matrix identifier may be, in bytes (specification, appendix "Common namespaced identifier grammar").
const MAX_ID_BYTES: usize = 255;
/// The length of a domainless room id without its `!`: the base64 of a SHA-256 (room version 12).
const DOMAINLESS_CHARS: usize = 43;
/// What a name that was made up begins with, after the prefix; no room id's encoding does.
const MADE_UP: &str = "x";
/// How many letters and digits of chance follow, see [`FocusName::MadeUp`].
const CHANCE_CHARS: usize = 20;

/// Which user ids are focus users, and of which group rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FocusIdScheme {
    names: Names,
    server_name: OwnedServerName,
}

/// How localparts name rooms.
#[derive(Clone, Debug)]
enum Names {
    /// One of these, then the encoded room id. There is at least one.
    Prefixed(Vec<String>),
    /// As an embedder wants it.
    Own(Arc<dyn Spelling>),
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefixed(one), Self::Prefixed(two)) => one == two,
            (Self::Own(one), Self::Own(two)) => Arc::ptr_eq(one, two),
            (Self::Prefixed(_), Self::Own(_)) | (Self::Own(_), Self::Prefixed(_)) => false,
        }
    }
}

impl Eq for Names {}

/// Why a scheme can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// There must be a prefix: its absence would claim every user of the server.
    #[error("a focus id scheme needs at least one prefix, and none may be empty")]
    EmptyPrefix,
    /// A prefix holds a character that a localpart can't have today (`a-z0-9._=-/+`).
    #[error("the focus id prefix {prefix:?} may only hold a-z 0-9 . _ = - / +")]
    InvalidPrefix {
        /// The prefix.
        prefix: String,
    },
}

/// Why a group room can't have a focus user of this scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// It is not the id of a room.
    #[error("not a room id")]
    NotARoomId,
    /// The embedder's spelling has no focus user for it.
    #[error("the spelling has no focus user for this room, or gives it a name that makes no user id")]
    NotSpelt,
    /// The user id would be longer than the 255 bytes that an id may have.
    #[error("the focus user's id would have {bytes} bytes, more than the 255 that are allowed")]
    TooLong {
        /// How long it would be.
        bytes: usize,
    },
}

/// What a user id is to a scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// A focus user: a door to the conference of this group room.
    Focus(RoomKey),
    /// A focus user by a name that was made up: of which group room, if of any, only the machine knows.
    Named,
    /// In the namespace, but it decodes to no room id.
    Undecodable,
    /// Somebody else.
    Other,
}

impl FocusIdScheme {
    /// A scheme that reads all `prefixes` and writes with the first, for users of `server_name`.
    ///
    /// # Errors
    ///
    /// [`SchemeError`] if there is no prefix or one that can't begin a localpart.
    pub fn new(
        prefixes: impl IntoIterator<Item = impl Into<String>>,
        server_name: OwnedServerName,
    ) -> Result<Self, SchemeError> {
        let prefixes: Vec<String> = prefixes.into_iter().map(Into::into).collect();
        if prefixes.is_empty() || prefixes.iter().any(String::is_empty) {
            return Err(SchemeError::EmptyPrefix);
        }
        if let Some(prefix) = prefixes.iter().find(|prefix| !prefix.bytes().all(is_localpart_byte)) {
            return Err(SchemeError::InvalidPrefix { prefix: prefix.clone() });
        }
        Ok(Self { names: Names::Prefixed(prefixes), server_name })
    }

    /// A scheme in which localparts name rooms in a way of one's own, for users of `server_name`.
    #[must_use]
    pub fn with_spelling(spelling: impl Spelling, server_name: OwnedServerName) -> Self {
        Self { names: Names::Own(Arc::new(spelling)), server_name }
    }

    /// The homeserver of the focus users.
    #[must_use]
    pub fn server_name(&self) -> &ServerName {
        &self.server_name
    }

    /// The focus user of a group room.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if `group` is no room id, or is too long to fit into a user id.
    pub fn encode(&self, group: &str) -> Result<OwnedUserId, EncodeError> {
        let room = RoomId::parse(group).ok().filter(|_| is_room_id(group)).ok_or(EncodeError::NotARoomId)?;
        let localpart = match &self.names {
            // `new` has seen to it that there is a first prefix.
            Names::Prefixed(prefixes) => {
                let prefix = prefixes.first().map_or("", String::as_str);
                format!("{prefix}{}", BASE32.encode(group.as_bytes()))
            }
            Names::Own(spelling) => spelling.encode(&room).ok_or(EncodeError::NotSpelt)?,
        };
        let id = format!("@{localpart}:{}", self.server_name);
        if id.len() > MAX_ID_BYTES {
            return Err(EncodeError::TooLong { bytes: id.len() });
        }
        UserId::parse(&id).map_err(|_| EncodeError::NotSpelt)
    }

    /// How the focus user of a group room is called, where it may be by a name that is made up.
    #[must_use]
    pub fn name(&self, group: &str) -> FocusName {
        match (self.encode(group), &self.names) {
            (Ok(user), _) => FocusName::Id(FocusUser::from(user.as_str())),
            (Err(EncodeError::TooLong { .. }), Names::Prefixed(prefixes)) => {
                let prefix = prefixes.first().map_or("", String::as_str);
                let (before, after) = (format!("@{prefix}{MADE_UP}"), format!(":{}", self.server_name));
                if before.len() + CHANCE_CHARS + after.len() > MAX_ID_BYTES {
                    return FocusName::Nobody;
                }
                FocusName::MadeUp { before, after }
            }
            (Err(_), _) => FocusName::Nobody,
        }
    }

    /// What `user` is: a focus user and of which room, a failed attempt at one, or somebody else.
    #[must_use]
    pub fn classify(&self, user: &str) -> UserKind {
        let Some((localpart, server)) = user.strip_prefix('@').and_then(|rest| rest.split_once(':')) else {
            return UserKind::Other;
        };
        if server != self.server_name.as_str() || user.len() > MAX_ID_BYTES {
            return UserKind::Other;
        }
        let prefixes = match &self.names {
            Names::Prefixed(prefixes) => prefixes,
            Names::Own(spelling) => return spelling.decode(localpart),
        };
        let mut encoded = prefixes.iter().filter_map(|prefix| localpart.strip_prefix(prefix.as_str()));
        let mut kind = UserKind::Other;
        // One prefix may begin another (`conf_`, `conf_x`): the first that leads to a room is meant.
        while let (Some(text), false) = (encoded.next(), matches!(kind, UserKind::Focus(_))) {
            kind = match decode(text) {
                Some(room) => UserKind::Focus(room),
                None if is_made_up(text) => UserKind::Named,
                None => UserKind::Undecodable,
            };
        }
        kind
    }

    /// The focus user of that name with the group room that it is a door to, if it is one.
    #[must_use]
    pub fn focus(&self, user: &str) -> Option<(FocusUser, RoomKey)> {
        match self.classify(user) {
            UserKind::Focus(group) => Some((FocusUser::from(user), group)),
            UserKind::Named | UserKind::Undecodable | UserKind::Other => None,
        }
    }

    /// Whether `user` may be a focus user: its id says of which room, or has the form of a name that was made up.
    #[must_use]
    pub fn may_be_focus(&self, user: &str) -> bool {
        matches!(self.classify(user), UserKind::Focus(_) | UserKind::Named)
    }

    /// The regular expressions of the user namespace, one a prefix or as the spelling has them, for the registration.
    ///
    /// Synapse uses Python's `re.match`, which is anchored at the start alone; hence the `$`.
    #[must_use]
    pub fn namespace_regexes(&self) -> Vec<String> {
        let server = escape_regex(self.server_name.as_str());
        match &self.names {
            Names::Prefixed(prefixes) => {
                prefixes.iter().map(|prefix| format!("@{}.*:{server}$", escape_regex(prefix))).collect()
            }
            Names::Own(spelling) => {
                let localparts = spelling.localparts().into_iter();
                localparts.map(|localpart| format!("@(?:{localpart}):{server}$")).collect()
            }
        }
    }

    /// The same for one user of the server, the application service's own.
    pub(crate) fn user_regex(&self, localpart: &str) -> String {
        format!("@{}:{}$", escape_regex(localpart), escape_regex(self.server_name.as_str()))
    }
}

/// Lower-case base32 without padding.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    // Proof that this can't fail: 32 different ASCII symbols are what the specification of an encoding asks for.
    specification.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
});

fn decode(text: &str) -> Option<RoomKey> {
    let bytes = BASE32.decode(text.as_bytes()).ok().or_else(|| decode_base64(text))?;
    let room = String::from_utf8(bytes).ok()?;
    is_room_id(&room).then(|| RoomKey::new(room))
}

fn is_made_up(text: &str) -> bool {
    let chance = text.strip_prefix(MADE_UP).unwrap_or_default();
    chance.len() == CHANCE_CHARS && chance.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let unpadded = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let standard: Vec<u8> = unpadded
        .bytes()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    BASE64_NOPAD.decode(&standard).ok()
}

/// Whether `text` is plausible as a room id, with a domain (`!opaque:domain`) or without (room version 12).
fn is_room_id(text: &str) -> bool {
    // A domain never says where a room is (room version 12 has none): it is looked at only to tell an id from garbage.
    if RoomId::parse(text).is_err() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return false;
    }
    let Some(rest) = text.strip_prefix('!') else { return false };
    match rest.split_once(':') {
        Some((opaque, domain)) => !opaque.is_empty() && ServerName::parse(domain).is_ok(),
        None => {
            rest.len() == DOMAINLESS_CHARS
                && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        }
    }
}

const fn is_localpart_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'=' | b'-' | b'/' | b'+')
}

fn escape_regex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if r".^$*+?{}[]\|()".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ruma_common::owned_server_name;

    const V12: &str = "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM";

    fn scheme() -> FocusIdScheme {
        FocusIdScheme::new(["conf_", "fs_"], owned_server_name!("hs.test")).unwrap()
    }

    fn room_of(user: &str) -> Option<String> {
        scheme().focus(user).map(|(_, room)| room.as_str().to_owned())
    }

    #[test]
    fn writes_lower_case_base32() {
        let id = scheme().encode("!abc:hs.test").unwrap();
        assert_eq!(id, "@conf_efqweyz2nbzs45dfon2a:hs.test");
        assert!(id.validate_strict().is_ok());
    }

    #[test]
    fn reads_every_spelling_of_a_room() {
        // The room id is chosen so that its base64 holds `+` and `/`, and has one `=` of padding.
        let room = "!a>~?b>:hs.test";
        let standard = data_encoding::BASE64.encode(room.as_bytes());
        assert!(standard.contains('+') || standard.contains('/'), "{standard}");
        let url = standard.replace('+', "-").replace('/', "_");
        let bare = standard.trim_end_matches('=').to_owned();
        let bare_url = url.trim_end_matches('=').to_owned();
        let base32 = BASE32.encode(room.as_bytes());
        for spelling in [standard, url, bare, bare_url, base32] {
            for prefix in ["conf_", "fs_"] {
                let user = format!("@{prefix}{spelling}:hs.test");
                assert_eq!(room_of(&user).as_deref(), Some(room), "{user}");
            }
        }
    }

    #[test]
    fn reads_a_legacy_id_seen_in_the_field() {
        assert_eq!(room_of("@fs_IWFiYzplRVQ:hs.test"), Some("!abc:eET".to_owned()));
        assert_eq!(room_of("@fs_IWFiYzplRVQ=:hs.test"), Some("!abc:eET".to_owned()));
    }

    #[test]
    fn a_room_without_domain_round_trips() {
        let id = scheme().encode(V12).unwrap();
        assert_eq!(room_of(id.as_str()).as_deref(), Some(V12));
        assert_eq!(scheme().encode(&V12[..43]), Err(EncodeError::NotARoomId), "one character short");
    }

    #[test]
    fn refuses_what_would_not_fit() {
        let room = format!("!{}:hs.test", "a".repeat(200));
        assert_eq!(scheme().encode(&room), Err(EncodeError::TooLong { bytes: 349 }));
    }

    #[test]
    fn what_would_not_fit_gets_a_name_that_is_told_from_all_others() {
        let room = format!("!{}:hs.test", "a".repeat(200));
        let FocusName::MadeUp { before, after } = scheme().name(&room) else { panic!("it is too long") };
        let user = format!("{before}{}{after}", "abcdefghij0123456789");
        assert!(user.len() <= 255 && UserId::parse(&user).unwrap().validate_strict().is_ok());
        assert_eq!(scheme().classify(&user), UserKind::Named);
        assert!(scheme().may_be_focus(&user) && scheme().focus(&user).is_none());
        for near in ["@conf_xabcdefghij012345678:hs.test", "@conf_xabcdefghij01234567-9:hs.test"] {
            assert_eq!(scheme().classify(near), UserKind::Undecodable, "{near}");
        }
        assert_eq!(scheme().name("!abc:hs.test"), FocusName::Id("@conf_efqweyz2nbzs45dfon2a:hs.test".into()));
        assert_eq!(scheme().name("nothing"), FocusName::Nobody);
        let long = ServerName::parse(format!("{}.test", "s".repeat(230))).unwrap();
        assert_eq!(FocusIdScheme::new(["conf_"], long).unwrap().name(&room), FocusName::Nobody);
    }

    #[test]
    fn tells_garbage_in_the_namespace_from_strangers() {
        let scheme = scheme();
        for user in ["@fs_:hs.test", "@fs_!!!:hs.test", "@conf_aaaa:hs.test", "@fs_QGFiYzpkZWY:hs.test"] {
            assert_eq!(scheme.classify(user), UserKind::Undecodable, "{user}");
        }
        for user in ["@alice:hs.test", "@fs_IWFiYzplRVQ:other.test", "fs_IWFiYzplRVQ:hs.test", "@conf", ""] {
            assert_eq!(scheme.classify(user), UserKind::Other, "{user}");
        }
    }

    /// The rooms of a house, by number.
    #[derive(Debug)]
    struct House;

    impl Spelling for House {
        fn encode(&self, group: &RoomId) -> Option<String> {
            let number = group.as_str().strip_prefix("!room")?.strip_suffix(":hs.test")?;
            Some(format!("house_{number}"))
        }

        fn decode(&self, localpart: &str) -> UserKind {
            match localpart.strip_prefix("house_") {
                Some(number) if number.parse::<u8>().is_ok() => {
                    UserKind::Focus(RoomKey::new(format!("!room{number}:hs.test")))
                }
                Some(_) => UserKind::Undecodable,
                None => UserKind::Other,
            }
        }

        fn localparts(&self) -> Vec<String> {
            vec!["house_.*".to_owned()]
        }
    }

    #[test]
    fn an_embedder_may_spell_ids_in_a_way_of_its_own() {
        let scheme = FocusIdScheme::with_spelling(House, owned_server_name!("hs.test"));
        assert_eq!(scheme.encode("!room7:hs.test").unwrap(), "@house_7:hs.test");
        let focus = scheme.focus("@house_7:hs.test").map(|(_, room)| room);
        assert_eq!(focus.as_ref().map(RoomKey::as_str), Some("!room7:hs.test"));
        assert_eq!(scheme.encode("!hall:hs.test"), Err(EncodeError::NotSpelt));
        assert_eq!(scheme.classify("@house_hall:hs.test"), UserKind::Undecodable);
        for user in ["@house_7:other.test", "@conf_efqweyz2nbzs45dfon2a:hs.test"] {
            assert_eq!(scheme.classify(user), UserKind::Other, "{user}");
        }
        assert_eq!(scheme.namespace_regexes(), [r"@(?:house_.*):hs\.test$"]);
    }

    #[test]
    fn one_prefix_may_begin_another() {
        let scheme = FocusIdScheme::new(["c", "conf_"], owned_server_name!("hs.test")).unwrap();
        assert!(matches!(scheme.classify("@conf_IWFiYzplRVQ:hs.test"), UserKind::Focus(_)));
    }

    #[test]
    fn a_prefix_must_be_one() {
        let server = || owned_server_name!("hs.test");
        assert_eq!(FocusIdScheme::new([""; 1], server()), Err(SchemeError::EmptyPrefix));
        assert_eq!(FocusIdScheme::new([""; 0], server()), Err(SchemeError::EmptyPrefix));
        assert_eq!(
            FocusIdScheme::new(["Fs:"], server()),
            Err(SchemeError::InvalidPrefix { prefix: "Fs:".to_owned() })
        );
    }

    #[test]
    fn the_namespace_is_escaped_and_anchored() {
        let scheme = FocusIdScheme::new(["conf_", "f.s+"], owned_server_name!("a-b.hs.test:8448")).unwrap();
        assert_eq!(
            scheme.namespace_regexes(),
            [r"@conf_.*:a-b\.hs\.test:8448$", r"@f\.s\+.*:a-b\.hs\.test:8448$"]
        );
        assert_eq!(scheme.user_regex("the.bot"), r"@the\.bot:a-b\.hs\.test:8448$");
    }

    proptest! {
        #[test]
        fn encoding_round_trips(opaque in "[!-9;-~äß🎉]{1,90}", domain in "[a-z0-9]{1,20}\\.org(:[0-9]{1,4})?") {
            let room = format!("!{opaque}:{domain}");
            if let Ok(id) = scheme().encode(&room) {
                prop_assert_eq!(room_of(id.as_str()), Some(room));
            }
        }

        #[test]
        fn legacy_ids_round_trip(room in "![a-zA-Z0-9]{1,30}:[a-z]{1,30}") {
            let id = format!("@fs_{}:hs.test", BASE64_NOPAD.encode(room.as_bytes()));
            prop_assert_eq!(room_of(&id), Some(room));
        }

        #[test]
        fn garbage_never_panics(text in "\\PC{0,300}", localpart in "(conf_|fs_)[ -~]{0,80}") {
            let _ = scheme().classify(&text);
            let _ = scheme().encode(&text);
            let _ = scheme().classify(&format!("@{localpart}:hs.test"));
        }
    }
}
