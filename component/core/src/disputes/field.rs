//! The fields of evidence.

/// A closed list of names.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($case:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $case,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

            /// Stripe's name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text),+ }
            }
        }
    };
}

names! {
    /// A field that holds text.
    TextField {
        AccessActivityLog = "access_activity_log",
        BillingAddress = "billing_address",
        CancellationPolicyDisclosure = "cancellation_policy_disclosure",
        CancellationRebuttal = "cancellation_rebuttal",
        CustomerEmailAddress = "customer_email_address",
        CustomerName = "customer_name",
        CustomerPurchaseIp = "customer_purchase_ip",
        DuplicateChargeExplanation = "duplicate_charge_explanation",
        DuplicateChargeId = "duplicate_charge_id",
        ProductDescription = "product_description",
        RefundPolicyDisclosure = "refund_policy_disclosure",
        RefundRefusalExplanation = "refund_refusal_explanation",
        ServiceDate = "service_date",
        ShippingAddress = "shipping_address",
        ShippingCarrier = "shipping_carrier",
        ShippingDate = "shipping_date",
        ShippingTrackingNumber = "shipping_tracking_number",
        UncategorizedText = "uncategorized_text",
    }
}

names! {
    /// A field that holds the id of a file, uploaded before.
    FileField {
        CancellationPolicy = "cancellation_policy",
        CustomerCommunication = "customer_communication",
        CustomerSignature = "customer_signature",
        DuplicateChargeDocumentation = "duplicate_charge_documentation",
        Receipt = "receipt",
        RefundPolicy = "refund_policy",
        ServiceDocumentation = "service_documentation",
        ShippingDocumentation = "shipping_documentation",
        UncategorizedFile = "uncategorized_file",
    }
}

impl TextField {
    /// Whether it has a limit of its own.
    pub fn is_limited(self) -> bool {
        matches!(
            self,
            Self::AccessActivityLog
                | Self::CancellationPolicyDisclosure
                | Self::CancellationRebuttal
                | Self::DuplicateChargeExplanation
                | Self::ProductDescription
                | Self::RefundPolicyDisclosure
                | Self::RefundRefusalExplanation
                | Self::UncategorizedText
        )
    }
}

/// A field of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceField {
    /// Holds text.
    Text(TextField),
    /// Holds the id of a file.
    File(FileField),
}

impl EvidenceField {
    /// The field of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let text = TextField::ALL.iter().find(|field| field.as_str() == name).copied();
        let file = || FileField::ALL.iter().find(|field| field.as_str() == name).copied();
        text.map(Self::Text).or_else(|| file().map(Self::File))
    }

    /// Stripe's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text(field) => field.as_str(),
            Self::File(field) => field.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_the_reference_has_them() {
        assert_eq!((TextField::ALL.len(), FileField::ALL.len()), (18, 9));
        assert_eq!(TextField::ALL.iter().filter(|field| field.is_limited()).count(), 8);
        let texts = TextField::ALL.iter().map(|field| EvidenceField::Text(*field));
        for field in texts.chain(FileField::ALL.iter().map(|field| EvidenceField::File(*field))) {
            assert_eq!(EvidenceField::parse(field.as_str()), Some(field));
        }
    }
}
