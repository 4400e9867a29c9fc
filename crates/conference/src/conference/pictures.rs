//! What is shown in a conference: its layout, whose camera has the picture, whose screen is shown.
//!
//! Who speaks is decided elsewhere (`speakers.rs`), and so is whose camera is next (`cameras.rs`) and how a client gets a line for
//! a screen (`second_line.rs`); pictures themselves never live here.

use serde::{Deserialize, Serialize};

use super::Conference;
use crate::command::Denial;
use crate::core::Core;
use crate::effect::{ConferenceEvent, Notice, SignalRequest};
use crate::engine::MediaCommand;
use crate::id::{LegId, MemberId};
use crate::picture::{Layout, LayoutChoice, View};
use crate::time::{Millis, Timestamp};
use crate::timer::TimerKind;

/// How many must have left until one that was too large for the grid has it again: one who comes and goes does not make it flap.
const FEWER: usize = 2;

/// How long the grid is not tried again where it was too much for the machine. Doubled each further time, up to 16 times.
const REST: Millis = Millis::from_secs(300);

/// How pictures are shown; part of the conference's record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Showing {
    /// What a moderator has chosen; `None`: as the operator has set it.
    chosen: Option<LayoutChoice>,
    /// More are in it than the grid is for.
    crowded: bool,
    /// The grid was too much for the machine, and is not tried before.
    rests_until: Option<Timestamp>,
    /// That time has come, and a moderator has yet to ask for the grid anew.
    #[serde(default)]
    rested: bool,
    /// How often that was.
    rests: u32,
    /// Whose screen is shown.
    pub(super) screen: Option<LegId>,
}

impl Showing {
    pub(super) fn choice(&self, core: &Core) -> LayoutChoice {
        self.chosen.unwrap_or(core.config.pictures.layout)
    }

    pub(super) fn layout(&self, core: &Core) -> Layout {
        match self.choice(core) {
            LayoutChoice::Grid if self.rests_until.is_none() => Layout::Grid,
            LayoutChoice::Auto if self.rests_until.is_none() && !self.crowded => Layout::Grid,
            LayoutChoice::Speaker | LayoutChoice::Grid | LayoutChoice::Auto => Layout::Speaker,
        }
    }
}

impl Conference {
    /// A session is about to be opened: the engine is told what is shown, unless it knows.
    pub(super) fn show_first(&mut self, core: &mut Core) {
        if self.shown.is_none() {
            let view = self.view(core);
            self.tell_view(view, core);
        }
    }

    /// Sees to it that what should be shown is; called when all is done that something leads to in a conference.
    pub(crate) fn look(&mut self, core: &mut Core) {
        if !core::mem::take(&mut self.unsettled) {
            return;
        }
        self.count_for_grid(core);
        self.choose_screen(core);
        let free = self.cameras.decide(self.speakers.active(), core.config.pictures.hold, core.now);
        let view = self.view(core);
        let again = [free, self.tell_sight(&view, core)].into_iter().flatten().min();
        let timer = TimerKind::Picture(self.group.clone());
        match again {
            Some(at) => core.timers.set(timer, at),
            None => core.timers.cancel(&timer),
        }
        if self.shown.as_ref().is_some_and(|shown| *shown != view) {
            self.tell_view(view, core);
        }
        self.offer_lines(core);
    }

    fn view(&self, core: &Core) -> View {
        View {
            layout: self.showing.layout(core),
            speaker: self.cameras.holder(),
            before: self.cameras.next(),
            screen: self.showing.screen,
        }
    }

    fn tell_view(&mut self, view: View, core: &mut Core) {
        self.shown = Some(view.clone());
        core.media(MediaCommand::Show { conference: self.id, view: view.clone() });
        let choice = self.showing.choice(core);
        core.notify(ConferenceEvent::Pictures { conference: self.id, choice, view });
    }

    /// Whoever speaks may have the picture now, or callers be told that there is one.
    pub(crate) const fn picture_due(&mut self) {
        self.unsettled = true;
    }

    /// Whose screen is shown.
    pub(super) fn screen_of(&self) -> Option<&MemberId> {
        Some(&self.legs.get(&self.showing.screen?)?.key.caller)
    }

    /// The engine has forgotten what is shown, with the sessions.
    pub(super) fn nothing_shown(&mut self) {
        self.shown = None;
        self.unsettled = true;
    }

    /// The picture of a leg may have changed: its camera, its screen.
    pub(super) fn watch_pictures(&mut self, id: LegId, core: &Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        self.cameras.switch(leg.participant, id, leg.shows_camera());
        leg.note_sharing(core.now);
        if leg.sharing.is_some() {
            self.sharers.insert(id);
        } else {
            self.sharers.remove(&id);
        }
        if leg.may_be_offered_lines() {
            self.to_offer.insert(id);
        }
        self.unsettled = true;
    }

    /// A leg has left.
    pub(super) fn pictures_gone(&mut self, leg: &crate::leg::Leg) {
        self.cameras.switch(leg.participant, leg.id, false);
        self.sharers.remove(&leg.id);
        self.to_offer.remove(&leg.id);
        self.unsettled = true;
    }

    // ---- the layout ------------------------------------------------------------------------------------------------

    fn count_for_grid(&mut self, core: &mut Core) {
        let (limit, count) = (core.config.pictures.grid_participants, self.present.len());
        let enough = if self.showing.crowded { limit.saturating_sub(FEWER).max(1) } else { limit };
        if self.showing.crowded != (count > enough) {
            self.showing.crowded = count > enough;
            self.changed(core);
        }
    }

    /// A moderator chooses a layout.
    pub(super) fn choose_layout(&mut self, choice: LayoutChoice, core: &mut Core) -> Result<(), Denial> {
        if self.showing.rests_until.is_some_and(|until| until <= core.now) {
            self.rested(core);
        }
        if choice == LayoutChoice::Grid && self.showing.rests_until.is_some() {
            return Err(Denial::GridTooMuch);
        }
        let before = self.showing.chosen.replace(choice);
        self.changed(core);
        if before != Some(choice)
            && let Some(view) = self.shown.clone()
        {
            core.notify(ConferenceEvent::Pictures { conference: self.id, choice, view });
        }
        Ok(())
    }

    /// To compose the grid is too much for the machine. The engine that says so of what is not shown any more is late.
    pub(crate) fn fell_back(&mut self, core: &mut Core) {
        if self.shown.as_ref().is_none_or(|view| view.layout != Layout::Grid) {
            return;
        }
        let until = core.now + Millis(REST.0 << self.showing.rests.min(4));
        self.showing.rests_until = Some(until);
        self.showing.rested = false;
        self.showing.rests = self.showing.rests.saturating_add(1);
        core.timers.set(TimerKind::Layout(self.group.clone()), until);
        self.unsettled = true;
        self.changed(core);
        if let Some(focus) = self.joined_door().cloned() {
            let notice = Notice::FellBack { group: self.group.clone() };
            core.send(SignalRequest::Notice { focus, room: self.group.clone(), notice });
        }
    }

    /// The machine has rested for long enough. A grid that a moderator has asked for is asked for anew by one, whatever the
    /// machine can do then.
    pub(crate) fn rest_over(&mut self, core: &mut Core) {
        if self.showing.choice(core) == LayoutChoice::Grid {
            self.showing.rested = true;
            self.changed(core);
        } else {
            self.rested(core);
        }
    }

    fn rested(&mut self, core: &mut Core) {
        self.showing.rests_until = None;
        self.showing.rested = false;
        core.timers.cancel(&TimerKind::Layout(self.group.clone()));
        self.unsettled = true;
        self.changed(core);
    }

    /// The conference is over: what was chosen and what was learnt ends with it.
    pub(super) fn end_showing(&mut self, core: &mut Core) {
        self.showing = Showing::default();
        core.timers.cancel(&TimerKind::Layout(self.group.clone()));
        self.unsettled = true;
    }

    /// Takes up from the record what is under way.
    pub(super) fn restore_showing(&mut self, core: &mut Core) {
        if let Some(until) = self.showing.rests_until.filter(|_| !self.showing.rested) {
            core.timers.set(TimerKind::Layout(self.group.clone()), until);
        }
        if let Some(due) = self.sight.due() {
            core.timers.set(TimerKind::Picture(self.group.clone()), due);
        }
        self.unsettled = true;
    }
}
