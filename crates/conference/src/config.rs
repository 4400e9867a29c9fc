//! What an operator may choose: times, policy, who speaks. Each has a default.
//!
//! Capacity never lives here, see `limits.rs`, nor does reading a configuration file.

use alloc::collections::BTreeSet;

use crate::id::RoomKey;
use crate::limits::Limits;
use crate::picture::{LayoutChoice, ScreenShares};
use crate::policy::Policy;
use crate::time::Millis;

/// The machine's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long the focus stays in a group room after the last participant has left (rule R7). Default 10 s.
    pub linger: Millis,
    /// How long a focus user that has joined waits for a call before it leaves (rule R8). Default 5 min.
    pub idle: Millis,
    /// How long a call rings on when the focus user may not join the group room yet: its invitation may be on the way.
    /// Default 5 s.
    pub invitation_grace: Millis,
    /// How long an answered call may take to connect. Default 30 s.
    pub connect_timeout: Millis,
    /// How long an interrupted call may take to recover. Default 30 s, the time after which js-sdk gives up itself.
    pub reconnect_grace: Millis,
    /// How long no media may come from a participant who is neither muted nor on hold. Default 30 s.
    pub media_timeout: Millis,
    /// How often it is compared who is in a conference with who is joined to its group room. Default 60 s, at the least 1 s.
    pub compare_interval: Millis,
    /// How long calls of someone whom a moderator removed are refused. Default 10 min.
    pub kick_lasts: Millis,
    /// How long the focus stays in a 1:1 room in which nobody calls. Default 90 days.
    pub direct_idle: Millis,
    /// Offer to go on with the calls of clients that can, when all media sessions were lost
    /// ([`Input::EngineLost`](crate::Input::EngineLost)). Off: they are hung up, like the calls of clients that can't.
    /// Default on.
    pub recover_calls: bool,
    /// Conferences begin with an audience: only those are heard who have the role or are given the word. Default off.
    pub audience: bool,
    /// What happens when a participant calls from a second device.
    pub second_device: SecondDevice,
    /// What becomes of calls for a group room that is encrypted.
    pub encrypted_rooms: EncryptedRooms,
    /// Rooms in which the focus stays for good: R7 and R8 are off there. Moderators can add theirs.
    pub stay: BTreeSet<RoomKey>,
    /// Whom the operator lets take part.
    pub policy: Policy,
    /// When another one becomes the active speaker.
    pub speaker: SpeakerConfig,
    /// How people in a group room learn of its conference.
    pub discovery: Discovery,
    /// Whose pictures are shown, and how.
    pub pictures: Pictures,
    /// What is heard besides voices.
    pub tones: Tones,
    /// Moderators may have conferences recorded: the engine has a place for the files. Default off.
    pub recordings: bool,
    /// What may grow, and how far.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            linger: Millis::from_secs(10),
            idle: Millis::from_secs(300),
            invitation_grace: Millis::from_secs(5),
            connect_timeout: Millis::from_secs(30),
            reconnect_grace: Millis::from_secs(30),
            media_timeout: Millis::from_secs(30),
            compare_interval: Millis::from_secs(60),
            kick_lasts: Millis::from_secs(600),
            direct_idle: Millis::from_secs(90 * 24 * 3600),
            recover_calls: true,
            audience: false,
            second_device: SecondDevice::default(),
            encrypted_rooms: EncryptedRooms::default(),
            stay: BTreeSet::new(),
            policy: Policy::default(),
            speaker: SpeakerConfig::default(),
            discovery: Discovery::default(),
            pictures: Pictures::default(),
            tones: Tones::default(),
            recordings: false,
            limits: Limits::default(),
        }
    }
}

/// How people in a group room learn of its conference (rule R9), besides seeing the focus user in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The room's state announces the conference, where the focus user may change it. Default on.
    pub announce: bool,
    /// The announcement names participants. Default off.
    pub names: bool,
    /// It is said in the room when a conference begins and when it is over. Default off.
    pub notices: bool,
    /// The room's clients are told not to count focus users and the bot as people, where those may do so. Default on.
    pub count_out: bool,
    /// Callers are told who speaks, each once in ten seconds at the most. Default off.
    pub identify: bool,
}

impl Default for Discovery {
    fn default() -> Self {
        Self { announce: true, names: false, notices: false, count_out: true, identify: false }
    }
}

/// Whose pictures are shown, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// The layout of a conference in which no moderator has chosen another one. Default the speaker's, which costs the machine
    /// no coding of pictures.
    pub layout: LayoutChoice,
    /// With [`LayoutChoice::Auto`]: the grid is for so many participants at most. Default 9.
    pub grid_participants: usize,
    /// Whose screen is shown when several share theirs.
    pub screen_shares: ScreenShares,
    /// The least time for which someone has the picture, unless they leave or switch their camera off. Default 2 s.
    pub hold: Millis,
}

impl Default for Pictures {
    fn default() -> Self {
        Self {
            layout: LayoutChoice::default(),
            grid_participants: 9,
            screen_shares: ScreenShares::default(),
            hold: Millis::from_secs(2),
        }
    }
}

/// What is heard of those who come and go. What is heard of recordings can't be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tones {
    /// Those who are in hear when someone comes in or leaves. Default off.
    pub on: bool,
    /// In conferences of so many participants at most. Default 20.
    pub participants: usize,
    /// The least time between two of them: a crowd that comes at once is heard once. Default 2 s.
    pub apart: Millis,
    /// Whoever has been alone in a conference for so long is told so, once. Default `None`: never.
    pub alone_after: Option<Millis>,
    /// The engine has a sound for the first one who comes in, in place of the welcome. Default off.
    pub opening: bool,
    /// The engine has a sound for whoever comes in. Default off.
    pub welcome: bool,
}

impl Default for Tones {
    fn default() -> Self {
        Self {
            on: false,
            participants: 20,
            apart: Millis::from_secs(2),
            alone_after: None,
            opening: false,
            welcome: false,
        }
    }
}

/// What happens when a participant calls from a second device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondDevice {
    /// The new call takes the place of the old one.
    #[default]
    Replace,
    /// Both go on; neither hears the other.
    Add,
}

/// What becomes of calls for a group room that is encrypted: whoever mixes sound must decrypt it, so there the focus is one more who
/// hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncryptedRooms {
    /// They are taken, and the room is told.
    #[default]
    Allow,
    /// They are refused.
    Refuse,
}

/// When another one becomes the active speaker. The defaults are of the order that bridges use: a word is not cut off, a cough
/// takes nobody's place, and a change is seen within two seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeakerConfig {
    /// How long one must have spoken to become it. Default 300 ms.
    pub onset: Millis,
    /// How long the active speaker may pause before another one takes over. Default 800 ms.
    pub pause: Millis,
    /// How much louder another one must be to take over from one who goes on speaking, in dB. Default 6.
    pub margin_db: u8,
    /// For how long. Default 1 s.
    pub insist: Millis,
    /// The least time between two changes. Default 1 s.
    pub dwell: Millis,
    /// How many speakers are remembered. Default 10.
    pub remembered: usize,
}

impl Default for SpeakerConfig {
    fn default() -> Self {
        Self {
            onset: Millis(300),
            pause: Millis(800),
            margin_db: 6,
            insist: Millis::from_secs(1),
            dwell: Millis::from_secs(1),
            remembered: 10,
        }
    }
}
