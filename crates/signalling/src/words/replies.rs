//! What a command is replied to: that it is done, who is here, or why it is not done.
//!
//! Who may ask for what never lives here, nor how a command is written.

use std::borrow::Cow;
use std::fmt::Write as _;

use confocal::conference::{
    Command, Denial, Layout, LayoutChoice, Present, Reply, Role, Roll, Silenced, Whom,
};

/// What can be asked for, in the order of who needs it.
const HELP: &str = "You can ask me, in the group room or here:
!conference who – who is in the conference
!conference start – have the conference user come, who can then be called
!conference hand – raise your hand (hand down: lower it)
!conference mute, unmute – not be heard, be heard again
Moderators can also:
!conference mute @user:server, unmute @user:server (or: all)
!conference hand down @user:server (or: all)
!conference kick @user:server, unkick @user:server
!conference lock, unlock – let nobody new in
!conference audience on, audience off – only speakers are heard
!conference grant @user:server, revoke @user:server – give the word, take it back
!conference layout speaker, grid or auto – show who speaks, or everyone side by side, or what fits
!conference screen stop – show a shared screen no more
!conference record, record stop – have the conference recorded, which everyone is told
!conference end – end the conference for everyone
!conference stay on, stay off – keep the conference user here for good";

/// The words of a reply.
pub(super) fn reply(command: &Command, reply: &Reply) -> Cow<'static, str> {
    match reply {
        Reply::Done => done(command),
        Reply::Help => HELP.into(),
        Reply::Who(roll) => who(roll).into(),
        Reply::Invited { focus } => super::room::invited(focus).into(),
        Reply::MayNotInvite { focus, ask } => super::room::may_not_invite(focus, ask).into(),
        Reply::Denied(denial) => denied(*denial).into(),
    }
}

fn done(command: &Command) -> Cow<'static, str> {
    match command {
        Command::Help | Command::Who => "Done.".into(),
        Command::RaiseHand => "Your hand is raised.".into(),
        Command::LowerHand(Whom::Oneself) => "Your hand is lowered.".into(),
        Command::LowerHand(Whom::Member(member)) => format!("The hand of {member} is lowered.").into(),
        Command::LowerHand(Whom::Everyone) => "All hands are lowered.".into(),
        Command::Mute(Whom::Oneself) => "You are muted: nobody hears you until you unmute yourself.".into(),
        Command::Mute(Whom::Member(member)) => format!("{member} is muted.").into(),
        Command::Mute(Whom::Everyone) => {
            "Everyone but moderators is muted, and so is who comes in from now on.".into()
        }
        Command::Unmute(Whom::Oneself) => "You are not muted any more.".into(),
        Command::Unmute(Whom::Member(member)) => format!("{member} is not muted any more.").into(),
        Command::Unmute(Whom::Everyone) => "Everyone whom a moderator muted can speak again.".into(),
        Command::Kick(member) => {
            format!("{member} is removed from the conference and can't call again for now.").into()
        }
        Command::Unkick(member) => format!("{member} may call again.").into(),
        Command::Lock => "The conference is locked: nobody new comes in but moderators.".into(),
        Command::Unlock => "The conference is unlocked: every member of the room can come in.".into(),
        Command::StartAudience => {
            "The conference has an audience now: only speakers, moderators and those who are given the word are heard."
                .into()
        }
        Command::EndAudience => "The conference has no audience any more: everyone is heard.".into(),
        Command::Grant(member) => format!("{member} has the word.").into(),
        Command::Revoke(member) => format!("{member} does not have the word any more.").into(),
        Command::Record => "The conference is recorded, and everyone in it is told.".into(),
        Command::StopRecording => "The conference is not recorded any more.".into(),
        Command::Layout(LayoutChoice::Speaker) => "Everyone is shown who speaks.".into(),
        Command::Layout(LayoutChoice::Grid) => "All are shown side by side.".into(),
        Command::Layout(LayoutChoice::Auto) => {
            "All are shown side by side while they are few, and else who speaks.".into()
        }
        Command::StopScreen => "The screen is not shown any more.".into(),
        Command::End => "The conference is ended for everyone.".into(),
        Command::Start => {
            "I am here. Call me with a voice call, in a chat with me that is not encrypted; so can everyone in the room."
                .into()
        }
        Command::Stay => "I stay in the room for good, call or not, until a moderator ends that.".into(),
        Command::EndStay => "I stay in the room only as long as I am needed.".into(),
    }
}

const fn denied(denial: Denial) -> &'static str {
    match denial {
        Denial::NoConference => "There is no conference here at the moment. Call me to start one.",
        Denial::NotStarted => {
            "There is no conference here at the moment. !conference start brings the conference user in, who can then be called."
        }
        Denial::NoRecordings => "Whoever runs this conference server has set up no place for recordings.",
        Denial::NobodyToRecord => "Nobody is in the conference, so there is nothing to record.",
        Denial::NoScreen => "Nobody's screen is shown at the moment.",
        Denial::GridTooMuch => {
            "To show all side by side was too much for this conference server just now. Please try again in a few minutes."
        }
        Denial::StaysAnyhow => "Whoever runs this conference server has set me to stay in this room.",
        Denial::TooManyStay => {
            "I stay in as many rooms already as whoever runs this conference server allows."
        }
        Denial::NotAllowed => "Whoever runs this conference server does not let you start conferences.",
        Denial::NoFocusUser => "The id of this room is too long for it to have a conference user.",
        Denial::NotNow => "That did not work just now. Please try again in a minute.",
        Denial::NotInConference => {
            "Only those who are in the conference can ask for that. Call me to join, then ask again."
        }
        Denial::NotAModerator => "Only moderators of the conference can do that.",
        Denial::NoSuchParticipant => "That person is not in the conference.",
        Denial::TargetIsModerator => "That person is a moderator, and moderators can't remove one another.",
        Denial::MutedByModerator => "A moderator has muted you, so only a moderator can unmute you.",
        Denial::Audience => {
            "This conference has an audience, and you are part of it. Raise your hand to be given the word."
        }
    }
}

/// How many there are, then a line for each of them.
fn who(roll: &Roll) -> String {
    let mut words = match roll.total {
        0 => "Nobody is in the conference.".to_owned(),
        1 => "One person is in the conference.".to_owned(),
        total => format!("{total} people are in the conference."),
    };
    if roll.locked {
        words.push_str(" It is locked.");
    }
    if roll.audience {
        words.push_str(" It has an audience.");
    }
    if let Some(by) = &roll.recorded_by {
        // Writing into a String can't fail.
        let _ = write!(words, " {by} has it recorded.");
    }
    if roll.layout == Layout::Grid {
        words.push_str(" All are shown side by side.");
    } else if roll.layout_wanted == LayoutChoice::Grid {
        words.push_str(" Who speaks is shown: all side by side was too much for this conference server.");
    }
    if let Some(by) = &roll.screen_of {
        // Writing into a String can't fail.
        let _ = write!(words, " {by} shares a screen.");
    }
    for present in &roll.present {
        words.push_str("\n• ");
        line(&mut words, present);
    }
    let more = roll.total.saturating_sub(roll.present.len());
    if more > 0 && !roll.present.is_empty() {
        // Writing into a String can't fail.
        let _ = write!(words, "\n… and {more} more");
    }
    words
}

fn line(words: &mut String, present: &Present) {
    words.push_str(present.member.as_str());
    let role = match present.role {
        Role::Member => None,
        Role::Speaker => Some("speaker"),
        Role::Moderator => Some("moderator"),
    };
    let voice = match present.silenced {
        Some(Silenced::ByThemselves) => Some("muted"),
        Some(Silenced::ByModerator) => Some("muted by a moderator"),
        Some(Silenced::Audience) => Some("in the audience"),
        None if present.muted => Some("microphone off"),
        None if present.speaking => Some("speaking"),
        None => None,
    };
    let hand = present.hand.map(|place| format!("hand raised, number {place}"));
    let camera = present.camera.then(|| "camera on".to_owned());
    let connection = present.poor_connection.then(|| "poor connection".to_owned());
    let calls = (present.calls > 1).then(|| format!("with {} calls", present.calls));
    let notes = [role.map(str::to_owned), voice.map(str::to_owned), camera, connection, hand, calls];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    if !notes.is_empty() {
        // Writing into a String can't fail.
        let _ = write!(words, " ({})", notes.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use confocal::conference::ParticipantId;

    use super::*;

    #[test]
    fn every_command_and_denial_has_words_of_its_own() {
        let someone = || Whom::Member("@anna:hs.test".into());
        let member = || "@anna:hs.test".into();
        let commands = vec![
            Command::RaiseHand,
            Command::LowerHand(Whom::Oneself),
            Command::LowerHand(someone()),
            Command::LowerHand(Whom::Everyone),
            Command::Mute(Whom::Oneself),
            Command::Mute(someone()),
            Command::Mute(Whom::Everyone),
            Command::Unmute(Whom::Oneself),
            Command::Unmute(someone()),
            Command::Unmute(Whom::Everyone),
            Command::Kick(member()),
            Command::Unkick(member()),
            Command::Lock,
            Command::Unlock,
            Command::StartAudience,
            Command::EndAudience,
            Command::Grant(member()),
            Command::Revoke(member()),
            Command::Record,
            Command::StopRecording,
            Command::Layout(LayoutChoice::Speaker),
            Command::Layout(LayoutChoice::Grid),
            Command::Layout(LayoutChoice::Auto),
            Command::StopScreen,
            Command::End,
            Command::Start,
            Command::Stay,
            Command::EndStay,
        ];
        let denials = [
            Denial::NoConference,
            Denial::NotInConference,
            Denial::NotAModerator,
            Denial::NoSuchParticipant,
            Denial::TargetIsModerator,
            Denial::MutedByModerator,
            Denial::Audience,
            Denial::NoRecordings,
            Denial::NobodyToRecord,
            Denial::NoScreen,
            Denial::GridTooMuch,
            Denial::NotStarted,
            Denial::StaysAnyhow,
            Denial::TooManyStay,
            Denial::NotAllowed,
            Denial::NoFocusUser,
            Denial::NotNow,
        ];
        let mut seen = BTreeSet::new();
        let done = commands.iter().map(|command| reply(command, &Reply::Done));
        let denied = denials.map(|denial| reply(&Command::Lock, &Reply::Denied(denial)));
        let focus = || "@conf_x:hs.test".into();
        let ask = |names: &[&str]| names.iter().map(|name| (*name).into()).collect::<Vec<_>>();
        let started = [
            Reply::Invited { focus: focus() },
            Reply::MayNotInvite { focus: focus(), ask: vec![] },
            Reply::MayNotInvite { focus: focus(), ask: ask(&["@anna:hs.test"]) },
        ]
        .map(|came| reply(&Command::Start, &came));
        for words in done.chain(denied).chain(started) {
            assert!(words.len() > 15 && words.ends_with('.') && !words.contains("  "), "{words}");
            assert!(seen.insert(words.to_string()), "said twice: {words}");
        }
        assert_eq!(seen.len(), 48);
    }

    fn present(member: &str) -> Present {
        Present {
            participant: ParticipantId(1),
            member: member.into(),
            role: Role::Member,
            silenced: None,
            muted: false,
            hand: None,
            speaking: false,
            camera: false,
            poor_connection: false,
            calls: 1,
        }
    }

    fn said(roll: Roll) -> String {
        reply(&Command::Who, &Reply::Who(roll)).into_owned()
    }

    #[test]
    fn who_is_here_is_told_line_by_line() {
        let roll = Roll {
            total: 9,
            present: vec![
                Present { role: Role::Moderator, speaking: true, camera: true, ..present("@anna:hs.test") },
                Present { role: Role::Speaker, muted: true, calls: 2, ..present("@bert:hs.test") },
                Present { silenced: Some(Silenced::Audience), hand: Some(1), ..present("@cleo:hs.test") },
                Present { silenced: Some(Silenced::ByModerator), muted: true, ..present("@dora:hs.test") },
                Present {
                    silenced: Some(Silenced::ByThemselves),
                    poor_connection: true,
                    ..present("@emil:hs.test")
                },
                present("@finn:hs.test"),
            ],
            locked: true,
            audience: true,
            recorded_by: Some("@anna:hs.test".into()),
            layout: Layout::Grid,
            layout_wanted: LayoutChoice::Auto,
            screen_of: Some("@bert:hs.test".into()),
        };
        assert_eq!(
            said(roll),
            "9 people are in the conference. It is locked. It has an audience. @anna:hs.test has it recorded. \
             All are shown side by side. @bert:hs.test shares a screen.\n\
             • @anna:hs.test (moderator, speaking, camera on)\n\
             • @bert:hs.test (speaker, microphone off, with 2 calls)\n\
             • @cleo:hs.test (in the audience, hand raised, number 1)\n\
             • @dora:hs.test (muted by a moderator)\n\
             • @emil:hs.test (muted, poor connection)\n\
             • @finn:hs.test\n\
             … and 3 more"
        );
    }

    #[test]
    fn who_says_that_the_grid_was_wanted_and_too_much() {
        let roll = Roll { layout_wanted: LayoutChoice::Grid, ..Roll::default() };
        assert_eq!(
            said(roll),
            "Nobody is in the conference. Who speaks is shown: all side by side was too much for this conference server."
        );
        assert_eq!(
            said(Roll { layout_wanted: LayoutChoice::Auto, ..Roll::default() }),
            "Nobody is in the conference."
        );
    }

    #[test]
    fn few_are_counted_in_words() {
        assert_eq!(said(Roll::default()), "Nobody is in the conference.");
        let alone = Roll { total: 1, present: vec![present("@anna:hs.test")], ..Roll::default() };
        assert_eq!(said(alone), "One person is in the conference.\n• @anna:hs.test");
        assert_eq!(said(Roll { total: 12, ..Roll::default() }), "12 people are in the conference.");
    }
}
