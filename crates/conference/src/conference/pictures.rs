//! What is shown in a conference: its layout, whose camera has the picture, whose screen is shown.
//!
//! Who speaks is decided elsewhere (`speakers.rs`); pictures themselves never live here.

use super::Conference;
use crate::core::Core;
use crate::effect::ConferenceEvent;
use crate::engine::MediaCommand;
use crate::picture::{Layout, LayoutChoice, View};

impl Conference {
    /// A session is about to be opened: the engine is told what is shown, unless it knows.
    pub(super) fn show_first(&mut self, core: &mut Core) {
        if self.shown.is_none() {
            self.show(core);
        }
    }

    /// The engine has no time for the grid.
    pub(crate) fn fell_back(&mut self, core: &mut Core) {
        if self.shown.as_ref().is_some_and(|view| view.layout == Layout::Grid) {
            self.shown = Some(View::default());
            self.tell_view(View::default(), core);
        }
    }

    fn show(&mut self, core: &mut Core) {
        let layout = match core.config.pictures.layout {
            LayoutChoice::Speaker | LayoutChoice::Auto => Layout::Speaker,
            LayoutChoice::Grid => Layout::Grid,
        };
        let view = View { layout, ..View::default() };
        self.shown = Some(view.clone());
        self.tell_view(view, core);
    }

    fn tell_view(&self, view: View, core: &mut Core) {
        core.media(MediaCommand::Show { conference: self.id, view: view.clone() });
        let choice = core.config.pictures.layout;
        core.notify(ConferenceEvent::Pictures { conference: self.id, choice, view });
    }
}
