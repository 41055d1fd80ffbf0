//! Figures of several rounds: the median and how far they are spread.

use serde_json::{Map, Value, json};

/// One figure of each round, sorted.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures(Vec<f64>);

/// Everything that was measured, in the order of the table.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<(&'static str, &'static str, Figures)>);

impl Figures {
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    /// Of each round, this by that.
    pub(super) fn ratio(this: &[f64], that: &[f64]) -> Self {
        Self::of(this.iter().zip(that).map(|(this, that)| this / that))
    }

    pub(super) fn add(&mut self, figure: f64) {
        *self = Self::of(self.0.iter().copied().chain([figure]));
    }

    pub(super) fn median(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| share(&self.0, 0.5))
    }
}

impl Report {
    pub(super) fn add(&mut self, name: &'static str, unit: &'static str, figures: Figures) {
        self.0.push((name, unit, figures));
    }

    /// Medians by name; beside them, how far the rounds are spread.
    pub(super) fn json(&self) -> Value {
        let mut all = Map::new();
        let mut spread = Map::new();
        for (name, _, figures) in &self.0 {
            all.insert((*name).to_owned(), json!(figures.median().map(rounded)));
            let ends = json!({ "least": figures.0.first().copied().map(rounded),
                               "most": figures.0.last().copied().map(rounded), "rounds": figures.0.len() });
            spread.insert((*name).to_owned(), ends);
        }
        all.insert("spread".to_owned(), Value::Object(spread));
        Value::Object(all)
    }

    pub(super) fn table(&self) -> Vec<String> {
        let figure =
            |figure: Option<f64>| figure.map_or_else(|| "unknown".to_owned(), |figure| rounded(figure).to_string());
        let head = format!("{:<20} {:>10} {:>10} {:>10}  {:<15} rounds", "", "median", "least", "most", "");
        let line = |(name, unit, figures): &(&str, &str, Figures)| {
            let (least, most) = (figures.0.first().copied(), figures.0.last().copied());
            let [median, least, most] = [figures.median(), least, most].map(figure);
            format!("{name:<20} {median:>10} {least:>10} {most:>10}  {unit:<15} {}", figures.0.len())
        };
        std::iter::once(head).chain(self.0.iter().map(line)).collect()
    }
}

/// The value below which this share lies, of sorted ones; between two, by distance.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "places")]
pub(super) fn share(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = last as f64 * share;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// More places are more than such figures hold.
fn rounded(figure: f64) -> f64 {
    let places = if figure.abs() >= 100.0 { 1.0 } else { 1000.0 };
    (figure * places).round() / places
}
