//! How well packets get through: told on, forgotten with the session, and no reason for anything.

use crate::pictures::agree;
use crate::support::{GROUP, Run, member};
use confocal_conference::{
    Agreed, ConferenceEvent, Config, Generation, Input, LegId, LegQuality, MediaReport, Millis, PerMille,
    Quality,
};

const FIRST: Generation = Generation(0);

/// A tenth of the caller's packets is lost.
const BAD: Quality = Quality {
    incoming_loss: Some(PerMille(100)),
    outgoing_loss: None,
    jitter: Some(Millis(7)),
    round_trip: Some(Millis(40)),
};

const GOOD: Quality = Quality { incoming_loss: Some(PerMille(0)), ..BAD };

/// The engine reports, each leg once; what is told of it: the leg, how well, and whether it is poor.
fn told(run: &mut Run, legs: &[(LegId, Generation, Quality)]) -> Vec<(LegId, Quality, bool)> {
    run.news.clear();
    let one =
        |&(leg, generation, quality): &(LegId, Generation, Quality)| LegQuality { leg, generation, quality };
    run.tell(Input::Media(MediaReport::Quality(legs.iter().map(one).collect())));
    let news = run.news.drain(..).map(|event| match event {
        ConferenceEvent::Quality { leg, quality, poor, .. } => (leg, quality, poor),
        other => panic!("no news of quality: {other:?}"),
    });
    news.collect()
}

/// Those whose connection is poor, as the roll says.
fn poor(run: &Run) -> Vec<String> {
    let roll = run.focus.roll(&GROUP.into()).unwrap();
    let poor = roll.present.into_iter().filter(|person| person.poor_connection);
    poor.map(|person| person.member.as_str().to_owned()).collect()
}

#[test]
fn what_was_measured_is_told_on_and_a_poor_connection_is_on_the_roll_until_it_is_good_again() {
    let mut run = Run::joined(Config::default());
    let (anna, bert) = (run.in_call("anna", "a1"), run.in_call("bert", "b1"));
    let (records, waits) = (run.records.clone(), run.focus.poll_timeout());
    run.media.clear();
    run.sent.clear();
    let report = [(anna, FIRST, BAD), (bert, FIRST, GOOD)];
    assert_eq!(told(&mut run, &report), [(anna, BAD, false), (bert, GOOD, false)]);
    assert!(poor(&run).is_empty(), "once is nothing");
    assert_eq!(told(&mut run, &report), [(anna, BAD, true), (bert, GOOD, false)]);
    assert_eq!(poor(&run), [member("anna").as_str()]);
    assert_eq!(told(&mut run, &[(anna, FIRST, GOOD)]), [(anna, GOOD, false)]);
    assert!(poor(&run).is_empty());
    assert_eq!(
        (&run.records, run.focus.poll_timeout()),
        (&records, waits),
        "nothing is stored or waited for"
    );
    assert!(run.media.is_empty() && run.sent.is_empty());
}

#[test]
fn of_another_session_of_one_who_is_gone_and_of_nobody_nothing_is_told() {
    let mut run = Run::joined(Config::default());
    let (anna, bert) = (run.in_call("anna", "a1"), run.in_call("bert", "b1"));
    run.hang_up("bert", "b1");
    let report = [(anna, Generation(1), BAD), (bert, FIRST, BAD), (LegId(99), FIRST, BAD)];
    assert_eq!(told(&mut run, &report), []);
    assert_eq!(told(&mut run, &report), []);
    assert!(poor(&run).is_empty());
    assert_eq!(
        told(&mut run, &[(anna, FIRST, BAD)]),
        [(anna, BAD, false)],
        "what was not told does not count"
    );
}

#[test]
fn one_whose_sound_does_not_flow_has_no_connection_to_speak_of() {
    let mut run = Run::joined(Config::default());
    let anna = run.in_call("anna", "c");
    let report = [(anna, FIRST, BAD)];
    told(&mut run, &report);
    told(&mut run, &report);
    assert_eq!(poor(&run), [member("anna").as_str()]);
    run.tell(Input::Media(MediaReport::TransportLost { leg: anna, generation: FIRST }));
    assert!(poor(&run).is_empty() && told(&mut run, &report).is_empty(), "interrupted");
    run.tell(Input::Media(MediaReport::TransportUp { leg: anna, generation: FIRST }));
    assert_eq!(poor(&run), [member("anna").as_str()], "it is the same connection");
    agree(&mut run, "anna", anna, Agreed { held: true, ..Agreed::default() });
    assert!(poor(&run).is_empty() && told(&mut run, &report).is_empty(), "on hold");
}

#[test]
fn a_lost_session_takes_along_what_was_known_of_it() {
    let mut run = Run::joined(Config::default());
    let anna = run.in_call("anna", "a1");
    let report = [(anna, FIRST, BAD)];
    told(&mut run, &report);
    told(&mut run, &report);
    run.tell(Input::EngineLost);
    assert!(poor(&run).is_empty() && told(&mut run, &report).is_empty());
}
