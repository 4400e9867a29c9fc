//! Commands as people write them: `!conference mute @anna:example.org`, read from the text of a message.
//!
//! Who may give a command never lives here, nor what is replied.

use confocal::conference::{Command, LayoutChoice, MemberId, Whom};
use ruma_common::UserId;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::or_none;

/// What a command begins with, in a message of its own.
const PREFIX: &str = "!conference";

/// A message is acted upon for this long, in ms: what was said to a focus that could not hear is not done hours later.
pub(crate) const ALIVE: u64 = 60_000;

/// `m.room.message`, as far as it is read
/// (<https://spec.matrix.org/v1.15/client-server-api/#mroommessage>).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct MessageContent {
    #[serde(default, deserialize_with = "or_none")]
    msgtype: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    body: Option<String>,
    #[serde(default, rename = "m.mentions", deserialize_with = "or_none")]
    mentions: Option<Mentions>,
    #[serde(default, rename = "m.relates_to", deserialize_with = "or_none")]
    relation: Option<Relation>,
}

/// Who is mentioned: clients write a name into the text and the user here.
#[derive(Debug, Default, Deserialize)]
struct Mentions {
    #[serde(default, deserialize_with = "or_none")]
    user_ids: Option<Vec<Box<RawValue>>>,
}

#[derive(Debug, Default, Deserialize)]
struct Relation {
    #[serde(default, deserialize_with = "or_none")]
    rel_type: Option<String>,
}

impl MessageContent {
    /// The command that is in the message, if it is one. What follows the prefix and can't be understood asks for help. Notices
    /// are by programs, which are not to talk to one another, and an edit is not said again.
    pub(crate) fn command(&self) -> Option<Command> {
        let edits =
            self.relation.as_ref().and_then(|relation| relation.rel_type.as_deref()) == Some("m.replace");
        if self.msgtype.as_deref() != Some("m.text") || edits {
            return None;
        }
        let mut words = self.body.as_deref()?.split_whitespace();
        if words.next() != Some(PREFIX) {
            return None;
        }
        let words: Vec<&str> = words.collect();
        Some(self.understood(&words).unwrap_or(Command::Help))
    }

    fn understood(&self, words: &[&str]) -> Option<Command> {
        let (verb, rest) = words.split_first()?;
        match (verb.to_ascii_lowercase().as_str(), rest) {
            ("who", []) => Some(Command::Who),
            ("hand", [] | ["up"]) => Some(Command::RaiseHand),
            ("hand", ["down"]) => Some(Command::LowerHand(Whom::Oneself)),
            ("hand", ["down", who @ ..]) => self.whom(who).map(Command::LowerHand),
            ("mute", who) => self.whom(who).map(Command::Mute),
            ("unmute", who) => self.whom(who).map(Command::Unmute),
            ("kick", who) => self.member(who).map(Command::Kick),
            ("unkick", who) => self.member(who).map(Command::Unkick),
            ("lock", []) => Some(Command::Lock),
            ("unlock", []) => Some(Command::Unlock),
            ("audience", ["on"]) => Some(Command::StartAudience),
            ("audience", ["off"]) => Some(Command::EndAudience),
            ("grant", who) => self.member(who).map(Command::Grant),
            ("revoke", who) => self.member(who).map(Command::Revoke),
            ("record", [] | ["on" | "start"]) => Some(Command::Record),
            ("record", ["off" | "stop"]) => Some(Command::StopRecording),
            ("layout", ["speaker"]) => Some(Command::Layout(LayoutChoice::Speaker)),
            ("layout", ["grid"]) => Some(Command::Layout(LayoutChoice::Grid)),
            ("layout", ["auto"]) => Some(Command::Layout(LayoutChoice::Auto)),
            ("screen", ["stop" | "off"]) => Some(Command::StopScreen),
            ("end", []) => Some(Command::End),
            ("start", []) => Some(Command::Start),
            ("stay", [] | ["on"]) => Some(Command::Stay),
            ("stay", ["off"]) => Some(Command::EndStay),
            _ => None,
        }
    }

    fn whom(&self, words: &[&str]) -> Option<Whom> {
        match words {
            [] => Some(Whom::Oneself),
            ["all" | "everyone"] => Some(Whom::Everyone),
            _ => self.member(words).map(Whom::Member),
        }
    }

    /// The one user who is meant: by id in the text, or by a mention, whose name in the text may be several words.
    fn member(&self, words: &[&str]) -> Option<MemberId> {
        if let [id] = words
            && UserId::parse(*id).is_ok()
        {
            return Some(MemberId::from(*id));
        }
        match self.mentions.as_ref()?.user_ids.as_deref()? {
            [one] if !words.is_empty() => {
                let id: String = serde_json::from_str(one.get()).ok()?;
                UserId::parse(id.as_str()).is_ok().then(|| MemberId::from(id.as_str()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(content: Value) -> Option<Command> {
        serde_json::from_value::<MessageContent>(content).unwrap().command()
    }

    fn said(text: &str) -> Option<Command> {
        read(json!({ "msgtype": "m.text", "body": text }))
    }

    #[test]
    fn each_command_is_understood_as_it_is_written() {
        let anna = || MemberId::from("@anna:hs.test");
        let commands = [
            ("who", Command::Who),
            ("WHO", Command::Who),
            ("hand", Command::RaiseHand),
            ("hand up", Command::RaiseHand),
            ("hand down", Command::LowerHand(Whom::Oneself)),
            ("hand down @anna:hs.test", Command::LowerHand(Whom::Member(anna()))),
            ("hand down all", Command::LowerHand(Whom::Everyone)),
            ("mute", Command::Mute(Whom::Oneself)),
            ("mute  @anna:hs.test ", Command::Mute(Whom::Member(anna()))),
            ("mute everyone", Command::Mute(Whom::Everyone)),
            ("unmute", Command::Unmute(Whom::Oneself)),
            ("unmute all", Command::Unmute(Whom::Everyone)),
            ("kick @anna:hs.test", Command::Kick(anna())),
            ("unkick @anna:hs.test", Command::Unkick(anna())),
            ("lock", Command::Lock),
            ("unlock", Command::Unlock),
            ("audience on", Command::StartAudience),
            ("audience off", Command::EndAudience),
            ("grant @anna:hs.test", Command::Grant(anna())),
            ("revoke @anna:hs.test", Command::Revoke(anna())),
            ("record", Command::Record),
            ("record start", Command::Record),
            ("record stop", Command::StopRecording),
            ("record off", Command::StopRecording),
            ("layout speaker", Command::Layout(LayoutChoice::Speaker)),
            ("layout grid", Command::Layout(LayoutChoice::Grid)),
            ("Layout auto", Command::Layout(LayoutChoice::Auto)),
            ("screen stop", Command::StopScreen),
            ("screen off", Command::StopScreen),
            ("end", Command::End),
            ("start", Command::Start),
            ("stay", Command::Stay),
            ("stay on", Command::Stay),
            ("stay off", Command::EndStay),
            ("help", Command::Help),
        ];
        for (text, command) in commands {
            assert_eq!(said(&format!("!conference {text}")), Some(command), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_asks_for_help_and_does_nothing() {
        for text in [
            "",
            "dance",
            "kick",
            "kick anna",
            "kick @anna:hs.test @bert:hs.test",
            "end now",
            "lock please",
            "audience",
            "stay here",
            "layout",
            "layout circle",
            "layout grid please",
            "screen",
            "screen stop @anna:hs.test",
            "record @anna:hs.test",
            "start now",
        ] {
            assert_eq!(said(&format!("!conference {text}")), Some(Command::Help), "{text}");
        }
    }

    #[test]
    fn a_mention_says_who_is_meant_whatever_the_name_in_the_text() {
        let mention = |users: Value| {
            read(json!({
                "msgtype": "m.text",
                "body": "!conference kick Anna the First",
                "m.mentions": { "user_ids": users },
            }))
        };
        assert_eq!(mention(json!(["@anna:hs.test"])), Some(Command::Kick("@anna:hs.test".into())));
        for users in
            [json!([]), json!(["@anna:hs.test", "@bert:hs.test"]), json!([7]), json!("odd"), json!(["anna"])]
        {
            assert_eq!(mention(users.clone()), Some(Command::Help), "{users}");
        }
    }

    #[test]
    fn other_messages_are_no_commands() {
        for text in ["hello", "!conferences who", "please !conference who", ""] {
            assert_eq!(said(text), None, "{text}");
        }
        assert_eq!(read(json!({ "msgtype": "m.notice", "body": "!conference end" })), None);
        assert_eq!(read(json!({ "body": "!conference end" })), None);
        let edit = json!({ "rel_type": "m.replace", "event_id": "$e" });
        assert_eq!(
            read(json!({ "msgtype": "m.text", "body": "!conference end", "m.relates_to": edit })),
            None
        );
    }
}
