//! The judge over a 1:1 room: by the homeserver's timeline alone, was every call served once and ended once, whatever went wrong
//! in between? A pure function, for all tests in which something goes wrong. Waiting and asking never live here.
//!
//! It is for a room in which everything has settled: no call rings any more, and nothing is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// A call in a room: who placed it, and its id.
pub type CallName = (String, String);

/// What is wrong with a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call has more than one answer of ours.
    AnsweredTwice(CallName),
    /// The call has more than one reject of ours.
    RejectedTwice(CallName),
    /// The call was both answered and rejected.
    AnsweredAndRejected(CallName),
    /// The call has more than one hangup of ours.
    HungUpTwice(CallName),
    /// We said something in a call that was over by our own word.
    SaidAfterEnd(CallName, String),
    /// We answered a call whose caller had ended it before.
    AnsweredAfterEnd(CallName),
    /// We said something in a call that nobody has placed here.
    NoSuchCall(CallName),
    /// The call was neither answered nor refused, and its caller did not end it.
    Unserved(CallName),
    /// The call was answered, is not live, and nobody has ended it.
    NeverEnded(CallName),
    /// The call is live by what its caller hears, and over by the timeline.
    OverButLive(CallName),
    /// The same event of ours twice, with nothing between that could have led to the second.
    SaidTwice(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[derive(Default)]
struct Call {
    answers: usize,
    rejects: usize,
    hangups: usize,
    version_0: bool,
    ended_by_caller: bool,
}

impl Call {
    /// In version 0 a call is refused by a hangup.
    fn refusals(&self) -> usize {
        if self.version_0 && self.answers == 0 { self.rejects + self.hangups } else { self.rejects }
    }

    fn is_over_by_us(&self) -> bool {
        self.rejects + self.hangups > 0
    }
}

/// Judges the `timeline` of a room, oldest event first. `ours` are the focus users in it, `live` the calls whose callers hear the
/// conference now: an answered call is either among them, or ended.
#[must_use]
pub fn judge(timeline: &[Value], ours: &[&str], live: &BTreeSet<CallName>) -> Vec<Fault> {
    let mut calls: BTreeMap<CallName, Call> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut said: Vec<(&str, &Value)> = Vec::new();
    for event in timeline {
        let (Some(kind), Some(sender)) = (text(event, "/type"), text(event, "/sender")) else { continue };
        let content = event.get("content").unwrap_or(&Value::Null);
        let is_ours = ours.contains(&sender);
        if is_ours && event.get("state_key").is_none() {
            if said.contains(&(kind, content)) {
                faults.push(Fault::SaidTwice(format!("{kind} {content}")));
            }
            said.push((kind, content));
        } else if !is_ours && (kind == "m.room.message" || kind.starts_with("m.call.")) {
            // Words may be said again in reply to something new, as the refusal of another call.
            said.retain(|(kind, _)| *kind != "m.room.message");
        }
        let Some(id) = text(content, "/call_id").filter(|_| kind.starts_with("m.call.")) else { continue };
        if is_ours {
            let found = calls.iter_mut().find(|((_, call), _)| call == id);
            match found {
                Some((name, call)) => say(name, call, kind, &mut faults),
                None => faults.push(Fault::NoSuchCall((String::new(), id.to_owned()))),
            }
            continue;
        }
        let name = (sender.to_owned(), id.to_owned());
        if kind == "m.call.invite" {
            let version_0 = content.get("version").is_some_and(|version| version.as_u64() == Some(0));
            calls.entry(name).or_insert_with(|| Call { version_0, ..Call::default() });
        } else if let Some(call) = calls.get_mut(&name)
            && kind == "m.call.hangup"
        {
            call.ended_by_caller = true;
        }
    }
    for (name, call) in &calls {
        settle(name, call, live.contains(name), &mut faults);
    }
    faults
}

/// We have said something of a call.
fn say(name: &CallName, call: &mut Call, kind: &str, faults: &mut Vec<Fault>) {
    let (was_over, was_ended) = (call.is_over_by_us(), call.ended_by_caller);
    match kind {
        "m.call.answer" => {
            call.answers += 1;
            if call.answers == 1 && was_ended {
                faults.push(Fault::AnsweredAfterEnd(name.clone()));
            }
        }
        "m.call.reject" => call.rejects += 1,
        "m.call.hangup" => call.hangups += 1,
        _ => {}
    }
    let ends = matches!(kind, "m.call.reject" | "m.call.hangup");
    if was_over && !ends {
        faults.push(Fault::SaidAfterEnd(name.clone(), kind.to_owned()));
    }
}

/// What has become of a call in the end.
fn settle(name: &CallName, call: &Call, is_live: bool, faults: &mut Vec<Fault>) {
    let name = || name.clone();
    if call.answers > 1 {
        faults.push(Fault::AnsweredTwice(name()));
    }
    if call.rejects > 1 {
        faults.push(Fault::RejectedTwice(name()));
    }
    if call.answers > 0 && call.refusals() > 0 {
        faults.push(Fault::AnsweredAndRejected(name()));
    }
    if call.hangups > 1 {
        faults.push(Fault::HungUpTwice(name()));
    }
    let is_over = call.ended_by_caller || call.is_over_by_us();
    if call.answers == 0 && !is_over {
        faults.push(Fault::Unserved(name()));
    }
    if call.answers > 0 && !is_over && !is_live {
        faults.push(Fault::NeverEnded(name()));
    }
    if is_over && is_live {
        faults.push(Fault::OverButLive(name()));
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const US: &str = "@conf_x:hs.test";
    const BOB: &str = "@bob:hs.test";

    fn event(sender: &str, kind: &str, call: &str) -> Value {
        json!({ "sender": sender, "type": format!("m.call.{kind}"), "content": { "call_id": call, "version": "1" } })
    }

    fn notice(body: &str) -> Value {
        json!({ "sender": US, "type": "m.room.message", "content": { "msgtype": "m.notice", "body": body } })
    }

    fn name(call: &str) -> CallName {
        (BOB.to_owned(), call.to_owned())
    }

    fn judged(timeline: &[Value]) -> Vec<Fault> {
        judge(timeline, &[US], &BTreeSet::new())
    }

    fn bob(kind: &str) -> Value {
        event(BOB, kind, "a")
    }

    fn us(kind: &str) -> Value {
        event(US, kind, "a")
    }

    /// The same event again, as a sender makes it who does not know that it has arrived: an answer may be another then.
    fn other(kind: &str) -> Value {
        let mut event = us(kind);
        event["content"]["new"] = json!(true);
        event
    }

    #[test]
    fn nothing_is_wrong_with_calls_that_were_served_once_and_ended_once() {
        let ended_by_caller = [bob("invite"), us("answer"), bob("select_answer"), bob("hangup")];
        let ended_by_us = [bob("invite"), us("answer"), us("hangup"), notice("The service was restarted.")];
        let refused = [bob("invite"), us("reject"), notice("No.")];
        let never_mind = [bob("invite"), bob("hangup")];
        // Both sides at once.
        let crossed = [bob("invite"), us("answer"), us("hangup"), bob("hangup")];
        for timeline in [&ended_by_caller[..], &ended_by_us, &refused, &never_mind, &crossed] {
            assert_eq!(judged(timeline), [], "{timeline:?}");
        }
        let running = [bob("invite"), us("answer"), us("negotiate"), bob("negotiate")];
        assert_eq!(judge(&running, &[US], &BTreeSet::from([name("a")])), []);
    }

    #[test]
    fn version_0_is_refused_by_a_hangup() {
        let mut invite = bob("invite");
        invite["content"]["version"] = json!(0);
        assert_eq!(judged(&[invite.clone(), us("hangup")]), []);
        let twice = judged(&[invite, us("hangup"), other("hangup")]);
        assert_eq!(twice, [Fault::HungUpTwice(name("a"))]);
    }

    #[test]
    fn what_is_said_twice_is_seen() {
        for (kind, fault) in [
            ("answer", Fault::AnsweredTwice(name("a"))),
            ("reject", Fault::RejectedTwice(name("a"))),
            ("hangup", Fault::HungUpTwice(name("a"))),
        ] {
            let faults = judged(&[bob("invite"), us(kind), other(kind), bob("hangup")]);
            assert_eq!(faults, [fault], "{kind}");
        }
        let same = judged(&[bob("invite"), us("answer"), us("negotiate"), us("negotiate"), bob("hangup")]);
        assert!(matches!(&same[..], [Fault::SaidTwice(_)]), "{same:?}");
    }

    #[test]
    fn words_may_be_said_again_only_when_something_new_was_heard() {
        let first = [bob("invite"), us("reject"), notice("No.")];
        let again = [event(BOB, "invite", "b"), event(US, "reject", "b"), notice("No.")];
        assert_eq!(judged(&[&first[..], &again[..]].concat()), []);
        let twice = judged(&[&first[..], &[notice("No.")]].concat());
        assert!(matches!(&twice[..], [Fault::SaidTwice(_)]), "{twice:?}");
    }

    #[test]
    fn an_answer_and_a_refusal_exclude_each_other() {
        let faults = judged(&[bob("invite"), us("answer"), us("reject")]);
        assert_eq!(faults, [Fault::AnsweredAndRejected(name("a"))]);
    }

    #[test]
    fn nothing_is_said_in_a_call_that_is_over() {
        let faults = judged(&[bob("invite"), us("answer"), us("hangup"), us("negotiate")]);
        assert_eq!(faults, [Fault::SaidAfterEnd(name("a"), "m.call.negotiate".to_owned())]);
        let faults = judged(&[bob("invite"), us("hangup"), us("answer")]);
        assert_eq!(faults, [Fault::SaidAfterEnd(name("a"), "m.call.answer".to_owned())]);
        assert_eq!(
            judged(&[bob("invite"), bob("hangup"), us("answer"), us("hangup")]),
            [Fault::AnsweredAfterEnd(name("a"))]
        );
        assert_eq!(judged(&[us("answer")]), [Fault::NoSuchCall((String::new(), "a".to_owned()))]);
    }

    #[test]
    fn no_call_is_left_without_a_word_or_without_an_end() {
        assert_eq!(judged(&[bob("invite")]), [Fault::Unserved(name("a"))]);
        assert_eq!(judged(&[bob("invite"), us("answer")]), [Fault::NeverEnded(name("a"))]);
        let live = BTreeSet::from([name("a")]);
        let over = judge(&[bob("invite"), us("answer"), us("hangup")], &[US], &live);
        assert_eq!(over, [Fault::OverButLive(name("a"))]);
    }

    #[test]
    fn others_calls_are_no_matter() {
        let mut timeline = vec![bob("invite"), us("answer"), bob("hangup")];
        timeline.push(json!({ "sender": BOB, "type": "m.room.message", "content": {} }));
        timeline.push(json!({ "sender": US, "type": "m.room.member", "state_key": US, "content": {} }));
        timeline.push(json!({ "sender": US, "type": "m.room.member", "state_key": US, "content": {} }));
        timeline.push(json!("garbage"));
        assert_eq!(judged(&timeline), []);
    }
}
