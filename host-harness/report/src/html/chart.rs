//! Charts as SVG. Heights are pixels, widths are parts of whatever room there is: so text keeps its size
//! on a phone. Everything is counted in whole numbers.

use std::fmt;

use maud::{Markup, Render, html};

use super::parts::Ids;

/// Height of the plot, and the room above it for a figure.
const HEIGHT: u64 = 150;
const TOP: u64 = 22;
/// The baseline, and the room below it for names.
const BASE: u64 = TOP + HEIGHT;
const FULL: u64 = BASE + 24;
/// More names than this do not fit side by side on a phone.
const NAMES: usize = 7;

/// A share of the width, in hundredths of a percent.
#[derive(Clone, Copy)]
struct Share(u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 100, self.0 % 100)
    }
}

impl Render for Share {
    fn render_to(&self, buffer: &mut String) {
        buffer.push_str(&self.to_string());
    }
}

/// `part` of `whole` as a share of `scale`; nothing of nothing.
fn scaled(part: u64, whole: u64, scale: u64) -> u64 {
    let share = (u128::from(part) * u128::from(scale)).checked_div(u128::from(whole));
    u64::try_from(share.unwrap_or(0)).unwrap_or(scale).min(scale)
}

/// What an axis goes up to, and its marks: at most four steps of 1, 2 or 5 times a power of ten.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Axis {
    top: u64,
    step: u64,
}

impl Axis {
    pub(super) fn up_to(largest: u64) -> Self {
        let fits = |step: &u64| largest.div_ceil(*step) <= 4;
        let powers = (0..19).map(|power| 10_u64.pow(power));
        let steps = powers.flat_map(|power| [1, 2, 5].map(|times| power.saturating_mul(times)));
        let step = steps.into_iter().find(fits).unwrap_or(u64::MAX);
        Self { top: step.saturating_mul(largest.div_ceil(step).max(1)), step }
    }

    /// From the baseline up.
    fn marks(&self) -> impl Iterator<Item = u64> {
        (0..=self.top / self.step).map(|times| times * self.step)
    }

    fn y(&self, value: u64) -> u64 {
        BASE - scaled(value, self.top, HEIGHT)
    }
}

/// One place on the horizontal axis.
pub(super) struct Slot {
    /// The name below it.
    pub(super) name: String,
    /// The whole story, shown when it is pointed at.
    pub(super) story: String,
    /// The values of the series; absent where there is none.
    pub(super) values: Vec<Option<u64>>,
}

/// What a chart says to those who do not see it.
pub(super) struct Caption<'a> {
    pub(super) title: &'a str,
    pub(super) description: &'a str,
}

/// Columns of the first series.
pub(super) fn columns(
    told: &Caption<'_>,
    slots: &[Slot],
    label: impl Fn(u64) -> String,
    ids: &mut Ids,
) -> Markup {
    let value = |slot: &Slot| slot.values.first().copied().flatten().unwrap_or(0);
    let largest = slots.iter().map(value).max().unwrap_or(0);
    let axis = Axis::up_to(largest);
    let wide = 10_000 / slots.len().max(1) as u64;
    let bar = (wide * 64 / 100).min(900);
    let peak = slots.iter().position(|slot| value(slot) == largest && largest > 0);
    framed(
        told,
        &axis,
        slots,
        &label,
        ids,
        &html! {
            @for (at, slot) in slots.iter().enumerate() {
                @let y = axis.y(value(slot));
                @let middle = middle(at, wide);
                g.hit {
                    title { (slot.story) }
                    rect.area x=(Share(wide * at as u64)) y=(TOP) width=(Share(wide)) height=(HEIGHT) {}
                    @if value(slot) > 0 {
                        // A refund too small to be seen is still one.
                        @let height = (BASE - y).max(2);
                        rect.bar x=(Share(middle - bar / 2)) y=(BASE - height) width=(Share(bar))
                            height=(height) rx="2" {}
                    }
                    @if peak == Some(at) {
                        @let (x, anchor) = peak_place(at, slots.len(), wide);
                        text.peak x=(Share(x)) y=(y - 6) text-anchor=(anchor) { (label(value(slot))) }
                    }
                }
            }
        },
    )
}

/// Lines of up to two series; a gap where a value is missing. The first is drawn through with dots, the
/// second is dashed with squares.
pub(super) fn lines(
    told: &Caption<'_>,
    slots: &[Slot],
    label: impl Fn(u64) -> String,
    ids: &mut Ids,
) -> Markup {
    let largest = slots.iter().flat_map(|slot| slot.values.iter().flatten()).max();
    let axis = Axis::up_to(largest.copied().unwrap_or(0));
    let wide = 10_000 / slots.len().max(1) as u64;
    let at = |at: usize, series: usize| {
        let value = slots.get(at)?.values.get(series).copied().flatten()?;
        Some((Share(middle(at, wide)), axis.y(value)))
    };
    framed(
        told,
        &axis,
        slots,
        &label,
        ids,
        &html! {
            @for series in [1, 0] {
                @for slot in 0..slots.len() {
                    @if let (Some((x1, y1)), Some((x2, y2))) = (at(slot, series), at(slot + 1, series)) {
                        line class={ "line s" (series) } x1=(x1) y1=(y1) x2=(x2) y2=(y2) {}
                    }
                }
                @for slot in 0..slots.len() {
                    @if let Some((x, y)) = at(slot, series) { (mark(series, x, y)) }
                }
            }
            @for (slot, told) in slots.iter().enumerate() {
                g.hit {
                    title { (told.story) }
                    rect.area x=(Share(wide * slot as u64)) y=(TOP) width=(Share(wide)) height=(HEIGHT) {}
                }
            }
        },
    )
}

fn mark(series: usize, x: Share, y: u64) -> Markup {
    html! {
        @if series == 0 {
            circle.mark.s0 cx=(x) cy=(y) r="3.5" {}
        } @else {
            svg x=(x) y=(y) overflow="visible" { rect.mark.s1 x="-3" y="-3" width="6" height="6" {} }
        }
    }
}

/// The names of the two series, with what marks them.
pub(super) fn legend(names: [&str; 2]) -> Markup {
    html! {
        p.legend {
            @for (series, name) in names.into_iter().enumerate() {
                span {
                    svg width="28" height="12" aria-hidden="true" {
                        line class={ "line s" (series) } x1="0" y1="6" x2="28" y2="6" {}
                        @if series == 0 {
                            circle.mark.s0 cx="14" cy="6" r="3.5" {}
                        } @else {
                            rect.mark.s1 x="11" y="3" width="6" height="6" {}
                        }
                    }
                    " " (name)
                }
            }
        }
    }
}

/// The vertical axis beside a plot with its grid and the names below.
fn framed(
    told: &Caption<'_>,
    axis: &Axis,
    slots: &[Slot],
    label: &impl Fn(u64) -> String,
    ids: &mut Ids,
    inside: &Markup,
) -> Markup {
    let (title, description) = (ids.next(), ids.next());
    let longest = axis.marks().map(|mark| label(mark).chars().count()).max().unwrap_or(0);
    let gutter = longest * 7 + 8;
    let wide = 10_000 / slots.len().max(1) as u64;
    let every = slots.len().div_ceil(NAMES).max(1);
    html! {
        div.chart {
            svg.axis width=(gutter) height=(FULL) aria-hidden="true" {
                @for mark in axis.marks() {
                    text x=(gutter - 8) y=(axis.y(mark) + 4) text-anchor="end" { (label(mark)) }
                }
            }
            svg.plot width="100%" height=(FULL) role="img"
                aria-labelledby={ (title) " " (description) } {
                title id=(title) { (told.title) }
                desc id=(description) { (told.description) }
                @for mark in axis.marks() {
                    line.grid x1="0" x2="100%" y1=(axis.y(mark)) y2=(axis.y(mark)) {}
                }
                (inside)
                @for (at, slot) in slots.iter().enumerate() {
                    // The last one always has its name.
                    @if (slots.len() - 1 - at).is_multiple_of(every) {
                        text.name x=(Share(middle(at, wide))) y=(BASE + 17) text-anchor="middle" {
                            (slot.name)
                        }
                    }
                }
            }
        }
    }
}

fn middle(at: usize, wide: u64) -> u64 {
    wide * at as u64 + wide / 2
}

/// Above its column, but at either end not out of the chart.
fn peak_place(at: usize, slots: usize, wide: u64) -> (u64, &'static str) {
    match at {
        0 if slots > 4 => (0, "start"),
        at if slots > 4 && at + 1 == slots => (10_000, "end"),
        _ => (middle(at, wide), "middle"),
    }
}

/// A bar that lies, with its name and figure above it.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) figure: String,
    pub(super) value: u64,
    pub(super) story: String,
}

/// Bars below each other, measured against the longest.
pub(super) fn bars(told: &Caption<'_>, bars: &[Bar], ids: &mut Ids) -> Markup {
    const EACH: usize = 40;
    let (title, description) = (ids.next(), ids.next());
    let largest = bars.iter().map(|bar| bar.value).max().unwrap_or(0);
    html! {
        svg.bars width="100%" height=(bars.len() * EACH) role="img"
            aria-labelledby={ (title) " " (description) } {
            title id=(title) { (told.title) }
            desc id=(description) { (told.description) }
            @for (at, bar) in bars.iter().enumerate() {
                @let y = at * EACH;
                g.hit {
                    title { (bar.story) }
                    text.label x="0" y=(y + 14) { (bar.name) }
                    text.figure x="100%" y=(y + 14) text-anchor="end" { (bar.figure) }
                    rect.track x="0" y=(y + 21) width="100%" height="8" rx="4" {}
                    @if bar.value > 0 {
                        rect.bar x="0" y=(y + 21) height="8" rx="4"
                            width=(Share(scaled(bar.value, largest, 10_000).max(80))) {}
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_marks_and_room_for_the_largest() {
        for (largest, top, step) in [
            (0, 1, 1),
            (1, 1, 1),
            (4, 4, 1),
            (5, 6, 2),
            (9, 10, 5),
            (1234, 1500, 500),
            (400_000, 400_000, 100_000),
            (400_001, 600_000, 200_000),
            (u64::MAX, u64::MAX, 5_000_000_000_000_000_000),
        ] {
            assert_eq!(Axis::up_to(largest), Axis { top, step }, "{largest}");
        }
    }

    #[test]
    fn shares_are_exact() {
        assert_eq!(Share(10_000).to_string(), "100.00%");
        assert_eq!(Share(805).to_string(), "8.05%");
        assert_eq!(scaled(1, 3, 10_000), 3333);
        assert_eq!(scaled(u64::MAX, u64::MAX, 150), 150);
        assert_eq!(scaled(1, 0, 150), 0);
    }
}
