//! Whether two rules may both speak of one payment.

use super::document::When;

impl When {
    /// Whether there can be a payment that both speak of: no condition tells them apart.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        !apart(&self.payment_method, &other.payment_method)
            && !apart(&self.product, &other.product)
            && !apart(&self.currency, &other.currency)
            && !self.metadata.iter().any(|(key, values)| {
                other.metadata.get(key).is_some_and(|others| apart(values, others))
            })
    }

    /// It speaks of every payment.
    pub(super) fn is_everything(&self) -> bool {
        self.payment_method.is_empty()
            && self.product.is_empty()
            && self.currency.is_empty()
            && self.metadata.is_empty()
    }
}

/// No value is in both lists; an empty list stands for every value.
fn apart<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    !one.is_empty() && !other.is_empty() && !one.iter().any(|value| other.contains(value))
}
