//! A load's report for people: one HTML file with plots drawn in it (SVG), nothing fetched from
//! anywhere.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 48.0;
/// Points of a line; more cannot be seen.
const POINTS: usize = 400;
/// Distinguishable also without colour: each line is dashed in its own way.
const STROKES: [(&str, &str); 6] = [
    ("#0047ab", ""),
    ("#b3541e", "7 4"),
    ("#2e6b34", "2 3"),
    ("#6a3d9a", "10 3 2 3"),
    ("#8a1c4a", "14 4"),
    ("#4d4d4d", "4 2 1 2"),
];

/// A figure in words and number, for the head of the page.
#[derive(Clone, Debug)]
pub struct Headline {
    /// What it is.
    pub name: String,
    /// How much, with its unit.
    pub value: String,
}

impl Headline {
    /// A figure; a dash where there is none.
    pub fn new(name: &str, value: Option<impl ToString>, unit: &str) -> Self {
        let value = value.map_or_else(|| "–".to_owned(), |v| format!("{} {unit}", v.to_string()));
        Self { name: name.to_owned(), value: value.trim().to_owned() }
    }
}

/// One line of a plot.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it shows.
    pub name: String,
    /// By x.
    pub points: Vec<(f64, f64)>,
}

/// Something to look at.
#[derive(Clone, Debug)]
pub enum Chart {
    /// Bars beside each other, from zero.
    Bars {
        /// Above it.
        title: String,
        /// Of the numbers.
        unit: &'static str,
        /// Name and number.
        bars: Vec<(String, f64)>,
    },
    /// Lines over a common axis.
    Lines {
        /// Above it.
        title: String,
        /// Below the axis.
        x: &'static str,
        /// Beside the axis.
        y: &'static str,
        /// The x axis shows powers of ten.
        logarithmic: bool,
        /// The lines.
        series: Vec<Series>,
    },
    /// Rows of numbers.
    Table {
        /// Above it.
        title: String,
        /// Names of the columns.
        head: Vec<&'static str>,
        /// The rows.
        rows: Vec<Vec<String>>,
    },
}

/// The whole page. `notes`: where and how it was measured; `failures`: what went wrong.
pub fn page(
    title: &str,
    notes: &[String],
    headlines: &[Headline],
    failures: &[String],
    charts: &[Chart],
) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>",
        title = escaped(title),
    );
    for note in notes {
        put(&mut html, format_args!("<p>{}</p>", escaped(note)));
    }
    if !failures.is_empty() {
        html.push_str("<section class=\"bad\"><h2>What went wrong</h2><ul>");
        for failure in failures {
            put(&mut html, format_args!("<li>{}</li>", escaped(failure)));
        }
        html.push_str("</ul></section>");
    }
    html.push_str("<dl>");
    for Headline { name, value } in headlines {
        let (name, value) = (escaped(name), escaped(value));
        put(&mut html, format_args!("<div><dt>{name}</dt><dd>{value}</dd></div>"));
    }
    html.push_str("</dl>");
    for chart in charts {
        chart.draw(&mut html);
    }
    html.push_str("</main></body></html>\n");
    html
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#17324d;background:#fff;margin:0}\
main{max-width:760px;margin:0 auto;padding:1rem}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}\
dl{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}dl div{border:1px solid #c5d0db;border-radius:6px;\
padding:.5rem .9rem}dt{font-size:.85rem}dd{margin:0;font-size:1.25rem;font-weight:600}\
svg{width:100%;height:auto}text{font:12px system-ui,sans-serif;fill:#17324d}\
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}\
th,td{border-bottom:1px solid #c5d0db;padding:.3rem .6rem;text-align:right}\
th:first-child,td:first-child{text-align:left}.bad{border-left:4px solid #b00020;padding-left:1rem}";

impl Chart {
    /// How many of all durations (ms) took at most so long.
    pub fn distribution(title: &str, name: &str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let all = values.len().max(1) as f64;
        let points = (1..).zip(&values).map(|(n, value)| (*value, f64::from(n) / all)).collect();
        Self::Lines {
            title: title.to_owned(),
            x: "ms",
            y: "share of all",
            logarithmic: true,
            series: vec![Series { name: name.to_owned(), points }],
        }
    }

    fn draw(&self, html: &mut String) {
        let (Self::Bars { title, .. } | Self::Lines { title, .. } | Self::Table { title, .. }) =
            self;
        put(html, format_args!("<section><h2>{}</h2>", escaped(title)));
        match self {
            Self::Bars { unit, bars, title } => draw_bars(html, title, unit, bars),
            Self::Lines { x, y, logarithmic, series, title } => {
                Axes::over(series, *logarithmic).draw(html, title, x, y, series);
            }
            Self::Table { head, rows, .. } => draw_table(html, head, rows),
        }
        html.push_str("</section>");
    }
}

fn draw_bars(html: &mut String, title: &str, unit: &str, bars: &[(String, f64)]) {
    const ROW: f64 = 34.0;
    const NAMES: f64 = 230.0;
    const NUMBERS: f64 = 90.0;
    let height = ROW * bars.len() as f64 + 8.0;
    open_svg(html, title, height);
    let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    for (row, (name, value)) in bars.iter().enumerate() {
        let y = ROW * row as f64 + 6.0;
        let long = (WIDTH - NAMES - NUMBERS) * value.max(0.0) / most;
        let (colour, _) = STROKES[row % STROKES.len()];
        put(
            html,
            format_args!(
                "<text x=\"{x}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\
                 <rect x=\"{NAMES}\" y=\"{y}\" width=\"{long:.1}\" height=\"22\" fill=\"{colour}\"/>\
                 <text x=\"{end:.1}\" y=\"{text}\">{value} {unit}</text>",
                x = NAMES - 8.0,
                text = y + 16.0,
                end = NAMES + long + 6.0,
                name = escaped(name),
                value = number(*value),
                unit = escaped(unit),
            ),
        );
    }
    html.push_str("</svg>");
}

fn draw_table(html: &mut String, head: &[&str], rows: &[Vec<String>]) {
    html.push_str("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    for name in head {
        put(html, format_args!("<th scope=\"col\">{}</th>", escaped(name)));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            put(html, format_args!("<td>{}</td>", escaped(cell)));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
}

/// What a plot shows, and where.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
    logarithmic: bool,
}

impl Axes {
    fn over(series: &[Series], logarithmic: bool) -> Self {
        let points = || series.iter().flat_map(|series| &series.points);
        let least = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(f64::NEG_INFINITY, f64::max);
        let (mut x, y) = ((least(|p| p.0), most(|p| p.0)), (0.0, most(|p| p.1)));
        if logarithmic {
            x = (x.0.max(1e-3).log10().floor(), x.1.max(1e-3).log10().ceil());
        }
        let wide = |(from, to): (f64, f64)| match from.is_finite() && to.is_finite() {
            true if to > from => (from, to),
            true => (from, from + 1.0),
            false => (0.0, 1.0),
        };
        let (from, to) = wide(y);
        let step = step(to - from);
        Self { x: wide(x), y: (from, (to / step).ceil() * step), logarithmic }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let x = if self.logarithmic { x.max(1e-3).log10() } else { x };
        let share = |value: f64, (from, to): (f64, f64)| (value - from) / (to - from);
        (
            LEFT + share(x, self.x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - share(y, self.y) * (HEIGHT - TOP - BOTTOM),
        )
    }

    fn draw(&self, html: &mut String, title: &str, x: &str, y: &str, series: &[Series]) {
        open_svg(html, title, HEIGHT + 20.0 * series.len() as f64);
        let bottom = HEIGHT - BOTTOM;
        for tick in ticks(self.y) {
            let (_, at) = self.at((self.raw(self.x.0), tick));
            put(
                html,
                format_args!(
                    "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#dde4ea\"/><text x=\"{label}\" \
                     y=\"{text:.1}\" text-anchor=\"end\">{tick}</text>",
                    right = WIDTH - RIGHT,
                    label = LEFT - 6.0,
                    text = at + 4.0,
                    tick = number(tick),
                ),
            );
        }
        let along = if self.logarithmic {
            (self.x.0 as i32..=self.x.1 as i32).map(f64::from).collect()
        } else {
            ticks(self.x)
        };
        for tick in along.into_iter().map(|tick| self.raw(tick)) {
            let (at, _) = self.at((tick, 0.0));
            put(
                html,
                format_args!(
                    "<path d=\"M{at:.1} {bottom}v5\" stroke=\"#17324d\"/><text x=\"{at:.1}\" \
                     y=\"{text}\" text-anchor=\"middle\">{tick}</text>",
                    text = bottom + 18.0,
                    tick = number(tick),
                ),
            );
        }
        put(
            html,
            format_args!(
                "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"#17324d\"/>\
                 <text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{x}</text>\
                 <text x=\"{beside}\" y=\"{TOP}\">{y}</text>",
                right = WIDTH - RIGHT,
                middle = (LEFT + WIDTH - RIGHT) / 2.0,
                below = bottom + 36.0,
                beside = LEFT + 6.0,
                x = escaped(x),
                y = escaped(y),
            ),
        );
        for (n, one) in series.iter().enumerate() {
            let (colour, dashes) = STROKES[n % STROKES.len()];
            let every = one.points.len().div_ceil(POINTS).max(1);
            let last = one.points.last().into_iter();
            let mut path = String::new();
            for (i, point) in one.points.iter().step_by(every).chain(last).enumerate() {
                let (x, y) = self.at(*point);
                put(&mut path, format_args!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' }));
            }
            let (legend, name) = (HEIGHT + 20.0 * n as f64 + 8.0, escaped(&one.name));
            put(
                html,
                format_args!(
                    "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" \
                     stroke-dasharray=\"{dashes}\"/><path d=\"M{LEFT} {legend}h36\" \
                     stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>\
                     <text x=\"{label}\" y=\"{text}\">{name}</text>",
                    label = LEFT + 44.0,
                    text = legend + 4.0,
                ),
            );
        }
        html.push_str("</svg>");
    }

    /// A place on the x axis as its value.
    fn raw(&self, x: f64) -> f64 {
        if self.logarithmic { 10f64.powf(x) } else { x }
    }
}

fn open_svg(html: &mut String, title: &str, height: f64) {
    let title = escaped(title);
    put(
        html,
        format_args!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">"),
    );
}

/// A round step that divides a stretch into about five.
fn step(stretch: f64) -> f64 {
    let power = 10f64.powf((stretch / 5.0).log10().floor());
    let rough = stretch / 5.0 / power;
    power * [1.0, 2.0, 5.0].into_iter().find(|step| rough <= *step).unwrap_or(10.0)
}

fn ticks((from, to): (f64, f64)) -> Vec<f64> {
    let step = step(to - from);
    let first = (from / step).ceil() as i64;
    (first..).map(|n| n as f64 * step).take_while(|tick| *tick <= to + step / 1e6).collect()
}

/// Without digits that nobody reads.
fn number(value: f64) -> String {
    let text = match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        medium if medium >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stands_for_itself_and_escapes_what_it_is_told() {
        let line = Series { name: "<ours>".to_owned(), points: vec![(0.1, 0.0), (100.0, 1.0)] };
        let charts = [
            Chart::Bars { title: "b".into(), unit: "µs", bars: vec![("one".into(), 2.5)] },
            Chart::Lines {
                title: "l".into(),
                x: "ms",
                y: "share",
                logarithmic: true,
                series: vec![line, Series { name: "empty".into(), points: vec![] }],
            },
            Chart::Table { title: "t".into(), head: vec!["a"], rows: vec![vec!["1".into()]] },
        ];
        let headlines =
            [Headline::new("cost", Some(2.5), "µs"), Headline::new("x", None::<f64>, "")];
        let html = page("load & more", &[], &headlines, &["it <broke>".to_owned()], &charts);
        for (found, expected) in [
            (html.contains("&lt;ours&gt;"), true),
            (html.contains("it &lt;broke&gt;"), true),
            (html.contains("load &amp; more"), true),
            (html.contains("2.5 µs"), true),
            (html.contains("NaN") || html.contains("inf"), false),
            (html.contains("src=") || html.contains("href=") || html.contains("url("), false),
        ] {
            assert_eq!(found, expected, "{html}");
        }
        assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
    }

    #[test]
    fn axes_have_round_ticks() {
        assert_eq!(ticks((0.0, 1.0)), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks((0.0, 34.0)), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!((number(0.6000000000000001), number(1500.0)), ("0.6".into(), "1500".into()));
    }
}
