//! What is counted of conferences, in the text that Prometheus reads
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).
//!
//! Nobody and no room is named here: labels have a few values that are known beforehand.

use std::fmt::Write as _;

use confocal::conference::ConferenceEvent;

/// Upper bounds of shares, in thousandths: 1 % is heard, and from 3 % on copies are sent.
const LOSSES: [u64; 8] = [0, 10, 20, 50, 100, 200, 500, 1000];

/// Upper bounds of spans, in ms: a jitter buffer copes with a few dozens, and people begin to interrupt each other at some hundreds.
const SPANS: [u64; 10] = [5, 10, 20, 50, 100, 150, 200, 400, 1000, 5000];

/// Upper bounds of how far speech is below the overload point, in dB: usual speech is about 25 below it.
const SPEECH: [u64; 8] = [10, 15, 20, 25, 30, 40, 50, 60];

/// What is counted since the start of the process.
#[derive(Debug)]
pub(crate) struct Metrics {
    incoming_loss: Histogram<8>,
    outgoing_loss: Histogram<8>,
    jitter: Histogram<10>,
    round_trip: Histogram<10>,
    speech: Histogram<8>,
}

/// How many there are of what, now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) conferences: usize,
    /// Those of them that are recorded.
    pub(crate) recorded: usize,
    pub(crate) participants: usize,
    /// Calls, by the word of their state: all states in one order.
    pub(crate) legs: [(&'static str, usize); 6],
    /// Calls of those who speak.
    pub(crate) speaking: usize,
    /// Calls whose connection is poor.
    pub(crate) poor: usize,
}

impl Metrics {
    /// Takes one piece of news.
    pub(crate) fn note(&mut self, event: &ConferenceEvent) {
        match event {
            ConferenceEvent::Quality { quality, .. } => {
                self.incoming_loss.observe(quality.incoming_loss.map(|share| share.0.into()));
                self.outgoing_loss.observe(quality.outgoing_loss.map(|share| share.0.into()));
                self.jitter.observe(quality.jitter.map(|span| span.0));
                self.round_trip.observe(quality.round_trip.map(|span| span.0));
            }
            ConferenceEvent::Level { level, speaking: true, .. } => {
                self.speech.observe(Some(level.0.min(0).unsigned_abs().into()));
            }
            ConferenceEvent::Level { speaking: false, .. }
            | ConferenceEvent::Opened { .. }
            | ConferenceEvent::Closed { .. }
            | ConferenceEvent::Leg { .. }
            | ConferenceEvent::Standing { .. }
            | ConferenceEvent::Floor { .. }
            | ConferenceEvent::Recording { .. }
            | ConferenceEvent::ActiveSpeaker { .. }
            | ConferenceEvent::Pictures { .. }
            | ConferenceEvent::CallIgnored { .. } => {}
        }
    }

    /// All of it, as text.
    pub(crate) fn text(&self, present: &Present) -> String {
        let mut text = Text::default();
        text.gauge("confocal_conferences", "Conferences that are open.", &[("", present.conferences)]);
        text.gauge("confocal_conferences_recorded", "Those that are recorded.", &[("", present.recorded)]);
        text.gauge("confocal_participants", "People in conferences.", &[("", present.participants)]);
        let states = present.legs.map(|(state, count)| (format!("{{state=\"{state}\"}}"), count));
        let states = states.each_ref().map(|(label, count)| (label.as_str(), *count));
        text.gauge("confocal_legs", "Calls, by state.", &states);
        text.gauge("confocal_legs_speaking", "Calls of those who speak.", &[("", present.speaking)]);
        text.gauge(
            "confocal_legs_poor_connection",
            "Calls of whose sound much was lost, by two reports in a row.",
            &[("", present.poor)],
        );
        text.histogram(
            "confocal_leg_loss_ratio",
            "Loss of sound by call and report, each 5 s at most: of callers' packets (incoming), of ours as callers report (outgoing).",
            &[("direction=\"incoming\",", &self.incoming_loss), ("direction=\"outgoing\",", &self.outgoing_loss)],
        );
        text.histogram(
            "confocal_leg_jitter_seconds",
            "Interarrival jitter of callers' sound by call and report (RFC 3550 section 6.4.1).",
            &[("", &self.jitter)],
        );
        text.histogram(
            "confocal_leg_round_trip_seconds",
            "Round-trip time by call and report (RFC 3550 section 6.4.1).",
            &[("", &self.round_trip)],
        );
        text.histogram(
            "confocal_speech_below_overload_decibels",
            "How far the level of those who speak is below the overload point, ten times a second.",
            &[("", &self.speech)],
        );
        text.0
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            incoming_loss: Histogram::new(&LOSSES, 1000),
            outgoing_loss: Histogram::new(&LOSSES, 1000),
            jitter: Histogram::new(&SPANS, 1000),
            round_trip: Histogram::new(&SPANS, 1000),
            speech: Histogram::new(&SPEECH, 1),
        }
    }
}

/// How often values fell between bounds.
#[derive(Debug)]
struct Histogram<const BOUNDS: usize> {
    /// Upper bounds, each included, rising.
    bounds: &'static [u64; BOUNDS],
    /// How many of what is counted make one of what is told: thousandths are 1000.
    unit: u64,
    /// Of values up to each bound and above that before it.
    counts: [u64; BOUNDS],
    all: u64,
    sum: u64,
}

impl<const BOUNDS: usize> Histogram<BOUNDS> {
    const fn new(bounds: &'static [u64; BOUNDS], unit: u64) -> Self {
        Self { bounds, unit, counts: [0; BOUNDS], all: 0, sum: 0 }
    }

    fn observe(&mut self, value: Option<u64>) {
        let Some(value) = value else { return };
        self.all += 1;
        self.sum = self.sum.saturating_add(value);
        if let Some((_, count)) = self.bounds.iter().zip(&mut self.counts).find(|(bound, _)| value <= **bound)
        {
            *count += 1;
        }
    }
}

/// A histogram of any length, to be written.
trait Written {
    fn write(&self, text: &mut String, name: &str, labels: &str);
}

impl<const BOUNDS: usize> Written for Histogram<BOUNDS> {
    fn write(&self, text: &mut String, name: &str, labels: &str) {
        let mut below = 0;
        // Writing into a String can't fail.
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            below += count;
            let _ = writeln!(text, "{name}_bucket{{{labels}le=\"{}\"}} {below}", Number(*bound, self.unit));
        }
        let _ = writeln!(text, "{name}_bucket{{{labels}le=\"+Inf\"}} {}", self.all);
        let braced = match labels.trim_end_matches(',') {
            "" => String::new(),
            labels => format!("{{{labels}}}"),
        };
        let _ = writeln!(text, "{name}_sum{braced} {}", Number(self.sum, self.unit));
        let _ = writeln!(text, "{name}_count{braced} {}", self.all);
    }
}

/// So many of a unit, of which that many make one: thousandths are told with three digits after the point, without zeros at the end.
struct Number(u64, u64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(value, unit) = *self;
        let (whole, rest) = (value.checked_div(unit).unwrap_or(0), value.checked_rem(unit).unwrap_or(0));
        write!(f, "{whole}")?;
        if rest > 0 { write!(f, ".{}", format!("{rest:03}").trim_end_matches('0')) } else { Ok(()) }
    }
}

/// What is written, metric by metric.
#[derive(Default)]
struct Text(String);

impl Text {
    fn begin(&mut self, name: &str, help: &str, kind: &str) {
        // Writing into a String can't fail, here and below.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn gauge(&mut self, name: &str, help: &str, values: &[(&str, usize)]) {
        self.begin(name, help, "gauge");
        for (labels, value) in values {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    fn histogram(&mut self, name: &str, help: &str, values: &[(&str, &dyn Written)]) {
        self.begin(name, help, "histogram");
        for (labels, value) in values {
            value.write(&mut self.0, name, labels);
        }
    }
}

#[cfg(test)]
mod tests {
    use confocal::conference::{ConferenceId, LegId, LevelDbov, Millis, PerMille, Quality};

    use super::*;

    fn present() -> Present {
        let legs = ["ringing", "answering", "connecting", "active", "held", "reconnecting"];
        let legs = legs.map(|state| (state, if state == "active" { 3 } else { 0 }));
        Present { conferences: 2, recorded: 1, participants: 3, legs, speaking: 1, poor: 1 }
    }

    fn measured(quality: Quality) -> ConferenceEvent {
        ConferenceEvent::Quality { conference: ConferenceId(1), leg: LegId(1), quality, poor: false }
    }

    /// The lines of a metric, comments left out.
    fn lines(text: &str, name: &str) -> Vec<String> {
        let of = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', '_', ' ']));
        text.lines().filter(of).map(str::to_owned).collect()
    }

    #[test]
    fn who_is_there_is_counted_and_each_state_told() {
        let text = Metrics::default().text(&present());
        for line in [
            "confocal_conferences 2",
            "confocal_conferences_recorded 1",
            "confocal_participants 3",
            "confocal_legs{state=\"ringing\"} 0",
            "confocal_legs{state=\"active\"} 3",
            "confocal_legs{state=\"reconnecting\"} 0",
            "confocal_legs_speaking 1",
            "confocal_legs_poor_connection 1",
        ] {
            assert!(text.lines().any(|said| said == line), "no {line} in {text}");
        }
    }

    #[test]
    fn reports_fall_between_bounds() {
        let mut metrics = Metrics::default();
        let quality = Quality {
            incoming_loss: Some(PerMille(50)),
            outgoing_loss: None,
            jitter: Some(Millis(7)),
            round_trip: Some(Millis(1234)),
        };
        metrics.note(&measured(quality));
        metrics.note(&measured(Quality { incoming_loss: Some(PerMille(51)), ..Quality::default() }));
        let text = metrics.text(&present());
        assert_eq!(
            lines(&text, "confocal_leg_loss_ratio"),
            [
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"0\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"0.01\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"0.02\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"0.05\"} 1",
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"0.1\"} 2",
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"0.2\"} 2",
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"0.5\"} 2",
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"1\"} 2",
                "confocal_leg_loss_ratio_bucket{direction=\"incoming\",le=\"+Inf\"} 2",
                "confocal_leg_loss_ratio_sum{direction=\"incoming\"} 0.101",
                "confocal_leg_loss_ratio_count{direction=\"incoming\"} 2",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"0\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"0.01\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"0.02\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"0.05\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"0.1\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"0.2\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"0.5\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"1\"} 0",
                "confocal_leg_loss_ratio_bucket{direction=\"outgoing\",le=\"+Inf\"} 0",
                "confocal_leg_loss_ratio_sum{direction=\"outgoing\"} 0",
                "confocal_leg_loss_ratio_count{direction=\"outgoing\"} 0",
            ]
        );
        let jitter = lines(&text, "confocal_leg_jitter_seconds");
        assert_eq!(
            jitter[..2],
            [
                "confocal_leg_jitter_seconds_bucket{le=\"0.005\"} 0",
                "confocal_leg_jitter_seconds_bucket{le=\"0.01\"} 1"
            ]
        );
        assert_eq!(
            jitter[11..],
            ["confocal_leg_jitter_seconds_sum 0.007", "confocal_leg_jitter_seconds_count 1"]
        );
        let round_trip = lines(&text, "confocal_leg_round_trip_seconds");
        assert_eq!(
            round_trip[8..10],
            [
                "confocal_leg_round_trip_seconds_bucket{le=\"1\"} 0",
                "confocal_leg_round_trip_seconds_bucket{le=\"5\"} 1"
            ]
        );
    }

    #[test]
    fn what_is_above_all_bounds_is_counted_and_silence_is_not() {
        let mut metrics = Metrics::default();
        let level = |level, speaking| ConferenceEvent::Level {
            conference: ConferenceId(1),
            leg: LegId(1),
            level: LevelDbov(level),
            speaking,
        };
        for event in [level(-23, true), level(-100, true), level(-20, false)] {
            metrics.note(&event);
        }
        let speech = lines(&metrics.text(&present()), "confocal_speech_below_overload_decibels");
        assert_eq!(
            speech[2..4],
            [
                "confocal_speech_below_overload_decibels_bucket{le=\"20\"} 0",
                "confocal_speech_below_overload_decibels_bucket{le=\"25\"} 1"
            ]
        );
        assert_eq!(
            speech[7..],
            [
                "confocal_speech_below_overload_decibels_bucket{le=\"60\"} 1",
                "confocal_speech_below_overload_decibels_bucket{le=\"+Inf\"} 2",
                "confocal_speech_below_overload_decibels_sum 123",
                "confocal_speech_below_overload_decibels_count 2",
            ]
        );
    }

    #[test]
    fn the_text_grows_with_nothing_and_every_metric_is_explained() {
        let mut metrics = Metrics::default();
        let lines_of = |metrics: &Metrics| metrics.text(&present()).lines().count();
        let before = lines_of(&metrics);
        for leg in 0..1000 {
            let quality = Quality { jitter: Some(Millis(leg)), ..Quality::default() };
            let (conference, leg) = (ConferenceId(leg), LegId(leg));
            metrics.note(&ConferenceEvent::Quality { conference, leg, quality, poor: true });
        }
        assert_eq!(lines_of(&metrics), before);
        let text = metrics.text(&present());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let bare =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(text.contains(&format!("# TYPE {bare} ")), "{line}");
        }
    }
}
