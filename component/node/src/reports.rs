//! Exports `reports`.

use std::cell::RefCell;

use refund_core::id::{CustomerId, RefundId};
use refund_core::money::Money;
use refund_core::problem::{FieldProblem, Problems};
use refund_core::reports::{
    self, Approval, ApprovalTimes, Approvals, Charges, ChargesTaken, Figures, Month, Options, Rate,
    RepeatCustomers, Row, Summarizer, Summary,
};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::reports as wit;
use crate::bindings::exports::refund_node::refunds::types;
use crate::types::{
    money, problems, read_money, read_reason, read_refund_status, reason, refund_status,
};

impl wit::Guest for Component {
    type Summarizer = SummarizerResource;

    fn summarize(
        rows: Vec<wit::Row>,
        options: wit::Options,
    ) -> Result<wit::Summary, Vec<types::FieldProblem>> {
        let mut found = Problems::default();
        let options = found.keep_all(read_options(options));
        let rows = found.keep_all(read_rows(rows));
        let (Some(options), Some(rows)) = (options, rows) else { return Err(failed(found)) };
        reports::summarize(&rows, &options).map(summary).map_err(problems)
    }
}

/// A summarizer in the hands of a caller.
pub(crate) struct SummarizerResource(RefCell<Summarizer>);

impl wit::GuestSummarizer for SummarizerResource {
    fn open(options: wit::Options) -> Result<wit::Summarizer, Vec<types::FieldProblem>> {
        let summarizer = read_options(options).and_then(|options| Summarizer::new(&options));
        let summarizer = summarizer.map_err(problems)?;
        Ok(wit::Summarizer::new(Self(RefCell::new(summarizer))))
    }

    fn push(&self, page: Vec<wit::Row>) -> Result<(), Vec<types::FieldProblem>> {
        let page = read_rows(page).map_err(problems)?;
        self.0.borrow_mut().push(&page).map_err(problems)
    }

    fn summary(&self) -> wit::Summary {
        summary(self.0.borrow().summary())
    }
}

fn failed(found: Problems) -> Vec<types::FieldProblem> {
    problems(found.into_result().err().unwrap_or_default())
}

fn read_rows(rows: Vec<wit::Row>) -> Result<Vec<Row>, Vec<FieldProblem>> {
    let mut found = Problems::default();
    let mut read = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let at = |problem: FieldProblem| {
            let field = format!("rows[{index}].{}", problem.field);
            problem.at(field)
        };
        read.extend(found.keep(read_row(row).map_err(at)));
    }
    found.into_result().map(|()| read)
}

fn read_row(row: wit::Row) -> Result<Row, FieldProblem> {
    let Money { amount, currency } = read_money(&row.amount)?;
    let fee_lost = row.fee_lost.as_ref().map(read_money).transpose();
    Ok(Row {
        id: RefundId::from_stripe(row.id),
        amount,
        currency,
        status: read_refund_status(row.status),
        reason: row.reason.map(read_reason),
        product: row.product,
        customer: row.customer.map(CustomerId::from_stripe),
        created: row.created,
        fee_lost: fee_lost.map_err(|problem| problem.at("fee_lost.currency"))?,
        approval: row
            .approval
            .map(|wit::Approval { requested, decided }| Approval { requested, decided }),
    })
}

/// A row that was read.
#[cfg(feature = "http")]
pub(crate) fn row(row: Row) -> wit::Row {
    wit::Row {
        amount: money(Money { amount: row.amount, currency: row.currency }),
        id: row.id.to_string(),
        status: refund_status(row.status),
        reason: row.reason.map(reason),
        product: row.product,
        customer: row.customer.map(|customer| customer.to_string()),
        created: row.created,
        fee_lost: row.fee_lost.map(money),
        approval: row
            .approval
            .map(|Approval { requested, decided }| wit::Approval { requested, decided }),
    }
}

/// A sum that was read.
#[cfg(feature = "http")]
pub(crate) fn charges_taken(taken: &ChargesTaken) -> wit::ChargesTaken {
    wit::ChargesTaken {
        month: taken.month.to_string(),
        count: taken.count,
        amount: money(Money { amount: taken.amount, currency: taken.currency }),
    }
}

fn read_options(options: wit::Options) -> Result<Options, Vec<FieldProblem>> {
    let mut found = Problems::default();
    let mut charges = Vec::with_capacity(options.charges.len());
    for (index, taken) in options.charges.into_iter().enumerate() {
        let at = |problem: FieldProblem| {
            let field = format!("charges[{index}].{}", problem.field);
            problem.at(field)
        };
        charges.extend(found.keep(read_charges(&taken).map_err(at)));
    }
    found.into_result().map(|()| Options {
        utc_offset_minutes: options.utc_offset_minutes,
        charges,
        top_customers: options.top_customers,
    })
}

fn read_charges(taken: &wit::ChargesTaken) -> Result<ChargesTaken, FieldProblem> {
    let Money { amount, currency } = read_money(&taken.amount)?;
    Ok(ChargesTaken { currency, month: Month::parse(&taken.month)?, count: taken.count, amount })
}

fn summary(summary: Summary) -> wit::Summary {
    let by_status = summary.by_status.into_iter().map(|line| wit::StatusLine {
        status: refund_status(line.status),
        count: line.count,
        amount: money(Money { amount: line.amount, currency: line.currency }),
        is_counted: line.is_counted,
    });
    let by_reason = summary.by_reason.into_iter().map(|line| wit::ReasonLine {
        reason: line.reason.map(reason),
        figures: figures(line.figures),
    });
    let by_product = summary
        .by_product
        .into_iter()
        .map(|line| wit::ProductLine { product: line.product, figures: figures(line.figures) });
    let by_month = summary.by_month.into_iter().map(|line| wit::MonthLine {
        month: line.month.to_string(),
        figures: figures(line.figures),
        charges: line.charges.map(charges),
        rate: line.rate.map(rate),
    });
    let totals = summary.totals.into_iter().map(|total| wit::Total {
        figures: figures(total.figures),
        charges: total.charges.map(charges),
        rate: total.rate.map(rate),
    });
    wit::Summary {
        rows: summary.rows,
        first_created: summary.first_created,
        last_created: summary.last_created,
        utc_offset_minutes: summary.utc_offset_minutes,
        totals: totals.collect(),
        by_status: by_status.collect(),
        by_reason: by_reason.collect(),
        by_product: by_product.collect(),
        by_month: by_month.collect(),
        approvals: approvals(summary.approvals),
        repeat_customers: repeat_customers(summary.repeat_customers),
    }
}

fn figures(figures: Figures) -> wit::Figures {
    wit::Figures {
        count: figures.count,
        amount: money(figures.money()),
        fee_lost: figures.fee_lost.into_iter().map(money).collect(),
        fee_unknown: figures.fee_unknown,
    }
}

fn charges(Charges { count, amount }: Charges) -> wit::Charges {
    wit::Charges { count, amount }
}

fn rate(Rate { by_count, by_amount }: Rate) -> wit::Rate {
    wit::Rate { by_count, by_amount }
}

fn approvals(Approvals { decided, waiting, times }: Approvals) -> wit::Approvals {
    let times = times.map(|ApprovalTimes { median, ninetieth, longest, resolution }| {
        wit::ApprovalTimes { median, ninetieth, longest, resolution }
    });
    wit::Approvals { decided, waiting, times }
}

fn repeat_customers(found: RepeatCustomers) -> wit::RepeatCustomers {
    let top = found.top.into_iter().map(|one| wit::RepeatCustomer {
        customer: one.customer.to_string(),
        count: one.count,
        amounts: one.amounts.into_iter().map(money).collect(),
    });
    wit::RepeatCustomers {
        top: top.collect(),
        repeating: found.repeating,
        customers: found.customers,
        untracked: found.untracked,
    }
}
