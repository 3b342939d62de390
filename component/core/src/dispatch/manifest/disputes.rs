//! The operations on disputes.

use schemars::SchemaGenerator;

use super::{Effect, Operation};
use crate::client::disputes::{DisputeChanged, DisputePage, DisputeReport};
use crate::dispatch::disputes as inputs;
use crate::model::UploadedFile;

const ICON: &str = "M12 3v18M5 21h14M4 14l3-8 3 8zM14 14l3-8 3 8z";

pub(super) fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    vec![
        Operation {
            name: "disputes.retrieve",
            title: "Get a dispute",
            description: "Reads one dispute with the evidence as staged, and says whether it can be answered and until when.",
            icon: ICON,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::OneDispute>(),
            output: schemas.subschema_for::<DisputeReport>(),
        },
        Operation {
            name: "disputes.list",
            title: "List disputes",
            description: "Reads disputes and orders them by what is due when, with the seconds that are left.",
            icon: ICON,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::ListDisputes>(),
            output: schemas.subschema_for::<DisputePage>(),
        },
        Operation {
            name: "disputes.stage-evidence",
            title: "Stage evidence",
            description: "Sets fields of a dispute's evidence. Stripe keeps them; the bank sees nothing before `disputes.submit`.",
            icon: ICON,
            effect: Effect::Writes,
            input: schemas.subschema_for::<inputs::StageEvidence>(),
            output: schemas.subschema_for::<DisputeChanged>(),
        },
        Operation {
            name: "disputes.submit",
            title: "Submit evidence",
            description: "Sends the evidence of a dispute to the bank. Cannot be undone: it is possible once, and nothing can be changed or added afterwards.",
            icon: ICON,
            effect: Effect::Writes,
            input: schemas.subschema_for::<inputs::SubmitEvidence>(),
            output: schemas.subschema_for::<DisputeChanged>(),
        },
        Operation {
            name: "disputes.close",
            title: "Close a dispute",
            description: "Accepts the loss of a dispute. Cannot be undone: the money is lost for good. The confirmation must name dispute, amount and currency as Stripe holds them.",
            icon: ICON,
            effect: Effect::Writes,
            input: schemas.subschema_for::<inputs::CloseDispute>(),
            output: schemas.subschema_for::<DisputeChanged>(),
        },
        Operation {
            name: "disputes.upload-file",
            title: "Upload a file of evidence",
            description: "Uploads a PDF, JPEG or PNG file of at most 5 MiB. Its id is then staged in a file field of the evidence.",
            icon: ICON,
            effect: Effect::Writes,
            input: schemas.subschema_for::<inputs::UploadFile>(),
            output: schemas.subschema_for::<UploadedFile>(),
        },
    ]
}
