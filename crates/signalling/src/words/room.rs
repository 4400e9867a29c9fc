//! What is said of a conference to those who come in, and in its group room: how to join, that it began, that it is over.
//!
//! Refusals and ends never live here.

use std::borrow::Cow;
use std::fmt::Write as _;

use confocal::conference::{
    FocusUser, MemberId, Millis, RecordingEnd, RecordingFailure, ScreenNotice, Silenced,
};
use ruma_common::UserId;

/// The grid was too much for the machine.
pub(super) const FELL_BACK: &str = "To show all side by side is too much for this conference server at the moment, so everyone \
     is shown who speaks.";

/// Of the screen that someone shares.
pub(super) fn screen(notice: &ScreenNotice) -> Cow<'static, str> {
    match notice {
        ScreenNotice::Waits { by } => {
            format!("{by} shares a screen, and there is one at a time. Yours is shown when that one ends.").into()
        }
        ScreenNotice::Shown => "Your screen is shown to everyone now.".into(),
        ScreenNotice::Audience => {
            "This conference has an audience, and only those who may speak can share a screen. Raise your hand to be given the \
             word."
                .into()
        }
        ScreenNotice::Stopped => "A moderator has stopped your screen: it is not shown any more.".into(),
    }
}

/// Someone has come in: what there is to hear, and what they are heard.
pub(super) fn joined(others: usize, silenced: Option<Silenced>, recorded_by: Option<&MemberId>) -> String {
    let mut words = match others {
        0 => "You are in the conference, and nobody else is so far.".to_owned(),
        1 => "You are in the conference, with one other person.".to_owned(),
        others => format!("You are in the conference, with {others} others."),
    };
    if let Some(silenced) = silenced {
        words.push(' ');
        words.push_str(super::voice(Some(silenced)));
    }
    if let Some(by) = recorded_by {
        // Writing into a String can't fail.
        let _ =
            write!(words, " The conference is recorded, you too: {by} wants it so. Hang up if you don't.");
    }
    words.push_str(" Write !conference help here to see what you can ask for.");
    words
}

/// The bot has come: how the conference of the room is called.
pub(super) fn welcome(focus: Option<&FocusUser>, encrypted: bool) -> String {
    let Some(focus) = focus else {
        return "Hello! I help to call conferences, but the id of this room is too long for it to have one."
            .to_owned();
    };
    let link = link(focus);
    if encrypted {
        return format!(
            "Hello! This room can have a conference, but it is encrypted and I can't read what you ask me here. Invite {link} \
             into it; then everyone here can call that user, in a chat with it that is not encrypted."
        );
    }
    format!(
        "Hello! This room can have a conference. Write !conference start and I invite {link} into it; then everyone here can \
         call that user, in a chat with it that is not encrypted. !conference help shows what else can be asked for: who, hand, \
         mute, unmute and, for moderators, kick, unkick, lock, unlock, audience, stay, end."
    )
}

/// The focus user is invited.
pub(super) fn invited(focus: &FocusUser) -> String {
    format!(
        "I have invited {}. Call that user with a voice call, in a chat with it that is not encrypted; so can everyone here.",
        link(focus)
    )
}

/// It can't be, by us.
pub(super) fn may_not_invite(focus: &FocusUser, ask: &[MemberId]) -> String {
    let names: Vec<&str> = ask.iter().map(MemberId::as_str).collect();
    let whom = if names.is_empty() { "a moderator of this room".to_owned() } else { names.join(" or ") };
    format!(
        "I may not invite anyone into this room. Ask {whom} to invite {}; then everyone here can call that user.",
        link(focus)
    )
}

/// The first one is in.
pub(super) fn began(by: &MemberId) -> String {
    format!(
        "A conference has begun: {by} is in it. Call me with a voice call to join, in a chat with me that is not encrypted."
    )
}

/// Nobody is any more.
pub(super) fn over(lasted: Millis) -> String {
    let minutes = lasted.0 / 60_000;
    match minutes {
        0 => "The conference is over.".to_owned(),
        1 => "The conference is over. It lasted a minute.".to_owned(),
        2..120 => format!("The conference is over. It lasted {minutes} minutes."),
        _ => format!("The conference is over. It lasted {} hours.", minutes / 60),
    }
}

/// It is recorded from now on.
pub(super) fn recording_started(by: &MemberId) -> String {
    format!(
        "The conference is recorded from now on: {by} wants it so. Hang up if you don't want to be recorded."
    )
}

/// It is not any more.
pub(super) fn recording_stopped(why: &RecordingEnd) -> String {
    let why = match why {
        RecordingEnd::StoppedBy(by) => {
            return format!("The conference is not recorded any more: {by} has stopped it.");
        }
        RecordingEnd::Empty => "everyone has left",
        RecordingEnd::Restarted => "the conference server was restarted",
        RecordingEnd::Failed(RecordingFailure::NoPlace) => {
            "this conference server has no place for recordings"
        }
        RecordingEnd::Failed(RecordingFailure::NotWritable) => {
            "the conference server can't write to its directory for recordings"
        }
        RecordingEnd::Failed(RecordingFailure::DiskFull) => "the conference server has no space left for it",
        RecordingEnd::Failed(RecordingFailure::Internal) => "something went wrong on the conference server",
    };
    format!("The conference is not recorded any more: {why}.")
}

/// A link by which clients open a chat with a user.
fn link(user: &FocusUser) -> String {
    UserId::parse(user.as_str()).map_or_else(|_| user.to_string(), |user| user.matrix_to_uri().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_focus_user_is_linked_to() {
        let focus = FocusUser::from("@conf_x:hs.test");
        for words in [
            welcome(Some(&focus), false),
            welcome(Some(&focus), true),
            invited(&focus),
            may_not_invite(&focus, &[]),
        ] {
            assert!(words.contains("https://matrix.to/#/@conf_x:hs.test"), "{words}");
        }
    }

    #[test]
    fn who_may_invite_is_named() {
        let ask = ["@anna:hs.test".into(), "@bert:hs.test".into()];
        assert!(
            may_not_invite(&"@conf_x:hs.test".into(), &ask)
                .contains("Ask @anna:hs.test or @bert:hs.test to invite")
        );
    }

    #[test]
    fn all_that_is_heard_at_coming_in_is_said_at_once() {
        let words = joined(12, Some(Silenced::ByModerator), Some(&"@anna:hs.test".into()));
        assert!(words.contains("12 others") && words.contains("A moderator has muted you"), "{words}");
        assert!(words.contains("recorded, you too: @anna:hs.test"), "{words}");
        let words = joined(0, None, None);
        assert!(words.contains("nobody else") && !words.contains("recorded"), "{words}");
    }
}
