//! Text for a terminal.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use refund_core::money::Money;
use refund_core::reports::{Charges, Figures, Rate, Summary};

use crate::about::About;
use crate::words::{self, amounts, date, duration, plain, product, reason, status, zone};

/// The whole report.
pub(crate) fn text(summary: &Summary, about: &About) -> String {
    let mut text = heading(summary, about);
    section(&mut text, "Totals", &totals(summary));
    section(&mut text, "By status", &statuses(summary));
    section(&mut text, "By month", &months(summary));
    section(&mut text, "By reason", &reasons(summary));
    section(&mut text, "By product", &products(summary));
    section(&mut text, "Repeat customers", &customers(summary));
    text.push_str(&notes(summary));
    // What keeps a number on one line of a page is a riddle to some terminals.
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn heading(summary: &Summary, about: &About) -> String {
    let title = plain(&about.title);
    let range = summary.first_created.zip(summary.last_created).map_or_else(
        || "no refunds".to_owned(),
        |(first, last)| {
            let offset = summary.utc_offset_minutes;
            format!("{} to {}, {}", date(first, offset), date(last, offset), zone(offset))
        },
    );
    format!("{title}\n{range}\n")
}

fn section(text: &mut String, title: &str, table: &Table) {
    if table.row_count() > 0 {
        text.extend(["\n", title, "\n", &table.to_string(), "\n"]);
    }
}

/// The first column is text, all others are numbers.
fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn fees(figures: &Figures) -> String {
    let sum = amounts(&figures.fee_lost, |fee| fee.to_string());
    match figures.fee_unknown {
        0 => sum,
        unknown if unknown == figures.count => "not known".to_owned(),
        unknown => format!("{sum} ({unknown} not known)"),
    }
}

fn taken(charges: Option<Charges>) -> String {
    charges.map_or_else(|| "–".to_owned(), |charges| charges.count.to_string())
}

fn percent(rate: Option<Rate>, part: impl Fn(Rate) -> u64) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| words::percent(part(rate)))
}

fn totals(summary: &Summary) -> Table {
    let header =
        ["currency", "refunds", "refunded", "fees lost", "charges", "rate by amount", "by count"];
    table(
        header,
        summary.totals.iter().map(|total| {
            let Figures { currency, count, .. } = total.figures;
            [
                currency.to_string(),
                count.to_string(),
                total.figures.money().to_string(),
                fees(&total.figures),
                taken(total.charges),
                percent(total.rate, |rate| rate.by_amount),
                percent(total.rate, |rate| rate.by_count),
            ]
        }),
    )
}

fn statuses(summary: &Summary) -> Table {
    table(
        ["status", "refunds", "amount", "counted"],
        summary.by_status.iter().map(|line| {
            [
                status(line.status.as_ref()),
                line.count.to_string(),
                Money { amount: line.amount, currency: line.currency }.to_string(),
                if line.is_counted { "yes" } else { "no" }.to_owned(),
            ]
        }),
    )
}

fn months(summary: &Summary) -> Table {
    let header =
        ["month", "refunds", "refunded", "fees lost", "charges", "rate by amount", "by count"];
    table(
        header,
        summary.by_month.iter().map(|line| {
            [
                line.month.to_string(),
                line.figures.count.to_string(),
                line.figures.money().to_string(),
                fees(&line.figures),
                taken(line.charges),
                percent(line.rate, |rate| rate.by_amount),
                percent(line.rate, |rate| rate.by_count),
            ]
        }),
    )
}

fn line(name: String, figures: &Figures) -> [String; 4] {
    [name, figures.count.to_string(), figures.money().to_string(), fees(figures)]
}

fn reasons(summary: &Summary) -> Table {
    let rows = summary.by_reason.iter().map(|one| line(reason(one.reason.as_ref()), &one.figures));
    table(["reason", "refunds", "refunded", "fees lost"], rows)
}

fn products(summary: &Summary) -> Table {
    let rows =
        summary.by_product.iter().map(|one| line(product(one.product.as_deref()), &one.figures));
    table(["product", "refunds", "refunded", "fees lost"], rows)
}

fn customers(summary: &Summary) -> Table {
    table(
        ["customer", "refunds", "refunded"],
        summary.repeat_customers.top.iter().map(|one| {
            let sums = amounts(&one.amounts, |sum| sum.to_string());
            [plain(one.customer.as_str()), one.count.to_string(), sums]
        }),
    )
}

fn notes(summary: &Summary) -> String {
    let approvals = &summary.approvals;
    let asked = approvals.decided + approvals.waiting > 0;
    let counts = format!("Approvals: {} decided, {} waiting", approvals.decided, approvals.waiting);
    let times = approvals.times.map_or_else(String::new, |times| {
        format!(
            "; median {}, 90th percentile {}, longest {}",
            duration(times.median),
            duration(times.ninetieth),
            duration(times.longest),
        )
    });
    let approvals = asked.then(|| format!("{counts}{times}."));
    let notes = [approvals, words::cut(summary)];
    notes.into_iter().flatten().flat_map(|note| ["\n".to_owned(), note, "\n".to_owned()]).collect()
}
