//! Which layer of each picture a viewer gets for what the way to it can take. Pure.
//!
//! Voices are paid for before this is asked. Then every picture in its smallest form, screens before
//! faces, then better ones in the same order. What is shown already stays for its price; what is new
//! must fit with room to spare, so that the choice does not swing.

use super::slot::Layer;

/// Room to spare for what is not shown yet.
const SPARE: f64 = 1.2;

/// One picture that could be shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Picture {
    /// A screen: documents matter more than faces.
    pub(super) screen: bool,
    /// Best layer that the viewer looks at; without one it looks elsewhere.
    pub(super) most: Option<Layer>,
    /// Bits a second of the layers that are being sent.
    pub(super) low: Option<u64>,
    pub(super) high: Option<u64>,
    /// What is shown at present.
    pub(super) shown: Option<Layer>,
}

impl Picture {
    fn rate(&self, layer: Layer) -> Option<u64> {
        match layer {
            Layer::Low => self.low,
            Layer::High => self.high,
        }
    }

    /// The smallest layer there is; of a picture that nobody sends yet the lower one, for nothing.
    fn least(&self) -> (Layer, u64) {
        match (self.low, self.high) {
            (Some(low), _) => (Layer::Low, low),
            (None, Some(high)) => (Layer::High, high),
            (None, None) => (Layer::Low, 0),
        }
    }

    /// The layer shown on a line without end.
    pub(super) fn best(&self) -> Option<Layer> {
        let most = self.most?;
        let (least, _) = self.least();
        let high = most == Layer::High && self.high.is_some();
        Some(if high { Layer::High } else { least })
    }
}

/// Bits a second for the best of everything, with room to spare.
pub(super) fn wanted(pictures: &[Picture]) -> u64 {
    let rate = |picture: &Picture| picture.best().and_then(|layer| picture.rate(layer));
    (pictures.iter().filter_map(rate).sum::<u64>() as f64 * SPARE) as u64
}

/// The layer of each picture. `budget` is in bits a second; `None` is no limit.
pub(super) fn choose(budget: Option<u64>, pictures: &[Picture]) -> Vec<Option<Layer>> {
    let Some(budget) = budget else { return pictures.iter().map(Picture::best).collect() };
    let mut left = budget as f64;
    let mut chosen = vec![None; pictures.len()];
    let mut order: Vec<usize> = (0..pictures.len()).collect();
    order.sort_by_key(|n| !pictures[*n].screen);
    let mut pay = |cost: u64, shown: bool| {
        let cost = cost as f64;
        let fits = if shown { cost } else { cost * SPARE } <= left;
        left -= if fits { cost } else { 0.0 };
        fits
    };
    for &n in &order {
        let picture = &pictures[n];
        let (least, cost) = picture.least();
        if picture.most.is_some() && pay(cost, picture.shown.is_some()) {
            chosen[n] = Some(least);
        }
    }
    for &n in &order {
        let picture = &pictures[n];
        if chosen[n] == Some(Layer::Low)
            && picture.best() == Some(Layer::High)
            && let (Some(low), Some(high)) = (picture.low, picture.high)
            && pay(high.saturating_sub(low), picture.shown == Some(Layer::High))
        {
            chosen[n] = Some(Layer::High);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use Layer::{High, Low};
    use proptest::prelude::*;

    fn face(shown: Option<Layer>) -> Picture {
        let (low, high) = (Some(150_000), Some(700_000));
        Picture { most: Some(High), low, high, shown, ..Default::default() }
    }

    fn screen() -> Picture {
        let (most, low) = (Some(High), Some(1_000_000));
        Picture { screen: true, most, low, ..Default::default() }
    }

    #[test]
    fn the_line_decides_what_is_shown() {
        let hidden = Picture { most: None, ..face(None) };
        let small = Picture { most: Some(Low), ..face(None) };
        let silent = Picture { low: None, high: None, ..face(None) };
        let only_high = Picture { low: None, ..face(None) };
        type Row = (&'static str, Option<u64>, Vec<Picture>, Vec<Option<Layer>>);
        let table: [Row; 11] = [
            ("no limit", None, vec![face(None), small, hidden], vec![Some(High), Some(Low), None]),
            ("wide", Some(5_000_000), vec![face(None); 2], vec![Some(High); 2]),
            ("one better", Some(1_100_000), vec![face(None); 2], vec![Some(High), Some(Low)]),
            ("all small", Some(400_000), vec![face(None); 2], vec![Some(Low); 2]),
            ("one small", Some(200_000), vec![face(None); 2], vec![Some(Low), None]),
            ("voices only", Some(50_000), vec![face(Some(High)); 2], vec![None; 2]),
            ("screen first", Some(1_320_000), vec![face(None), screen()], vec![Some(Low); 2]),
            (
                "screen only",
                Some(1_210_000),
                vec![face(None); 3].into_iter().chain([screen()]).collect(),
                vec![Some(Low), None, None, Some(Low)],
            ),
            (
                "hidden costs nothing",
                Some(900_000),
                vec![hidden, face(None)],
                vec![None, Some(High)],
            ),
            ("what is not sent is waited for", Some(0), vec![silent], vec![Some(Low)]),
            ("only live layers", Some(900_000), vec![only_high], vec![Some(High)]),
        ];
        for (what, budget, pictures, expected) in table {
            assert_eq!(choose(budget, &pictures), expected, "{what}");
        }
    }

    #[test]
    fn what_is_shown_stays_where_what_is_new_would_not_come() {
        for (budget, fresh, kept) in
            [(720_000, Low, High), (860_000, High, High), (690_000, Low, Low)]
        {
            assert_eq!(choose(Some(budget), &[face(Some(Low))]), [Some(fresh)], "{budget}");
            assert_eq!(choose(Some(budget), &[face(Some(High))]), [Some(kept)], "{budget}");
        }
    }

    proptest! {
        #[test]
        fn the_choice_never_costs_more_than_there_is(
            budget in 0u64..10_000_000,
            rates in proptest::collection::vec(
                (any::<bool>(), proptest::option::of(1u64..900_000), proptest::option::of(1u64..2_000_000)),
                0..12),
        ) {
            let pictures: Vec<_> = rates.into_iter().map(|(screen, low, high)| Picture {
                screen, low, high, most: Some(High), shown: Some(High),
            }).collect();
            let chosen = choose(Some(budget), &pictures);
            let cost: u64 = pictures.iter().zip(&chosen)
                .filter_map(|(p, layer)| p.rate((*layer)?))
                .sum();
            prop_assert!(cost <= budget.max(pictures.iter().filter_map(|p| p.low).sum()) || cost <= budget);
            prop_assert!(cost <= budget || pictures.iter().any(|p| p.low > p.high));
        }
    }
}
