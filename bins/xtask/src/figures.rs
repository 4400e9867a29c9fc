//! Figures as tables print them: how values are spread, on which machine they were taken and when. What is measured never lives
//! here.

use std::fs;

/// Median, 95th percentile and range of milliseconds, as the cells of a row in Markdown.
pub(crate) fn spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| quantile(&values, part);
    format!("{:.0} ms | {:.0} ms | {:.0} – {:.0} ms", at(0.5), at(0.95), at(0.0), at(1.0))
}

/// The smallest value that at least `part` of all are not above (nearest rank).
fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank is a small whole number"
    )]
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
}

/// The processors, as the system names them.
pub(crate) fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> = cpus
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, model)| model))
        .collect();
    format!("{} × {}", models.len(), models.first().copied().unwrap_or("an unknown processor"))
}

/// The day, by the system's own calendar, since no other is needed here.
pub(crate) fn today() -> String {
    let date = std::process::Command::new("date").arg("+%Y-%m-%d").output();
    date.map(|date| String::from_utf8_lossy(&date.stdout).trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let at = |part| quantile(&values, part);
        assert_eq!([at(0.0), at(0.5), at(0.95), at(1.0)], [1.0, 10.0, 19.0, 20.0]);
        assert_eq!(quantile(&[7.0], 0.95), 7.0);
    }
}
