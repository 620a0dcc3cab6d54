//! A run as a line graph: in the terminal, and as SVG.

use super::simulation::{LENGTH, NAMES, Run, Sample};
use std::{fmt::Write, iter};

/// A line: its name, the sign and the colour that it is drawn in, and its height in each second.
struct Line {
    name: String,
    sign: char,
    colour: &'static str,
    height: fn(&Sample) -> Option<i128>,
}

/// What lies above comes later.
fn lines() -> [Line; 5] {
    let line = |name: &str, sign, colour, height| Line { name: name.into(), sign, colour, height };
    let reads = |at: usize| format!("read in {}", NAMES[at]);
    [
        line("a PnCounter", '·', "#bbbbbb", |it| Some(it.counter)),
        line(&reads(0), 'u', "#3366cc", |it| read(it, 0)),
        line(&reads(1), 'e', "#22884d", |it| read(it, 1)),
        line(&reads(2), 'a', "#cc7711", |it| read(it, 2)),
        line("open", '█', "#000000", |it| Some(it.truth.into())),
    ]
}

fn read(sample: &Sample, at: usize) -> Option<i128> {
    i128::try_from(sample.read[at]?).ok()
}

fn greatest(run: &Run) -> usize {
    let all = lines();
    let heights =
        run.samples.iter().flat_map(|sample| all.iter().map(|line| (line.height)(sample)));
    heights.flatten().max().and_then(|it| usize::try_from(it).ok()).unwrap_or(1).max(1)
}

const ROWS: usize = 18;
const SECONDS_A_COLUMN: u64 = 2;

/// A graph in letters, with a scale at its left and below it.
pub(crate) fn text(run: &Run) -> String {
    let top = greatest(run);
    let columns = usize::try_from(LENGTH / SECONDS_A_COLUMN).unwrap_or_default();
    let mut grid = vec![vec![' '; columns]; ROWS + 1];
    for line in lines() {
        for sample in run.samples.iter().filter(|it| it.second % SECONDS_A_COLUMN == 0) {
            let column = usize::try_from(sample.second / SECONDS_A_COLUMN).ok();
            let height = (line.height)(sample).and_then(|it| usize::try_from(it).ok());
            let row = height.map(|height| ROWS - (height * ROWS + top / 2) / top);
            let place = row.and_then(|row| grid.get_mut(row)).zip(column);
            if let Some(place) = place.and_then(|(row, column)| row.get_mut(column)) {
                *place = line.sign;
            }
        }
    }
    let mut text = String::new();
    for (row, signs) in grid.iter().enumerate() {
        let height =
            if row % 6 == 0 { ((ROWS - row) * top / ROWS).to_string() } else { String::new() };
        _ = writeln!(text, "{height:>5} │{}", signs.iter().collect::<String>().trim_end());
    }
    _ = writeln!(text, "      └{}", "─".repeat(columns));
    let marks = (0..LENGTH).step_by(30).map(|second| format!("{second:<15}"));
    _ = writeln!(text, "       {}s", marks.collect::<String>());
    let legend = lines().map(|line| format!("{} {}", line.sign, line.name));
    text + "       " + &legend.join("   ") + "\n"
}

const WIDTH: u64 = 720;
const HEIGHT: u64 = 300;

/// The same as SVG, on white.
pub(crate) fn svg(run: &Run) -> String {
    let top = greatest(run);
    let mut text = String::new();
    _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-40 -10 {} {}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect x=\"-40\" y=\"-10\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
        WIDTH + 60,
        HEIGHT + 60
    );
    for quarter in 0..=4 {
        let y = HEIGHT - HEIGHT * quarter / 4;
        let height = u64::try_from(top).unwrap_or_default() * quarter / 4;
        _ = writeln!(
            text,
            "<path d=\"M0 {y}H{WIDTH}\" stroke=\"#eeeeee\"/>\
             <text x=\"-6\" y=\"{}\" text-anchor=\"end\">{height}</text>",
            y + 4
        );
    }
    for second in (0..=LENGTH).step_by(30) {
        let x = second * WIDTH / LENGTH;
        _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{second} s</text>",
            HEIGHT + 16
        );
    }
    for (at, line) in iter::zip(0.., lines()) {
        _ = writeln!(
            text,
            "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>",
            path(run, &line, top),
            line.colour
        );
        let (x, y) = (at * WIDTH / 5, HEIGHT + 38);
        _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"{y}\" fill=\"{}\">{}</text>",
            line.colour, line.name
        );
    }
    text + "</svg>\n"
}

/// Broken where there is nothing to read.
fn path(run: &Run, line: &Line, top: usize) -> String {
    let (mut path, mut is_drawn) = (String::new(), false);
    for sample in &run.samples {
        let height = (line.height)(sample).and_then(|it| u64::try_from(it).ok());
        if let Some(height) = height {
            let x = sample.second * WIDTH / LENGTH;
            let y = HEIGHT - (height * HEIGHT / u64::try_from(top).unwrap_or(1)).min(HEIGHT);
            _ = write!(path, "{}{x} {y}", if is_drawn { 'L' } else { 'M' });
        }
        is_drawn = height.is_some();
    }
    path
}
