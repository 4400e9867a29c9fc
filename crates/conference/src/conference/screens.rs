//! Whose screen is shown: one at a time, by policy, and the others are told so.
//!
//! How a screen reaches those who look never lives here: that is the engine's, and the offers for it are in `second_line.rs`.

use alloc::vec::Vec;

use super::Conference;
use crate::command::Denial;
use crate::core::Core;
use crate::effect::{Notice, SignalRequest};
use crate::id::LegId;
use crate::leg::Told;
use crate::notice::ScreenNotice;
use crate::picture::ScreenShares;
use crate::record::RecordKey;

impl Conference {
    /// Decides whose screen is shown, of those who share theirs, may, and were not stopped.
    pub(super) fn choose_screen(&mut self, core: &mut Core) {
        let before = self.showing.screen;
        if self.sharers.is_empty() && before.is_none() {
            return;
        }
        let now = self.screen_by_policy(core.config.pictures.screen_shares);
        if before != now {
            self.showing.screen = now;
            self.changed(core);
            // Everyone else gets a line for it, or needs none any more.
            let all = self.legs.values().filter(|leg| leg.may_be_offered_lines()).map(|leg| leg.id);
            self.to_offer.extend(all);
        }
        self.tell_sharers(core);
    }

    fn screen_by_policy(&self, policy: ScreenShares) -> Option<LegId> {
        let wants = |id: &&LegId| {
            self.legs.get(id).is_some_and(|leg| {
                leg.sharing.is_some_and(|sharing| !sharing.stopped)
                    && self.floor.has_the_word(&leg.key.caller)
            })
        };
        let since =
            |id: &&LegId| (self.legs.get(id).and_then(|leg| leg.sharing).map(|sharing| sharing.since), **id);
        let mut wanting = self.sharers.iter().filter(wants);
        match policy {
            ScreenShares::One => {
                let goes_on = self.showing.screen.filter(|id| wanting.clone().any(|wanting| wanting == id));
                goes_on.or_else(|| wanting.min_by_key(since).copied())
            }
            ScreenShares::TakeOver => wanting.by_ref().max_by_key(since).copied(),
        }
    }

    /// Whoever shares a screen that is not shown is told why, once; and that it is, once it is.
    fn tell_sharers(&mut self, core: &mut Core) {
        let shown = self.showing.screen;
        let by = shown.and_then(|id| self.legs.get(&id)).map(|leg| leg.key.caller.clone());
        let sharers: Vec<LegId> = self.sharers.iter().copied().collect();
        for id in sharers {
            let Some(leg) = self.legs.get_mut(&id) else { continue };
            let has_word = self.floor.has_the_word(&leg.key.caller);
            let Some(sharing) = &mut leg.sharing else { continue };
            let (told, notice) = match &by {
                _ if sharing.stopped => continue,
                _ if shown == Some(id) => (Told::Shown, ScreenNotice::Shown),
                _ if !has_word => (Told::Audience, ScreenNotice::Audience),
                Some(by) => (Told::Waits, ScreenNotice::Waits { by: by.clone() }),
                None => continue,
            };
            if sharing.told == told {
                continue;
            }
            // That it is shown is what everyone expects who was not told otherwise.
            let expected = (sharing.told, told) == (Told::Nothing, Told::Shown);
            sharing.told = told;
            let (focus, room) = (leg.focus.clone(), leg.key.room.clone());
            core.changed(RecordKey::Leg(id));
            if !expected {
                let notice = Notice::Screen { group: self.group.clone(), notice };
                core.send(SignalRequest::Notice { focus, room, notice });
            }
        }
    }

    /// A moderator stops the screen that is shown. It can be shared anew.
    pub(super) fn stop_screen(&mut self, core: &mut Core) -> Result<(), Denial> {
        let shown = self.showing.screen.and_then(|id| self.legs.get_mut(&id));
        let Some(leg) = shown else { return Err(Denial::NoScreen) };
        if let Some(sharing) = &mut leg.sharing {
            sharing.stopped = true;
        }
        let (id, focus, room) = (leg.id, leg.focus.clone(), leg.key.room.clone());
        core.changed(RecordKey::Leg(id));
        let notice = Notice::Screen { group: self.group.clone(), notice: ScreenNotice::Stopped };
        core.send(SignalRequest::Notice { focus, room, notice });
        Ok(())
    }
}
