//! Bars in groups, as SVG.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
/// Left, top, right and bottom of the bars.
const AREA: [f64; 4] = [46.0, 52.0, 750.0, 268.0];
const COLOURS: [&str; 7] = ["#0b6e4f", "#57b894", "#b0b7bf", "#93a1b0", "#7789a0", "#5d6f8a", "#cfa36b"];
/// What is nothing on a logarithmic scale.
const LEAST: f64 = 0.01;

/// Groups of bars with their names.
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) bars: Vec<(String, Vec<(&'static str, f64)>)>,
    pub(crate) top: f64,
    pub(crate) is_log: bool,
}

impl Plot {
    pub(crate) fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
        );
        text(&mut svg, AREA[0], 16.0, "start", &self.title);
        self.legend(&mut svg);
        self.scale(&mut svg);
        for (place, (name, bars)) in self.bars.iter().enumerate() {
            let width = (AREA[2] - AREA[0]) / self.bars.len() as f64;
            self.group(&mut svg, AREA[0] + width * place as f64, width, name, bars);
        }
        svg + "</svg>\n"
    }

    fn legend(&self, svg: &mut String) {
        let names = self.bars.first().map_or(&[][..], |(_, bars)| bars);
        for (place, ((name, _), colour)) in names.iter().zip(COLOURS).enumerate() {
            let x = AREA[0] + 102.0 * place as f64;
            rectangle(svg, [x, 26.0, 10.0, 10.0], colour);
            text(svg, x + 14.0, 35.0, "start", name);
        }
    }

    fn scale(&self, svg: &mut String) {
        let marks: &[f64] = if self.is_log {
            &[0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0]
        } else {
            &[0.0, 25.0, 50.0, 75.0, 100.0]
        };
        for mark in marks {
            let y = self.height_of(*mark);
            rectangle(svg, [AREA[0], y, AREA[2] - AREA[0], 0.5], "#d5d9de");
            text(svg, AREA[0] - 4.0, y + 4.0, "end", &format!("{mark}{}", self.unit));
        }
    }

    fn group(&self, svg: &mut String, x: f64, width: f64, name: &str, bars: &[(&'static str, f64)]) {
        let each = width * 0.8 / bars.len().max(1) as f64;
        for (place, ((_, value), colour)) in bars.iter().zip(COLOURS).enumerate() {
            let (left, top) = (x + width * 0.1 + each * place as f64, self.height_of(*value));
            rectangle(svg, [left, top, each * 0.85, AREA[3] - top], colour);
        }
        text(svg, x + width / 2.0, AREA[3] + 18.0, "middle", name);
    }

    fn height_of(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value.max(LEAST) / LEAST).log10() / (self.top / LEAST).log10()
        } else {
            value / self.top
        };
        AREA[3] - share.clamp(0.0, 1.05) * (AREA[3] - AREA[1])
    }
}

fn rectangle(svg: &mut String, [x, y, width, height]: [f64; 4], colour: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ =
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#222\">{text}</text>");
}
