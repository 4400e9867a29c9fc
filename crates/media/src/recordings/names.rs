//! How files of recordings are called: `conference-3-20261122T211500Z-7.opus`, for the conference, the time (UTC) and the recording.

use std::time::{Duration, SystemTime};

use confocal::conference::{ConferenceId, RecordingId};

/// A file that is made to see whether one can be.
pub(super) const PROBE: &str = ".conference-probe";

/// The name of a new one.
pub(super) fn of(conference: ConferenceId, recording: RecordingId, at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!(
        "conference-{conference}-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z-{recording}.opus"
    )
}

/// Whether a file was named so.
pub(super) fn is_ours(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = |text: &str| {
        let Some((date, time)) = text.strip_suffix('Z').and_then(|text| text.split_once('T')) else {
            return false;
        };
        date.len() >= 8 && time.len() == 6 && number(date) && number(time)
    };
    let Some(rest) = name.strip_prefix("conference-").and_then(|name| name.strip_suffix(".opus")) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('-').collect();
    matches!(parts[..], [conference, at, recording] if number(conference) && time(at) && number(recording))
}

/// The date of a day, counted from 1970-01-01 (the Gregorian calendar: 400 years have 146,097 days; years that begin in March end with
/// their leap day).
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        // By `date -u -d @…`.
        let days =
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (11_017, (2000, 3, 1)), (20_779, (2026, 11, 22))];
        for (number, date) in days {
            assert_eq!(civil(number), date);
        }
        assert_eq!(civil(47_540), (2100, 2, 28));
        assert_eq!(civil(47_541), (2100, 3, 1));
    }

    #[test]
    fn a_name_says_conference_time_and_recording_and_is_known_again() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(20_779 * 86_400 + 21 * 3600 + 15 * 60 + 7);
        let name = of(ConferenceId(3), RecordingId(12), at);
        assert_eq!(name, "conference-3-20261122T211507Z-12.opus");
        assert!(is_ours(&name));
        for other in [
            "conference-3-20261122T211507Z-12.ogg",
            "conference-3-20261122T211507Z-.opus",
            "conference-x-20261122T211507Z-12.opus",
            "conference-3-20261122-12.opus",
            "conference-3-20261122T211507Z-12-1.opus",
            "my conference-3-20261122T211507Z-12.opus",
            PROBE,
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
