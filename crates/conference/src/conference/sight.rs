//! Callers are told whether there is anything to see: by that their clients show the picture, or a face or a name in its place.
//!
//! What is shown never lives here, see `pictures.rs`.

use serde::{Deserialize, Serialize};

use super::Conference;
use crate::call::{CallVersion, StreamMetadata, StreamPurpose};
use crate::core::Core;
use crate::effect::SignalRequest;
use crate::id::ParticipantId;
use crate::leg::Leg;
use crate::picture::{Layout, View};
use crate::record::RecordKey;
use crate::time::{Millis, Timestamp};

/// The least time between two such words in one conference, as each is an event for everyone in it; and so long must the last picture have
/// been gone: one that is back at once, as after a restart, was not missed.
const APART: Millis = Millis::from_secs(5);

/// How long such a word is of use.
const OF_USE: Millis = Millis::from_secs(300);

/// For whom there is something to see where who speaks is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sight {
    /// A camera, or all in a grid: for all, or for nobody.
    any: bool,
    /// But not for this one, whose own picture is all that there is.
    but: Option<ParticipantId>,
    /// Whose screen is there for those who have no line for screens.
    screen: Option<ParticipantId>,
}

impl Sight {
    const NONE: Self = Self { any: false, but: None, screen: None };
    const ALL: Self = Self { any: true, but: None, screen: None };

    fn of(self, leg: &Leg) -> bool {
        let who = leg.participant;
        let screen = self.screen.filter(|_| !leg.second.on);
        (self.any && self.but != Some(who)) || screen.is_some_and(|sharer| sharer != who)
    }

    /// Somebody has something to see, and may not have by the other.
    fn loses_by(self, other: Self) -> bool {
        let camera = self.any && (!other.any || other.but.is_some() && other.but != self.but);
        camera || (self.screen.is_some() && self.screen != other.screen)
    }
}

/// What there is to see and what was told of it; part of the conference's record.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct SightTold {
    told: Sight,
    /// When it was told; `None`: at the beginning.
    at: Option<Timestamp>,
    /// What there is, and since when.
    seen: Sight,
    since: Option<Timestamp>,
    /// Somebody sees screens elsewhere than when they were told, and may know what is not so.
    loose: bool,
}

impl SightTold {
    /// Of a conference that begins.
    pub(super) const fn new() -> Self {
        Self { told: Sight::NONE, at: None, seen: Sight::NONE, since: None, loose: false }
    }

    /// Of a record of before anyone was told: all were told at the beginning of their calls that there is something.
    pub(super) const fn before() -> Self {
        Self { told: Sight::ALL, at: None, seen: Sight::ALL, since: None, loose: false }
    }

    /// When what there is may be told, if that was not done and something was just before.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let gone = self.since.filter(|_| self.told.loses_by(self.seen));
        self.at.max(gone).filter(|_| self.told != self.seen).map(|at| at + APART)
    }

    /// Notes what our streams in a call are for, and gives it back as the caller is to be told: with what all were told last of there
    /// being something to see.
    pub(super) fn describe(&self, leg: &mut Leg, streams: StreamMetadata) -> StreamMetadata {
        leg.lit = self.told.of(leg);
        let told = described(&streams, leg.lit);
        leg.ours = Some(streams);
        told
    }
}

/// What our streams are for, with whether there is something to see.
fn described(streams: &StreamMetadata, lit: bool) -> StreamMetadata {
    let mut streams = streams.clone();
    for stream in streams.values_mut().filter(|stream| stream.purpose == StreamPurpose::UserMedia) {
        stream.video_muted |= !lit;
    }
    streams
}

/// Tells one caller what there is to see, if that is news and it can be told: if its client describes streams, and would show it.
fn tell(leg: &mut Leg, sight: Sight, core: &mut Core) {
    let can_be_told = matches!(leg.version, CallVersion::V1) && leg.is_answered() && leg.agreed.pictures;
    let lit = sight.of(leg);
    let Some(streams) = leg.ours.as_ref().filter(|_| can_be_told && leg.lit != lit) else { return };
    let streams = described(streams, lit);
    leg.lit = lit;
    core.changed(RecordKey::Leg(leg.id));
    let (to, expires) = (leg.address(), core.now + OF_USE);
    core.send(SignalRequest::DescribeStreams { to, streams, expires });
}

impl Conference {
    /// Tells callers what has changed for them, if it is time. The moment when it will be is given back otherwise.
    pub(super) fn tell_sight(&mut self, view: &View, core: &mut Core) -> Option<Timestamp> {
        let seen = self.sight(view);
        if seen != self.sight.seen {
            (self.sight.seen, self.sight.since) = (seen, Some(core.now));
            self.changed(core);
        }
        if self.sight.loose {
            self.tell_the_loose(core);
        }
        if seen == self.sight.told {
            return None;
        }
        if let Some(due) = self.sight.due().filter(|due| *due > core.now) {
            return Some(due);
        }
        (self.sight.told, self.sight.at, self.sight.loose) = (seen, Some(core.now), false);
        self.changed(core);
        self.legs.for_each(|leg| tell(leg, seen, core));
        None
    }

    /// A caller sees screens elsewhere from now on.
    pub(super) fn sight_loosened(&mut self, core: &mut Core) {
        self.sight.loose = true;
        self.unsettled = true;
        self.changed(core);
    }

    /// Tells those who see screens elsewhere than before. Where it depends on what all are yet to be told, they wait for that.
    fn tell_the_loose(&mut self, core: &mut Core) {
        let SightTold { told, seen, .. } = self.sight;
        self.legs.for_each(|leg| {
            if told.of(leg) == seen.of(leg) {
                tell(leg, seen, core);
            }
        });
        if told == seen {
            self.sight.loose = false;
            self.changed(core);
        }
    }

    fn sight(&self, view: &View) -> Sight {
        if view.layout == Layout::Grid {
            return Sight::ALL;
        }
        let screen = view.screen.and_then(|leg| Some(self.legs.get(&leg)?.participant));
        let mut cameras = view.speaker.iter().chain(&view.before).copied();
        let Some(first) = cameras.next() else { return Sight { screen, ..Sight::NONE } };
        let but = cameras.all(|other| other == first).then_some(first);
        Sight { any: true, but, screen }
    }
}
