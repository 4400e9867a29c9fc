//! Tones at coming and going, what is said to whoever comes in, and the prompt for whoever is alone.
//!
//! Sounds that say something of a recording never live here: those can't be switched off.

use super::Conference;
use crate::config::Tones;
use crate::core::Core;
use crate::id::LegId;
use crate::sound::{Audience, Sound};
use crate::time::Timestamp;
use crate::timer::TimerKind;

impl Conference {
    /// Someone has come in or left: those who are in hear it, where they are few, and a crowd that comes at once is heard once.
    pub(super) fn tone(&mut self, sound: Sound, core: &mut Core) {
        let tones = core.config.tones;
        // Only of few participants all legs are looked at.
        if !tones.on || self.present.len() > tones.participants {
            return;
        }
        let early = self.tone_at.is_some_and(|last| core.now < last + tones.apart);
        let heard =
            self.legs.values().filter(|leg| leg.greeted).count() > usize::from(sound == Sound::Joined);
        if heard && !early {
            self.tone_at = Some(core.now);
            self.changed(core);
            self.play(Audience::Everyone, sound, core);
        }
    }

    /// Whether the one who has just come in by a leg was in already, by another.
    pub(super) fn was_in_before(&self, leg: LegId) -> bool {
        let Some(member) = self.legs.get(&leg).and_then(|leg| self.members.get(&leg.key.caller)) else {
            return false;
        };
        let mut others = member.legs.iter().filter(|other| **other != leg);
        others.any(|other| self.legs.get(other).is_some_and(|leg| leg.greeted))
    }

    /// What the operator has whoever comes in hear; not again by another device.
    pub(super) fn welcome(&self, leg: LegId, others: usize, core: &Core) -> Option<Sound> {
        let Tones { opening, welcome, .. } = core.config.tones;
        if self.was_in_before(leg) {
            None
        } else if opening && others == 0 {
            Some(Sound::Opening)
        } else {
            welcome.then_some(Sound::Welcome)
        }
    }

    /// Whoever has become alone is told so after a time, once; whoever is not alone any more is not.
    pub(super) fn watch_alone(&mut self, core: &mut Core) {
        let alone = self.present.len() == 1 && self.legs.values().any(|leg| leg.greeted);
        let at = match core.config.tones.alone_after {
            Some(after) if alone => match self.alone {
                Alone::No => Alone::At(core.now + after),
                as_before @ (Alone::At(_) | Alone::Told) => as_before,
            },
            _ => Alone::No,
        };
        if at == self.alone {
            return;
        }
        self.alone = at;
        self.changed(core);
        self.set_alone_timer(core);
    }

    pub(super) fn set_alone_timer(&self, core: &mut Core) {
        let timer = TimerKind::Alone(self.group.clone());
        match self.alone {
            Alone::At(at) => core.timers.set(timer, at),
            Alone::No | Alone::Told => core.timers.cancel(&timer),
        }
    }

    /// The time is over.
    pub(crate) fn alone_due(&mut self, core: &mut Core) {
        if matches!(self.alone, Alone::At(_)) {
            self.alone = Alone::Told;
            self.changed(core);
            self.play(Audience::Everyone, Sound::Alone, core);
        }
    }
}

/// Whether someone is alone in the conference; part of its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Alone {
    #[default]
    No,
    /// They are, and are told so then.
    At(Timestamp),
    /// They were told.
    Told,
}
