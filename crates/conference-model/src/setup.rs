//! The small world's cast and its settings: few users, rooms and focus users, and a machine with bounds near enough to be met.
//!
//! What happens in the world never lives here.

use confocal_conference::{
    CallId, Config, Discovery, EncryptedRooms, FocusUser, LayoutChoice, Limits, MemberId, Millis, PartyId,
    Pattern, Pictures, Policy, RoomKey, ScreenShares, SecondDevice, Tones,
};

/// The users: two of one homeserver, one of another.
pub const USERS: [&str; 3] = ["@anna:one.example", "@bert:one.example", "@carl:two.example"];

/// The group rooms.
pub const GROUPS: [&str; 2] = ["!first", "!second"];

/// The focus users, each with the index of its group room: two spellings of the first, one of the second.
pub const DOORS: [(&str, usize); 3] = [("@conf_first", 0), ("@fs_first", 0), ("@conf_second", 1)];

/// The group room that takes the place of an upgraded one.
pub const NEXT: &str = "!next";

/// The service's bot.
pub const BOT: &str = "@conference";

/// 1:1 rooms that each user has.
pub const ROOMS_PER_USER: usize = 2;

/// A user, by any number.
#[must_use]
pub fn user(number: u8) -> MemberId {
    USERS[usize::from(number) % USERS.len()].into()
}

/// A group room, by any number.
#[must_use]
pub fn group(number: u8) -> RoomKey {
    GROUPS[usize::from(number) % GROUPS.len()].into()
}

/// A focus user and its group room, by any number.
#[must_use]
pub fn door(number: u8) -> (FocusUser, RoomKey) {
    let (focus, group) = DOORS[usize::from(number) % DOORS.len()];
    (focus.into(), GROUPS[group].into())
}

/// A 1:1 room of a user, by any numbers; now and then a group room, which someone made a 1:1 room to another room's focus user.
#[must_use]
pub fn direct(user: u8, room: u8) -> RoomKey {
    match usize::from(room) % 16 {
        15 => group(user),
        room => {
            RoomKey::new(format!("!direct-{}-{}", usize::from(user) % USERS.len(), room % ROOMS_PER_USER))
        }
    }
}

/// The focus user that a 1:1 room is naturally with: the first for the first room, another group room's for the second.
#[must_use]
pub const fn natural_door(room: u8) -> u8 {
    if (room as usize).is_multiple_of(ROOMS_PER_USER) { 0 } else { 2 }
}

/// The party of a user's device.
#[must_use]
pub fn party(user: u8, device: u8) -> PartyId {
    PartyId::new(format!("DEV{}{}", usize::from(user) % USERS.len(), device % 2))
}

/// The id of a user's call, by its number among theirs.
#[must_use]
pub fn call_id(user: u8, number: usize) -> CallId {
    CallId::new(format!("c{}-{number}", usize::from(user) % USERS.len()))
}

/// The settings of one history: what an operator may choose, in one byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The byte that it was made of.
    pub byte: u8,
    /// The machine's settings.
    pub config: Config,
    /// Bounds are so small that they are met all the time; else none but that of participants is.
    pub small: bool,
}

impl Setup {
    /// Every byte is a setup.
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        let bit = |number: u8| byte & (1 << number) != 0;
        let small = byte & 0b0011_0000 == 0b0001_0000;
        let hasty = byte & 0b0011_0000 == 0b0010_0000;
        // Off but in a quarter of all histories: what only tells of a conference makes each turn longer.
        let shown = byte & 0b1100_0000 == 0b1100_0000;
        let discovery =
            Discovery { announce: shown, names: bit(0), notices: shown, count_out: shown, identify: shown };
        let mut config = Config {
            discovery,
            recordings: !bit(1),
            pictures: Pictures {
                layout: match (byte >> 2) & 3 {
                    0 => LayoutChoice::Speaker,
                    1 => LayoutChoice::Grid,
                    _ => LayoutChoice::Auto,
                },
                grid_participants: 2,
                screen_shares: if bit(0) { ScreenShares::TakeOver } else { ScreenShares::One },
                ..Pictures::default()
            },
            tones: Tones {
                on: shown,
                alone_after: shown.then_some(Millis::from_secs(5)),
                opening: shown && bit(2),
                welcome: shown,
                ..Tones::default()
            },
            second_device: if bit(0) { SecondDevice::Add } else { SecondDevice::Replace },
            recover_calls: !bit(1),
            audience: bit(2),
            encrypted_rooms: if byte >> 6 == 3 { EncryptedRooms::Refuse } else { EncryptedRooms::Allow },
            limits: if small { small_limits() } else { roomy_limits(byte >> 6 == 2) },
            ..Config::default()
        };
        // No room may be stayed in, or one of two.
        if small || byte >> 6 == 2 {
            config.limits.stay_rooms = usize::from(bit(2));
        }
        if bit(3) {
            config.stay.insert(GROUPS[0].into());
        }
        if byte & 0b0100_0101 == 0b0100_0101 && !small {
            config.policy = Policy { allow: Vec::new(), deny: vec![Pattern::new("*:two.example")] };
        }
        if hasty {
            (config.linger, config.idle, config.invitation_grace) = (Millis(0), Millis(0), Millis(0));
        }
        Self { byte, config, small }
    }
}

/// Bounds that a history of this world does not meet, but for the participants, where that is wanted.
fn roomy_limits(few_participants: bool) -> Limits {
    Limits {
        participants_per_conference: if few_participants { 2 } else { 500 },
        invites_at_once: 1_000_000,
        strangers_per_hour: 1_000_000,
        commands_at_once: 1_000_000,
        calls_per_member: 1_000,
        ..Limits::default()
    }
}

/// Bounds that are met all the time.
fn small_limits() -> Limits {
    Limits {
        participants_per_conference: 2,
        legs_per_conference: 4,
        conferences: 1,
        doors_per_conference: 1,
        calls_per_member: 2,
        calls_per_server: 3,
        direct_rooms: 3,
        direct_rooms_per_member: 1,
        doors_per_direct_room: 1,
        bot_rooms: 1,
        bot_rooms_per_member: 1,
        made_up_names: 1,
        invites_at_once: 6,
        strangers_per_hour: 2,
        commands_at_once: 4,
        counted_members: 2,
        candidates_per_call: 3,
        candidate_bytes: 24,
        early_calls: 2,
        ended_calls: 3,
        departures: 2,
        sdp_bytes: 64,
        name_bytes: 16,
        roles: 1,
        remembered_members: 1,
        roll: 1,
        announced_names: 1,
        ..Limits::default()
    }
}

/// How every candidate of this world begins.
pub const CANDIDATE: &str = "candidate:";
