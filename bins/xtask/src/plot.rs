//! Lines over two axes as SVG. What is drawn never lives here.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 60.0;
/// Told apart without their hues, too (after Okabe and Ito).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// A drawing.
#[derive(Clone, Debug)]
pub(crate) struct Plot<'a> {
    /// What it shows.
    pub(crate) title: &'a str,
    /// What goes to the right, with its unit.
    pub(crate) x: &'a str,
    /// What goes up, with its unit; from 0.
    pub(crate) y: &'a str,
    /// Equal ratios to the right have equal lengths.
    pub(crate) logarithmic: bool,
    /// The lines.
    pub(crate) lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// What it is.
    pub(crate) name: String,
    /// Its points, from left to right.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Plot<'_> {
    /// The drawing as SVG. Lines without a point are named all the same.
    pub(crate) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let (low, high) = points()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (x, _)| (low.min(x), high.max(x)));
        let top = nice_above(points().map(|(_, y)| y).fold(0.0, f64::max));
        let scale = |x: f64| if self.logarithmic { x.max(1e-9).ln() } else { x };
        let place_x = |x: f64| {
            let span = scale(high) - scale(low);
            let part = if span > 0.0 { (scale(x) - scale(low)) / span } else { 0.5 };
            LEFT + part * (WIDTH - LEFT - RIGHT)
        };
        let place_y = |y: f64| HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{}</text>\n",
            escaped(self.title)
        );
        let mut add = |line: String| {
            // Writing into a string does not fail.
            let _ = writeln!(svg, "{line}");
        };
        for step in 0..=5 {
            let value = top * f64::from(step) / 5.0;
            let y = place_y(value);
            add(format!("<path d=\"M{LEFT} {y:.1}H{}\" stroke=\"#ddd\"/>", WIDTH - RIGHT));
            add(format!(
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                short(value)
            ));
        }
        let mut ticks: Vec<f64> = points().map(|(x, _)| x).collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        for value in ticks {
            let (x, y) = (place_x(value), HEIGHT - BOTTOM + 18.0);
            add(format!("<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", short(value)));
        }
        let (middle, foot) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 16.0);
        add(format!("<text x=\"{middle}\" y=\"{foot}\" text-anchor=\"middle\">{}</text>", escaped(self.x)));
        let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
        add(format!(
            "<text x=\"18\" y=\"{middle}\" text-anchor=\"middle\" transform=\"rotate(-90 18 {middle})\">{}</text>",
            escaped(self.y)
        ));
        for (index, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let places: Vec<String> =
                line.points.iter().map(|&(x, y)| format!("{:.1},{:.1}", place_x(x), place_y(y))).collect();
            if !places.is_empty() {
                add(format!(
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                    places.join(" ")
                ));
            }
            for place in &places {
                if let Some((x, y)) = place.split_once(',') {
                    add(format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"3.5\" fill=\"{colour}\"/>"));
                }
            }
            let y = TOP + 16.0 + 18.0 * f64::from(u32::try_from(index).unwrap_or_default());
            add(format!(
                "<text x=\"{}\" y=\"{y}\" fill=\"{colour}\">{}</text>",
                LEFT + 14.0,
                escaped(&line.name)
            ));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// The next of 1, 2, 5, 10, 20, … that is not below; 1 for 0.
fn nice_above(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|&step| step >= value * 0.999_999)
        .unwrap_or(value)
}

/// With as many digits as it takes to tell the steps of an axis apart.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>) -> String {
        let lines = vec![Line { name: "a < b".into(), points }];
        Plot { title: "T & U", x: "participants", y: "ms", logarithmic: true, lines }.svg()
    }

    #[test]
    fn equal_ratios_have_equal_lengths_and_nothing_lies_outside() {
        let svg = plot(vec![(10.0, 0.0), (100.0, 5.0), (1_000.0, 2.5)]);
        assert!(svg.contains("<polyline points=\"70.0,360.0 385.0,40.0 700.0,200.0\""), "{svg}");
        assert!(svg.contains("T &amp; U") && svg.contains("a &lt; b"));
        for tick in ["10", "100", "1000", "2.5"] {
            assert!(svg.contains(&format!(">{tick}<")) || tick == "2.5", "{tick} in {svg}");
        }
    }

    #[test]
    fn few_points_or_none_are_a_drawing_too() {
        assert!(plot(vec![(10.0, 1.0)]).contains("385.0,40.0"));
        assert!(plot(Vec::new()).ends_with("</svg>\n"));
        assert!(!plot(Vec::new()).contains("NaN"));
    }

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!([0.0, 0.03, 1.0, 1.7, 30.0, 100.0].map(nice_above), [1.0, 0.05, 1.0, 2.0, 50.0, 100.0]);
        assert_eq!([short(0.25), short(40.0), short(1_000.0)], ["0.25", "40", "1000"]);
    }
}
